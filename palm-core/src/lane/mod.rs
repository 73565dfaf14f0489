//! Lanes: one direction between two processes, numbered 1, 2, 3 … by its sender.
//!
//! The receiver takes a lane in order only, so what it remembers of it is one number and one
//! chained hash. Both ends are pure: they neither send nor wait, they say what may be sent.
//!
//! Invariant: what an [`Incoming`] has accepted is 1..n, without gap or repeat.
//! Invariant: an [`Outgoing`] sends no number beyond its credit, but for what [recurs](Carried::recurs),
//! and for one message on a lane that is idle but for that. Positions and credit only go up, but for the position of a receiver that says in a
//! greeting that it stands further back.

mod incoming;
mod link;
mod outgoing;
mod ring;

pub use incoming::{Incoming, Offer};
pub use link::{Link, Received};
pub use outgoing::{Impossible, Next, Outgoing};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a lane carries, as far as the lane has to know.
pub trait Carried {
    /// The sequence that enters the lane's hash.
    fn sequence(&self) -> u64;

    /// The payload that enters the lane's hash.
    fn payload(&self) -> &[u8];

    /// How many bytes it takes of the lane's credit.
    fn weight(&self) -> u64;

    /// Whether the receiver lets it come whatever room there is: it does not wait for what it came of
    /// itself, by the same lane.
    fn recurs(&self) -> bool {
        false
    }
}

/// When the sender of a lane may forget what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// When the receiver has it: it has taken custody, or the sender keeps it elsewhere.
    Accepted,
    /// When the receiver has it, which stores what its window has no room for: what it has accepted keeps
    /// nothing from being sent.
    Stored,
    /// When all that came of it has left for good.
    Settled,
}

/// How far a receiver has come with a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// All numbers up to this one are in the receiver's hands.
    pub accepted: u64,
    /// All that came of the numbers up to this one has left for good.
    pub settled: u64,
}

/// How far a sender may go: the highest number and the highest byte position, both absolute, so
/// that repeats and losses are harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// The highest number that may be sent.
    pub number: u64,
    /// The highest byte position that a message may end at.
    pub bytes: u64,
}

/// Where a receiver stands with a lane: what it tells the sender when they meet (again).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which numbering of the sender's it refers to.
    pub generation: u32,
    /// The last number accepted.
    pub number: u64,
    /// The chained hash at that number.
    pub chain: u64,
}

/// The bytes at either end of a long payload that enter its hash.
const HASHED_END: usize = 512;

/// The chained hash of a lane after one more message.
///
/// It is there to notice a sender that numbers other content again, not to protect the bytes,
/// which TCP's and the machine's own checks do: of a payload over 1 KiB only both ends and the
/// length are hashed.
pub fn chained(chain: u64, sequence: u64, payload: &[u8]) -> u64 {
    let seed = chain.rotate_left(23) ^ sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    if payload.len() <= 2 * HASHED_END {
        return xxh3_64_with_seed(payload, seed ^ payload.len() as u64);
    }
    let (head, tail) = (
        &payload[..HASHED_END],
        &payload[payload.len() - HASHED_END..],
    );
    let seed = xxh3_64_with_seed(head, seed ^ payload.len() as u64);
    xxh3_64_with_seed(tail, seed)
}
