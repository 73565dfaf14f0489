use super::{Context, Frames, Part, Pollable, Sent, Socket, SocketOptions, Taken, one_way};
use crate::event_loop::Interest;
use crate::{Endpoint, Result};

/// The socket that binds: many peers, each with an id that says where an answer goes.
///
/// One thread at a time may have it.
pub struct Router {
    socket: Socket,
}

/// A connection of a [`Router`], as long as it lasts: who comes back has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(u32);

impl PeerId {
    /// The id that a simulation gives a connection.
    pub const fn from_number(number: u32) -> PeerId {
        PeerId(number)
    }

    /// libzmq's own ids are a zero byte and four more. A peer that brought one of its own is no
    /// peer of PALM.
    fn from_wire(bytes: &[u8]) -> Option<PeerId> {
        match *bytes {
            [0, a, b, c, d] => Some(PeerId(u32::from_le_bytes([a, b, c, d]))),
            _ => None,
        }
    }

    fn to_wire(self) -> [u8; 5] {
        let [a, b, c, d] = self.0.to_le_bytes();
        [0, a, b, c, d]
    }
}

impl Router {
    /// Binds all of `endpoints`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bind`](crate::ErrorKind::Bind), naming the first that can't be bound and why; none stays bound.
    pub fn bind(
        context: &Context,
        endpoints: &[Endpoint],
        options: &SocketOptions,
    ) -> Result<Router> {
        let socket = Socket::new(context, zmq::ROUTER, options)?;
        let mandatory = socket.inner.set_router_mandatory(true);
        let socket = socket.with(mandatory)?.bound_to(endpoints)?;
        Ok(Router { socket })
    }

    /// What it is bound to, with wildcard ports made real, in the order of the endpoints.
    pub fn addresses(&self) -> &[Endpoint] {
        &self.socket.addresses
    }

    /// The next message and where it came from, or `None` if none is there. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<(PeerId, Frames)>> {
        while let Some(id) = self.socket.receive()? {
            let frames = self.socket.receive_rest(None)?;
            match PeerId::from_wire(&id) {
                Some(peer) => return Ok(Some((peer, frames))),
                None => log::debug!("a peer with a routing id of its own was passed over"),
            }
        }
        Ok(None)
    }

    /// Sends to one peer. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    pub fn send(&self, peer: PeerId, frames: Frames) -> Result<Sent> {
        match self.socket.send(&peer.to_wire()[..], true)? {
            Sent::Yes => self.socket.send_frames(frames),
            other => Ok(other),
        }
    }
}

impl Pollable for Router {
    fn poll_item(&self, interest: Interest) -> zmq::PollItem<'_> {
        self.socket.inner.as_poll_item(interest.events())
    }
}

impl Part for Router {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(|(peer, frames)| Taken {
            peer: Some(peer),
            ..Taken::from(frames)
        }))
    }

    fn give(&mut self, peer: Option<PeerId>, frames: Frames) -> Result<Sent> {
        let peer = peer.ok_or_else(|| one_way("a Router has to be told to which peer it sends"))?;
        self.send(peer, frames)
    }
}
