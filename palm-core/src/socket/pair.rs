use super::{Context, Frames, Part, PeerId, Pollable, Sent, Socket, SocketOptions, Taken};
use crate::event_loop::Interest;
use crate::{Endpoint, Result};

/// One of two ends that talk only to each other; a third that comes is turned away.
///
/// It is for two threads of one process, over `inproc`: over a network that breaks, use a
/// [`Dealer`](crate::Dealer) and a [`Router`](crate::Router).
///
/// ```
/// use palm_core::{Context, Endpoint, EventLoop, Frames, Pair};
///
/// # fn main() -> palm_core::Result<()> {
/// let (context, options) = (Context::new(), Default::default());
/// let endpoint = [Endpoint::parse("inproc://two")?];
/// let here = Pair::bind(&context, &endpoint, &options)?;
/// let other = context.clone();
/// let thread = std::thread::spawn(move || -> palm_core::Result<()> {
///     // Sockets live on the thread that makes them.
///     let there = Pair::connect(&other, &endpoint, &Default::default())?;
///     there.send(Frames::one("ready"))?;
///     Ok(())
/// });
/// let mut events = EventLoop::new()?;
/// while !events.step(&[&here], None)?.readable(0) {}
/// assert_eq!(here.receive()?, Some(Frames::one("ready")));
/// thread.join().unwrap()
/// # }
/// ```
pub struct Pair {
    socket: Socket,
}

impl Pair {
    fn of(socket: Socket) -> Pair {
        Pair { socket }
    }

    /// The next message, or `None` if none is there. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<Frames>> {
        self.socket.receive_frames()
    }

    /// Sends. It never blocks: if the other end is not there, or has no room, it says
    /// [`Sent::NotNow`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    pub fn send(&self, frames: Frames) -> Result<Sent> {
        self.socket.send_frames(frames)
    }
}

ends!(Pair, |context, options| Socket::new(
    context,
    zmq::PAIR,
    options
)?
.bounded(options)?
.for_connections());

impl Part for Pair {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(Taken::from))
    }

    fn give(&mut self, _: Option<PeerId>, frames: Frames) -> Result<Sent> {
        self.send(frames)
    }
}
