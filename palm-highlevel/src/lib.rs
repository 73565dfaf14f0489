//! Servers that one extends with functions, and the client that calls them.
//!
//! | | executes by itself | has workers |
//! |---|---|---|
//! | answers the client | [`standalone::Server`] | [`standalone::Master`] with [`standalone::Worker`] |
//! | hands on to the next server | [`chained::Server`] | [`chained::Master`] |
//! | hands on to whom the route names | [`pipelined::Server`] | [`pipelined::Master`] |
//!
//! One [`Client`] serves all: [`Client::call`] for one message, [`Client::job`] for a stream of
//! them. Functions take and give bytes; [`typed`] makes one of a function of serde values. What a
//! function can't do it says with a [`Failure`], which its client gets instead of a result.
//!
//! ```
//! use palm_highlevel::{Client, Failure, standalone, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = standalone::Server::new("math")
//!     .function("root", typed(|x: f64| match x >= 0.0 {
//!         true => Ok(x.sqrt()),
//!         false => Err(Failure::new(format!("{x} has no real root"))),
//!     }))
//!     .bind("tcp://127.0.0.1:*")?;
//!
//! let client = Client::connect(server.address())?;
//! assert_eq!(client.call_typed::<_, f64>("math.root", &9.0)?, 3.0);
//! let failure = client.call_typed::<_, f64>("math.root", &-1.0).unwrap_err();
//! assert_eq!(failure.to_string(), "-1 has no real root");
//! # Ok(()) }
//! ```
//!
//! The [guide] goes on from here, step by step.
//!
//! The path of a message: [`Client`] → lane → [`engine`] (intake, ledger, execution, outbox) →
//! lane → the client, or the next server.

pub mod chained;
mod chunk;
pub mod client;
mod config;
mod dead_letter;
pub mod engine;
mod error;
mod failure;
mod function;
mod function_threads;
pub mod guide;
mod helm;
mod home;
mod made;
pub mod mutant;
pub mod pipelined;
mod retry;
mod runner;
mod running;
mod server_loop;
mod siblings;
pub mod standalone;
mod states;
pub mod store;
mod store_thread;
mod template;
mod thread;
mod watch;
mod wires;
mod wrapped;

pub use client::{Cache, Client, Ending, Job};
pub use config::Config;
pub use dead_letter::DeadLetter;
pub use engine::{Counts, PartitionId};
pub use error::{Error, ErrorKind, Result};
pub use failure::{Failure, FailureKind};
pub use function::{Call, Function, typed};
pub use made::{Piece, Pieces};
pub use retry::Retry;
pub use running::Running;
