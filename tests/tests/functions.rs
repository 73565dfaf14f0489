//! What becomes of functions that fail, take long or hang, and of messages that nobody waits for
//! any more.

use palm_highlevel::{Call, Client, Config, Failure, FailureKind, Retry, Running, standalone};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;
use tests::cluster::Cluster;

/// A function that runs until it is told that nobody waits for it, and counts when it is.
fn patient(
    started: mpsc::Sender<()>,
    told: Arc<AtomicUsize>,
) -> impl Fn(&Call) -> Result<&'static str, Failure> {
    move |call: &Call| {
        started.send(()).map_err(|error| error.to_string())?;
        while !call.is_cancelled() {
            std::thread::yield_now();
        }
        told.fetch_add(1, SeqCst);
        Ok("too late")
    }
}

#[test]
fn a_cancelled_job_ends_at_once_and_its_function_is_told() {
    Cluster::on_each(|cluster| {
        let (started, starts) = mpsc::channel();
        let told = Arc::new(AtomicUsize::new(0));
        let master = standalone::Master::new("m").config(cluster.config());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let worker = standalone::Worker::new("w").config(cluster.config());
        let worker = worker.function("wait", patient(started, told.clone()));
        let worker = worker.connect(master.address()).unwrap();
        let client = cluster.client(master.address());

        let mut job = client.job("m.wait").unwrap();
        for _ in 0..100 {
            job.submit("x").unwrap();
        }
        starts.recv_timeout(cluster.time_left()).unwrap();
        job.cancel();
        let endings: Vec<_> = job.by_ref().collect();
        assert_eq!(endings.len(), 100);
        for ending in endings {
            assert_eq!(ending.result.unwrap_err().kind, FailureKind::Cancelled);
        }
        cluster.until("the function is told", || {
            (told.load(SeqCst) == 1).then_some(())
        });
        assert_eq!(starts.try_iter().count(), 0, "only one of them ran");
        drop((worker, client));
    });
}

#[test]
fn what_a_thread_was_handed_does_not_begin_once_it_is_cancelled() {
    Cluster::on_each(|cluster| {
        let (started, starts) = mpsc::channel();
        let told = Arc::new(AtomicUsize::new(0));
        let server = standalone::Server::new("s").config(cluster.config());
        let server = server.function("wait", patient(started, told.clone()));
        let server = server.function("echo", |call: &Call| {
            Ok::<_, Failure>(call.payload().clone())
        });
        let server = server.bind(&cluster.endpoint()).unwrap();
        let client = cluster.client(server.address());

        let mut job = client.job("s.wait").unwrap();
        for _ in 0..2 {
            job.submit("x").unwrap();
        }
        starts.recv_timeout(cluster.time_left()).unwrap();
        job.cancel();
        for ending in job.by_ref() {
            assert_eq!(ending.result.unwrap_err().kind, FailureKind::Cancelled);
        }
        let answer = client.call_timeout("s.echo", "y", cluster.time_left() / 2);
        assert_eq!(answer.unwrap().unwrap(), "y");
        assert_eq!(told.load(SeqCst), 1);
        assert_eq!(starts.try_iter().count(), 0, "only one of them ran");
    });
}

#[test]
fn a_call_that_is_given_up_is_cancelled_and_others_are_not() {
    Cluster::on_each(|cluster| {
        let (started, _starts) = mpsc::channel();
        let told = Arc::new(AtomicUsize::new(0));
        let server = standalone::Server::new("s")
            .config(cluster.config())
            .threads(2);
        let server = server.function("wait", patient(started, told.clone()));
        let server = server.function("echo", |call: &Call| {
            Ok::<_, Failure>(call.payload().clone())
        });
        let server = server.bind(&cluster.endpoint()).unwrap();
        let client = cluster.client(server.address());

        let given_up = client.call_timeout("s.wait", "x", Duration::from_millis(20));
        assert_eq!(given_up.unwrap(), None);
        cluster.until("the function is told", || {
            (told.load(SeqCst) == 1).then_some(())
        });
        assert_eq!(client.call("s.echo", "y").unwrap(), "y");
    });
}

#[test]
fn a_message_expires_while_it_runs_and_while_it_waits() {
    Cluster::on_each(|cluster| {
        let (started, starts) = mpsc::channel();
        let told = Arc::new(AtomicUsize::new(0));
        let master = standalone::Master::new("m").config(cluster.config());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let worker = standalone::Worker::new("w").config(cluster.config());
        let worker = worker.function("wait", patient(started, told.clone()));
        let worker = worker.connect(master.address()).unwrap();
        let client = cluster.client(master.address());

        let mut job = client.job("m.wait").unwrap();
        job.set_deadline(Some(Duration::from_millis(50)));
        for _ in 0..3 {
            job.submit("x").unwrap();
        }
        let kinds: Vec<_> = job
            .by_ref()
            .map(|ending| ending.result.unwrap_err().kind)
            .collect();
        assert_eq!(kinds, [FailureKind::Expired; 3]);
        cluster.until("the function is told", || {
            (told.load(SeqCst) >= 1).then_some(())
        });
        assert!(starts.try_iter().count() >= 1);
        drop((worker, client));
    });
}

#[test]
fn a_message_for_nobody_expires_at_the_client() {
    Cluster::on_each(|cluster| {
        let client = cluster.client(&cluster.nobodys());
        let mut job = client.job("s.f").unwrap();
        job.set_deadline(Some(Duration::from_millis(1)));
        job.submit("x").unwrap();
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.to_string(), "its deadline has passed");
    });
}

#[test]
fn what_waits_for_room_expires_as_well() {
    Cluster::on_each(|cluster| {
        let config = Config {
            window_messages: 4,
            ..cluster.config()
        };
        let client = Client::start(&cluster.nobodys(), None, config).unwrap();
        let mut job = client.job("s.f").unwrap();
        job.set_deadline(Some(Duration::from_millis(50)));
        // More than may wait before somebody looks.
        for _ in 0..5_000 {
            job.submit("x").unwrap();
        }
        for (_, result) in cluster.take(&mut job, 5_000) {
            assert_eq!(result.unwrap_err().kind, FailureKind::Expired);
        }
    });
}

#[test]
fn no_time_is_too_long_to_wait() {
    Cluster::on_each(|cluster| {
        let server = standalone::Server::new("s").config(cluster.config());
        let server = server.function("echo", |call: &Call| {
            Ok::<_, Failure>(call.payload().clone())
        });
        let server = server.bind(&cluster.endpoint()).unwrap();
        let client = cluster.client(server.address());
        let ever = Duration::MAX;
        let result = client.call_timeout("s.echo", "a", ever).unwrap();
        assert_eq!(result.unwrap(), "a");
        let mut job = client.job("s.echo").unwrap();
        job.set_deadline(Some(ever));
        job.submit("b").unwrap();
        assert_eq!(job.next_timeout(ever).unwrap().result.unwrap(), "b");
    });
}

#[test]
fn a_failure_is_tried_again_as_often_as_the_policy_says() {
    Cluster::on_each(|cluster| {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = calls.clone();
        let flaky = move |call: &Call| match (&call.payload()[..], counted.fetch_add(1, SeqCst)) {
            (b"busy", 0 | 1) => Err(Failure::new("busy")),
            (b"always", _) => Err(Failure::new("busy")),
            (b"wrong", _) => Err(Failure::new("no such trade")),
            _ => Ok("done"),
        };
        let retry = Retry::new(3).only(|failure| failure.message == "busy");
        let master = standalone::Master::new("m")
            .config(cluster.config())
            .retry(retry.clone());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let worker = standalone::Worker::new("w").config(cluster.config());
        let worker = worker
            .function("f", flaky.clone())
            .connect(master.address())
            .unwrap();
        let server = standalone::Server::new("s")
            .config(cluster.config())
            .retry(retry);
        let server = server
            .function("f", flaky)
            .bind(&cluster.endpoint())
            .unwrap();

        for (address, route) in [(master.address(), "m.f"), (server.address(), "s.f")] {
            let client = cluster.client(address);
            calls.store(0, SeqCst);
            assert_eq!(client.call(route, "busy").unwrap(), "done");
            assert_eq!(calls.swap(0, SeqCst), 3);
            assert_eq!(
                client.call(route, "always").unwrap_err().to_string(),
                "busy"
            );
            assert_eq!(calls.swap(0, SeqCst), 3);
            assert_eq!(
                client.call(route, "wrong").unwrap_err().to_string(),
                "no such trade"
            );
            assert_eq!(calls.swap(0, SeqCst), 1);
        }
        drop(worker);
    });
}

/// A function that hangs on `hang` until it is let go.
fn hangs(go: Arc<AtomicBool>) -> impl Fn(&Call) -> Result<&'static str, Failure> + Clone {
    move |call: &Call| {
        if call.payload() == "hang" {
            call.progress("at the gate");
            while !go.load(SeqCst) {
                std::thread::yield_now();
            }
        }
        Ok("done")
    }
}

/// A server with that function.
fn hanging(cluster: &Cluster, go: Arc<AtomicBool>) -> Running {
    let server = standalone::Server::new("s").config(cluster.config());
    let server = server.function("f", hangs(go));
    let server = server.lease("f", Duration::from_millis(50));
    server.bind(&cluster.endpoint()).unwrap()
}

#[test]
fn a_server_goes_on_when_a_function_hangs() {
    Cluster::on_each(|cluster| {
        let go = Arc::new(AtomicBool::new(false));
        let server = hanging(cluster, go.clone());
        let client = cluster.client(server.address());

        let mut job = client.job("s.f").unwrap();
        for payload in ["a", "hang", "b", "c"] {
            job.submit(payload).unwrap();
        }
        let mut results = vec![None; 4];
        for ending in job.by_ref() {
            results[ending.index as usize] = Some(ending.result.map_err(|failure| failure.kind));
        }
        let done = || Some(Ok("done".into()));
        assert_eq!(
            results,
            [done(), Some(Err(FailureKind::Lease)), done(), done()]
        );
        go.store(true, SeqCst);
    });
}

#[test]
fn a_message_that_workers_hang_on_becomes_a_dead_letter() {
    Cluster::on_each(|cluster| {
        let go = Arc::new(AtomicBool::new(false));
        let config = Config {
            drain: Duration::from_millis(10),
            ..cluster.config()
        };
        let master = standalone::Master::new("m").config(cluster.config());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let client = cluster.client(master.address());
        let mut job = client.job("m.f").unwrap();
        for payload in ["a", "hang", "b"] {
            job.submit(payload).unwrap();
        }

        // Whoever starts workers starts another when one leaves.
        let mut workers = 0;
        let mut results = vec![None; 3];
        while job.unfinished() > 0 {
            workers += 1;
            let worker = standalone::Worker::new(format!("w{workers}")).config(config.clone());
            let worker = worker.function("f", hangs(go.clone()));
            let worker = worker.lease("f", Duration::from_millis(50));
            let worker = worker.connect(master.address()).unwrap();
            while !worker.is_finished() && job.unfinished() > 0 {
                if let Some(ending) = job.next_timeout(Duration::from_millis(10)) {
                    results[ending.index as usize] = Some(ending.result);
                }
            }
            if worker.is_finished() {
                let error = worker.join().unwrap_err();
                assert_eq!(error.kind(), palm_highlevel::ErrorKind::Lease);
            }
        }
        let failure = results[1].take().unwrap().unwrap_err();
        assert_eq!(failure.kind, FailureKind::DeadLetter);
        assert!(failure.message.contains("without a word"), "{failure}");
        assert!(workers >= 3, "{workers} workers");
        for index in [0, 2] {
            assert_eq!(results[index].take().unwrap().unwrap(), "done");
        }

        cluster.until("a dead letter", || {
            (master.dead_letters().len() == 1).then_some(())
        });
        let letter = master.dead_letters().remove(0);
        assert_eq!(
            (letter.route.as_str(), &letter.payload[..]),
            ("m.f", &b"hang"[..])
        );
        assert_eq!(letter.progress.as_deref(), Some("at the gate"));
        go.store(true, SeqCst);
        let worker = standalone::Worker::new("last").config(config);
        let worker = worker
            .function("f", hangs(go))
            .connect(master.address())
            .unwrap();
        assert_eq!(
            letter
                .retry(&client)
                .unwrap()
                .next()
                .unwrap()
                .result
                .unwrap(),
            "done"
        );
        master.drop_dead_letter(letter.number);
        cluster.until("no dead letter", || {
            master.dead_letters().is_empty().then_some(())
        });
        drop(worker);
    });
}

#[test]
fn what_ended_before_a_function_hangs_is_not_lost() {
    Cluster::on_each(|cluster| {
        let go = Arc::new(AtomicBool::new(false));
        let server = hanging(cluster, go.clone());
        let client = cluster.client(server.address());

        let mut job = client.job("s.f").unwrap();
        // First so many that the server knows its pace, and gives its thread many at a time.
        for round in 0..2 {
            for index in 0..1000 {
                let hangs = round == 1 && index % 250 == 249;
                job.submit(if hangs { "hang" } else { "a" }).unwrap();
            }
            for (_, result) in cluster.take(&mut job, 1000) {
                match result {
                    Ok(result) => assert_eq!(result, "done"),
                    Err(failure) => assert_eq!((round, failure.kind), (1, FailureKind::Lease)),
                }
            }
        }
        assert_eq!(server.counts().failed, 4);
        go.store(true, SeqCst);
    });
}
