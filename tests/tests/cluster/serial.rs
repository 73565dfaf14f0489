use palm_core::wire::OWN_FRAME;
use palm_highlevel::{Call, Client, Failure, FailureKind, Running, standalone};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::cluster::{Cluster, end};
use tests::gate::Gate;
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
        let seen = Mutex::new(Vec::new());
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

/// Says on which thread it runs.
fn quick(_: &Call) -> Result<String, Failure> {
    Ok(this_thread())
}

fn this_thread() -> String {
    format!("{:?}", std::thread::current().id())
}

/// Calls `server.quick` until `is_meant` is true of the thread that executes it, which is given back.
fn until_executed_by(
    cluster: &Cluster,
    client: &Client,
    is_meant: impl Fn(&[u8]) -> bool,
) -> bytes::Bytes {
    cluster.until("the thread that is meant executes what is brief", || {
        let thread = client.call("server.quick", "").unwrap();
        is_meant(&thread).then_some(thread)
    })
}

#[test]
fn a_function_that_takes_long_for_once_is_still_told_what_happens() {
    Cluster::on_each(|cluster| {
        let begun = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::new(AtomicU64::new(0));
        let wait = {
            let (begun, told) = (begun.clone(), told.clone());
            move |call: &Call| {
                begun.lock().unwrap().push(this_thread());
                while !call.is_cancelled() {
                    std::thread::yield_now();
                }
                told.fetch_add(1, SeqCst);
                Ok::<_, Failure>("")
            }
        };
        let server = standalone::Server::new("server")
            .function("quick", quick)
            .function("wait", wait);
        let server = server.config(cluster.config()).bind(&cluster.endpoint());
        let server = server.unwrap();
        let client = cluster.client(server.address());
        // It is not known yet how brief it is: the thread that follows executes it.
        let mut follows = client.call("server.quick", "").unwrap();
        for round in 1..=3 {
            until_executed_by(cluster, &client, |thread| thread != follows);
            let mut job = client.job("server.wait").unwrap();
            job.submit("").unwrap();
            // Mostly the thread that leads has it, and follows from then on.
            follows = cluster.until("the function has begun", || {
                let begun = begun.lock().unwrap();
                let is_new = begun.len() as u64 == round;
                is_new.then(|| begun.last().cloned().unwrap_or_default().into())
            });
            job.cancel();
            let (_, result) = cluster.take(&mut job, 1).remove(0);
            assert_eq!(result.unwrap_err().kind, FailureKind::Cancelled);
            let is_told = || (told.load(SeqCst) == round).then_some(());
            cluster.until("the function is told", is_told);
        }
        assert_eq!(end(server).unfinished, 0);
    });
}

#[test]
fn a_function_that_hangs_for_once_keeps_nobody_else_waiting() {
    Cluster::on_each(|cluster| {
        let (gate, hung) = (Gate::default(), Arc::new(Mutex::new(String::new())));
        let hang = {
            let (gate, hung) = (gate.clone(), hung.clone());
            move |_: &Call| {
                *hung.lock().unwrap() = this_thread();
                gate.pass();
                Ok::<_, Failure>("")
            }
        };
        // Whoever hung is back while this runs, which takes less time than to take the lead.
        let release = {
            let gate = gate.clone();
            move |_: &Call| {
                gate.open();
                std::thread::sleep(Duration::from_millis(5));
                Ok::<_, Failure>("")
            }
        };
        let server = standalone::Server::new("server")
            .function("quick", quick)
            .function("hang", hang)
            .function("release", release)
            .lease("hang", Duration::from_millis(100));
        let server = server.config(cluster.config()).bind(&cluster.endpoint());
        let server = server.unwrap();
        let client = cluster.client(server.address());
        let follows = client.call("server.quick", "").unwrap();
        let leads = until_executed_by(cluster, &client, |thread| thread != follows);
        let mut job = client.job("server.hang").unwrap();
        job.submit("").unwrap();
        cluster.until("it hangs", || (gate.waiting() == 1).then_some(()));
        let (_, result) = cluster.take(&mut job, 1).remove(0);
        assert_eq!(result.unwrap_err().kind, FailureKind::Lease);
        // Mostly it was the thread that led: then the one that followed leads. A third one follows.
        let leads = match leads == hung.lock().unwrap().as_str() {
            true => follows,
            false => leads,
        };
        until_executed_by(cluster, &client, |thread| thread == leads);
        client.call("server.release", "").unwrap();
        let mut job = client.job("server.quick").unwrap();
        for _ in 0..3_000 {
            job.submit("").unwrap();
        }
        assert_eq!(cluster.take(&mut job, 3_000).len(), 3_000);
        assert_eq!(end(server).unfinished, 0);
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
        let timeout = Duration::from_millis(1);
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
