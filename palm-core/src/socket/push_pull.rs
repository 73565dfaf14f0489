use super::{Context, Frames, Part, PeerId, Pollable, Sent, Socket, SocketOptions, Taken, one_way};
use crate::event_loop::Interest;
use crate::{Endpoint, Result};

/// Deals messages out to [`Pull`]s, to each in turn that has room.
///
/// What it has dealt out it doesn't hear of again: what a `Pull` had taken when it died is lost. For
/// work that has to be done use a [`Link`](crate::Link).
///
/// ```
/// use palm_core::{Context, Endpoint, EventLoop, Frames, Pull, Push, Sent};
///
/// # fn main() -> palm_core::Result<()> {
/// let (context, options) = (Context::new(), Default::default());
/// let pull = Pull::bind(&context, &[Endpoint::parse("tcp://127.0.0.1:*")?], &options)?;
/// let push = Push::connect(&context, pull.addresses(), &options)?;
///
/// let mut events = EventLoop::new()?;
/// while push.send(Frames::one("work"))? != Sent::Yes {
///     events.await_writable(0);
///     events.step(&[&push], None)?;
/// }
/// while !events.step(&[&pull], None)?.readable(0) {}
/// assert_eq!(pull.receive()?, Some(Frames::one("work")));
/// # Ok(()) }
/// ```
pub struct Push {
    socket: Socket,
}

/// Takes the messages of [`Push`]es, of each in turn. The example is there.
pub struct Pull {
    socket: Socket,
}

impl Push {
    fn of(socket: Socket) -> Push {
        Push { socket }
    }

    /// Sends. It never blocks: where nobody has room, or nobody is there, it says
    /// [`Sent::NotNow`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    pub fn send(&self, frames: Frames) -> Result<Sent> {
        self.socket.send_frames(frames)
    }
}

impl Pull {
    fn of(socket: Socket) -> Pull {
        Pull { socket }
    }

    /// The next message, or `None` if none is there. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<Frames>> {
        self.socket.receive_frames()
    }
}

ends!(Push, |context, options| Socket::new(
    context,
    zmq::PUSH,
    options
)?
.bounded(options)?
.for_connections());
ends!(Pull, |context, options| Socket::new(
    context,
    zmq::PULL,
    options
)?
.bounded(options));

impl Part for Push {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(None)
    }

    fn give(&mut self, _: Option<PeerId>, frames: Frames) -> Result<Sent> {
        self.send(frames)
    }
}

impl Part for Pull {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(Taken::from))
    }

    fn give(&mut self, _: Option<PeerId>, _: Frames) -> Result<Sent> {
        Err(one_way("a Pull only receives"))
    }
}
