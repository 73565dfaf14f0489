//! What servers of PALM are built from: messages, the wire, lanes, sockets and the event loop.
//!
//! `palm-core` knows nothing of templates, stores or workers. A server of your own takes sockets, as a
//! [`Router`] (who binds) or a [`Dealer`] (who connects), and answers what comes. It plugs them into a
//! [`Switchboard`], or, closer to the metal, waits for them with an [`EventLoop`] as here. The
//! [guide] goes step by step.
//!
//! ```
//! use palm_core::{Context, Dealer, Endpoint, EventLoop, Frames, Router, SocketOptions};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), palm_core::Error> {
//! let context = Context::new();
//! let options = SocketOptions::default();
//! let router = Router::bind(&context, &[Endpoint::parse("tcp://127.0.0.1:*")?], &options)?;
//! let dealer = Dealer::connect(&context, &router.addresses()[0], &options)?;
//!
//! let mut events = EventLoop::new()?;
//! events.await_writable(0);
//! while !events.step(&[&dealer], Some(Duration::from_secs(5)))?.writable(0) {}
//! dealer.send(Frames::one(b"hello".to_vec()))?;
//! while !events.step(&[&router], Some(Duration::from_secs(5)))?.readable(0) {}
//! let (peer, frames) = router.receive()?.expect("the loop says there is one");
//! assert_eq!(frames.first, b"hello"[..]);
//! router.send(peer, frames)?;
//! # Ok(()) }
//! ```
//!
//! The path of a message, from one process to the next:
//!
//! 1. The sender gives it a number in its [`lane::Outgoing`] and keeps it.
//! 2. [`wire::FrameWriter`] puts as many as are ready, and as the receiver's [`lane::Credit`]
//!    allows, into one frame.
//! 3. The receiver's [`lane::Incoming`] takes them in order only, and says in the header of
//!    whatever frame it sends next what it has accepted and settled.
//! 4. The sender forgets what is settled.
//!
//! The lanes and the wire do no I/O and read no clock: a simulation drives the code that the
//! sockets drive.

pub mod codec;
mod endpoint;
mod error;
mod event_loop;
pub mod guide;
mod incarnation;
pub mod lane;
mod message;
pub mod mutant;
mod socket;
mod switchboard;
pub mod wire;

pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, Result};
pub use event_loop::{EventLoop, Ready, StopHandle, Waker};
pub use incarnation::Incarnation;
pub use lane::{Link, Received};
pub use message::{Id, Message, Path, Route, Step};
pub use socket::{
    Context, Dealer, Frames, Pair, Part, PeerId, Pollable, Pub, Published, Pull, Push, Rep, Req,
    Router, Sent, SocketOptions, Sub,
};
pub use switchboard::{Event, Switchboard};
