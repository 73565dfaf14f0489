//! The sockets of zmq, with every option set that matters and one thread at a time that has it.

mod dealer;
#[macro_use]
mod ends;
mod frames;
mod ipc;
mod options;
mod pair;
mod publish;
mod push_pull;
mod request;
mod router;
mod subscribe;

pub use dealer::Dealer;
pub use frames::Frames;
pub use options::SocketOptions;
pub use pair::Pair;
pub use publish::Pub;
pub use push_pull::{Pull, Push};
pub use request::{Rep, Req};
pub use router::{PeerId, Router};
pub use subscribe::{Published, Sub};

use crate::event_loop::Interest;
use crate::{Endpoint, Error, ErrorKind, Result};
use std::time::Instant;

/// The I/O threads behind sockets. A clone is the same context; `inproc` endpoints meet only
/// within one.
///
/// Dropping the last clone waits until its sockets are dropped and what they linger over is sent.
#[derive(Clone, Default)]
pub struct Context(zmq::Context);

impl Context {
    /// A context with one I/O thread, which serves about a gigabyte a second.
    pub fn new() -> Context {
        Context::default()
    }

    /// A context with so many I/O threads, at least one; each connection is served by one of them.
    pub fn with_io_threads(threads: u16) -> Context {
        let context = zmq::Context::new();
        // Refused only once sockets exist, and there are none.
        let _ = context.set_io_threads(i32::from(threads.max(1)));
        Context(context)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

/// What became of frames that were to be sent. Sending never blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// libzmq has taken them, which is not yet a delivery.
    Yes,
    /// No connection takes them now; the loop says when the socket is writable.
    NotNow,
    /// The peer is gone.
    Unreachable,
}

/// A socket that an [`EventLoop`](crate::EventLoop) can wait for.
pub trait Pollable {
    #[doc(hidden)]
    fn poll_item(&self, interest: Interest) -> zmq::PollItem<'_>;
}

/// A socket that a [`Switchboard`](crate::Switchboard) holds: all of this crate's are.
pub trait Part: Pollable {
    /// The next message, if one is there.
    #[doc(hidden)]
    fn take(&mut self) -> Result<Option<Taken>>;

    /// Whether it has read messages that it has not given: the socket does not say so.
    #[doc(hidden)]
    fn holds(&self) -> bool {
        false
    }

    /// Sends, to that peer if there are several.
    #[doc(hidden)]
    fn give(&mut self, peer: Option<PeerId>, frames: Frames) -> Result<Sent>;
}

/// What a [`Part`] has received.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct Taken {
    pub(crate) peer: Option<PeerId>,
    pub(crate) missed: u64,
    pub(crate) frames: Frames,
}

impl From<Frames> for Taken {
    fn from(frames: Frames) -> Taken {
        Taken {
            frames,
            ..Taken::default()
        }
    }
}

/// What somebody asked of a socket that only does the opposite.
fn one_way(why: &str) -> Error {
    Error::new(ErrorKind::OutOfTurn, why)
}

/// A zmq socket. One thread has it at a time: it may be moved to another, and is not `Sync`.
///
/// ```compile_fail
/// fn sync<T: Sync>() {}
/// sync::<palm_core::Router>();
/// ```
///
/// ```
/// fn send<T: Send>() {}
/// send::<palm_core::Router>();
/// ```
struct Socket {
    inner: zmq::Socket,
    addresses: Vec<Endpoint>,
}

impl Socket {
    fn new(context: &Context, kind: zmq::SocketType, options: &SocketOptions) -> Result<Socket> {
        let failed = |error: zmq::Error| {
            Error::new(ErrorKind::Io, "a socket can't be made").caused_by(error)
        };
        let inner = context.0.socket(kind).map_err(failed)?;
        options.apply(&inner).map_err(failed)?;
        Ok(Socket {
            inner,
            addresses: Vec::new(),
        })
    }

    /// Has the socket hold so many messages at most that can't go on yet, on its own side.
    fn bounded(self, options: &SocketOptions) -> Result<Socket> {
        let queue = i32::try_from(options.queue).unwrap_or(i32::MAX);
        let set = self
            .inner
            .set_sndhwm(queue)
            .and_then(|()| self.inner.set_rcvhwm(queue));
        self.with(set)
    }

    /// The socket, if an option of its kind could be set.
    fn with(self, set: zmq::Result<()>) -> Result<Socket> {
        set.map_err(|error| Error::new(ErrorKind::Io, "a socket can't be made").caused_by(error))?;
        Ok(self)
    }

    /// Binds all of `endpoints`, or none.
    fn bound_to(mut self, endpoints: &[Endpoint]) -> Result<Socket> {
        let bound = endpoints.iter().map(|endpoint| self.bind(endpoint));
        self.addresses = bound.collect::<Result<_>>()?;
        Ok(self)
    }

    /// Has nothing be taken for a connection that may never come about.
    fn for_connections(self) -> Result<Socket> {
        let immediate = self.inner.set_immediate(true);
        self.with(immediate)
    }

    /// Begins to connect to all of `endpoints`.
    fn connected_to(self, endpoints: &[Endpoint]) -> Result<Socket> {
        for endpoint in endpoints {
            self.connect(endpoint).map_err(|error| {
                Error::new(ErrorKind::Io, format!("{endpoint} can't be connected to"))
                    .caused_by(error)
            })?;
        }
        Ok(self)
    }

    fn receive_frames(&self) -> Result<Option<Frames>> {
        match self.receive()? {
            Some(first) => self.receive_rest(Some(first)).map(Some),
            None => Ok(None),
        }
    }

    /// One zmq message, or `None` if none is there.
    fn receive(&self) -> Result<Option<zmq::Message>> {
        let mut message = zmq::Message::new();
        loop {
            match self.inner.recv(&mut message, zmq::DONTWAIT) {
                Ok(()) => return Ok(Some(message)),
                Err(zmq::Error::EAGAIN) => return Ok(None),
                Err(zmq::Error::EINTR) => {}
                Err(error) => {
                    return Err(Error::new(ErrorKind::Io, "receiving failed").caused_by(error));
                }
            }
        }
    }

    /// The rest of a message of which one part was received: `first`, if that is its first part,
    /// or the sender's id.
    fn receive_rest(&self, first: Option<zmq::Message>) -> Result<Frames> {
        let mut parts = usize::from(first.is_some());
        let mut frames = Frames {
            first: first.map(frames::shared).unwrap_or_default(),
            ..Frames::default()
        };
        while self.more()? {
            // The parts of one message arrive together, so there is one.
            let Some(part) = self.receive()? else { break };
            match parts {
                0 => frames.first = frames::shared(part),
                1 => frames.second = Some(frames::shared(part)),
                _ => frames.excess += 1,
            }
            parts += 1;
        }
        Ok(frames)
    }

    /// Waits for `events`; whether they came before the deadline. A signal counts as if they had.
    fn wait(&self, events: zmq::PollEvents, deadline: Option<Instant>) -> Result<bool> {
        let milliseconds = deadline.map_or(-1, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            i64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
        });
        match self.inner.poll(events, milliseconds) {
            Ok(found) => Ok(found != 0),
            Err(zmq::Error::EINTR) => Ok(true),
            Err(error) => Err(Error::new(ErrorKind::Io, "waiting failed").caused_by(error)),
        }
    }

    fn more(&self) -> Result<bool> {
        self.inner
            .get_rcvmore()
            .map_err(|error| Error::new(ErrorKind::Io, "receiving failed").caused_by(error))
    }

    fn send(&self, part: impl Into<zmq::Message>, more: bool) -> Result<Sent> {
        let flags = zmq::DONTWAIT | if more { zmq::SNDMORE } else { 0 };
        match zmq::Sendable::send(part.into(), &self.inner, flags) {
            Ok(()) => Ok(Sent::Yes),
            // A call that does not wait is not interrupted; were it, the lane sends again.
            Err(zmq::Error::EAGAIN | zmq::Error::EINTR) => Ok(Sent::NotNow),
            Err(zmq::Error::EHOSTUNREACH) => Ok(Sent::Unreachable),
            Err(error) => Err(Error::new(ErrorKind::Io, "sending failed").caused_by(error)),
        }
    }

    fn send_frames(&self, frames: Frames) -> Result<Sent> {
        let Frames { first, second, .. } = frames;
        let sent = self.send(Vec::from(first), second.is_some())?;
        match second {
            Some(second) if sent == Sent::Yes => self.send(&second[..], false),
            _ => Ok(sent),
        }
    }

    /// The address that was bound, with a wildcard port made real.
    fn bind(&self, endpoint: &Endpoint) -> Result<Endpoint> {
        let refuse = |hint: &str| Error::new(ErrorKind::Bind, format!("{endpoint} {hint}"));
        let failed = |error: zmq::Error| {
            let hint = match error {
                zmq::Error::EADDRINUSE => "can't be bound: it is in use",
                zmq::Error::EADDRNOTAVAIL => "can't be bound: it is no address of this machine",
                zmq::Error::ENODEV => "can't be bound: this machine has no such interface",
                _ => "can't be bound",
            };
            refuse(hint).caused_by(error)
        };
        if let Some(path) = endpoint.path() {
            ipc::vacate(path).map_err(|error| refuse("can't be bound").caused_by(error))?;
        }
        self.speak_ipv6(endpoint).map_err(failed)?;
        self.inner.bind(endpoint.as_str()).map_err(failed)?;
        let bound = self.inner.get_last_endpoint().map_err(failed)?;
        Endpoint::parse(bound.as_deref().unwrap_or(endpoint.as_str()))
    }

    fn connect(&self, endpoint: &Endpoint) -> zmq::Result<()> {
        self.speak_ipv6(endpoint)?;
        self.inner.connect(endpoint.as_str())
    }

    /// Has the next call take an IPv6 address, if `endpoint` is one. Others go without: with it,
    /// `*` would be another address.
    fn speak_ipv6(&self, endpoint: &Endpoint) -> zmq::Result<()> {
        self.inner.set_ipv6(endpoint.is_ipv6())
    }
}
