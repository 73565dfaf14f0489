//! Where a test runs its servers, workers and clients: addresses, settings, and a watch over the
//! time.

use bytes::Bytes;
use palm_core::Context;
use palm_highlevel::{Client, Config, Counts, Failure, Job, Running};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a test may take. It is long because machines are slow, not because anything is.
const DEADLINE: Duration = Duration::from_secs(40);

/// How long a test that is over its deadline may take to say so and end its servers.
const GRACE: Duration = Duration::from_secs(15);

/// How often a condition is looked at that nothing announces.
const LOOK: Duration = Duration::from_millis(1);

/// What frames travel by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Within one process.
    Inproc,
    /// Over the loopback interface.
    Tcp,
}

/// A place for servers, workers and clients, which a test starts and holds; each of them stops and
/// is joined when it is dropped. Declare it first: what is declared later is dropped before it.
///
/// A test that hangs all the same ends its process, and says which one it was.
pub struct Cluster {
    transport: Transport,
    context: Context,
    deadline: Instant,
    names: AtomicU32,
    watch: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Cluster {
    /// A place with nobody in it, and the time runs.
    pub fn start(transport: Transport) -> Cluster {
        let (over, ends) = mpsc::channel();
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let watch = thread::spawn(move || {
            if ends.recv_timeout(DEADLINE + GRACE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{test} over {transport:?} hangs");
                std::process::abort();
            }
        });
        Cluster {
            transport,
            context: Context::new(),
            deadline: Instant::now() + DEADLINE,
            names: AtomicU32::new(0),
            watch: Some((over, watch)),
        }
    }

    /// Runs `scenario` over each transport.
    pub fn on_each(scenario: impl Fn(&Cluster)) {
        for transport in [Transport::Inproc, Transport::Tcp] {
            scenario(&Cluster::start(transport));
        }
    }

    /// What the cluster's frames travel by.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// An endpoint to bind, free whenever it is asked for.
    pub fn endpoint(&self) -> String {
        match self.transport {
            Transport::Inproc => {
                let name = self.names.fetch_add(1, Ordering::Relaxed);
                format!("inproc://{name}")
            }
            Transport::Tcp => "tcp://127.0.0.1:*".into(),
        }
    }

    /// An endpoint that nobody has bound and that can be known before somebody does.
    ///
    /// # Panics
    ///
    /// If the system has no free port.
    pub fn nobodys(&self) -> String {
        match self.transport {
            Transport::Inproc => self.endpoint(),
            Transport::Tcp => {
                // Those above the system gives to connections, of others as well.
                let random = RandomState::new().build_hasher().finish();
                let from = |further| 10_000 + (random.wrapping_add(further) % 20_000) as u16;
                let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
                let port = (0..20_000).map(from).find(is_free).expect("a port is free");
                format!("tcp://127.0.0.1:{port}")
            }
        }
    }

    /// The default settings, in the context of this place.
    pub fn config(&self) -> Config {
        Config {
            context: Some(self.context.clone()),
            ..Config::default()
        }
    }

    /// A client of the server at `address`.
    ///
    /// # Panics
    ///
    /// If it can't start.
    pub fn client(&self, address: &str) -> Client {
        Client::start(address, None, self.config()).expect("a client starts")
    }

    /// How much time is left.
    ///
    /// # Panics
    ///
    /// If none is.
    pub fn time_left(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "over its deadline ({:?})", self.transport);
        left
    }

    /// Waits until there is something, for what nothing announces.
    ///
    /// # Panics
    ///
    /// If it does not come before the deadline, naming `what`.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(found) = look() {
                return found;
            }
            let late = Instant::now() >= self.deadline;
            assert!(!late, "never came ({:?}): {what}", self.transport);
            thread::park_timeout(LOOK);
        }
    }

    /// The next `count` endings of a job, by the index of their messages.
    ///
    /// # Panics
    ///
    /// If they don't come before the deadline, or the job has fewer.
    pub fn take(&self, job: &mut Job, count: u64) -> Vec<(u64, Result<Bytes, Failure>)> {
        let taken = (0..count).map(|taken| {
            let ending = job.next_timeout(self.time_left());
            let ending = ending.unwrap_or_else(|| panic!("{taken} of {count} endings came"));
            (ending.index, ending.result)
        });
        taken.collect()
    }

    /// Checks that every message of a job has ended once, and that message `index` ended with
    /// `expected(index)`. `taken` are the endings that were taken before.
    ///
    /// # Panics
    ///
    /// If it is not so.
    pub fn check(
        &self,
        mut job: Job,
        taken: Vec<(u64, Result<Bytes, Failure>)>,
        expected: impl Fn(u64) -> Result<Bytes, Failure>,
    ) {
        let left = job.unfinished();
        let mut endings = taken;
        endings.extend(self.take(&mut job, left));
        let mut ended = vec![false; endings.len()];
        for (index, result) in endings {
            let slot = ended.get_mut(index as usize);
            let slot = slot.unwrap_or_else(|| panic!("nobody submitted message {index}"));
            assert!(!std::mem::replace(slot, true), "{index} ended twice");
            assert_eq!(result, expected(index), "message {index}");
        }
    }
}

/// Stops a server or a worker, waits until it has ended, and gives what it did.
///
/// # Panics
///
/// If it ended of something else.
pub fn end(running: Running) -> Counts {
    running.stop();
    running.join().expect("it was told to stop")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((over, watch)) = self.watch.take() {
            drop(over);
            // It has nothing to say: it ends, or it has ended the process.
            let _ = watch.join();
        }
    }
}
