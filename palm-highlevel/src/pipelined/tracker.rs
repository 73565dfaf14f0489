use super::names::{Announcement, LEASE};
use super::presence::{RENEW, ask};
use crate::{Client, Result, thread};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use palm_core::Endpoint;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the registry may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How many routes wait for the thread at most.
const ROUTES: usize = 64;

/// The thread that follows the servers at the ends of a client's routes, which may move, and of which
/// several may share a name.
pub(super) struct Tracker {
    routes: Option<Sender<Tracked>>,
    thread: Option<JoinHandle<()>>,
}

/// The ends of a route.
pub(super) struct Tracked {
    /// What sends along it.
    client: Arc<Client>,
    /// The name of the first server, where it is, and when it was last seen there.
    entry: (String, Endpoint),
    seen: Instant,
    /// The name of the last server, if that is another one.
    exit: Option<String>,
    /// Where the client was told to listen.
    exits: Vec<Endpoint>,
}

impl Tracker {
    /// Asks `registry`, each second.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    pub(super) fn start(registry: Arc<Client>) -> Result<Tracker> {
        let (routes, tracked) = bounded(ROUTES);
        let thread = thread::spawn("palm-tracker", move || run(&registry, &tracked))?;
        Ok(Tracker {
            routes: Some(routes),
            thread: Some(thread),
        })
    }

    pub(super) fn track(&self, route: Tracked) {
        if let Some(routes) = &self.routes {
            // A thread that has ended follows nobody.
            let _ = routes.send(route);
        }
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.routes = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; a panic there has been logged.
            let _ = thread.join();
        }
    }
}

fn run(registry: &Client, tracked: &Receiver<Tracked>) {
    let mut routes = Vec::new();
    let mut look = Instant::now() + RENEW;
    loop {
        match tracked.recv_deadline(look) {
            Ok(route) => routes.push(route),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                // A registry that is silent is asked again a second later, and not for each route.
                let _ = routes.iter_mut().try_for_each(|route| route.look(registry));
                look = Instant::now() + RENEW;
            }
        }
    }
}

impl Tracked {
    /// A route that `client` sends along: to the server called `entry`, at that endpoint, and on to the
    /// one called `exit`, if it goes on.
    pub(super) fn new(
        client: Arc<Client>,
        entry: (String, Endpoint),
        exit: Option<String>,
    ) -> Tracked {
        Tracked {
            client,
            entry,
            seen: Instant::now(),
            exit,
            exits: Vec::new(),
        }
    }

    /// Asks where the ends are, and leads the client there. As long as the registry does not know, it
    /// goes on as before; `None` if it does not answer.
    pub(super) fn look(&mut self, registry: &Client) -> Option<()> {
        let all = |name: &str| -> Option<Vec<Endpoint>> {
            let all: Vec<Announcement> = ask(registry, "registry.all", name, ANSWER).ok()?;
            let all = all.iter().map(|said| Endpoint::parse(&said.address));
            all.collect::<palm_core::Result<_>>().ok()
        };
        let (name, entry) = &self.entry;
        let entries = all(name)?;
        let exits = match &self.exit {
            Some(exit) if exit == name => entries.clone(),
            Some(exit) => all(exit)?,
            None => Vec::new(),
        };
        let moved = match entries.first() {
            _ if entries.contains(entry) => {
                self.seen = Instant::now();
                None
            }
            // A registry that has just come back does not know everybody yet.
            Some(other) if self.seen.elapsed() >= LEASE => Some(other.clone()),
            _ => None,
        };
        if moved.is_none() && (exits.is_empty() || exits == self.exits) {
            return Some(());
        }
        if let Some(moved) = moved {
            self.entry.1 = moved;
        }
        self.client.lead(self.entry.1.clone(), exits.clone());
        self.exits = exits;
        Some(())
    }
}
