use super::{Context, Frames, Pollable, Sent, Socket, SocketOptions};
use crate::event_loop::Interest;
use crate::{Endpoint, Error, ErrorKind, Result};

/// The socket that connects to one [`Router`](super::Router), and connects again by itself.
///
/// It lives on the thread that made it. It has no routing id of its own: a ROUTER that still holds
/// the old connection of such a one would leave it mute.
pub struct Dealer {
    socket: Socket,
}

impl Dealer {
    /// Begins to connect; whoever binds the endpoint may start later.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`], naming the endpoint, if it can't be connected to at all, as with a
    /// wildcard port.
    pub fn connect(
        context: &Context,
        endpoint: &Endpoint,
        options: &SocketOptions,
    ) -> Result<Dealer> {
        let socket = Socket::new(context, zmq::DEALER, options)?;
        let connected = socket
            .inner
            .set_immediate(true)
            .and_then(|()| socket.connect(endpoint));
        connected.map_err(|error| {
            Error::new(ErrorKind::Io, format!("{endpoint} can't be connected to")).caused_by(error)
        })?;
        Ok(Dealer { socket })
    }

    /// The next message, or `None` if none is there. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<Frames>> {
        match self.socket.receive()? {
            Some(first) => self.socket.receive_rest(Some(first)).map(Some),
            None => Ok(None),
        }
    }

    /// Sends. It never blocks: without a connection it says [`Sent::NotNow`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if libzmq refuses.
    pub fn send(&self, frames: Frames) -> Result<Sent> {
        self.socket.send_frames(frames)
    }
}

impl Pollable for Dealer {
    fn poll_item(&self, interest: Interest) -> zmq::PollItem<'_> {
        self.socket.inner.as_poll_item(interest.events())
    }
}
