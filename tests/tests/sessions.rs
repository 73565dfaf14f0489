//! Clients that come back under the name of their session.

use palm_core::wire::MAX_PAYLOAD;
use palm_highlevel::{Call, Client, Config, Failure, FailureKind, Running, standalone};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use tests::cluster::Cluster;

fn session(cluster: &Cluster, name: &str, address: &str) -> Client {
    let config = Config {
        session: Some(name.into()),
        ..cluster.config()
    };
    Client::start(address, None, config).unwrap()
}

/// A master with one worker that echoes, and counts how often.
fn counting(cluster: &Cluster, config: Config) -> (Running, Running, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let master = standalone::Master::new("m").config(config);
    let master = master.bind(&cluster.endpoint()).unwrap();
    let worker = standalone::Worker::new("w").config(cluster.config());
    let worker = worker.function("echo", move |call: &Call| {
        counted.fetch_add(1, SeqCst);
        Ok::<_, Failure>(call.payload().clone())
    });
    let worker = worker.connect(master.address()).unwrap();
    (master, worker, calls)
}

#[test]
fn a_session_takes_up_its_job_and_nothing_is_executed_twice() {
    Cluster::on_each(|cluster| {
        let (master, worker, calls) = counting(cluster, cluster.config());
        let mut taken = BTreeMap::new();
        let first = session(cluster, "night", master.address());
        let mut job = first.resume("book", "m.echo").unwrap();
        for index in 0..100 {
            job.submit_at(index, index.to_string()).unwrap();
        }
        for ending in job.by_ref().take(30) {
            taken.insert(ending.index, ending.result.unwrap());
        }
        drop((job, first));
        cluster.until("all are executed", || {
            (calls.load(SeqCst) == 100).then_some(())
        });

        let second = session(cluster, "night", master.address());
        let mut job = second.resume("book", "m.echo").unwrap();
        for index in 0..110 {
            if !taken.contains_key(&index) {
                job.submit_at(index, index.to_string()).unwrap();
            }
        }
        for ending in job.by_ref() {
            let before = taken.insert(ending.index, ending.result.unwrap());
            // What the first had taken and the server had not heard of comes again.
            assert!(before.is_none() || ending.index < 100);
        }
        let expected = (0..110).map(|index: u64| (index, index.to_string().into()));
        assert_eq!(taken, expected.collect());
        assert_eq!(calls.load(SeqCst), 110, "each was executed once");
        drop(worker);
    });
}

#[test]
fn a_client_takes_up_its_own_job_again_and_goes_on() {
    Cluster::on_each(|cluster| {
        let (master, worker, calls) = counting(cluster, cluster.config());
        let client = session(cluster, "night", master.address());
        let mut taken = BTreeMap::new();
        let mut job = client.resume("book", "m.echo").unwrap();
        for round in 1..=5 {
            for index in 0..round * 20 {
                if !taken.contains_key(&index) {
                    job.submit_at(index, index.to_string()).unwrap();
                }
            }
            for (index, result) in cluster.take(&mut job, 10) {
                assert!(taken.insert(index, result.unwrap()).is_none());
            }
            // The new one is there before the old one is gone.
            job = client.resume("book", "m.echo").unwrap();
        }
        for (index, result) in cluster.take(&mut job, 50) {
            assert!(taken.insert(index, result.unwrap()).is_none());
        }
        let expected = (0..100).map(|index: u64| (index, index.to_string().into()));
        assert_eq!(taken, expected.collect());
        assert_eq!(calls.load(SeqCst), 100, "each was executed once");
        drop(worker);
    });
}

#[test]
fn who_takes_up_a_job_may_cancel_what_an_earlier_process_has_submitted() {
    Cluster::on_each(|cluster| {
        // There is no worker that could execute them.
        let master = standalone::Master::new("m").config(cluster.config());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let first = session(cluster, "night", master.address());
        let mut job = first.resume("book", "m.echo").unwrap();
        for index in 0..10 {
            job.submit_at(index, "long").unwrap();
        }
        cluster.until("all are there", || {
            (master.counts().unfinished == 10).then_some(())
        });
        drop((job, first));

        let second = session(cluster, "night", master.address());
        let mut job = second.resume("book", "m.echo").unwrap();
        job.cancel();
        job.submit_at(10, "later").unwrap();
        for (index, result) in cluster.take(&mut job, 10) {
            assert!(index < 10, "it was submitted later");
            assert_eq!(result.unwrap_err().kind, FailureKind::Cancelled);
        }
        assert_eq!(job.unfinished(), 1);
    });
}

#[test]
fn a_job_that_was_taken_up_numbers_its_messages_if_it_is_to() {
    Cluster::on_each(|cluster| {
        let (master, worker, _) = counting(cluster, cluster.config());
        let client = session(cluster, "night", master.address());
        let mut job = client.resume("book", "m.echo").unwrap();
        job.submit_at(1, "b").unwrap();
        assert_eq!(job.submit("a").unwrap(), 0);
        assert_eq!(job.submit("c").unwrap(), 2);
        let endings: BTreeMap<_, _> = cluster.take(&mut job, 3).into_iter().collect();
        let expected = [
            (0, Ok("a".into())),
            (1, Ok("b".into())),
            (2, Ok("c".into())),
        ];
        assert_eq!(endings, expected.into());
        assert_eq!(job.unfinished(), 0);
        assert!(job.next().is_none());
        drop(worker);
    });
}

#[test]
fn what_was_too_large_may_be_submitted_again_under_its_index() {
    Cluster::on_each(|cluster| {
        let (master, worker, _) = counting(cluster, cluster.config());
        let client = session(cluster, "night", master.address());
        let mut job = client.resume("book", "m.echo").unwrap();
        let failure = job.submit_at(7, vec![0; MAX_PAYLOAD + 1]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert_eq!(job.unfinished(), 0);
        job.submit_at(7, "x").unwrap();
        assert_eq!(cluster.take(&mut job, 1), [(7, Ok("x".into()))]);
        assert_eq!(job.unfinished(), 0);
        drop(worker);
    });
}

#[test]
fn a_job_that_was_taken_up_ends_with_its_client() {
    Cluster::on_each(|cluster| {
        let client = session(cluster, "night", &cluster.nobodys());
        let mut job = client.resume("book", "m.echo").unwrap();
        job.submit_at(3, "x").unwrap();
        job.submit_at(5, "x").unwrap();
        drop(client);
        let ended = cluster.take(&mut job, 2);
        assert_eq!([ended[0].0, ended[1].0], [3, 5]);
        assert!(job.next_timeout(cluster.time_left()).is_none());
    });
}

#[test]
fn of_two_live_clients_with_one_session_the_second_is_refused() {
    Cluster::on_each(|cluster| {
        let (master, worker, _) = counting(cluster, cluster.config());
        let first = session(cluster, "night", master.address());
        assert_eq!(first.call("m.echo", "a").unwrap(), "a");
        let second = session(cluster, "night", master.address());
        let failure = second.call("m.echo", "b").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(
            failure.to_string(),
            "another live process is called night: give each its own name"
        );
        assert_eq!(first.call("m.echo", "c").unwrap(), "c");
        drop(worker);
    });
}

#[test]
fn what_nobody_fetches_is_forgotten_after_its_retention() {
    Cluster::on_each(|cluster| {
        let config = Config {
            retention: Duration::from_millis(300),
            ..cluster.config()
        };
        let (master, worker, calls) = counting(cluster, config);
        let first = session(cluster, "night", master.address());
        let mut job = first.resume("book", "m.echo").unwrap();
        job.submit_at(0, "x").unwrap();
        cluster.until("it is executed", || (calls.load(SeqCst) == 1).then_some(()));
        drop((job, first));

        // Once its ending is forgotten, the message is a new one.
        cluster.until("it is executed again", || {
            let again = session(cluster, "night", master.address());
            let mut job = again.resume("book", "m.echo").unwrap();
            std::thread::park_timeout(Duration::from_millis(400));
            drop((job.next_timeout(Duration::ZERO), job));
            drop(again);
            let late = session(cluster, "night", master.address());
            let mut job = late.resume("book", "m.echo").unwrap();
            job.submit_at(0, "x").unwrap();
            assert_eq!(job.next().unwrap().result.unwrap(), "x");
            (calls.load(SeqCst) == 2).then_some(())
        });
        drop(worker);
    });
}

#[test]
fn what_was_never_executed_is_a_new_message_after_the_retention() {
    Cluster::on_each(|cluster| {
        let config = Config {
            retention: Duration::from_millis(100),
            ..cluster.config()
        };
        let master = standalone::Master::new("m").config(config);
        let master = master.bind(&cluster.endpoint()).unwrap();
        let first = session(cluster, "night", master.address());
        let mut job = first.resume("book", "m.echo").unwrap();
        job.submit_at(0, "x").unwrap();
        cluster.until("it waits for a worker", || {
            (master.counts().received == 1).then_some(())
        });
        drop((job, first));
        cluster.until("it is given up", || {
            (master.counts().unfinished == 0).then_some(())
        });

        let worker = standalone::Worker::new("w").config(cluster.config());
        let worker = worker.function("echo", |call: &Call| {
            Ok::<_, Failure>(call.payload().clone())
        });
        let worker = worker.connect(master.address()).unwrap();
        let second = session(cluster, "night", master.address());
        let mut job = second.resume("book", "m.echo").unwrap();
        job.submit_at(0, "x").unwrap();
        let ending = job.next_timeout(cluster.time_left()).unwrap();
        assert_eq!(ending.result.unwrap(), "x");
        drop(worker);
    });
}

#[test]
fn a_job_can_only_be_taken_up_in_a_session() {
    Cluster::on_each(|cluster| {
        let client = cluster.client(&cluster.nobodys());
        let failure = client.resume("book", "m.echo").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unknown);
        assert!(failure.message.contains("no session"), "{failure}");
    });
}
