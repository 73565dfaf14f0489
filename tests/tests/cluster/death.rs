use crate::node::Node;
use palm_highlevel::{Config, FailureKind, Job, Running, standalone};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tests::cluster::{Cluster, Transport, end};
use tests::work::{Work, encoded, square};

fn master(cluster: &Cluster) -> Running {
    let master = standalone::Master::new("master").config(cluster.config());
    master.bind(&cluster.endpoint()).unwrap()
}

fn submit(job: &mut Job, count: u64, microseconds: u32) {
    for number in 0..count {
        let work = Work {
            number,
            microseconds,
            ..Work::default()
        };
        job.submit(work.payload()).unwrap();
    }
}

#[test]
fn killed_workers_lose_nothing() {
    let cluster = Cluster::start(Transport::Tcp);
    let master = master(&cluster);
    let start = |name: &str| Node::start("worker", name, master.address());
    let mut workers = vec![start("one"), start("two")];
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 4_000, 100);

    let mut taken = Vec::new();
    for name in ["three", "four", "five", "six"] {
        taken.extend(cluster.take(&mut job, 600));
        workers.remove(0).kill();
        workers.push(start(name));
    }
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
    drop(workers);
    drop(client);
    let counts = end(master);
    assert_eq!((counts.succeeded, counts.failed), (4_000, 0));
    assert!(counts.requeued > 0, "none was killed in the middle of work");
}

#[test]
fn a_job_survives_the_death_of_all_its_workers() {
    let cluster = Cluster::start(Transport::Tcp);
    let master = master(&cluster);
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 1_500, 100);
    let mut taken = Vec::new();
    for _ in 0..3 {
        // The same name again: it is taken once the dead one is known to be dead.
        let workers = ["one", "two"].map(|name| Node::start("worker", name, master.address()));
        taken.extend(cluster.take(&mut job, 300));
        workers.into_iter().for_each(Node::kill);
    }
    let _last = Node::start("worker", "last", master.address());
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
}

#[test]
fn a_stopped_worker_loses_nothing_and_comes_back() {
    let cluster = Cluster::start(Transport::Tcp);
    let master = master(&cluster);
    let stopped = Node::start("worker", "stopped", master.address());
    let other = Node::start("worker", "other", master.address());
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 3_000, 100);
    let taken = cluster.take(&mut job, 1_000);
    stopped.stop();
    // The other one does what it held, once it was silent for 3 s.
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
    assert_eq!(master.counts().workers_lost, 1);

    stopped.go_on();
    other.kill();
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 1_000, 100);
    cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
}

#[test]
fn the_only_worker_may_be_stopped_and_go_on() {
    let cluster = Cluster::start(Transport::Tcp);
    let master = master(&cluster);
    let worker = Node::start("worker", "worker", master.address());
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 2_000, 100);
    let taken = cluster.take(&mut job, 500);
    worker.stop();
    // As soon as it counts as lost, before its connection breaks as well.
    cluster.until("the loss of the worker", || {
        (master.counts().workers_lost == 1).then_some(())
    });
    worker.go_on();
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
}

#[test]
fn a_worker_that_was_forgotten_is_taken_as_a_new_one() {
    let cluster = Cluster::start(Transport::Tcp);
    let config = Config {
        retention: Duration::from_millis(100),
        ..cluster.config()
    };
    let master = standalone::Master::new("master").config(config);
    let master = master.bind(&cluster.endpoint()).unwrap();
    let worker = Node::start("worker", "worker", master.address());
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 2_000, 100);
    let taken = cluster.take(&mut job, 500);
    worker.stop();
    cluster.until("the loss of the worker", || {
        (master.counts().workers_lost == 1).then_some(())
    });
    // Five times its retention: it is forgotten.
    let lost = Instant::now();
    cluster.until("the end of its retention", || {
        (lost.elapsed() >= Duration::from_millis(500)).then_some(())
    });
    worker.go_on();
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
}

#[test]
fn silence_is_never_charged_to_a_message() {
    let cluster = Cluster::start(Transport::Tcp);
    let master = master(&cluster);
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    let work = Work {
        number: 7,
        microseconds: 200_000,
        announced: true,
        fatal: false,
    };
    job.submit(work.payload()).unwrap();
    let mut stopped = Vec::new();
    // As many as it takes to give up a message that kills processes.
    for name in ["one", "two", "three"] {
        let worker = Node::start("worker", name, master.address());
        assert_eq!(worker.line(&cluster), "7");
        worker.stop();
        stopped.push(worker);
    }
    cluster.until("the loss of three workers", || {
        (master.counts().workers_lost == 3).then_some(())
    });
    assert_eq!(job.unfinished(), 1);
    stopped.iter().for_each(Node::go_on);
    cluster.check(job, Vec::new(), |_| Ok(encoded(&49u64)));
}

#[test]
fn a_message_that_kills_its_worker_is_given_up_and_no_other() {
    const FATAL: u64 = 417;
    let cluster = Cluster::start(Transport::Tcp);
    let master = master(&cluster);
    let client = cluster.client(master.address());
    let mut job = client.job("master.work").unwrap();
    for number in 0..1_000 {
        let work = Work {
            number,
            fatal: number == FATAL,
            ..Work::default()
        };
        job.submit(work.payload()).unwrap();
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Starts another worker for each that dies, under the same name.
        let supervisor = scope.spawn(|| {
            let start = |name: &str| Node::start("worker", name, master.address());
            let mut workers = ["one", "two"].map(|name| (name, start(name)));
            let mut deaths = 0;
            while !over.load(Ordering::Relaxed) {
                for (name, worker) in &mut workers {
                    if worker.has_ended() {
                        *worker = start(name);
                        deaths += 1;
                    }
                }
                thread::park_timeout(Duration::from_millis(5));
            }
            deaths
        });
        let endings = cluster.take(&mut job, 1_000);
        over.store(true, Ordering::Relaxed);
        // The first time it was not alone, which charges nobody.
        let deaths = supervisor.join().unwrap();
        assert!((3..=6).contains(&deaths), "{deaths} workers died");
        let mut seen = vec![false; 1_000];
        for (index, result) in endings {
            assert!(!std::mem::replace(&mut seen[index as usize], true));
            match index {
                FATAL => assert_eq!(result.unwrap_err().kind, FailureKind::DeadLetter),
                _ => assert_eq!(result.unwrap(), encoded(&square(index)), "message {index}"),
            }
        }
    });
}

#[test]
fn a_job_goes_on_when_its_master_is_killed_and_started_again() {
    let cluster = Cluster::start(Transport::Tcp);
    let mut master = Node::start("master", "master", &cluster.endpoint());
    let address = master.line(&cluster);
    let _workers = ["one", "two"].map(|name| Node::start("worker", name, &address));
    let client = cluster.client(&address);
    let mut job = client.job("master.work").unwrap();
    submit(&mut job, 3_000, 100);
    let mut taken = Vec::new();
    for _ in 0..2 {
        taken.extend(cluster.take(&mut job, 700));
        master.kill();
        master = Node::start("master", "master", &address);
        assert_eq!(master.line(&cluster), address);
    }
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
}
