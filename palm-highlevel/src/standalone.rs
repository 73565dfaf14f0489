//! Servers that talk to a client: [`Server`] executes by itself, [`Master`] has [`Worker`]s.
//!
//! ```
//! use palm_highlevel::{Call, Client, Failure, standalone};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let master = standalone::Master::new("text").bind("tcp://127.0.0.1:*")?;
//! let worker = standalone::Worker::new("one")
//!     .function("upper", |call: &Call| Ok::<_, Failure>(call.payload().to_ascii_uppercase()))
//!     .connect(master.address())?;
//!
//! let client = Client::connect(master.address())?;
//! assert_eq!(client.call("text.upper", "palm")?, "PALM");
//! # Ok(()) }
//! ```

use crate::engine::Output;
use crate::pipelined::Registration;
use crate::store::Store;
use crate::template::{Plan, PlannedExecution, Template};
use crate::{Call, Config, Failure, Function, Piece, Pieces, Result, Retry, Running};
use bytes::Bytes;
use palm_core::Message;
use palm_core::wire::Role;
use std::time::Duration;

/// A serial server: its functions run in its own process.
pub struct Server {
    template: Template,
    threads: u32,
}

impl Server {
    /// A server with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Server {
        Server {
            template: Template::new(name),
            threads: 1,
        }
    }

    /// Offers `function` under `name`.
    pub fn function(mut self, name: &str, function: impl Function) -> Server {
        self.template.function(name, function);
        self
    }

    /// Gives the function called `name` another lease than 30 s: how long it may run without
    /// saying how far it is, see [`Call::progress`](crate::Call::progress).
    pub fn lease(mut self, name: &str, lease: Duration) -> Server {
        self.template.lease(name, lease);
        self
    }

    /// Tries messages again whose function has failed; by default a failure is an ending.
    pub fn retry(mut self, retry: Retry) -> Server {
        self.template.retry = Some(retry);
        self
    }

    /// Runs functions on so many threads; 1 by default, so that they run one after another.
    pub fn threads(mut self, threads: u32) -> Server {
        self.threads = threads.max(1);
        self
    }

    /// Keeps what the server holds in `store` as well, so that it goes on where it was when another
    /// process takes the place of this one: what it has accepted, what it has not delivered, its dead
    /// letters. By default all of this ends with the process, and its clients send again.
    pub fn store(mut self, store: impl Store + 'static) -> Server {
        self.template.store = Some(Box::new(store));
        self
    }

    /// Replaces the settings.
    pub fn config(mut self, config: Config) -> Server {
        self.template.config = config;
        self
    }

    /// Binds `endpoint` and starts to serve.
    ///
    /// # Errors
    ///
    /// If a name, a setting or the endpoint is not as it should be, or can't be bound.
    pub fn bind(self, endpoint: &str) -> Result<Running> {
        self.start(endpoint, Output::Reply, Vec::new())
    }

    pub(crate) fn registered(mut self, registration: Registration) -> Server {
        self.template.registration = Some(registration);
        self
    }

    pub(crate) fn start(
        self,
        endpoint: &str,
        output: Output,
        connect: Vec<String>,
    ) -> Result<Running> {
        self.template.start(Plan {
            role: Role::Server,
            execution: PlannedExecution::Serial,
            threads: self.threads,
            output,
            bind: vec![endpoint.to_owned()],
            connect,
        })
    }
}

/// A parallel server: its workers, which come and go, execute the functions.
pub struct Master {
    template: Template,
    execution: PlannedExecution,
    threads: u32,
}

impl Master {
    /// A master with the name that routes call it by; any free worker takes a message.
    pub fn new(name: impl Into<String>) -> Master {
        Master {
            template: Template::new(name),
            execution: PlannedExecution::Parallel,
            threads: 1,
        }
    }

    /// A master whose workers have state: each of the `partitions` is owned by one worker, and a
    /// message goes to the owner of partition `key(message) % partitions`, in order.
    ///
    /// A worker that joins owns the first partition that is free. A partition whose owner is lost
    /// is lost with it: its messages fail.
    ///
    /// # Panics
    ///
    /// The loop of the server, if `key` panics.
    pub fn partitioned(
        name: impl Into<String>,
        partitions: u32,
        key: impl Fn(&Message) -> u64 + Send + 'static,
    ) -> Master {
        Master {
            template: Template::new(name),
            execution: PlannedExecution::Partitioned(partitions, Box::new(key)),
            threads: 1,
        }
    }

    /// Offers `function` under `name`: the master executes it itself, and gives messages for all others
    /// to its workers. It is to be quick, and may [submit](crate::Call::submit) messages to them.
    pub fn function(mut self, name: &str, function: impl Function) -> Master {
        self.template.function(name, function);
        self
    }

    /// Gives a function of the master's own another lease; see [`Server::lease`].
    pub fn lease(mut self, name: &str, lease: Duration) -> Master {
        self.template.lease(name, lease);
        self
    }

    /// Runs the master's own functions on so many threads; 1 by default.
    pub fn threads(mut self, threads: u32) -> Master {
        self.threads = threads.max(1);
        self
    }

    /// Offers a function under `name` that splits a message: the master calls `split` for it, and each
    /// of the pieces is a message to the function `to` of the workers, or of the master.
    ///
    /// The message has ended once all pieces have, with their results, in order, which the client gets
    /// in [`Ending::branches`](crate::Ending::branches) and next servers one by one; or with what
    /// [`gather`](Self::gather) makes of them. If a piece fails, so does the message; where nothing is
    /// gathered it does so too if there are no pieces.
    ///
    /// ```
    /// # use palm_highlevel::{Call, Client, Failure, standalone};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let master = standalone::Master::new("text")
    ///     .scatter("shout", "upper", |call: &Call| {
    ///         let text = String::from_utf8_lossy(call.payload()).into_owned();
    ///         Ok::<_, Failure>(text.split(' ').map(String::from).collect::<Vec<_>>())
    ///     })
    ///     .gather("shout", |_: &Call, words| {
    ///         Ok::<_, Failure>(words.results()?.into_iter().rev().cloned().collect::<Vec<_>>().join(&b' '))
    ///     })
    ///     .bind("tcp://127.0.0.1:*")?;
    /// let worker = standalone::Worker::new("one")
    ///     .function("upper", |call: &Call| Ok::<_, Failure>(call.payload().to_ascii_uppercase()))
    ///     .connect(master.address())?;
    /// let client = Client::connect(master.address())?;
    /// assert_eq!(client.call("text.shout", "yoda speaks")?, "SPEAKS YODA");
    /// # Ok(()) }
    /// ```
    pub fn scatter<P, E>(
        mut self,
        name: &str,
        to: &str,
        split: impl Fn(&Call) -> std::result::Result<P, E> + Send + Sync + 'static,
    ) -> Master
    where
        P: IntoIterator,
        P::Item: Into<Bytes>,
        E: Into<Failure>,
    {
        self.template.scatter(name, to, split);
        self
    }

    /// Lets `gather` make the result of a message that [`scatter`](Self::scatter) has split under
    /// `name`: the master calls it once, with the results or failures of all pieces, in order.
    pub fn gather<R, E>(
        mut self,
        name: &str,
        gather: impl Fn(&Call, Pieces) -> std::result::Result<R, E> + Send + Sync + 'static,
    ) -> Master
    where
        R: Into<Bytes>,
        E: Into<Failure>,
    {
        self.template.gather(name, gather);
        self
    }

    /// As [`gather`](Self::gather), but with each piece as soon as it has ended, and a state of the
    /// message's own, which is `init()` at first: `each` is called with the pieces, one after another,
    /// in the order in which they end, and `end`, with what they have made of the state, once all have.
    ///
    /// What `each` [gives](crate::Call::give) are results before the last one, in the order of the
    /// pieces. If it fails, or panics, so does the message. And so it does if `end` fails, whatever the
    /// [retry](Self::retry) policy: it has taken the state, and there is none for another attempt.
    ///
    /// ```
    /// # use palm_highlevel::{Call, Client, Failure, standalone};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let master = standalone::Master::new("text")
    ///     .scatter("length", "measure", |call: &Call| {
    ///         let text = String::from_utf8_lossy(call.payload()).into_owned();
    ///         Ok::<_, Failure>(text.split(' ').map(String::from).collect::<Vec<_>>())
    ///     })
    ///     .gather_each(
    ///         "length",
    ///         || 0,
    ///         |sum, _: &Call, word| Ok::<_, Failure>(*sum += u32::from(word.result?[0])),
    ///         |sum, _: &Call| Ok(sum.to_string()),
    ///     )
    ///     .bind("tcp://127.0.0.1:*")?;
    /// let worker = standalone::Worker::new("one")
    ///     .function("measure", |call: &Call| Ok::<_, Failure>(vec![call.payload().len() as u8]))
    ///     .connect(master.address())?;
    /// let client = Client::connect(master.address())?;
    /// assert_eq!(client.call("text.length", "one and three")?, "11");
    /// # Ok(()) }
    /// ```
    pub fn gather_each<S, R, E>(
        mut self,
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
        self.template.gather_each(name, init, each, end);
        self
    }

    /// Tries messages again whose function has failed; by default a failure is an ending. Partitioned
    /// masters never do, for the sake of order.
    pub fn retry(mut self, retry: Retry) -> Master {
        self.template.retry = Some(retry);
        self
    }

    /// Keeps what the server holds in `store` as well, so that it goes on where it was when another
    /// process takes the place of this one: what it has accepted, what it has not delivered, its dead
    /// letters. By default all of this ends with the process, and its clients send again.
    pub fn store(mut self, store: impl Store + 'static) -> Master {
        self.template.store = Some(Box::new(store));
        self
    }

    /// Replaces the settings.
    pub fn config(mut self, config: Config) -> Master {
        self.template.config = config;
        self
    }

    /// Binds `endpoint`, for clients and workers alike, and starts to serve.
    ///
    /// # Errors
    ///
    /// If a name, a setting or the endpoint is not as it should be, or can't be bound.
    pub fn bind(self, endpoint: &str) -> Result<Running> {
        self.start(endpoint, Output::Reply, Vec::new())
    }

    pub(crate) fn registered(mut self, registration: Registration) -> Master {
        self.template.registration = Some(registration);
        self
    }

    pub(crate) fn start(
        self,
        endpoint: &str,
        output: Output,
        connect: Vec<String>,
    ) -> Result<Running> {
        self.template.start(Plan {
            role: Role::Server,
            execution: self.execution,
            threads: self.threads,
            output,
            bind: vec![endpoint.to_owned()],
            connect,
        })
    }
}

/// A process that executes functions for a master. It may come before or after it, and may die:
/// others then do what it held.
pub struct Worker {
    template: Template,
    threads: u32,
}

impl Worker {
    /// A worker with a name of its own among the master's.
    pub fn new(name: impl Into<String>) -> Worker {
        Worker {
            template: Template::new(name),
            threads: 1,
        }
    }

    /// Offers `function` under `name`.
    pub fn function(mut self, name: &str, function: impl Function) -> Worker {
        self.template.function(name, function);
        self
    }

    /// Gives the function called `name` another lease than 30 s: how long it may run without
    /// saying how far it is, see [`Call::progress`](crate::Call::progress).
    pub fn lease(mut self, name: &str, lease: Duration) -> Worker {
        self.template.lease(name, lease);
        self
    }

    /// Runs functions on so many threads; 1 by default.
    pub fn threads(mut self, threads: u32) -> Worker {
        self.threads = threads.max(1);
        self
    }

    /// Replaces the settings.
    pub fn config(mut self, config: Config) -> Worker {
        self.template.config = config;
        self
    }

    /// Connects to the master at `endpoint` and starts to work. The master may start later.
    ///
    /// # Errors
    ///
    /// If a name, a setting or the endpoint is not as it should be.
    pub fn connect(self, endpoint: &str) -> Result<Running> {
        self.template.start(Plan {
            role: Role::Worker,
            execution: PlannedExecution::Serial,
            threads: self.threads,
            output: Output::Reply,
            bind: Vec::new(),
            connect: vec![endpoint.to_owned()],
        })
    }
}
