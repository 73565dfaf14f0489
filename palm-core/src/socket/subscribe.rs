use super::publish::STAMP;
use super::{Context, Frames, Part, PeerId, Pollable, Sent, Socket, SocketOptions, Taken, one_way};
use crate::event_loop::Interest;
use crate::{Endpoint, Incarnation, Result};
use bytes::Bytes;
use std::collections::HashMap;

/// Receives what [`Pub`](crate::Pub)s publish under the topics that it wants, and notices what it
/// missed. Its subscriptions leave when its thread looks after it, by a loop or
/// [`receive`](Self::receive). The example is at [`Pub`](crate::Pub).
pub struct Sub {
    socket: Socket,
    numbers: Numbers,
}

/// A message that a [`Sub`] received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The topic, in full.
    pub topic: Bytes,
    /// What was published.
    pub payload: Bytes,
    /// Which life of which publisher it comes from.
    pub publisher: Incarnation,
    /// Its number, which the publisher gives each message of a topic, from 1.
    pub number: u64,
    /// How many messages of the same publisher and topic did not come, between this one and the last
    /// that did. Of those before the first it tells nothing; its number does.
    pub missed: u64,
}

/// The last number of each publisher's topics.
#[derive(Debug, Default)]
struct Numbers(HashMap<(Incarnation, Bytes), u64>);

/// Of so many topics of so many publishers the numbers are remembered. With one more it begins anew:
/// a peer that makes up topics shall not fill the memory.
const REMEMBERED: usize = 1 << 16;

impl Sub {
    /// Binds all of `endpoints`, for publishers that connect, and takes all topics that begin with
    /// one of `topics`; an empty one is the beginning of all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Bind`](crate::ErrorKind::Bind), naming the first that can't be bound and why;
    /// none stays bound.
    pub fn bind(
        context: &Context,
        endpoints: &[Endpoint],
        topics: &[&str],
        options: &SocketOptions,
    ) -> Result<Sub> {
        Ok(Sub::of(
            subscribed(context, topics, options)?.bound_to(endpoints)?,
        ))
    }

    /// Begins to connect to all of `endpoints`, and takes all topics that begin with one of
    /// `topics`; an empty one is the beginning of all. Publishers may start later, and come back
    /// after they were gone.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io), naming the endpoint, if one can't be connected to
    /// at all, as with a wildcard port.
    pub fn connect(
        context: &Context,
        endpoints: &[Endpoint],
        topics: &[&str],
        options: &SocketOptions,
    ) -> Result<Sub> {
        let socket = subscribed(context, topics, options)?;
        Ok(Sub::of(socket.connected_to(endpoints)?))
    }

    fn of(socket: Socket) -> Sub {
        Sub {
            socket,
            numbers: Numbers::default(),
        }
    }

    /// The next message, or `None` if none is there. It never blocks. Each comes once, whatever ways
    /// lead here, and what no `Pub` has sent is passed over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&mut self) -> Result<Option<Published>> {
        while let Some(frames) = self.socket.receive_frames()? {
            match self.numbers.read(frames) {
                Some(published) => return Ok(Some(published)),
                None => {
                    log::debug!("a message that no Pub has sent, or came before, is passed over")
                }
            }
        }
        Ok(None)
    }
}

fn subscribed(context: &Context, topics: &[&str], options: &SocketOptions) -> Result<Socket> {
    let mut socket = Socket::new(context, zmq::SUB, options)?.bounded(options)?;
    for topic in topics {
        let set = socket.inner.set_subscribe(topic.as_bytes());
        socket = socket.with(set)?;
    }
    Ok(socket)
}

addresses!(Sub);

impl Numbers {
    /// What a message says, if it is one of a [`Pub`](crate::Pub) and did not come before.
    fn read(&mut self, frames: Frames) -> Option<Published> {
        let Frames {
            first,
            second: Some(payload),
            excess: 0,
        } = frames
        else {
            return None;
        };
        let end = first.len().checked_sub(STAMP)?;
        let (publisher, number) = (long(&first, end)?, long(&first, end + 8)?);
        let publisher = Incarnation::from_number(publisher);
        // Small, and not a part of what libzmq has read: it may be kept for long.
        let topic = Bytes::copy_from_slice(&first[..end]);
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        let last = self.0.entry((publisher, topic.clone())).or_insert(0);
        if number <= *last {
            return None;
        }
        let missed = match *last {
            0 => 0,
            last => number - last - 1,
        };
        *last = number;
        Some(Published {
            topic,
            payload,
            publisher,
            number,
            missed,
        })
    }
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

impl Part for Sub {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(|published| Taken {
            missed: published.missed,
            ..Taken::from(Frames {
                first: published.topic,
                second: Some(published.payload),
                excess: 0,
            })
        }))
    }

    fn give(&mut self, _: Option<PeerId>, _: Frames) -> Result<Sent> {
        Err(one_way("a Sub only receives"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(topic: &str, publisher: u64, number: u64) -> Frames {
        let mut first = topic.as_bytes().to_vec();
        first.extend_from_slice(&publisher.to_le_bytes());
        first.extend_from_slice(&number.to_le_bytes());
        Frames {
            first: first.into(),
            second: Some(Bytes::new()),
            excess: 0,
        }
    }

    #[test]
    fn what_is_missing_is_counted_by_publisher_and_topic() {
        let mut numbers = Numbers::default();
        let mut missed = |topic, publisher, number| {
            let published = numbers.read(message(topic, publisher, number));
            published.map(|published| published.missed)
        };
        assert_eq!(missed("a", 1, 5), Some(0), "it may have come late");
        assert_eq!(missed("a", 1, 6), Some(0));
        assert_eq!(missed("b", 1, 1), Some(0));
        assert_eq!(missed("a", 2, 1), Some(0));
        assert_eq!(missed("a", 1, 9), Some(2));
        assert_eq!(missed("a", 1, 9), None, "it came before");
        assert_eq!(missed("b", 1, 3), Some(1));
        assert_eq!(missed("a", 2, 2), Some(0));
        assert_eq!(missed("a", 2, u64::MAX), Some(u64::MAX - 3));
        assert_eq!(missed("a", 3, 0), None, "they count from 1");
    }

    #[test]
    fn made_up_topics_do_not_fill_the_memory() {
        let mut numbers = Numbers::default();
        for publisher in 0..2 * REMEMBERED as u64 {
            assert!(numbers.read(message("topic", publisher, 1)).is_some());
            assert!(numbers.0.len() <= REMEMBERED);
        }
    }

    proptest! {
        #[test]
        fn what_nobody_wrote_never_panics(
            first in proptest::collection::vec(any::<u8>(), 0..40),
            second in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)),
            excess in 0..3usize,
        ) {
            let whole = first.len() >= STAMP && second.is_some() && excess == 0;
            let frames = Frames { first: first.clone().into(), second: second.map(Bytes::from), excess };
            let published = Numbers::default().read(frames);
            let numbered = first.len() >= 8 && first[first.len() - 8..] != [0; 8];
            prop_assert_eq!(published.is_some(), whole && numbered);
            if let Some(published) = published {
                prop_assert_eq!(&published.topic[..], &first[..first.len() - STAMP]);
                prop_assert_eq!(published.missed, 0);
            }
        }
    }
}
