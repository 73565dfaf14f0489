//! Payloads that say where they come from: the client's message, and behind it one record for each
//! function that was executed, with the number of the execution and a hash over all before.

use super::dice::Dice;
use bytes::Bytes;

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its functions give results.
    Plain,
    /// One of its functions says that it fails.
    Failing,
    /// One of its functions says that it fails the first time that it is called.
    Flaky,
    /// Whoever executes one of its functions dies.
    Poison,
    /// One of its functions never ends.
    Hanging,
}

/// The beginning of every payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) client: u64,
    pub(super) sequence: u64,
    pub(super) kind: Kind,
    /// The stage at which it fails, always or once, or kills, or hangs.
    pub(super) stage: u16,
    /// How long each function takes, in microseconds.
    pub(super) cost: u32,
    /// How many bytes of no meaning follow.
    pub(super) padding: u32,
    /// What its functions make beside its result is drawn from this; nothing, if it is 0. Of an odd
    /// one children may kill who executes them.
    pub(super) family: u32,
    /// To which of [several servers](super::topology::CHOICES) its first function says that its result goes,
    /// from 1; 0 if it says nothing.
    pub(super) choice: u8,
}

/// The length of [`Start`] in bytes.
const START: usize = 32;

/// The length of the record of an execution: stage, number, hash.
const RECORD: usize = 18;

/// What stands in the place of the stage in results before the last one: this and the number.
pub(super) const PART: u16 = 1 << 8;

impl Start {
    pub(super) fn payload(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(START + self.padding as usize);
        bytes.extend(self.client.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.push(match self.kind {
            Kind::Plain => 0,
            Kind::Failing => 1,
            Kind::Poison => 2,
            Kind::Flaky => 3,
            Kind::Hanging => 4,
        });
        bytes.extend(self.cost.to_le_bytes());
        bytes.extend(self.padding.to_le_bytes());
        bytes.extend(self.family.to_le_bytes());
        bytes.extend(self.stage.to_le_bytes());
        bytes.push(self.choice);
        bytes.resize(START + self.padding as usize, self.sequence as u8);
        bytes.into()
    }

    pub(super) fn read(payload: &[u8]) -> Option<Start> {
        let start = Start {
            client: long(payload, 0)?,
            sequence: long(payload, 8)?,
            kind: match payload.get(16)? {
                0 => Kind::Plain,
                1 => Kind::Failing,
                2 => Kind::Poison,
                3 => Kind::Flaky,
                4 => Kind::Hanging,
                _ => return None,
            },
            cost: word(payload, 17)?,
            padding: word(payload, 21)?,
            family: word(payload, 25)?,
            stage: u16::from_le_bytes(payload.get(29..31)?.try_into().ok()?),
            choice: *payload.get(31)?,
        };
        (payload.len() >= START + start.padding as usize).then_some(start)
    }

    /// Which of so many servers takes its result, if one does.
    pub(super) fn taker(&self, count: usize) -> usize {
        self.sequence as usize % count
    }

    /// A message that a function of this one submits.
    pub(super) fn child(&self, dice: &mut Dice) -> Start {
        let is_lethal = self.family % 2 == 1;
        let kind = match dice.below(24) {
            0 => Kind::Failing,
            1 if is_lethal => Kind::Poison,
            _ => Kind::Plain,
        };
        Start {
            kind,
            stage: 0,
            cost: dice.below(u64::from(self.cost) + 1) as u32,
            padding: dice.below(16) as u32,
            family: Start::family(dice, is_lethal),
            choice: 0,
            ..*self
        }
    }

    /// A number for a family.
    pub(super) fn family(dice: &mut Dice, is_lethal: bool) -> u32 {
        let half = dice.between(1, u64::from(u32::MAX / 2)) as u32;
        2 * half + u32::from(is_lethal)
    }
}

/// The result of executing the function of `stage` as execution `number`: a function of these and
/// the input alone.
pub(super) fn executed(input: &[u8], stage: u16, number: u64) -> Bytes {
    let mut result = Vec::with_capacity(input.len() + RECORD);
    result.extend(input);
    result.extend(stage.to_le_bytes());
    result.extend(number.to_le_bytes());
    let hash = hash(&result);
    result.extend(hash.to_le_bytes());
    result.into()
}

/// The executions that a result descends from, as (stage, number), the first one first.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn descent(result: &[u8]) -> Result<(Start, Vec<(u16, u64)>), String> {
    let start = Start::read(result).ok_or("it is no payload of the simulation")?;
    let mut at = START + start.padding as usize;
    let mut executions = Vec::new();
    while at < result.len() {
        let record = result.get(at..at + RECORD).ok_or("it is cut off")?;
        let stage = u16::from_le_bytes([record[0], record[1]]);
        let number = long(record, 2).unwrap_or_default();
        if long(record, 10) != Some(hash(&result[..at + 10])) {
            return Err(format!("its hash after execution {number} is wrong"));
        }
        executions.push((stage, number));
        at += RECORD;
    }
    Ok((start, executions))
}

/// A hash of bytes (Fowler, Noll and Vo's 1a over eight bytes at a time).
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = long(chunk, 0).unwrap_or_default();
        hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    }
    for byte in chunks.remainder() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^ hash >> 31
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
