//! How the engine lays out in a store what it holds.
//!
//! | where | what |
//! |---|---|
//! | entry `format` | the [version](FORMAT) of all of this |
//! | entry `server` | [`ServerRecord`] |
//! | entry `lane/` number | [`LaneRecord`] |
//! | entry `try/` log, number | [`Attempts`] of a message that was tried before |
//! | entry `cancel/` log, number | a [`CancelWord`] that stands there, behind others that wait |
//! | entry `dead/` number | a dead letter |
//! | entry `cache/` key | a value of the cache |
//! | log lane, era, 0 | what was taken in of the lane from a peer; its groups are frames |
//! | log lane, generation, 1 | what is on the lane to a peer, or waits for a client to come |
//!
//! In the records of what leaves, the attempt is the lane that the message came by.

use super::routes::RouteNumbers;
use crate::mutant::{self, Mutant};
use crate::store::{Group, LogId, StoreError, StoreErrorKind};
use bytes::{BufMut, Bytes, BytesMut};
use palm_core::lane::{Credit, Mark};
use palm_core::wire::{Extras, Frame, FrameWriter, Header, Kind, Outcome, Record, Role};
use palm_core::{Frames, Incarnation, Route, codec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// The version of the layout that this version of PALM writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 2;

pub(super) const FORMAT_KEY: &[u8] = b"format";
pub(super) const SERVER: &[u8] = b"server";
pub(super) const LANES: &[u8] = b"lane/";
pub(super) const ATTEMPTS: &[u8] = b"try/";
pub(super) const WORDS: &[u8] = b"cancel/";
pub(super) const DEAD_LETTERS: &[u8] = b"dead/";
pub(super) const VALUES: &[u8] = b"cache/";

/// About how many bytes a group has.
const GROUP: usize = 64 << 10;

/// Who a server is, over all of its processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServerRecord {
    pub(super) name: String,
    /// Whom clients and servers know it as.
    pub(super) incarnation: Incarnation,
    /// How many processes it has been.
    pub(super) epoch: u64,
}

/// A peer, and where the lanes from it and to it stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaneRecord {
    pub(super) peer: LanePeer,
    pub(super) incarnation: Incarnation,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) session: Option<u64>,
    pub(super) era: u32,
    /// What is accepted of the lane from it, and the byte position there.
    pub(super) accepted: Mark,
    pub(super) accepted_bytes: u64,
    /// What comes after that number is in the backlog, and none of it is done.
    pub(super) loaded: u64,
    /// What is released of the lane to it, and the byte position there.
    pub(super) released: Mark,
    pub(super) released_bytes: u64,
}

/// What a lane's peer is to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LanePeer {
    /// It connects to this server.
    Here,
    /// This server connects to it, as the next one with that number.
    Next(u32),
    /// A client that has not come yet.
    Expected,
}

/// What is known of a message that was tried before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempts {
    pub(super) tries: u32,
    pub(super) failures: u32,
    pub(super) charges: u8,
    pub(super) suspect: bool,
}

/// The word that messages are cancelled: those of a job, or one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CancelWord {
    client: Incarnation,
    of: Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Cancelled {
    /// What was sent for that pipeline up to that sequence.
    Job(u64, u64),
    Message(u64),
}

impl CancelWord {
    /// What a record says, if it is such a word.
    pub(super) fn of(record: &Record, route: &Route) -> Option<CancelWord> {
        let of = match record.outcome {
            Outcome::CancelJob => Cancelled::Job(route.pipeline(), record.sequence),
            Outcome::Cancel => Cancelled::Message(record.sequence),
            _ => return None,
        };
        let client = route.client();
        Some(CancelWord { client, of })
    }

    /// Whether it means a message.
    pub(super) fn means(&self, route: &Route, sequence: u64) -> bool {
        let same = match self.of {
            // Each incarnation of a session has sequences of its own, with another upper half.
            Cancelled::Job(job, last) => {
                let was_sent = sequence <= last || sequence >> 32 != last >> 32;
                route.pipeline() == job && (was_sent || mutant::is(Mutant::CancelsLater))
            }
            Cancelled::Message(cancelled) => sequence == cancelled,
        };
        same && route.client() == self.client
    }
}

/// In the record of what leaves, in place of an attempt: that it came by no lane that is kept.
pub(super) const NO_LANE: u32 = u32::MAX;

/// The log of what was taken in of a lane.
pub(super) fn intake_log(lane: u32, era: u32) -> LogId {
    LogId(u64::from(lane) << 32 | u64::from(era) << 1)
}

/// The log of what leaves on a lane.
pub(super) fn outbox_log(lane: u32, generation: u32) -> LogId {
    LogId(u64::from(lane) << 32 | u64::from(generation) << 1 | 1)
}

/// All logs of a lane, era by era.
pub(super) fn logs_of(lane: u32) -> RangeInclusive<LogId> {
    let first = u64::from(lane) << 32;
    LogId(first)..=LogId(first | u64::from(u32::MAX))
}

/// The lane that a log is of.
pub(super) fn lane_of(log: LogId) -> u32 {
    (log.0 >> 32) as u32
}

/// The lane and the era, if the log is one of what was taken in.
pub(super) fn intake_of(log: LogId) -> Option<(u32, u32)> {
    let era = (log.0 & u64::from(u32::MAX)) >> 1;
    (log.0 & 1 == 0).then_some(((log.0 >> 32) as u32, era as u32))
}

pub(super) fn lane_key(lane: u32) -> Vec<u8> {
    [LANES, &lane.to_be_bytes()].concat()
}

/// The key of an entry that is about a message of a log.
pub(super) fn message_key(prefix: &[u8], log: LogId, number: u64) -> Vec<u8> {
    [prefix, &log.0.to_be_bytes(), &number.to_be_bytes()].concat()
}

/// The message that such an entry is about.
pub(super) fn message_of(key: &[u8], prefix: &[u8]) -> Option<(LogId, u64)> {
    let of = u128::from_be_bytes(number_of::<16>(key, prefix)?);
    Some((LogId((of >> 64) as u64), of as u64))
}

pub(super) fn letter_key(number: u64) -> Vec<u8> {
    [DEAD_LETTERS, &number.to_be_bytes()].concat()
}

/// The number that a key ends with, as `N` bytes after its prefix.
pub(super) fn number_of<const N: usize>(key: &[u8], prefix: &[u8]) -> Option<[u8; N]> {
    key.strip_prefix(prefix)?.try_into().ok()
}

/// The value of an entry.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    // Only names and texts of functions are of any length, and those came out of frames.
    codec::encode(value).unwrap_or_default()
}

/// Reads the value of an entry.
pub(super) fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, StoreError> {
    codec::decode(value).map_err(|error| {
        let key = key.escape_ascii();
        damaged(format!("the entry \"{key}\" can't be read")).with_source(error)
    })
}

fn damaged(message: String) -> StoreError {
    StoreError::new(
        StoreErrorKind::Damaged,
        format!(
            "{message}; nothing was changed: start the version that wrote it, or use another folder"
        ),
    )
}

/// Messages that are written together.
#[derive(Debug)]
pub(super) struct GroupWriter {
    pub(super) first: u64,
    writer: FrameWriter,
    routes: RouteNumbers,
}

/// A message that was brought back from a store.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) number: u64,
    /// Nothing more is to be done with it.
    pub(super) done: bool,
    pub(super) record: Record,
    pub(super) route: Arc<Route>,
    pub(super) extras: Option<Arc<Extras>>,
    pub(super) payload: Bytes,
}

impl Stored {
    /// What it takes of a window.
    pub(super) fn one(&self) -> Credit {
        super::backlog::one(self.record.weight())
    }
}

impl GroupWriter {
    pub(super) fn new(first: u64) -> GroupWriter {
        GroupWriter {
            first,
            writer: FrameWriter::new(GROUP),
            routes: RouteNumbers::default(),
        }
    }

    pub(super) fn has_room(&self, payload: &Bytes) -> bool {
        self.writer.has_room(payload.len())
    }

    /// Appends a message, whose record may call its route by any number.
    pub(super) fn push(
        &mut self,
        record: Record,
        route: &Arc<Route>,
        extras: Option<Cow<'_, Extras>>,
        payload: &Bytes,
    ) {
        let (number, new) = self.routes.number(route);
        if new {
            self.writer.define(number, route);
        }
        let record = Record {
            route: number,
            extras: extras.is_some(),
            ..record
        };
        if let Some(extras) = extras {
            self.writer.extras(extras);
        }
        self.writer.push(&record, payload);
    }

    /// How many there are, and their bytes: the time on the wall, for deadlines, and a frame.
    pub(super) fn finish(self, wall: Duration) -> palm_core::Result<(u32, Bytes)> {
        let count = self.writer.count();
        let header = Header {
            first: self.first,
            ..Header::new(Kind::Messages, Incarnation::UNKNOWN, Incarnation::UNKNOWN)
        };
        let frames = self.writer.finish(header)?;
        let second = frames.second.unwrap_or_default();
        let mut bytes = BytesMut::with_capacity(16 + frames.first.len() + second.len());
        bytes.put_u64_le(wall.as_millis() as u64);
        bytes.put_u64_le(frames.first.len() as u64);
        bytes.extend_from_slice(&frames.first);
        bytes.extend_from_slice(&second);
        Ok((count, bytes.freeze()))
    }
}

/// Reads the messages of a group; a deadline is what is left of it at `wall`. Where few of them are
/// open, those do not hold on to all of it.
pub(super) fn read_group(group: &Group, wall: Duration) -> Result<Vec<Stored>, StoreError> {
    let mut messages = read_messages(group, wall)?;
    if messages.len() != group.count() as usize {
        return Err(damaged(format!(
            "the group of {} from message {} has {} messages where {} were stored",
            group.log,
            group.first,
            messages.len(),
            group.count()
        )));
    }
    if group.open().count() * 2 < messages.len() {
        for message in &mut messages {
            message.payload = Bytes::copy_from_slice(&message.payload);
        }
    }
    Ok(messages)
}

fn read_messages(group: &Group, wall: Duration) -> Result<Vec<Stored>, StoreError> {
    let (log, first, bytes) = (group.log, group.first, &group.bytes);
    let fault = |what: &str| damaged(format!("the group of {log} from message {first} {what}"));
    let head = bytes
        .first_chunk::<16>()
        .ok_or_else(|| fault("has no head"))?;
    let (written, length) = head.split_at(8);
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let (written, length) = (Duration::from_millis(number(written)), number(length));
    let middle = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(16))
        .filter(|middle| *middle <= bytes.len())
        .ok_or_else(|| fault("is shorter than it says"))?;
    let second = bytes.slice(middle..);
    let frame = Frame::read(Frames {
        first: bytes.slice(16..middle),
        second: (!second.is_empty()).then_some(second),
        excess: 0,
    })
    .map_err(|error| fault("is no frame").with_source(error))?;
    let notes = frame
        .notes()
        .map_err(|error| fault("has no notes").with_source(error))?;
    let routes: Vec<(u32, Arc<Route>)> = notes
        .routes
        .into_iter()
        .map(|(number, route)| (number, Arc::new(route)))
        .collect();
    let passed = wall.saturating_sub(written).as_millis();
    let passed = u32::try_from(passed).unwrap_or(u32::MAX);
    let mut extras = notes.extras.reader();
    let messages = frame.records().enumerate();
    messages
        .map(|(index, (record, payload))| {
            let extras = extras.at(index as u32);
            let route = routes.iter().find(|(number, _)| *number == record.route);
            Ok(Stored {
                number: first + index as u64,
                done: group.done.get(index as u32),
                record,
                route: route.ok_or_else(|| fault("lacks a route"))?.1.clone(),
                extras: extras.map(|mut extras| {
                    if let Some(left) = extras.deadline {
                        let left = left.saturating_sub(passed);
                        Arc::make_mut(&mut extras).deadline = Some(left);
                    }
                    extras
                }),
                payload,
            })
        })
        .collect()
}
