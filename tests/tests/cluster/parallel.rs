use bytes::Bytes;
use palm_highlevel::{Failure, Job, Running, standalone};
use std::thread;
use tests::cluster::{Cluster, end};
use tests::gate::Gate;
use tests::journal;
use tests::work::{Offer, Work, encoded, square};

fn master(cluster: &Cluster) -> Running {
    let master = standalone::Master::new("master").config(cluster.config());
    master.bind(&cluster.endpoint()).unwrap()
}

fn worker(cluster: &Cluster, name: &str, threads: u32, address: &str) -> Running {
    let worker = standalone::Worker::new(name).offer_all().threads(threads);
    worker.config(cluster.config()).connect(address).unwrap()
}

/// Submits work for the numbers from `first` on, each of which takes so many microseconds.
fn submit(job: &mut Job, first: u64, count: u64, microseconds: u32) {
    for number in first..first + count {
        let work = Work {
            number,
            microseconds,
            ..Work::default()
        };
        job.submit(work.payload()).unwrap();
    }
}

fn squared(number: u64) -> Result<Bytes, Failure> {
    Ok(encoded(&square(number)))
}

#[test]
fn workers_share_a_job() {
    Cluster::on_each(|cluster| {
        for (workers, threads) in [(1, 1), (2, 1), (5, 1), (2, 4)] {
            let master = master(cluster);
            let workers: Vec<Running> = (0..workers)
                .map(|index| {
                    worker(
                        cluster,
                        &format!("worker-{index}"),
                        threads,
                        master.address(),
                    )
                })
                .collect();
            let client = cluster.client(master.address());
            let mut job = client.job("master.work").unwrap();
            submit(&mut job, 0, 3_000, 0);
            cluster.check(job, Vec::new(), squared);

            let executed = workers.into_iter().map(|worker| end(worker).succeeded);
            // Nobody was lost, so nothing was executed twice.
            assert_eq!(executed.sum::<u64>(), 3_000);
            assert_eq!(end(master).requeued, 0);
        }
    });
}

#[test]
fn workers_come_and_go_while_a_job_runs() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let first = worker(cluster, "first", 1, master.address());
        let client = cluster.client(master.address());
        let mut job = client.job("master.work").unwrap();
        submit(&mut job, 0, 4_000, 200);

        let mut taken = cluster.take(&mut job, 300);
        let second = worker(cluster, "second", 2, master.address());
        let third = worker(cluster, "third", 1, master.address());
        taken.extend(cluster.take(&mut job, 700));
        assert!(end(first).succeeded >= 300);
        taken.extend(cluster.take(&mut job, 700));
        drop(second);
        taken.extend(cluster.take(&mut job, 700));
        let _fourth = worker(cluster, "fourth", 1, master.address());
        drop(third);
        cluster.check(job, taken, squared);
    });
}

#[test]
fn a_job_waits_for_workers() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let client = cluster.client(master.address());
        let mut job = client.job("master.work").unwrap();
        submit(&mut job, 0, 1_000, 0);
        cluster.until("all of them at the master", || {
            (master.counts().unfinished == 1_000).then_some(())
        });
        let _worker = worker(cluster, "late", 1, master.address());
        cluster.check(job, Vec::new(), squared);
    });
}

#[test]
fn a_worker_and_a_client_may_come_before_their_master() {
    Cluster::on_each(|cluster| {
        let address = cluster.nobodys();
        let _worker = worker(cluster, "early", 2, &address);
        let client = cluster.client(&address);
        let mut job = client.job("master.work").unwrap();
        submit(&mut job, 0, 500, 0);
        let master = standalone::Master::new("master").config(cluster.config());
        let _master = master.bind(&address).unwrap();
        cluster.check(job, Vec::new(), squared);
    });
}

#[test]
fn clients_get_their_own_results() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let _one = worker(cluster, "one", 1, master.address());
        let _two = worker(cluster, "two", 1, master.address());
        thread::scope(|scope| {
            for client in 0..3u64 {
                let address = master.address();
                scope.spawn(move || {
                    let first = client * 1_000_000;
                    let client = cluster.client(address);
                    let mut job = client.job("master.work").unwrap();
                    submit(&mut job, first, 2_000, 0);
                    cluster.check(job, Vec::new(), |index| squared(first + index));
                });
            }
        });
    });
}

#[test]
fn a_client_that_goes_in_the_middle_disturbs_nobody() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let _worker = worker(cluster, "worker", 2, master.address());
        let leaves = cluster.client(master.address());
        let stays = cluster.client(master.address());
        let mut given_up = leaves.job("master.work").unwrap();
        submit(&mut given_up, 0, 20_000, 20);
        let mut job = stays.job("master.work").unwrap();
        submit(&mut job, 7, 2_000, 20);
        cluster.take(&mut given_up, 100);
        drop(given_up);
        drop(leaves);
        cluster.check(job, Vec::new(), |index| squared(7 + index));
        // Nothing is left of what nobody waits for.
        cluster.until("an empty ledger", || {
            (master.counts().unfinished == 0).then_some(())
        });
        assert_eq!(
            stays.call("master.echo", "still here").unwrap(),
            "still here"
        );
    });
}

#[test]
fn a_worker_is_given_what_it_offers_and_nothing_else() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let offering = |name: &'static str| {
            let worker = standalone::Worker::new(name).config(cluster.config());
            let worker = worker.function(name, move |_: &_| Ok::<_, Failure>(name));
            worker.connect(master.address()).unwrap()
        };
        let workers = [offering("ask"), offering("answer")];
        let client = cluster.client(master.address());
        let [mut ask, mut answer] = ["master.ask", "master.answer"].map(|f| client.job(f).unwrap());
        for _ in 0..500 {
            ask.submit("").unwrap();
            answer.submit("").unwrap();
        }
        cluster.check(ask, Vec::new(), |_| Ok("ask".into()));
        cluster.check(answer, Vec::new(), |_| Ok("answer".into()));
        for worker in workers {
            assert_eq!(end(worker).succeeded, 500);
        }
    });
}

#[test]
fn slow_work_spreads_over_all_workers() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let gate = Gate::default();
        let workers = ["one", "two", "three"].map(|name| {
            let gate = gate.clone();
            let wait = move |_: &_| -> Result<&str, Failure> {
                gate.pass();
                Ok("passed")
            };
            let worker = standalone::Worker::new(name).config(cluster.config());
            let worker = worker.threads(2).function("wait", wait);
            worker.connect(master.address()).unwrap()
        });
        let client = cluster.client(master.address());
        let mut job = client.job("master.wait").unwrap();
        for _ in 0..50 {
            job.submit("").unwrap();
        }
        // No worker hoards what another could begin.
        cluster.until("each of six threads at work", || {
            (gate.waiting() == 6).then_some(())
        });
        gate.open();
        cluster.check(job, Vec::new(), |_| Ok("passed".into()));
        drop(workers);
    });
}

#[test]
fn a_second_worker_of_the_same_name_waits_until_the_first_is_gone() {
    journal::keep();
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let first = worker(cluster, "namesake", 1, master.address());
        let client = cluster.client(master.address());
        assert_eq!(client.call("master.echo", "first").unwrap(), "first");
        let before = journal::lines("namesake").len();
        let second = worker(cluster, "namesake", 1, master.address());
        let refusal = "namesake is refused by the server that it connects to: another live process \
                       is called namesake: give each its own name";
        cluster.until("the refusal in the log", || {
            let lines = journal::lines("namesake");
            let refused = lines[before..].iter().any(|line| line.ends_with(refusal));
            refused.then_some(())
        });
        assert_eq!(client.call("master.echo", "still").unwrap(), "still");
        assert_eq!(end(first).succeeded, 2);
        assert_eq!(client.call("master.echo", "second").unwrap(), "second");
        assert_eq!(end(second).succeeded, 1);
    });
}
