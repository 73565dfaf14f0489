use bytes::Bytes;
use palm_highlevel::store::{
    Batch, Entries, Groups, LogId, LogState, MemoryStore, Store, StoreError,
};
use palm_highlevel::{Config, Ending, ErrorKind, FailureKind, Job, Running, standalone};
use palm_persist::SledStore;
use std::ops::Range;
use std::path::Path;
use std::thread;
use tests::cluster::{Cluster, Transport, end};
use tests::work::{Offer, Work, encoded, square};

fn master(cluster: &Cluster, folder: &Path, endpoint: &str) -> Running {
    standalone::Master::new("master")
        .store(SledStore::open(folder).unwrap())
        .config(cluster.config())
        .bind(endpoint)
        .unwrap()
}

#[test]
fn a_job_goes_on_with_the_master_that_takes_another_ones_place() {
    Cluster::on_each(|cluster| {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = cluster.nobodys();
        let client = cluster.client(&endpoint);
        let mut job = client.job("master.work").unwrap();
        let first = master(cluster, folder.path(), &endpoint);
        for number in 0..2_000 {
            let work = Work {
                number,
                ..Work::default()
            };
            job.submit(work.payload()).unwrap();
        }
        cluster.until("all is accepted", || {
            (first.counts().received == 2_000).then_some(())
        });
        assert_eq!(end(first).succeeded, 0);

        let second = master(cluster, folder.path(), &endpoint);
        let worker = standalone::Worker::new("one")
            .offer_all()
            .config(cluster.config())
            .connect(&endpoint)
            .unwrap();
        let taken = cluster.take(&mut job, 1_000);
        // The others have ended as well, and are not fetched.
        cluster.until("all has ended", || {
            (second.counts().succeeded == 2_000).then_some(())
        });
        end(worker);
        end(second);

        let third = master(cluster, folder.path(), &endpoint);
        cluster.check(job, taken, |index| Ok(encoded(&square(index))));
        assert_eq!(third.counts().succeeded, 0, "nothing is executed again");
    });
}

/// A master with room for a few messages of each sender.
fn narrow(cluster: &Cluster, folder: &Path, endpoint: &str) -> Running {
    let config = Config {
        window_messages: 50,
        ..cluster.config()
    };
    standalone::Master::new("master")
        .store(SledStore::open(folder).unwrap())
        .config(config)
        .bind(endpoint)
        .unwrap()
}

fn submit(job: &mut Job, numbers: Range<u64>) {
    for number in numbers {
        let work = Work {
            number,
            ..Work::default()
        };
        job.submit(work.payload()).unwrap();
    }
}

#[test]
fn what_the_window_has_no_room_for_waits_in_the_store() {
    Cluster::on_each(|cluster| {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = cluster.nobodys();
        let client = cluster.client(&endpoint);
        let mut job = client.job("master.work").unwrap();
        let mut given_up = client.job("master.work").unwrap();
        let first = narrow(cluster, folder.path(), &endpoint);
        submit(&mut job, 0..1_000);
        submit(&mut given_up, 0..500);
        submit(&mut job, 1_000..2_000);
        cluster.until("all is accepted", || {
            (first.counts().unfinished == 2_500).then_some(())
        });
        assert_eq!(first.counts().received, 50, "the others are not in memory");
        // The word is behind what it means.
        given_up.cancel();
        cluster.until("the word is accepted", || {
            (first.counts().unfinished == 2_501).then_some(())
        });
        end(first);

        let second = narrow(cluster, folder.path(), &endpoint);
        let worker = standalone::Worker::new("one")
            .offer_all()
            .config(cluster.config())
            .connect(&endpoint)
            .unwrap();
        // Endings that nobody takes would leave no room for others.
        let given_up = thread::spawn(|| {
            let cancelled = |ending: &Ending| {
                let failure = ending.result.as_ref().unwrap_err();
                failure.kind == FailureKind::Cancelled
            };
            given_up.filter(cancelled).count()
        });
        let taken = cluster.take(&mut job, 700);
        end(second);
        let third = narrow(cluster, folder.path(), &endpoint);
        cluster.check(job, taken, |index| Ok(encoded(&square(index))));
        assert_eq!(given_up.join().unwrap(), 500);
        cluster.until("nothing is left", || {
            (third.counts().unfinished == 0).then_some(())
        });
        end(worker);
    });
}

#[test]
fn a_store_is_one_servers_and_one_processs() {
    let folder = tempfile::tempdir().unwrap();
    let bind = |name: &str, store| {
        standalone::Server::new(name)
            .store(store)
            .bind("tcp://127.0.0.1:*")
    };
    let first = bind("first", SledStore::open(folder.path()).unwrap()).unwrap();
    let refusal = SledStore::open(folder.path()).unwrap_err();
    assert!(refusal.to_string().contains("this process"), "{refusal}");
    end(first);
    let error = bind("second", SledStore::open(folder.path()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(
        error.to_string(),
        "the store belongs to the server first, not to second: give each server a folder of its own"
    );
}

#[test]
fn what_another_version_of_palm_has_stored_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bind = || {
        standalone::Server::new("server")
            .store(SledStore::open(folder.path()).unwrap())
            .bind("tcp://127.0.0.1:*")
    };
    end(bind().unwrap());
    end(bind().unwrap());
    for (version, named) in [(Some(2), "has format 2,"), (None, "has format 0,")] {
        let mut store = SledStore::open(folder.path()).unwrap();
        let mut batch = Batch::new();
        match version {
            Some(version) => batch.put("format", encoded::<u32>(&version)),
            None => batch.delete("format"),
        };
        store.write(&batch).unwrap();
        store.flush().unwrap();
        drop(store);
        let error = bind().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// A store that panics when it is to flush more than a server's start.
struct Panicking(MemoryStore, u32);

impl Store for Panicking {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.0.write(batch)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.1 += 1;
        assert_eq!(self.1, 1, "it is flushed again, as this test wants it");
        self.0.flush()
    }

    fn logs(&self) -> Result<Vec<LogState>, StoreError> {
        self.0.logs()
    }

    fn groups(&self, log: LogId, from: u64) -> Groups<'_> {
        self.0.groups(log, from)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.0.get(key)
    }

    fn entries(&self, prefix: &[u8]) -> Entries<'_> {
        self.0.entries(prefix)
    }
}

#[test]
fn a_server_whose_store_panics_ends_and_says_so() {
    let cluster = Cluster::start(Transport::Inproc);
    let server = standalone::Server::new("server")
        .store(Panicking(MemoryStore::new(), 0))
        .config(cluster.config())
        .bind(&cluster.endpoint())
        .unwrap();
    let client = cluster.client(server.address());
    let mut job = client.job("server.echo").unwrap();
    job.submit("a message").unwrap();
    cluster.until("it has ended", || server.is_finished().then_some(()));
    let error = server.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("has panicked"), "{error}");
}
