use super::{MAX_FRAME, MAX_MESSAGES, RECORD_LENGTH};
use crate::lane::{Credit, Position};
use crate::{Error, ErrorKind, Incarnation, Result};

/// How a frame begins.
pub const MAGIC: [u8; 4] = *b"PALM";

/// The version of the wire that this crate speaks.
pub const VERSION: u8 = 1;

/// The length of a [`Header`] on the wire, in bytes.
pub const HEADER_LENGTH: usize = 96;

const LARGE: u16 = 1;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Who I am, and where I stand with your lane; asks for a `Welcome`.
    Hello,
    /// The answer: who I am, and where I stand with yours.
    Welcome,
    /// I don't know you, or not in this life of mine: say `Hello`.
    WhoAreYou,
    /// Messages; with none of them, a heartbeat.
    Messages,
    /// I leave, for the reason in the body.
    Bye,
    /// What you sent can't be, for the reason in the body; the lane is closed.
    Refused,
    /// Of your lane, the numbers in the body are settled, though not all before them.
    Settled,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Hello,
        Kind::Welcome,
        Kind::WhoAreYou,
        Kind::Messages,
        Kind::Bye,
        Kind::Refused,
        Kind::Settled,
    ];

    fn byte(self) -> u8 {
        self as u8 + 1
    }

    fn from_byte(byte: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// The fixed part of every frame; the module's documentation has its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is for.
    pub kind: Kind,
    /// Whether the one message's payload follows as a second part.
    pub large: bool,
    /// Who sends it.
    pub sender: Incarnation,
    /// Whom the sender takes the receiver to be.
    pub receiver: Incarnation,
    /// The generation of the sender's lane.
    pub lane: u32,
    /// The generation of the receiver's lane that `position` and `credit` refer to.
    pub peer_lane: u32,
    /// How far the sender has come with the receiver's lane.
    pub position: Position,
    /// How far the receiver may go on its lane.
    pub credit: Credit,
    /// The number of the first message in the frame.
    pub first: u64,
    /// The chained hash of the sender's lane before it.
    pub chain: u64,
    /// How many messages the frame holds.
    pub count: u32,
    /// Nanoseconds that the sender needs for a message; 0 if it doesn't know.
    pub pace: u32,
}

/// The two lengths that only reading and writing need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) records: u32,
    pub(super) body: u32,
}

impl Header {
    /// A header of that kind from `sender` to `receiver`, all else zero.
    pub fn new(kind: Kind, sender: Incarnation, receiver: Incarnation) -> Header {
        Header {
            kind,
            large: false,
            sender,
            receiver,
            lane: 0,
            peer_lane: 0,
            position: Position::default(),
            credit: Credit::default(),
            first: 0,
            chain: 0,
            count: 0,
            pace: 0,
        }
    }

    pub(super) fn write(&self, lengths: Lengths, out: &mut [u8]) {
        let flags = if self.large { LARGE } else { 0 };
        out[0..4].copy_from_slice(&MAGIC);
        out[4] = VERSION;
        out[5] = self.kind.byte();
        out[6..8].copy_from_slice(&flags.to_le_bytes());
        let longs = [
            (8, self.sender.number()),
            (16, self.receiver.number()),
            (32, self.position.accepted),
            (40, self.position.settled),
            (48, self.credit.number),
            (56, self.credit.bytes),
            (64, self.first),
            (72, self.chain),
        ];
        for (at, value) in longs {
            out[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let words = [
            (24, self.lane),
            (28, self.peer_lane),
            (80, self.count),
            (84, lengths.body),
            (88, lengths.records),
            (92, self.pace),
        ];
        for (at, value) in words {
            out[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Reads a header and checks that magic, version, kind and lengths agree with `frame`.
    pub(super) fn read(frame: &[u8]) -> Result<(Header, Lengths)> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Decode, message));
        if frame.len() < HEADER_LENGTH {
            return refuse(format!(
                "a frame of {} bytes is shorter than its header of {HEADER_LENGTH}",
                frame.len()
            ));
        }
        if frame[0..4] != MAGIC {
            return refuse(format!(
                "a frame begins with `{}`, not with PALM: its sender speaks another protocol",
                frame[0..4].escape_ascii()
            ));
        }
        if frame[4] != VERSION {
            return refuse(format!(
                "a frame has wire version {}, this process speaks {VERSION}: run the same release on both ends",
                frame[4]
            ));
        }
        let Some(kind) = Kind::from_byte(frame[5]) else {
            return refuse(format!("a frame has the unknown kind {}", frame[5]));
        };
        let flags = u16::from_le_bytes([frame[6], frame[7]]);
        let (count, body, records) = (word(frame, 80), word(frame, 84), word(frame, 88));
        let total = HEADER_LENGTH as u64 + u64::from(body) + u64::from(records);
        if frame.len() > MAX_FRAME || total != frame.len() as u64 {
            return refuse(format!(
                "a frame of {} bytes says that it has {total} (at most {MAX_FRAME} are taken)",
                frame.len()
            ));
        }
        if count > MAX_MESSAGES || u64::from(count) * RECORD_LENGTH as u64 > u64::from(records) {
            return refuse(format!(
                "a frame claims {count} messages in {records} bytes"
            ));
        }
        let large = flags & LARGE != 0;
        if flags & !LARGE != 0 || (large && count != 1) {
            return refuse(format!(
                "a frame of {count} messages has the flags {flags:#06x}"
            ));
        }
        let header = Header {
            kind,
            large,
            sender: Incarnation::from_number(long(frame, 8)),
            receiver: Incarnation::from_number(long(frame, 16)),
            lane: word(frame, 24),
            peer_lane: word(frame, 28),
            position: Position {
                accepted: long(frame, 32),
                settled: long(frame, 40),
            },
            credit: Credit {
                number: long(frame, 48),
                bytes: long(frame, 56),
            },
            first: long(frame, 64),
            chain: long(frame, 72),
            count,
            pace: word(frame, 92),
        };
        Ok((header, Lengths { records, body }))
    }
}

pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    let mut long = [0; 8];
    long.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(long)
}
