use super::{Context, Frames, Part, PeerId, Pollable, Sent, Socket, SocketOptions, Taken};
use crate::event_loop::Interest;
use crate::{Endpoint, Incarnation, Result};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Publishes messages by topic to all [`Sub`](crate::Sub)s that want them.
///
/// Nobody waits for anybody: who subscribes late has missed what was before, and to who is slower
/// than [`queue`](SocketOptions::queue) allows messages are lost. Therefore each topic's messages
/// are numbered, and a `Sub` says how many it has missed.
///
/// ```
/// use palm_core::{Context, Endpoint, EventLoop, Pub, Sub};
///
/// # fn main() -> palm_core::Result<()> {
/// let (context, options) = (Context::new(), Default::default());
/// let any = [Endpoint::parse("tcp://127.0.0.1:*")?];
/// let mut publisher = Pub::bind(&context, &any, &options)?;
/// let mut sub = Sub::connect(&context, publisher.addresses(), &["price."], &options)?;
///
/// let mut events = EventLoop::new()?;
/// // Who sends at once speaks to nobody.
/// while publisher.joined()?.is_none() {
///     events.step(&[&publisher], None)?;
/// }
/// publisher.send("news.EUR", "the ECB decides")?;
/// publisher.send("price.EUR", "1.0876")?;
/// while !events.step(&[&sub], None)?.readable(0) {}
/// let published = sub.receive()?.unwrap();
/// assert_eq!(published.topic, "price.EUR");
/// assert_eq!(published.payload, "1.0876");
/// assert_eq!((published.number, published.missed), (1, 0));
/// # Ok(()) }
/// ```
pub struct Pub {
    socket: Socket,
    me: Incarnation,
    /// The last number of each topic.
    numbers: BTreeMap<Bytes, u64>,
    joined: VecDeque<Bytes>,
}

/// How many of those who joined are remembered until somebody asks.
const REMEMBERED: usize = 1_000;

/// The end of the first part, behind the topic: the publisher's incarnation and the number.
pub(super) const STAMP: usize = 16;

impl Pub {
    fn of(socket: Socket) -> Pub {
        Pub {
            socket,
            me: Incarnation::random(),
            numbers: BTreeMap::new(),
            joined: VecDeque::new(),
        }
    }

    /// Publishes `payload` under `topic`. It never blocks. Each topic's messages are numbered from 1,
    /// whether somebody listens or not; a number is kept for each topic that ever was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    pub fn send(&mut self, topic: impl Into<Bytes>, payload: impl Into<Bytes>) -> Result<()> {
        let topic = topic.into();
        self.skip(topic.clone(), 1);
        let number = self.numbers[&topic];
        let mut first = Vec::with_capacity(topic.len() + STAMP);
        first.extend_from_slice(&topic);
        first.extend_from_slice(&self.me.number().to_le_bytes());
        first.extend_from_slice(&number.to_le_bytes());
        // libzmq holds on to what nobody reads of who comes and goes.
        self.read_joined()?;
        self.socket.send_frames(Frames {
            first: first.into(),
            second: Some(payload.into()),
            excess: 0,
        })?;
        Ok(())
    }

    /// Passes over `count` numbers of `topic`: what had them was lost before it came here, and
    /// subscribers will hear that it is missing.
    pub fn skip(&mut self, topic: impl Into<Bytes>, count: u64) {
        *self.numbers.entry(topic.into()).or_default() += count;
    }

    /// The next subscription that came: what the topics begin with that somebody now listens to. Of
    /// those that nobody asks for the last thousand are remembered. It never blocks. The loop says
    /// that the socket is readable when one comes, and says nothing of those that [`send`](Self::send)
    /// or this has read already: ask until there is none, and again after sending.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn joined(&mut self) -> Result<Option<Bytes>> {
        self.read_joined()?;
        Ok(self.joined.pop_front())
    }

    fn read_joined(&mut self) -> Result<()> {
        while let Some(Frames { first, .. }) = self.socket.receive_frames()? {
            // A zero is the end of a subscription; all else is no business of a subscriber.
            if first.first() != Some(&1) {
                continue;
            }
            if self.joined.len() == REMEMBERED {
                self.joined.pop_front();
            }
            self.joined.push_back(first.slice(1..));
        }
        Ok(())
    }
}

ends!(Pub, |context: &Context,
            options: &SocketOptions|
 -> Result<Socket> {
    // A PUB that tells who joins.
    let socket = Socket::new(context, zmq::XPUB, options)?.bounded(options)?;
    let verbose = socket.inner.set_xpub_verbose(true);
    socket.with(verbose)
});

impl Part for Pub {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.joined()?.map(|topic| Frames::one(topic).into()))
    }

    fn holds(&self) -> bool {
        !self.joined.is_empty()
    }

    fn give(&mut self, _: Option<PeerId>, frames: Frames) -> Result<Sent> {
        self.send(frames.first, frames.second.unwrap_or_default())?;
        Ok(Sent::Yes)
    }
}
