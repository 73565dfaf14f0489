use bytes::Bytes;
use palm_highlevel::store::{
    Batch, Entries, Groups, LogId, LogState, MemoryStore, Store, StoreError,
};
use palm_highlevel::{
    Client, Config, Ending, ErrorKind, FailureKind, Job, Running, chained, standalone,
};
use palm_persist::SledStore;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
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

fn worker(cluster: &Cluster, name: &str, address: &str) -> Running {
    let worker = standalone::Worker::new(name).offer_all();
    worker.config(cluster.config()).connect(address).unwrap()
}

/// A client, a first server, with a store if it has a folder, and the next one with a store, which
/// has accepted 300 messages; and a job of them.
fn chain<'a>(
    cluster: &'a Cluster,
    folder: Option<&Path>,
    next: &Path,
) -> (impl Fn() -> Running + 'a, Running, Running, Job, Client) {
    let (entry, exit) = (cluster.nobodys(), cluster.nobodys());
    let last = narrow(cluster, next, &exit);
    let folder = folder.map(Path::to_owned);
    let start = {
        let (entry, exit) = (entry.clone(), exit.clone());
        move || {
            let mut first = chained::Master::new("first").config(cluster.config());
            if let Some(folder) = &folder {
                first = first.store(SledStore::open(folder).unwrap());
            }
            first.next("master.square", &exit).bind(&entry).unwrap()
        }
    };
    let first = start();
    let client = Client::start(&entry, Some(&exit), cluster.config()).unwrap();
    let mut job = client.job("first.square master.square").unwrap();
    for number in 0..300u64 {
        job.submit(encoded(&number)).unwrap();
    }
    let squares = worker(cluster, "squares", &entry);
    cluster.until("all has come to the next one", || {
        (last.counts().unfinished == 300).then_some(())
    });
    end(squares);
    (start, first, last, job, client)
}

#[test]
fn a_server_with_a_store_goes_on_in_its_chain_after_it_was_stopped() {
    Cluster::on_each(|cluster| {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [folder, next] = &folders;
        let (start, first, last, mut job, _client) =
            chain(cluster, Some(folder.path()), next.path());
        let address = last.address().to_owned();
        end(first);
        let first = start();
        for number in 300..400u64 {
            job.submit(encoded(&number)).unwrap();
        }
        let squares = worker(cluster, "squares", first.address());
        cluster.until("more has come to the next one", || {
            (last.counts().unfinished == 400).then_some(())
        });
        end(last);
        let last = narrow(cluster, next.path(), &address);
        let again = worker(cluster, "again", &address);
        cluster.check(job, Vec::new(), |index| Ok(encoded(&square(square(index)))));
        drop((squares, again, first, last));
    });
}

#[test]
fn what_came_from_a_server_that_has_left_is_done_all_the_same() {
    Cluster::on_each(|cluster| {
        let next = tempfile::tempdir().unwrap();
        let (_, first, last, job, _client) = chain(cluster, None, next.path());
        let address = last.address().to_owned();
        end(first);
        end(last);
        let last = narrow(cluster, next.path(), &address);
        let again = worker(cluster, "again", &address);
        cluster.check(job, Vec::new(), |index| Ok(encoded(&square(square(index)))));
        drop((again, last));
    });
}

#[test]
fn what_a_session_sent_outlasts_its_first_process_and_the_masters() {
    Cluster::on_each(|cluster| {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = cluster.nobodys();
        let session = || {
            let config = Config {
                session: Some("night".into()),
                ..cluster.config()
            };
            Client::start(&endpoint, None, config).unwrap()
        };
        let first = master(cluster, folder.path(), &endpoint);
        let client = session();
        let mut job = client.resume("book", "master.square").unwrap();
        for index in 0..100 {
            job.submit_at(index, encoded(&index)).unwrap();
        }
        cluster.until("all is accepted", || {
            (first.counts().unfinished == 100).then_some(())
        });
        drop((job, client));
        let client = session();
        let mut job = client.resume("book", "master.square").unwrap();
        job.submit_at(100, encoded(&100u64)).unwrap();
        cluster.until("one more is accepted", || {
            (first.counts().unfinished == 101).then_some(())
        });
        end(first);

        let second = master(cluster, folder.path(), &endpoint);
        let squares = worker(cluster, "squares", &endpoint);
        cluster.until("all has ended", || {
            (second.counts().succeeded == 101).then_some(())
        });
        drop((squares, second));
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
    for (version, named) in [(Some(1), "has format 1,"), (None, "has format 0,")] {
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

/// A master with no more room on its disk than `store` says, a job of more than that, and workers
/// that come only when nothing more is taken in; `relieve` is called then.
fn fill(cluster: &Cluster, store: SledStore, relieve: impl FnOnce(&Running)) {
    let endpoint = cluster.nobodys();
    let master = standalone::Master::new("master")
        .store(store)
        .config(cluster.config())
        .bind(&endpoint)
        .unwrap();
    let client = cluster.client(&endpoint);
    let mut job = client.job("master.echo").unwrap();
    let sender = thread::spawn(move || {
        for index in 0..MESSAGES {
            job.submit(large(index)).unwrap();
        }
        job
    });
    let mut before = None;
    cluster.until("no more is taken in", || {
        let held = (master.counts().unfinished, Instant::now());
        let (count, since) = *before.get_or_insert(held);
        if count != held.0 {
            before = Some(held);
        }
        (count > 0 && since.elapsed() >= STILL).then_some(())
    });
    assert!(master.counts().unfinished < MESSAGES);
    relieve(&master);
    let worker = standalone::Worker::new("one")
        .offer_all()
        .config(cluster.config())
        .connect(&endpoint)
        .unwrap();
    let job = sender.join().unwrap();
    cluster.check(job, Vec::new(), |index| Ok(large(index)));
    end(worker);
    end(master);
}

/// For how long nothing is taken in where nothing will be.
const STILL: Duration = Duration::from_secs(1);

const MESSAGES: u64 = 600;

/// A hundred thousand bytes.
fn large(index: u64) -> Bytes {
    vec![index as u8; 100_000].into()
}

#[test]
fn at_the_limit_of_its_store_a_master_takes_in_no_more_until_something_is_done() {
    let cluster = Cluster::start(Transport::Tcp);
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path()).unwrap().limit(48 << 20);
    fill(&cluster, store, |_| {});
}

#[test]
fn a_job_waits_for_space_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount(400) else {
        eprintln!("skipped: this needs the right to mount a file system");
        return;
    };
    let cluster = Cluster::start(Transport::Tcp);
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![0; 200 << 20]).unwrap();
    let store = SledStore::open(disk.path().join("store")).unwrap();
    fill(&cluster, store.reserve(128 << 20), |master| {
        let before = master.counts().unfinished;
        fs::remove_file(filler).unwrap();
        cluster.until("more is taken in", || {
            (master.counts().unfinished > before).then_some(())
        });
    });
}

/// A file system of its own in memory, gone when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// One of so many MiB, if this process may have it.
    fn mount(mebibytes: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(SmallDisk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If it stays, it goes with the machine.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_client_hears_of_more_jobs_than_it_remembers_from_a_server_that_started_anew() {
    let cluster = Cluster::start(Transport::Tcp);
    let folder = tempfile::tempdir().unwrap();
    let endpoint = cluster.nobodys();
    let start = || {
        standalone::Server::new("s")
            .offer_all()
            .store(SledStore::open(folder.path()).unwrap())
            .config(cluster.config())
            .bind(&endpoint)
            .unwrap()
    };
    let client = cluster.client(&endpoint);
    let call = |number: u64| {
        let work = Work {
            number,
            ..Work::default()
        };
        let mut job = client.job("s.work").unwrap();
        job.submit(work.payload()).unwrap();
        let ending = job.next_timeout(cluster.time_left()).unwrap();
        assert_eq!(ending.result.unwrap(), encoded(&square(number)));
    };
    let first = start();
    (0..2_100).for_each(call);
    end(first);
    let _second = start();
    (0..3).for_each(call);
}
