//! Servers that find each other by name, and messages that say themselves where they go.
//!
//! A message's route is a list of functions, as in `clean.strip words.count`. Each server hands it on
//! to the one that is named next, and the last one answers the client. A [`Registry`] knows where the
//! servers are: each announces its name, its address and its functions, and does so again each second;
//! after three seconds of silence the name is free. Parts start in any order. Without the registry, what
//! is connected goes on.
//!
//! ```
//! use palm_highlevel::{Failure, pipelined, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = pipelined::Registry::new().bind("tcp://127.0.0.1:*")?;
//! let _servers = [("one", 1), ("two", 2)].map(|(name, more)| {
//!     pipelined::Server::new(name)
//!         .function("add", typed(move |x: u64| Ok::<u64, Failure>(x + more)))
//!         .bind("tcp://127.0.0.1:*", registry.address())
//! });
//!
//! let client = pipelined::Client::connect(registry.address())?;
//! let three = palm_core::codec::encode(&3u64)?;
//! let sum = client.call("one.add two.add one.add", three)?;
//! assert_eq!(palm_core::codec::decode::<u64>(&sum)?, 7);
//!
//! let failure = client.call("one.add three.add", "").unwrap_err();
//! assert_eq!(failure.to_string(), "no server called three is announced; those that are: one, two");
//! # Ok(()) }
//! ```
//!
//! A [`Master`] among them is a hub: its workers are [`standalone::Worker`]s. Two servers of one name
//! are an error, unless both say that they share it ([`Server::shared`]): then each of those who send
//! to that name is given one of them, and another one if that falls silent.

mod client;
mod names;
mod presence;
mod registry;

pub use client::Client;
pub(crate) use names::Announcement;
pub(crate) use presence::Presence;
pub use registry::Registry;

use crate::engine::Output;
use crate::store::Store;
use crate::{Call, Config, Failure, Function, Piece, Pieces, Result, Retry, Running, standalone};
use bytes::Bytes;
use std::time::Duration;

/// A serial server that is found by its name.
pub struct Server {
    server: standalone::Server,
    shares: bool,
}

/// A parallel server that is found by its name: a hub, whose workers come and go.
pub struct Master {
    master: standalone::Master,
    shares: bool,
}

/// Where a server announces itself.
pub(crate) struct Registration {
    pub(crate) registry: String,
    pub(crate) shares: bool,
}

impl Server {
    /// A server with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Server {
        Server {
            server: standalone::Server::new(name),
            shares: false,
        }
    }

    /// Lets other servers that say so too have the same name: they share the work.
    pub fn shared(mut self) -> Server {
        self.shares = true;
        self
    }

    /// Offers `function` under `name`.
    pub fn function(self, name: &str, function: impl Function) -> Server {
        self.with(|server| server.function(name, function))
    }

    /// Gives a function another lease; see [`standalone::Server::lease`].
    pub fn lease(self, name: &str, lease: Duration) -> Server {
        self.with(|server| server.lease(name, lease))
    }

    /// Tries messages again whose function has failed; see [`standalone::Server::retry`].
    pub fn retry(self, retry: Retry) -> Server {
        self.with(|server| server.retry(retry))
    }

    /// Runs functions on so many threads; see [`standalone::Server::threads`].
    pub fn threads(self, threads: u32) -> Server {
        self.with(|server| server.threads(threads))
    }

    /// Keeps what the server holds in `store` as well; see [`standalone::Server::store`].
    pub fn store(self, store: impl Store + 'static) -> Server {
        self.with(|server| server.store(store))
    }

    /// Replaces the settings.
    pub fn config(self, config: Config) -> Server {
        self.with(|server| server.config(config))
    }

    /// Binds `endpoint`, at which others can reach it, and announces it at `registry`. If that does
    /// not answer within a second, the server is announced once it does.
    ///
    /// # Errors
    ///
    /// If a name, a setting or an endpoint is not as it should be, or can't be bound, or another server
    /// that lives has the name.
    pub fn bind(self, endpoint: &str, registry: &str) -> Result<Running> {
        let registration = Registration {
            registry: registry.to_owned(),
            shares: self.shares,
        };
        let server = self.server.registered(registration);
        server.start(endpoint, Output::Route, Vec::new())
    }

    fn with(self, change: impl FnOnce(standalone::Server) -> standalone::Server) -> Server {
        Server {
            server: change(self.server),
            shares: self.shares,
        }
    }
}

impl Master {
    /// A master with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Master {
        Master {
            master: standalone::Master::new(name),
            shares: false,
        }
    }

    /// Lets others have the same name; see [`Server::shared`].
    pub fn shared(mut self) -> Master {
        self.shares = true;
        self
    }

    /// Offers a function that the master executes itself; see [`standalone::Master::function`].
    pub fn function(self, name: &str, function: impl Function) -> Master {
        self.with(|master| master.function(name, function))
    }

    /// Offers a function that splits messages; see [`standalone::Master::scatter`].
    pub fn scatter<P, E>(
        self,
        name: &str,
        to: &str,
        split: impl Fn(&Call) -> std::result::Result<P, E> + Send + Sync + 'static,
    ) -> Master
    where
        P: IntoIterator,
        P::Item: Into<Bytes>,
        E: Into<Failure>,
    {
        self.with(|master| master.scatter(name, to, split))
    }

    /// Makes one result of what was scattered; see [`standalone::Master::gather`].
    pub fn gather<R, E>(
        self,
        name: &str,
        gather: impl Fn(&Call, Pieces) -> std::result::Result<R, E> + Send + Sync + 'static,
    ) -> Master
    where
        R: Into<Bytes>,
        E: Into<Failure>,
    {
        self.with(|master| master.gather(name, gather))
    }

    /// Gathers piece by piece; see [`standalone::Master::gather_each`].
    pub fn gather_each<S, R, E>(
        self,
        name: &str,
        init: impl Fn() -> S + Send + Sync + 'static,
        each: impl Fn(&mut S, &Call, Piece) -> std::result::Result<(), E> + Send + Sync + 'static,
        end: impl Fn(S, &Call) -> std::result::Result<R, E> + Send + Sync + 'static,
    ) -> Master
    where
        S: Send + 'static,
        R: Into<Bytes>,
        E: Into<Failure>,
    {
        self.with(|master| master.gather_each(name, init, each, end))
    }

    /// Gives a function of the master's own another lease; see [`standalone::Master::lease`].
    pub fn lease(self, name: &str, lease: Duration) -> Master {
        self.with(|master| master.lease(name, lease))
    }

    /// Runs the master's own functions on so many threads; see [`standalone::Master::threads`].
    pub fn threads(self, threads: u32) -> Master {
        self.with(|master| master.threads(threads))
    }

    /// Tries messages again whose function has failed; see [`standalone::Master::retry`].
    pub fn retry(self, retry: Retry) -> Master {
        self.with(|master| master.retry(retry))
    }

    /// Keeps what the server holds in `store` as well; see [`standalone::Master::store`].
    pub fn store(self, store: impl Store + 'static) -> Master {
        self.with(|master| master.store(store))
    }

    /// Replaces the settings.
    pub fn config(self, config: Config) -> Master {
        self.with(|master| master.config(config))
    }

    /// Binds `endpoint`, for servers, clients and workers alike, and announces it; see [`Server::bind`].
    /// What its workers offer is not known when a route is checked.
    ///
    /// # Errors
    ///
    /// As [`Server::bind`].
    pub fn bind(self, endpoint: &str, registry: &str) -> Result<Running> {
        let registration = Registration {
            registry: registry.to_owned(),
            shares: self.shares,
        };
        let master = self.master.registered(registration);
        master.start(endpoint, Output::Route, Vec::new())
    }

    fn with(self, change: impl FnOnce(standalone::Master) -> standalone::Master) -> Master {
        Master {
            master: change(self.master),
            shares: self.shares,
        }
    }
}
