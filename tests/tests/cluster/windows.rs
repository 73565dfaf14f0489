use bytes::Bytes;
use palm_highlevel::{Client, Config, Running, standalone};
use std::time::Duration;
use tests::cluster::Cluster;
use tests::work::{Offer, encoded, square};

/// Room for a handful of messages.
fn tiny(cluster: &Cluster) -> Config {
    Config {
        window_messages: 4,
        window_bytes: 1_000,
        ..cluster.config()
    }
}

/// A serial server, and a parallel one with two workers, all with the same settings; each is
/// called `server`.
fn servers(cluster: &Cluster, config: &Config) -> [Vec<Running>; 2] {
    let serial = standalone::Server::new("server").offer_all();
    let serial = serial.config(config.clone()).bind(&cluster.endpoint());
    let master = standalone::Master::new("server").config(config.clone());
    let mut parallel = vec![master.bind(&cluster.endpoint()).unwrap()];
    for name in ["one", "two"] {
        let worker = standalone::Worker::new(name).offer_all();
        let worker = worker.config(config.clone());
        parallel.push(worker.connect(parallel[0].address()).unwrap());
    }
    [vec![serial.unwrap()], parallel]
}

/// Bytes that differ from one message to another.
fn filled(index: u64, size: usize) -> Bytes {
    vec![index as u8; size].into()
}

#[test]
fn submitting_waits_for_room_and_never_for_itself() {
    Cluster::on_each(|cluster| {
        for server in servers(cluster, &tiny(cluster)) {
            let client = Client::start(server[0].address(), None, tiny(cluster)).unwrap();
            let mut job = client.job("server.square").unwrap();
            // Far more than the windows and all queues between hold, and nobody reads meanwhile.
            for number in 0..6_000u64 {
                job.submit(encoded(&number)).unwrap();
            }
            cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
        }
    });
}

#[test]
fn a_message_may_be_larger_than_the_window() {
    Cluster::on_each(|cluster| {
        for server in servers(cluster, &tiny(cluster)) {
            let client = Client::start(server[0].address(), None, tiny(cluster)).unwrap();
            let mut job = client.job("server.echo").unwrap();
            for index in 0..300 {
                job.submit(filled(index, 3_000)).unwrap();
            }
            cluster.check(job, Vec::new(), |index| Ok(filled(index, 3_000)));
        }
    });
}

#[test]
fn small_and_large_messages_share_a_window() {
    let size = |index: u64| [10, 400, 700, 1_000, 40_000, 0][index as usize % 6];
    Cluster::on_each(|cluster| {
        for server in servers(cluster, &tiny(cluster)) {
            let client = Client::start(server[0].address(), None, tiny(cluster)).unwrap();
            let mut job = client.job("server.echo").unwrap();
            for index in 0..600 {
                job.submit(filled(index, size(index))).unwrap();
            }
            cluster.check(job, Vec::new(), |index| Ok(filled(index, size(index))));
        }
    });
}

#[test]
fn a_stream_of_large_messages_goes_on_through_a_full_window() {
    Cluster::on_each(|cluster| {
        for server in servers(cluster, &cluster.config()) {
            let client = cluster.client(server[0].address());
            let mut job = client.job("server.echo").unwrap();
            // Nine times what a window holds by default.
            let payloads: Vec<Bytes> = (0..3).map(|index| filled(index, 1 << 20)).collect();
            let mut taken = Vec::new();
            for index in 0..576 {
                job.submit(payloads[index % 3].clone()).unwrap();
                taken.extend(std::iter::from_fn(|| job.try_next()).map(|e| (e.index, e.result)));
            }
            cluster.check(job, taken, |index| Ok(payloads[index as usize % 3].clone()));
        }
    });
}

#[test]
fn an_application_that_does_not_read_holds_up_nobody_else() {
    Cluster::on_each(|cluster| {
        for server in servers(cluster, &tiny(cluster)) {
            let idle = Client::start(server[0].address(), None, tiny(cluster)).unwrap();
            let mut unread = idle.job("server.square").unwrap();
            for number in 0..1_000u64 {
                unread.submit(encoded(&number)).unwrap();
            }
            let busy = Client::start(server[0].address(), None, tiny(cluster)).unwrap();
            let mut job = busy.job("server.square").unwrap();
            for number in 0..2_000u64 {
                job.submit(encoded(&number)).unwrap();
            }
            cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
            cluster.check(unread, Vec::new(), |index| Ok(encoded(&square(index))));
        }
    });
}

#[test]
fn a_job_that_is_given_up_releases_what_it_held() {
    Cluster::on_each(|cluster| {
        for server in servers(cluster, &tiny(cluster)) {
            let client = Client::start(server[0].address(), None, tiny(cluster)).unwrap();
            for read in [0, 3, 50] {
                let mut job = client.job("server.square").unwrap();
                for number in 0..1_000u64 {
                    job.submit(encoded(&number)).unwrap();
                }
                cluster.take(&mut job, read);
            }
            assert_eq!(client.call("server.echo", "next").unwrap(), "next");
        }
    });
}

#[test]
fn a_job_is_given_up_at_once_though_nobody_serves_it() {
    Cluster::on_each(|cluster| {
        let nobody = cluster.nobodys();
        let client = Client::start(&nobody, None, tiny(cluster)).unwrap();
        let mut job = client.job("server.square").unwrap();
        // As many as can be submitted without waiting for the server.
        for number in 0..4_100u64 {
            job.submit(encoded(&number)).unwrap();
        }
        drop(job);
        let timeout = Duration::from_millis(1);
        assert_eq!(client.call_timeout("server.echo", "x", timeout), Ok(None));
        assert_eq!(client.call_timeout("server.echo", "x", timeout), Ok(None));
    });
}
