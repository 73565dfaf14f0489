use bytes::Bytes;
use palm_highlevel::{Call, Client, Failure, FailureKind, Running, chained, standalone};
use std::collections::HashMap;
use std::sync::Mutex;
use tests::cluster::Cluster;
use tests::work::{Offer, encoded, square};

/// `first.square` or `first.fail`, then `second.append`: two masters, a worker each.
struct Chain {
    first: Running,
    second: Running,
    _workers: [Running; 2],
}

fn first(cluster: &Cluster, next: &str) -> Running {
    let first = chained::Master::new("first").config(cluster.config());
    let first = first.next("second.append", next);
    first.bind(&cluster.endpoint()).unwrap()
}

fn first_worker(cluster: &Cluster, address: &str) -> Running {
    let worker = standalone::Worker::new("worker-of-first")
        .offer_all()
        .threads(2);
    let worker = worker.function("fail", |call: &Call| match &call.payload()[..] {
        b"panic" => panic!("out of luck"),
        _ => Err::<Bytes, _>(Failure::new("no price for SP5")),
    });
    worker.config(cluster.config()).connect(address).unwrap()
}

fn second_worker(cluster: &Cluster, address: &str) -> Running {
    let append = |call: &Call| Ok::<_, Failure>([call.payload(), &b" through both"[..]].concat());
    let worker = standalone::Worker::new("worker-of-second").function("append", append);
    worker.config(cluster.config()).connect(address).unwrap()
}

impl Chain {
    fn start(cluster: &Cluster) -> Chain {
        let second = standalone::Master::new("second").config(cluster.config());
        let second = second.bind(&cluster.endpoint()).unwrap();
        let first = first(cluster, second.address());
        Chain {
            _workers: [
                first_worker(cluster, first.address()),
                second_worker(cluster, second.address()),
            ],
            first,
            second,
        }
    }

    /// A client that enters at the first and listens at the second.
    fn client(&self, cluster: &Cluster) -> Client {
        let exit = Some(self.second.address());
        Client::start(self.first.address(), exit, cluster.config()).unwrap()
    }
}

fn appended(number: u64) -> Bytes {
    [&encoded(&square(number)), &b" through both"[..]]
        .concat()
        .into()
}

#[test]
fn results_go_on_and_reach_the_client_at_the_exit() {
    Cluster::on_each(|cluster| {
        let chain = Chain::start(cluster);
        let client = chain.client(cluster);
        let back = client.call("first.echo second.append", "one").unwrap();
        assert_eq!(back, "one through both");
        let back = client.call("first.echo", "its own way").unwrap();
        assert_eq!(back, "its own way through both");
        let mut job = client.job("first.square second.append").unwrap();
        for number in 0..5_000u64 {
            job.submit(encoded(&number)).unwrap();
        }
        cluster.check(job, Vec::new(), |index| Ok(appended(index)));
    });
}

#[test]
fn clients_of_a_chain_get_their_own_results() {
    Cluster::on_each(|cluster| {
        let chain = Chain::start(cluster);
        let clients = [0, 1_000_000].map(|start| (start, chain.client(cluster)));
        let jobs = clients.iter().map(|(start, client)| {
            let mut job = client.job("first.square second.append").unwrap();
            for number in *start..start + 1_500u64 {
                job.submit(encoded(&number)).unwrap();
            }
            (start, job)
        });
        for (start, job) in jobs.collect::<Vec<_>>() {
            cluster.check(job, Vec::new(), |index| Ok(appended(start + index)));
        }
    });
}

#[test]
fn what_fails_on_the_way_is_heard_at_the_exit() {
    Cluster::on_each(|cluster| {
        let chain = Chain::start(cluster);
        let client = chain.client(cluster);
        let cases = [
            (
                "first.fail second.append",
                "error",
                FailureKind::Function,
                "no price for SP5",
            ),
            (
                "first.fail second.append",
                "panic",
                FailureKind::Panic,
                "the function `fail` panicked: out of luck",
            ),
            (
                "other.echo second.append",
                "x",
                FailureKind::Unknown,
                "`other.echo` was sent to the server first: check the name or the address",
            ),
            (
                "first.echo other.append",
                "x",
                FailureKind::Unknown,
                "`other.append` was sent to the server second: check the name or the address",
            ),
            (
                "first.nothing second.append",
                "x",
                FailureKind::Unknown,
                "no worker of first offers the function `first.nothing`",
            ),
        ];
        for (route, payload, kind, message) in cases {
            let failure = client.call(route, payload).unwrap_err();
            assert_eq!(failure, Failure::of(kind, message), "{route} {payload}");
        }
        let back = client.call("first.echo second.append", "fine").unwrap();
        assert_eq!(back, "fine through both");
    });
}

#[test]
fn the_parts_of_a_chain_may_start_in_any_order() {
    Cluster::on_each(|cluster| {
        let [entry, exit] = [cluster.nobodys(), cluster.nobodys()];
        let client = Client::start(&entry, Some(&exit), cluster.config()).unwrap();
        let mut job = client.job("first.square second.append").unwrap();
        for number in 0..1_000u64 {
            job.submit(encoded(&number)).unwrap();
        }
        let _first_worker = first_worker(cluster, &entry);
        let first = chained::Master::new("first").config(cluster.config());
        let _first = first.next("second.append", &exit).bind(&entry).unwrap();
        let _second_worker = second_worker(cluster, &exit);
        let second = standalone::Master::new("second").config(cluster.config());
        let _second = second.bind(&exit).unwrap();
        cluster.check(job, Vec::new(), |index| Ok(appended(index)));
    });
}

#[test]
fn the_second_may_have_partitions() {
    Cluster::on_each(|cluster| {
        let key = |payload: &[u8]| u64::from(payload[0]);
        let second =
            standalone::Master::partitioned("second", 3, move |message| key(&message.payload));
        let second = second.config(cluster.config());
        let second = second.bind(&cluster.endpoint()).unwrap();
        let owners = ["one", "two", "three"].map(|name| {
            let seen = Mutex::new(HashMap::new());
            let count = move |call: &Call| -> Result<Bytes, Failure> {
                let key = key(call.payload());
                let partition = call.partition().ok_or("it owns no partition")?;
                if key % 3 != u64::from(partition.number) {
                    return Err(Failure::new(format!("key {key} came to {partition:?}")));
                }
                let mut seen = seen.lock().unwrap();
                let count = seen.entry(key).or_insert(0u64);
                *count += 1;
                Ok(encoded(count))
            };
            let worker = standalone::Worker::new(name).function("count", count);
            let worker = worker.config(cluster.config());
            worker.connect(second.address()).unwrap()
        });
        let first = first(cluster, second.address());
        // A worker with one thread keeps the order of what it is given.
        let worker = standalone::Worker::new("in-order").offer_all();
        let worker = worker.config(cluster.config());
        let _worker = worker.connect(first.address()).unwrap();
        let exit = Some(second.address());
        let client = Client::start(first.address(), exit, cluster.config()).unwrap();

        let mut job = client.job("first.echo second.count").unwrap();
        for index in 0..3_000u64 {
            job.submit(vec![(index % 7) as u8; 9]).unwrap();
        }
        cluster.check(job, Vec::new(), |index| Ok(encoded(&(index / 7 + 1))));
        drop(owners);
    });
}

#[test]
fn a_lost_partition_is_heard_of_at_the_exit() {
    Cluster::on_each(|cluster| {
        let second = standalone::Master::partitioned("second", 1, |_| 0);
        let second = second.config(cluster.config());
        let second = second.bind(&cluster.endpoint()).unwrap();
        let first = first(cluster, second.address());
        let _worker = first_worker(cluster, first.address());
        let exit = Some(second.address());
        let client = Client::start(first.address(), exit, cluster.config()).unwrap();

        let owner = second_worker(cluster, second.address());
        let back = client.call("first.echo second.append", "x").unwrap();
        assert_eq!(back, "x through both");
        drop(owner);
        cluster.until("the loss of the owner", || {
            (second.counts().workers_lost == 1).then_some(())
        });
        let failure = client.call("first.echo second.append", "x").unwrap_err();
        let message = "its partition was lost with worker worker-of-second, \
                       and what that had applied with it";
        assert_eq!(failure, Failure::of(FailureKind::PartitionLost, message));
    });
}
