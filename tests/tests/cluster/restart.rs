use palm_highlevel::{Call, Client, Failure, Running, chained, standalone};
use tests::cluster::{Cluster, Transport};
use tests::gate::Gate;
use tests::work::{Offer, Work, encoded, square};

/// Binds an address that was bound a moment ago: the transport lets go of it in its own time.
fn bind_again(
    cluster: &Cluster,
    mut bind: impl FnMut() -> palm_highlevel::Result<Running>,
) -> Running {
    cluster.until("the address is free again", || bind().ok())
}

fn work(number: u64) -> bytes::Bytes {
    let work = Work {
        number,
        microseconds: 50,
        ..Work::default()
    };
    work.payload()
}

fn worker(cluster: &Cluster, name: &str, address: &str) -> Running {
    let worker = standalone::Worker::new(name).offer_all();
    worker.config(cluster.config()).connect(address).unwrap()
}

#[test]
fn a_job_goes_on_when_a_serial_server_starts_anew() {
    Cluster::on_each(|cluster| {
        let address = cluster.nobodys();
        let bind = || {
            let server = standalone::Server::new("server").offer_all();
            server.config(cluster.config()).bind(&address)
        };
        let server = bind().unwrap();
        let client = cluster.client(&address);
        let mut job = client.job("server.work").unwrap();
        for number in 0..4_000 {
            job.submit(work(number)).unwrap();
        }
        let taken = cluster.take(&mut job, 1_000);
        drop(server);
        let _server = bind_again(cluster, bind);
        cluster.check(job, taken, |index| Ok(encoded(&square(index))));
    });
}

#[test]
fn jobs_go_on_when_a_master_starts_anew() {
    Cluster::on_each(|cluster| {
        let address = cluster.nobodys();
        let bind = || {
            let master = standalone::Master::new("master");
            master.config(cluster.config()).bind(&address)
        };
        let mut master = bind().unwrap();
        let _workers = ["one", "two"].map(|name| worker(cluster, name, &address));
        let clients = [0, 1_000_000].map(|start| (start, cluster.client(&address)));
        let jobs = clients.iter().map(|(start, client)| {
            let mut job = client.job("master.work").unwrap();
            for number in *start..start + 3_000 {
                job.submit(work(number)).unwrap();
            }
            (*start, job, Vec::new())
        });
        let mut jobs: Vec<_> = jobs.collect();
        // Over inproc nobody notices before a heartbeat is missed.
        let restarts = match cluster.transport() {
            Transport::Inproc => 1,
            Transport::Tcp => 3,
        };
        for _ in 0..restarts {
            for (_, job, taken) in &mut jobs {
                taken.extend(cluster.take(job, 500));
            }
            drop(master);
            master = bind_again(cluster, bind);
        }
        for (start, job, taken) in jobs {
            cluster.check(job, taken, |index| Ok(encoded(&square(start + index))));
        }
    });
}

#[test]
fn a_result_for_the_last_master_is_none_for_the_next() {
    let cluster = Cluster::start(Transport::Tcp);
    let address = cluster.nobodys();
    let bind = || {
        let master = standalone::Master::new("master");
        master.config(cluster.config()).bind(&address)
    };
    let gate = Gate::default();
    let waits = gate.clone();
    let wait = move |call: &Call| -> Result<bytes::Bytes, Failure> {
        waits.pass();
        Ok(call.payload().clone())
    };
    let worker = standalone::Worker::new("worker").function("wait", wait);
    let worker = worker.config(cluster.config()).connect(&address).unwrap();

    // The first message of its client, begun and not ended when the master goes.
    let master = bind().unwrap();
    let client = cluster.client(&address);
    let mut job = client.job("master.wait").unwrap();
    job.submit("to the last").unwrap();
    cluster.until("the function runs", || (gate.waiting() == 1).then_some(()));
    // It goes first: were the job given up before, the worker would hear of that.
    drop(master);
    drop(job);
    drop(client);

    // To the next master it would look just like the first message of this client.
    let _master = bind_again(&cluster, bind);
    let client = cluster.client(&address);
    let mut job = client.job("master.wait").unwrap();
    job.submit("to the next").unwrap();
    cluster.until("the message with the worker, behind what it runs", || {
        (worker.counts().received == 2).then_some(())
    });
    gate.open();
    cluster.check(job, Vec::new(), |_| Ok("to the next".into()));
}

#[test]
fn a_job_goes_on_when_either_end_of_a_chain_starts_anew() {
    let cluster = Cluster::start(Transport::Tcp);
    let [entry, exit] = [cluster.nobodys(), cluster.nobodys()];
    let bind_first = || {
        let first = chained::Master::new("first").config(cluster.config());
        first.next("second.echo", &exit).bind(&entry)
    };
    let bind_second = || {
        let second = standalone::Master::new("second").config(cluster.config());
        second.bind(&exit)
    };
    let mut first = bind_first().unwrap();
    let mut second = bind_second().unwrap();
    let _workers = [
        worker(&cluster, "one", &entry),
        worker(&cluster, "two", &exit),
    ];
    let client = Client::start(&entry, Some(&exit), cluster.config()).unwrap();
    let mut job = client.job("first.work second.echo").unwrap();
    for number in 0..6_000 {
        job.submit(work(number)).unwrap();
    }
    let mut taken = cluster.take(&mut job, 500);
    drop(second);
    second = bind_again(&cluster, bind_second);
    taken.extend(cluster.take(&mut job, 500));
    drop(first);
    first = bind_again(&cluster, bind_first);
    taken.extend(cluster.take(&mut job, 500));
    drop(first);
    drop(second);
    let _first = bind_again(&cluster, bind_first);
    let _second = bind_again(&cluster, bind_second);
    cluster.check(job, taken, |index| Ok(encoded(&square(index))));
}
