//! The messages of chaos, each of which proves what it is and what was done with it.

use bytes::Bytes;
use palm_core::codec;
use serde::{Deserialize, Serialize};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// Which message it is, of all that a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The life of the client that submitted it.
    pub client: u64,
    /// The client's number of the job.
    pub job: u64,
    /// Which of the job's messages it is, from 0.
    pub index: u64,
}

/// What a message asks of each function that it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Errand {
    /// Which message it is.
    pub(super) id: MessageId,
    /// How long each function takes, in microseconds.
    pub(super) microseconds: u32,
    /// Whether the function keeps its processor busy all the while, or sleeps.
    pub(super) busy: bool,
    /// The stage whose function aborts its process instead, if there is one.
    pub(super) poison: Option<u16>,
    /// How many bytes of no meaning follow.
    pub(super) padding: u32,
}

/// One execution of a function, as its result tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// The life of the worker.
    pub(super) worker: u64,
    /// Which of the worker's executions it was, from 1.
    pub(super) count: u64,
}

/// What travels: an errand and the executions behind it, the first one first. A payload is a trail
/// without steps; each function adds its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    /// What is asked.
    pub(super) errand: Errand,
    /// What was done.
    pub(super) steps: Vec<Step>,
}

/// The bytes before the trail itself: a hash of all that follows, and the trail's length.
const PREFIX: usize = 12;

impl Trail {
    /// The beginning of a trail.
    pub(super) fn of(errand: Errand) -> Trail {
        Trail {
            errand,
            steps: Vec::new(),
        }
    }

    /// The bytes that travel.
    ///
    /// # Panics
    ///
    /// If a trail of a few dozen bytes can't be encoded.
    pub(super) fn encode(&self) -> Bytes {
        let head = codec::encode(self).expect("it has a few dozen bytes");
        let mut bytes = vec![0; PREFIX - 4];
        bytes.extend((head.len() as u32).to_le_bytes());
        bytes.extend(&head);
        let filler = self.errand.id.index as u8;
        bytes.resize(bytes.len() + self.errand.padding as usize, filler);
        let sum = xxh3_64(&bytes[PREFIX - 4..]);
        bytes[..PREFIX - 4].copy_from_slice(&sum.to_le_bytes());
        bytes.into()
    }

    /// The trail that bytes hold.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Trail, String> {
        let cut = || format!("{} bytes are too few", bytes.len());
        let (sum, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        if u64::from_le_bytes(*sum) != xxh3_64(rest) {
            return Err("the hash is not that of the content".into());
        }
        let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let head = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or_else(cut)?;
        let trail: Trail = codec::decode(head.0).map_err(|error| error.to_string())?;
        let padding = head.1;
        let filler = trail.errand.id.index as u8;
        if padding.len() != trail.errand.padding as usize
            || padding.iter().any(|byte| *byte != filler)
        {
            return Err(format!(
                "{} has other padding than it says",
                trail.errand.id
            ));
        }
        Ok(trail)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}/{}/{}", self.client, self.job, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(padding: u32) -> Trail {
        let id = MessageId {
            client: 1,
            job: 2,
            index: 3,
        };
        let errand = Errand {
            id,
            microseconds: 4,
            busy: true,
            poison: Some(1),
            padding,
        };
        let steps = vec![Step {
            worker: 5,
            count: 6,
        }];
        Trail { errand, steps }
    }

    #[test]
    fn a_trail_comes_back_and_a_changed_one_does_not() {
        for padding in [0, 1, 1000] {
            let trail = trail(padding);
            let bytes = trail.encode();
            assert_eq!(Trail::decode(&bytes), Ok(trail));
            for at in 0..bytes.len() {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1;
                assert!(Trail::decode(&changed).is_err(), "byte {at}");
                assert!(Trail::decode(&bytes[..at]).is_err(), "cut at {at}");
            }
        }
    }
}
