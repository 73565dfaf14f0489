use super::header::{long, word};
use super::{MAX_PAYLOAD, OWN_FRAME};
use crate::{Error, ErrorKind, Path, Result};
use serde::{Deserialize, Serialize};

/// The length of a [`Record`] on the wire, in bytes, without its payload.
pub const RECORD_LENGTH: usize = 32;

const EXTRAS: u8 = 1;

/// What a message on a lane is: still to be executed, how it ended, or the word to end others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// To be executed: the payload is the function's input.
    Pending,
    /// It succeeded: the payload is the result.
    Success,
    /// It failed: the payload is a reason.
    Failure,
    /// Its deadline passed.
    Expired,
    /// Somebody cancelled it.
    Cancelled,
    /// A request: the message of that client and sequence is to be cancelled; to a worker, the one
    /// with that token.
    Cancel,
    /// A request: all messages of that client and pipeline are to be cancelled.
    CancelJob,
    /// It succeeded, and made more than a result, as a worker says to its master: the payload is all
    /// that it made.
    Made,
    /// Several messages in one, whose paths follow each other: to a worker, to be executed one after
    /// another; from it, how they have ended.
    Siblings,
    /// Several messages of a client in one, whose sequences follow each other; the record is that of
    /// the first. To a server, to be executed; to the client, their results.
    Bundle,
}

impl Outcome {
    const ALL: [Outcome; 10] = [
        Outcome::Pending,
        Outcome::Success,
        Outcome::Failure,
        Outcome::Expired,
        Outcome::Cancelled,
        Outcome::Cancel,
        Outcome::CancelJob,
        Outcome::Made,
        Outcome::Siblings,
        Outcome::Bundle,
    ];

    fn byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Outcome> {
        Outcome::ALL.get(usize::from(byte)).copied()
    }
}

/// The fixed part of a message in a frame.
///
/// | bytes | what |
/// |---|---|
/// | 0–7 | the sequence of its id |
/// | 8–15 | the sender's token, which its ending brings back |
/// | 16–19 | its route, by the number that a note gives it |
/// | 20–21 | stage |
/// | 22 | [`Outcome`] |
/// | 23 | flags: bit 0, a note holds its [`Extras`] |
/// | 24–27 | attempt |
/// | 28–31 | length of the payload |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The client's count of it.
    pub sequence: u64,
    /// The sender's own handle on it; an ending brings it back unread.
    pub token: u64,
    /// The number that the lane's notes give its route.
    pub route: u32,
    /// Which step of the route is next.
    pub stage: u16,
    /// What it is.
    pub outcome: Outcome,
    /// Whether the notes hold extras for it.
    pub extras: bool,
    /// Which attempt at it, from 1; 0 where there is none yet.
    pub attempt: u32,
    /// The payload's length in bytes.
    pub length: u32,
}

/// What only few messages have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// The path of its id.
    pub path: Path,
    /// Into how many branches each tee on its way has split it, the first one first.
    pub branches: Vec<u32>,
    /// A key into a cache.
    pub cache: Option<String>,
    /// The milliseconds until its deadline, from when the frame is sent.
    pub deadline: Option<u32>,
}

impl Record {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; RECORD_LENGTH];
        bytes[0..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.token.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.route.to_le_bytes());
        bytes[20..22].copy_from_slice(&self.stage.to_le_bytes());
        bytes[22] = self.outcome.byte();
        bytes[23] = if self.extras { EXTRAS } else { 0 };
        bytes[24..28].copy_from_slice(&self.attempt.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&bytes);
    }

    /// Reads the record that `bytes`, at least [`RECORD_LENGTH`] of them, begin with.
    pub(super) fn read(bytes: &[u8]) -> Result<Record> {
        let length = word(bytes, 28);
        let Some(outcome) = Outcome::from_byte(bytes[22]) else {
            return Err(Error::new(
                ErrorKind::Decode,
                format!("a message has the unknown outcome {}", bytes[22]),
            ));
        };
        if bytes[23] & !EXTRAS != 0 || length as usize > MAX_PAYLOAD {
            return Err(Error::new(
                ErrorKind::Decode,
                format!(
                    "a message has the flags {:#04x} and claims {length} bytes",
                    bytes[23]
                ),
            ));
        }
        Ok(Record {
            sequence: long(bytes, 0),
            token: long(bytes, 8),
            route: word(bytes, 16),
            stage: u16::from_le_bytes([bytes[20], bytes[21]]),
            outcome,
            extras: bytes[23] & EXTRAS != 0,
            attempt: word(bytes, 24),
            length,
        })
    }

    /// Whether its payload travels as a frame part of its own.
    pub fn is_large(&self) -> bool {
        self.length as usize >= OWN_FRAME
    }

    /// The bytes that it takes of a lane's credit.
    pub fn weight(&self) -> u64 {
        RECORD_LENGTH as u64 + u64::from(self.length)
    }
}
