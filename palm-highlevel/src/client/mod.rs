//! The client of every server.

mod awaited;
mod branches;
mod bundle;
mod cache;
mod client_loop;
mod ends;
mod job;
pub mod machine;

pub use cache::Cache;
pub(crate) use cache::content_key;
pub use job::{Ending, Job};

use crate::config::check_name;
use crate::{Config, Error, ErrorKind, Failure, FailureKind, Result, thread};
use bytes::Bytes;
use client_loop::{ClientLoop, Command, Parts, Submitted};
use crossbeam_channel::{Sender, bounded};
use machine::{ClientMachine, NAMED, Receipt};
use palm_core::{Endpoint, Incarnation, Route, StopHandle, Waker, codec, lane};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many submissions wait for the loop at most, and how many it takes of them before there is room.
const SUBMISSIONS: usize = 2048;

/// How many commands wait for the loop at most, which takes all of them in each of its turns.
const COMMANDS: usize = 1024;

/// Sends messages to servers and gives back how they end: one by one with [`call`](Client::call),
/// as a stream with [`job`](Client::job). It may be used from several threads.
///
/// A client may start before its server: what is sent waits. If the server restarts, what has not
/// ended is sent again.
///
/// ```
/// use palm_highlevel::{Call, Client, Failure, standalone};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = standalone::Server::new("echo")
///     .function("back", |call: &Call| Ok::<_, Failure>(call.payload().clone()))
///     .bind("tcp://127.0.0.1:*")?;
/// let client = Client::connect(server.address())?;
///
/// assert_eq!(client.call("echo.back", "one")?, "one");
/// let failure = client.call("echo.forth", "two").unwrap_err();
/// assert_eq!(failure.to_string(), "echo has no function `forth`; it has back");
/// # Ok(()) }
/// ```
pub struct Client {
    shared: Arc<Shared>,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<()>>>,
}

/// What jobs and calls need of the client that they are of.
struct Shared {
    /// Whose messages they are: this incarnation's, or its session's.
    id: Incarnation,
    has_session: bool,
    submissions: Sender<Submitted>,
    commands: Sender<Command>,
    waker: Waker,
    next_job: AtomicU64,
    /// How often jobs were cancelled.
    cancels: AtomicU32,
    /// The routes of calls, so that each is told to the server once.
    routes: Mutex<HashMap<String, Arc<Route>>>,
}

impl Client {
    /// A client of the server at `endpoint`, with a name of its own.
    ///
    /// Of a chain that is not enough: its endings come to the last server alone, and who does not
    /// listen there waits for ever; see [`connect_through`](Self::connect_through).
    ///
    /// # Errors
    ///
    /// If the endpoint is none, or the system refuses a thread or a socket. That nobody is there
    /// yet is no error.
    pub fn connect(endpoint: &str) -> Result<Client> {
        Client::start(endpoint, None, Config::default())
    }

    /// A client that sends to the server at `entry` and hears the endings from the one at `exit`,
    /// as with a chain of servers.
    ///
    /// Nobody can tell that `exit` is another server than the one that the endings come to: the client
    /// then waits for them for ever.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_through(entry: &str, exit: &str) -> Result<Client> {
        Client::start(entry, Some(exit), Config::default())
    }

    /// A client with other settings than the default ones.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), or if a setting is not as it should be.
    pub fn start(entry: &str, exit: Option<&str>, config: Config) -> Result<Client> {
        config.validate()?;
        let exit = exit
            .filter(|exit| *exit != entry)
            .map(Endpoint::parse)
            .transpose()?;
        let entry = Endpoint::parse(entry)?;
        let incarnation = Incarnation::random();
        let name = match &config.session {
            Some(session) => session.clone(),
            None => format!("client-{}-{incarnation}", std::process::id()),
        };
        check_name("session", &name, true)?;
        let session = config.session.as_deref().map(identity);
        let machine = ClientMachine::new(
            incarnation,
            name,
            std::process::id(),
            config.window(),
            exit.is_some(),
            session,
        );
        let (submissions, submitted) = bounded(SUBMISSIONS);
        let (commands, commanded) = bounded(COMMANDS);
        let (started, starting) = bounded(1);
        let parts = Parts {
            machine,
            entry,
            exit,
            config,
            submitted,
            commanded,
        };
        let thread = thread::spawn("palm-client", move || {
            match ClientLoop::new(parts) {
                Ok(client) => {
                    let handles = client.handles();
                    // Whoever starts a client waits for this.
                    let _ = started.send(Ok(handles));
                    client.run()
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    Ok(())
                }
            }
        })?;
        let (stop, waker) = starting.recv().map_err(|error| {
            Error::new(ErrorKind::Io, "the client did not start").caused_by(error)
        })??;
        let shared = Shared {
            id: session.map_or(incarnation, Incarnation::from_number),
            has_session: session.is_some(),
            submissions,
            commands,
            waker,
            next_job: AtomicU64::new(1),
            cancels: AtomicU32::new(0),
            routes: Mutex::new(HashMap::new()),
        };
        Ok(Client {
            shared: Arc::new(shared),
            stop,
            thread: Some(thread),
        })
    }

    /// From now on sends to `entry`, and hears from all of `exits`: servers that a registry knows may move,
    /// and several may share a name.
    pub(crate) fn lead(&self, entry: Endpoint, exits: Vec<Endpoint>) {
        // A client that has ended goes nowhere.
        let _ = self.shared.commands.send(Command::Lead(entry, exits));
        self.shared.waker.wake();
    }

    /// Sends one message along `function`, written `server.function`, and waits for its ending,
    /// as long as it takes.
    ///
    /// # Errors
    ///
    /// How the message ended, if not with success.
    pub fn call(
        &self,
        function: &str,
        payload: impl Into<Bytes>,
    ) -> std::result::Result<Bytes, Failure> {
        let mut job = self.call_job(function)?;
        job.submit(payload)?;
        match job.next() {
            Some(ending) => ending.result,
            None => Err(ended()),
        }
    }

    /// As [`call`](Self::call), but waits for `timeout` at most: then it gives back `None`, and the
    /// message is cancelled.
    ///
    /// # Errors
    ///
    /// How the message ended, if not with success.
    pub fn call_timeout(
        &self,
        function: &str,
        payload: impl Into<Bytes>,
        timeout: Duration,
    ) -> std::result::Result<Option<Bytes>, Failure> {
        let deadline = Instant::now().checked_add(timeout);
        let mut job = self.call_job(function)?;
        if !job.submit_until(payload.into(), deadline)? {
            return Ok(None);
        }
        job.next_until(deadline)
            .map(|ending| ending.result)
            .transpose()
    }

    /// As [`call`](Self::call), of serde values instead of bytes; see [`typed`](crate::typed).
    ///
    /// # Errors
    ///
    /// How the message ended, if not with success, or that the result is no `O`.
    pub fn call_typed<I: Serialize + ?Sized, O: DeserializeOwned>(
        &self,
        function: &str,
        input: &I,
    ) -> std::result::Result<O, Failure> {
        let result = self.call(function, codec::encode(input)?)?;
        Ok(codec::decode(&result)?)
    }

    /// Begins a stream of messages along `function`, whose endings come as they come.
    ///
    /// # Errors
    ///
    /// [`FailureKind::Unknown`] if `function` is no route.
    pub fn job(&self, function: &str) -> std::result::Result<Job, Failure> {
        let number = self.shared.next_job.fetch_add(1, Ordering::Relaxed);
        let route = Route::parse(self.shared.id, number, function).map_err(malformed)?;
        Job::open(self.shared.clone(), number, number, Arc::new(route))
    }

    /// Takes up the job called `name` of this client's session, or begins it: a stream as
    /// [`job`](Self::job) gives, that outlasts this process. What an earlier process of the session
    /// has submitted goes on meanwhile; its endings come here, by the index that was given to
    /// [`Job::submit_at`]. If this client has taken up the job before, that one hears no more: what it has
    /// not given out comes here as well.
    ///
    /// Submit again, under its index, each message whose ending the application has not taken:
    /// what servers hold is not executed a second time. Servers keep what belongs to a session for
    /// their [`retention`](crate::Config::retention), and of its endings as much as their window
    /// allows.
    ///
    /// # Errors
    ///
    /// [`FailureKind::Unknown`] if `function` is no route, or the client has no
    /// [`session`](crate::Config::session).
    pub fn resume(&self, name: &str, function: &str) -> std::result::Result<Job, Failure> {
        if !self.shared.has_session {
            return Err(Failure::of(
                FailureKind::Unknown,
                format!(
                    "the job {name} can't be taken up: the client has no session, see `Config`"
                ),
            ));
        }
        let number = identity(name) | NAMED;
        let route = Route::parse(self.shared.id, number, function).map_err(malformed)?;
        let serial = self.shared.next_job.fetch_add(1, Ordering::Relaxed);
        Job::open(self.shared.clone(), number, serial, Arc::new(route))
    }

    /// A job of one message. All calls of a function share a route.
    fn call_job(&self, function: &str) -> std::result::Result<Job, Failure> {
        let number = self.shared.next_job.fetch_add(1, Ordering::Relaxed);
        let mut routes = self
            .shared
            .routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let route = match routes.get(function) {
            Some(route) => route.clone(),
            None => {
                let route = Route::parse(self.shared.id, 0, function).map_err(malformed)?;
                let route = Arc::new(route);
                routes.insert(function.to_owned(), route.clone());
                route
            }
        };
        drop(routes);
        Job::open(self.shared.clone(), number, number, route)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.stop();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => log::error!("a client ended early: {error}"),
            Some(Err(_)) => log::error!("the loop of a client panicked: this is a defect of PALM"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.shared.id)
    }
}

/// The number that a name stands for in ids.
fn identity(name: &str) -> u64 {
    lane::chained(0, 0, name.as_bytes()).max(1)
}

fn malformed(error: palm_core::Error) -> Failure {
    Failure::of(FailureKind::Unknown, error.to_string())
}

/// What a job hears whose client is no more.
fn ended() -> Failure {
    Failure::of(FailureKind::Refused, "the client has ended")
}
