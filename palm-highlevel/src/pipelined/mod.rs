//! Servers that find each other by name, and messages that say themselves where they go.
//!
//! A message's route is a list of functions, as in `clean.strip words.count`. Each server hands it on
//! to the one that is named next, and the last one answers the client. A [`Registry`] knows where the
//! servers are: each announces its name, its address and its functions, and does so again each second;
//! after three seconds of silence the name is free. Parts start in any order, but a client that asks for
//! a server which is not announced yet is told so with an error. Without the registry, what is connected
//! goes on.
//!
//! ```
//! use palm_highlevel::{Failure, pipelined, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = pipelined::Registry::new().bind("tcp://127.0.0.1:*")?;
//! let server = |name: &str, more: u64| {
//!     pipelined::Server::new(name)
//!         .function("add", typed(move |x: u64| Ok::<u64, Failure>(x + more)))
//!         .bind("tcp://127.0.0.1:*", registry.address())
//! };
//! let _servers = [server("one", 1)?, server("two", 2)?];
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
mod tracker;

pub use client::Client;
pub(crate) use names::Announcement;
pub(crate) use presence::Presence;
pub use registry::Registry;

use crate::engine::Output;
use crate::wrapped::wraps;
use crate::{Error, ErrorKind, Result, Running, standalone};
use palm_core::Endpoint;
use std::net::IpAddr;

/// A serial server that is found by its name.
pub struct Server {
    inner: standalone::Server,
    shares: bool,
}

/// A parallel server that is found by its name: a hub, whose workers come and go.
pub struct Master {
    inner: standalone::Master,
    shares: bool,
}

/// Where a server announces itself.
pub(crate) struct Registration {
    pub(crate) registry: String,
    pub(crate) shares: bool,
}

impl Registration {
    /// Refuses to bind what would tell others nothing of where the server is: all addresses of a machine.
    pub(crate) fn check(&self, name: &str, bind: &[Endpoint]) -> Result<()> {
        let Some(endpoint) = bind.iter().find(|endpoint| is_everywhere(endpoint)) else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::Config,
            format!(
                "{endpoint} is every address of this machine, and {name} is announced where it is bound: \
                 name the address by which others reach it"
            ),
        ))
    }
}

/// Whether the host of an endpoint is all of a machine's, as in `tcp://*:5555` or `tcp://[::]:5555`.
fn is_everywhere(endpoint: &Endpoint) -> bool {
    let tcp = endpoint.as_str().strip_prefix("tcp://");
    let Some((host, _)) = tcp.and_then(|rest| rest.rsplit_once(':')) else {
        return false;
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "*" || address.is_ok_and(|address| address.is_unspecified())
}

wraps!(Server);
wraps!(Master);

impl Server {
    /// A server with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Server {
        Server {
            inner: standalone::Server::new(name),
            shares: false,
        }
    }

    /// Lets other servers that say so too have the same name: they share the work. All are to offer the
    /// same functions, as those of one of them are looked at when a route is checked.
    pub fn shared(mut self) -> Server {
        self.shares = true;
        self
    }

    /// Binds `endpoint`, at which others can reach it, and announces it at `registry`: `*` may stand for
    /// its port, but not for its host. If the registry does not answer within a second, the server is
    /// announced once it does. While another one has the name, this waits for it to become free, for
    /// about four seconds at most. That another one has it is only logged if it turns out later.
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
        let server = self.inner.registered(registration);
        server.start(endpoint, Output::Route, Vec::new())
    }
}

impl Master {
    /// A master with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Master {
        Master {
            inner: standalone::Master::new(name),
            shares: false,
        }
    }

    /// Lets others have the same name; see [`Server::shared`].
    pub fn shared(mut self) -> Master {
        self.shares = true;
        self
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
        let master = self.inner.registered(registration);
        master.start(endpoint, Output::Route, Vec::new())
    }
}
