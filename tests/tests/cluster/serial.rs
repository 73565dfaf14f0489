use palm_core::wire::OWN_FRAME;
use palm_highlevel::{Call, Client, Failure, Running, standalone};
use tests::cluster::{Cluster, end};
use tests::work::{Offer, encoded, square};

fn server(cluster: &Cluster) -> Running {
    let server = standalone::Server::new("server").offer_all();
    let server = server.config(cluster.config()).bind(&cluster.endpoint());
    server.unwrap()
}

#[test]
fn a_call_gives_back_what_the_function_gives() {
    Cluster::on_each(|cluster| {
        let server = server(cluster);
        let client = cluster.client(server.address());
        assert_eq!(client.call("server.echo", "palm").unwrap(), "palm");
        // The name of the server may be left out: the client knows whom it asks.
        assert_eq!(client.call("echo", "alone").unwrap(), "alone");
        assert_eq!(
            client.call_typed::<_, u64>("server.square", &12u64),
            Ok(144)
        );
    });
}

#[test]
fn every_message_of_a_job_ends_once() {
    Cluster::on_each(|cluster| {
        let server = server(cluster);
        let client = cluster.client(server.address());
        let mut job = client.job("server.square").unwrap();
        for number in 0..10_000u64 {
            assert_eq!(job.submit(encoded(&number)).unwrap(), number);
        }
        assert_eq!(job.unfinished(), 10_000);
        cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
    });
}

#[test]
fn several_threads_serve_a_job_as_well() {
    Cluster::on_each(|cluster| {
        let server = standalone::Server::new("server").offer_all().threads(3);
        let server = server.config(cluster.config()).bind(&cluster.endpoint());
        let server = server.unwrap();
        let client = cluster.client(server.address());
        let mut job = client.job("server.square").unwrap();
        for number in 0..5_000u64 {
            job.submit(encoded(&number)).unwrap();
        }
        cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
    });
}

#[test]
fn one_thread_takes_messages_in_order() {
    Cluster::on_each(|cluster| {
        let seen = std::sync::Mutex::new(Vec::new());
        let note = move |call: &Call| {
            let mut seen = seen.lock().unwrap();
            seen.push(call.payload().clone());
            Ok::<_, Failure>(encoded(&seen.len()))
        };
        let server = standalone::Server::new("server").function("note", note);
        let server = server.config(cluster.config()).bind(&cluster.endpoint());
        let server = server.unwrap();
        let client = cluster.client(server.address());
        let mut job = client.job("server.note").unwrap();
        for number in 0..3_000u64 {
            job.submit(encoded(&number)).unwrap();
        }
        cluster.check(job, Vec::new(), |index| Ok(encoded(&(index + 1))));
    });
}

#[test]
fn payloads_of_all_sizes_come_back_as_they_were() {
    Cluster::on_each(|cluster| {
        let server = server(cluster);
        let client = cluster.client(server.address());
        let sizes = [
            0,
            1,
            OWN_FRAME - 1,
            OWN_FRAME,
            OWN_FRAME + 1,
            (1 << 20) - 1,
            7 << 20,
            0,
        ];
        let payload = |size: usize| -> bytes::Bytes {
            let bytes = (0..size).map(|at| (at * 31 + at / 251 + size) as u8);
            bytes.collect::<Vec<_>>().into()
        };
        for size in sizes {
            let back = client.call("server.echo", payload(size)).unwrap();
            assert!(back == payload(size), "{size} bytes, alone");
        }
        // One after another in a job, so that small and large ones share lanes.
        let mut job = client.job("server.echo").unwrap();
        for size in sizes {
            job.submit(payload(size)).unwrap();
        }
        for (index, result) in cluster.take(&mut job, sizes.len() as u64) {
            let size = sizes[index as usize];
            assert!(result.unwrap() == payload(size), "{size} bytes, in a job");
        }
    });
}

#[test]
fn threads_share_a_client() {
    Cluster::on_each(|cluster| {
        let server = server(cluster);
        let client = cluster.client(server.address());
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let client = &client;
                scope.spawn(move || {
                    for number in thread * 1_000..thread * 1_000 + 200 {
                        let result = client.call_typed::<_, u64>("server.square", &number);
                        assert_eq!(result, Ok(square(number)));
                    }
                });
            }
        });
    });
}

#[test]
fn a_client_that_starts_before_its_server_waits_for_it() {
    Cluster::on_each(|cluster| {
        let address = cluster.nobodys();
        let client = cluster.client(&address);
        let mut job = client.job("server.square").unwrap();
        for number in 0..1_000u64 {
            job.submit(encoded(&number)).unwrap();
        }
        assert!(job.try_next().is_none());
        let server = standalone::Server::new("server").offer_all();
        let _server = server.config(cluster.config()).bind(&address).unwrap();
        cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
    });
}

#[test]
fn a_call_with_a_timeout_gives_up() {
    Cluster::on_each(|cluster| {
        let client = cluster.client(&cluster.nobodys());
        let timeout = std::time::Duration::from_millis(1);
        assert_eq!(client.call_timeout("server.echo", "x", timeout), Ok(None));
    });
}

#[test]
fn counts_say_what_a_server_did() {
    Cluster::on_each(|cluster| {
        let server = server(cluster);
        let client = cluster.client(server.address());
        for _ in 0..5 {
            client.call("server.echo", "x").unwrap();
        }
        client.call("server.nothing", "x").unwrap_err();
        drop(client);
        let counts = end(server);
        assert_eq!(
            (counts.received, counts.succeeded, counts.failed),
            (6, 5, 1)
        );
        assert_eq!((counts.unfinished, counts.bad_frames), (0, 0));
    });
}

#[test]
fn a_client_is_not_bound_to_one_thread() {
    fn shared<T: Send + Sync>() {}
    shared::<Client>();
}
