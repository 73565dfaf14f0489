//! Servers whose results go on to the next one, and whose clients listen at the last.
//!
//! | | executes by itself | has workers |
//! |---|---|---|
//! | hands on to the next | [`Server`] | [`Master`] |
//! | answers the client | [`LastServer`], [`Sink`] | [`standalone::Master`] |
//!
//! A client sends to the first server and listens at the last
//! ([`Client::connect_through`](crate::Client::connect_through)). It names the first function; each
//! server names the one that its results go on to. A route that names more of them, as in
//! `valuation.value totals.add`, has precedence over what servers name. It changes functions, never
//! addresses: behind a tee a route leaves the server's name out, as in `tee.split add`, since what it
//! says there is said to all branches.
//!
//! ```
//! use palm_highlevel::{Client, Failure, chained, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let last = chained::LastServer::new("last")
//!     .function("square", typed(|x: u64| Ok::<u64, Failure>(x * x)))
//!     .bind("tcp://127.0.0.1:*")?;
//! let first = chained::Server::new("first")
//!     .function("increase", typed(|x: u64| Ok::<u64, Failure>(x + 1)))
//!     .next("last.square", last.address())
//!     .bind("tcp://127.0.0.1:*")?;
//!
//! let client = Client::connect_through(first.address(), last.address())?;
//! assert_eq!(client.call_typed::<_, u64>("first.increase", &4u64)?, 25);
//! # Ok(()) }
//! ```
//!
//! **A tee** is a server with several next ones: each result goes to all of them, or to those whose
//! filter takes it ([`Server::next_if`]). Its branches are children of the message, whose paths are
//! its path and 0, 1, 2 …. **A sink** is a server with several previous ones; it executes each branch
//! on its own. The client's message has ended once all its branches have come to the exit
//! ([`Ending::branches`](crate::Ending::branches)), or one of them without success.
//!
//! **What goes wrong** is a failure that says so, where it can be known: an unknown function or server,
//! servers that lead in a circle (after 64 functions), a result that no filter takes, a tee in a circle
//! (beyond 4096 branches). A next server that is down is waited for, and a message waits for a branch
//! that is silent: a deadline ([`Job::set_deadline`](crate::Job::set_deadline)) bounds that. What does
//! not need them goes on meanwhile, until a window is full: a tee then waits for the slowest of its
//! next servers.

use crate::engine::{Next, Output};
use crate::wrapped::wraps;
use crate::{Error, ErrorKind, Result, Running, standalone};
use palm_core::{Message, Step};

/// A server whose results go to the client: the last one of a chain.
pub type LastServer = standalone::Server;

/// A [`LastServer`] that several previous servers send to. Nothing distinguishes it but that.
pub type Sink = standalone::Server;

/// A serial server whose results go on to the next one, each as soon as it is there.
pub struct Server {
    inner: standalone::Server,
    nexts: Nexts,
}

/// A parallel server whose results go on to the next one, each as soon as it is there.
pub struct Master {
    inner: standalone::Master,
    nexts: Nexts,
}

/// The most next servers that there are bits for.
const MOST_NEXTS: usize = u64::BITS as usize;

/// The next servers, as they are given one after another.
#[derive(Default)]
pub(crate) struct Nexts(Vec<(String, String, Option<crate::engine::Filter>)>);

wraps!(Server);
wraps!(Master);

impl Server {
    /// A server with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Server {
        Server {
            inner: standalone::Server::new(name),
            nexts: Nexts::default(),
        }
    }

    /// Sends results to `function` of the server at `address`, which may start later; with a further
    /// call, to a further server as well.
    pub fn next(mut self, function: &str, address: &str) -> Server {
        self.nexts.push(function, address, None);
        self
    }

    /// As [`next`](Self::next), but only those results that `takes` says. It is to be quick, and to
    /// depend on the result alone.
    ///
    /// # Panics
    ///
    /// The loop of the server, if `takes` panics.
    pub fn next_if(
        mut self,
        function: &str,
        address: &str,
        takes: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Server {
        self.nexts.push(function, address, Some(Box::new(takes)));
        self
    }

    /// Binds `endpoint` and starts to serve.
    ///
    /// # Errors
    ///
    /// If a name, a setting or an endpoint is not as it should be, there is no next server, or the
    /// endpoint can't be bound.
    pub fn bind(self, endpoint: &str) -> Result<Running> {
        let (output, connect) = self.nexts.output()?;
        self.inner.start(endpoint, output, connect)
    }
}

impl Master {
    /// A master with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Master {
        Master {
            inner: standalone::Master::new(name),
            nexts: Nexts::default(),
        }
    }

    /// A master whose workers own partitions; see [`standalone::Master::partitioned`].
    pub fn partitioned(
        name: impl Into<String>,
        partitions: u32,
        key: impl Fn(&Message) -> u64 + Send + 'static,
    ) -> Master {
        Master {
            inner: standalone::Master::partitioned(name, partitions, key),
            nexts: Nexts::default(),
        }
    }

    /// Sends results to `function` of the server at `address`; see [`Server::next`].
    pub fn next(mut self, function: &str, address: &str) -> Master {
        self.nexts.push(function, address, None);
        self
    }

    /// As [`next`](Self::next), but only those results that `takes` says; see [`Server::next_if`].
    pub fn next_if(
        mut self,
        function: &str,
        address: &str,
        takes: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Master {
        self.nexts.push(function, address, Some(Box::new(takes)));
        self
    }

    /// Binds `endpoint` and starts to serve.
    ///
    /// # Errors
    ///
    /// As [`Server::bind`].
    pub fn bind(self, endpoint: &str) -> Result<Running> {
        let (output, connect) = self.nexts.output()?;
        self.inner.start(endpoint, output, connect)
    }
}

impl Nexts {
    fn push(&mut self, function: &str, address: &str, filter: Option<crate::engine::Filter>) {
        self.0
            .push((function.to_owned(), address.to_owned(), filter));
    }

    /// What the engine does with results, and where to connect to.
    fn output(self) -> Result<(Output, Vec<String>)> {
        if self.0.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                "a chained server has no next one: name it with `next`, or take a server of `standalone`",
            ));
        }
        if self.0.len() > MOST_NEXTS {
            let count = self.0.len();
            let message = format!(
                "a chained server has {count} next ones, and {MOST_NEXTS} at most: put another server between"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut nexts = Vec::new();
        let mut addresses = Vec::new();
        for (function, address, filter) in self.0 {
            if addresses.contains(&address) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("the server at {address} is next twice: name it once"),
                ));
            }
            let step = Step::parse(&function).map_err(Error::from)?;
            nexts.push(Next { step, filter });
            addresses.push(address);
        }
        Ok((Output::Next(nexts), addresses))
    }
}
