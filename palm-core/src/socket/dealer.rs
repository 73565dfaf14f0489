use super::{Context, Frames, Part, PeerId, Pollable, Sent, Socket, SocketOptions, Taken};
use crate::event_loop::Interest;
use crate::{Endpoint, Result};

/// The socket that connects to one [`Router`](super::Router), and connects again by itself.
///
/// One thread at a time may have it. It has no routing id of its own: a ROUTER that still holds
/// the old connection of such a one would leave it mute.
pub struct Dealer {
    socket: Socket,
}

impl Dealer {
    /// Begins to connect; whoever binds the endpoint may start later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), naming the endpoint, if it can't be connected to at all, as with a
    /// wildcard port.
    pub fn connect(
        context: &Context,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> Result<Dealer> {
        let socket = Socket::new(context, zmq::DEALER, options)?.for_connections()?;
        let socket = socket.connected_to(std::slice::from_ref(endpoint))?;
        Ok(Dealer { socket })
    }

    /// The next message, or `None` if none is there. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<Frames>> {
        self.socket.receive_frames()
    }

    /// Sends. It never blocks: without a connection it says [`Sent::NotNow`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    pub fn send(&self, frames: Frames) -> Result<Sent> {
        self.socket.send_frames(frames)
    }
}

impl Pollable for Dealer {
    fn poll_item(&self, interest: Interest) -> zmq::PollItem<'_> {
        self.socket.inner.as_poll_item(interest.events())
    }
}

impl Part for Dealer {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(Taken::from))
    }

    fn give(&mut self, _: Option<PeerId>, frames: Frames) -> Result<Sent> {
        self.send(frames)
    }
}
