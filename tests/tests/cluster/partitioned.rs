use palm_core::Message;
use palm_highlevel::{Call, Failure, FailureKind, Piece, Running, standalone};
use std::collections::HashMap;
use std::sync::Mutex;
use tests::cluster::Cluster;
use tests::work::encoded;

/// What the workers keep count of.
const KEYS: u64 = 12;

/// The key of a message: its first byte.
fn key(message: &Message) -> u64 {
    message.payload.first().copied().unwrap_or_default().into()
}

fn master(cluster: &Cluster, partitions: u32) -> Running {
    let master = standalone::Master::partitioned("master", partitions, key);
    let master = master.config(cluster.config());
    master.bind(&cluster.endpoint()).unwrap()
}

/// A worker that counts the messages of each key, and gives back the count: for the n-th message of
/// a key that is n only if all of that key came here, in order.
fn worker(cluster: &Cluster, name: &str, address: &str) -> Running {
    let counts = Mutex::new(HashMap::new());
    let count = move |call: &Call| {
        let key = key(call.message());
        let partition = call.partition().ok_or("it owns no partition")?;
        if key % u64::from(partition.of) != u64::from(partition.number) {
            return Err(Failure::new(format!("key {key} came to {partition:?}")));
        }
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(key).or_insert(0u64);
        *count += 1;
        if call.payload()[1..] != encoded(count) {
            return Err(Failure::new(format!("not the {count}. of key {key}")));
        }
        Ok(encoded(count))
    };
    let worker = standalone::Worker::new(name).function("count", count);
    worker.config(cluster.config()).connect(address).unwrap()
}

/// The n-th message of a key.
fn message(key: u64, n: u64) -> Vec<u8> {
    [&[key as u8], &encoded(&n)[..]].concat()
}

#[test]
fn messages_of_one_key_go_to_one_worker_in_order() {
    Cluster::on_each(|cluster| {
        for partitions in [1, 3] {
            let master = master(cluster, partitions);
            let _workers: Vec<Running> = (0..partitions)
                .map(|index| worker(cluster, &format!("worker-{index}"), master.address()))
                .collect();
            let client = cluster.client(master.address());
            let mut job = client.job("master.count").unwrap();
            for index in 0..4_000 {
                job.submit(message(index % KEYS, index / KEYS + 1)).unwrap();
            }
            cluster.check(job, Vec::new(), |index| Ok(encoded(&(index / KEYS + 1))));
        }
    });
}

#[test]
fn a_partition_without_an_owner_waits_for_one() {
    Cluster::on_each(|cluster| {
        let master = master(cluster, 2);
        let _first = worker(cluster, "first", master.address());
        let client = cluster.client(master.address());
        let mut job = client.job("master.count").unwrap();
        for n in 1..=200 {
            job.submit(message(0, n)).unwrap();
            job.submit(message(1, n)).unwrap();
        }
        let taken = cluster.take(&mut job, 200);
        assert!(taken.iter().all(|(index, _)| index % 2 == 0));
        let _second = worker(cluster, "second", master.address());
        cluster.check(job, taken, |index| Ok(encoded(&(index / 2 + 1))));
    });
}

#[test]
fn what_belongs_to_a_lost_partition_fails_and_says_so() {
    Cluster::on_each(|cluster| {
        let master = master(cluster, 2);
        let client = cluster.client(master.address());
        let mut job = client.job("master.count").unwrap();
        let first = worker(cluster, "first", master.address());
        for n in 1..=100 {
            job.submit(message(0, n)).unwrap();
        }
        let mut taken = cluster.take(&mut job, 100);
        let _second = worker(cluster, "second", master.address());
        for n in 1..=100 {
            job.submit(message(1, n)).unwrap();
        }
        taken.extend(cluster.take(&mut job, 100));
        drop(first);
        cluster.until("the loss of the first", || {
            (master.counts().workers_lost == 1).then_some(())
        });
        // Whoever comes now does not know what the first had counted.
        let _third = worker(cluster, "third", master.address());
        for n in 101..=200 {
            job.submit(message(0, n)).unwrap();
            job.submit(message(1, n)).unwrap();
        }
        let lost = Failure::of(
            FailureKind::PartitionLost,
            "its partition was lost with worker first, and what that had applied with it",
        );
        cluster.check(job, taken, |index| match index {
            0..200 => Ok(encoded(&(index % 100 + 1))),
            _ if index % 2 == 0 => Err(lost.clone()),
            _ => Ok(encoded(&((index - 200) / 2 + 101))),
        });
    });
}

#[test]
fn what_is_scattered_into_a_lost_partition_is_gathered_once_as_failures() {
    Cluster::on_each(|cluster| {
        let master = standalone::Master::partitioned("master", 1, key)
            .scatter("all", "count", |_: &Call| {
                Ok::<_, Failure>((1..=3).map(|n| message(0, n)).collect::<Vec<_>>())
            })
            .gather("all", |_: &Call, pieces| {
                let failed = |piece: &Piece| match &piece.result {
                    Ok(_) => None,
                    Err(failure) => Some(failure.kind),
                };
                let failed: Vec<_> = pieces.pieces.iter().filter_map(failed).collect();
                Ok::<_, Failure>(format!("{failed:?}"))
            })
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let client = cluster.client(master.address());
        let first = worker(cluster, "first", master.address());
        assert_eq!(client.call("master.all", "").unwrap(), "[]");
        drop(first);
        cluster.until("the loss of the worker", || {
            (master.counts().workers_lost == 1).then_some(())
        });
        let lost = "[PartitionLost, PartitionLost, PartitionLost]";
        assert_eq!(client.call("master.all", "").unwrap(), lost);
    });
}
