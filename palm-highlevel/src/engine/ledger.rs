use super::families::{Family, Kin};
use super::parcel::{Origin, Taken};
use super::slab::{Key, Slab};
use crate::siblings::Siblings;
use bytes::Bytes;
use palm_core::wire::{Extras, Outcome};
use palm_core::{Id, Message, Path, Route};
use std::sync::Arc;
use std::time::Duration;

/// What has been taken in and has not ended yet.
///
/// Invariant: a message is in the ledger from the moment its lane accepts it until its ending is
/// in an outbox; it is in one state at a time, and ends once.
pub(crate) type Ledger = Slab<Entry>;

/// One message that has not ended.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    /// The handle of whoever sent it, for its ending.
    pub(crate) token: u64,
    /// Which attempt of the sender's it is, for its ending.
    pub(crate) attempt: u32,
    pub(crate) stage: u16,
    pub(crate) route: Arc<Route>,
    pub(crate) extras: Option<Arc<Extras>>,
    pub(crate) payload: Bytes,
    pub(crate) origin: Origin,
    /// What it takes of the window of the lane that it came by.
    pub(crate) weight: u64,
    /// The function at its stage.
    pub(crate) function: FunctionId,
    pub(crate) state: State,
    /// How often this server has given it to somebody.
    pub(crate) tries: u32,
    /// When it expires, if it does.
    pub(crate) deadline: Option<Duration>,
    /// What its function said last of how far it is.
    pub(crate) progress: Option<Box<str>>,
    /// How many deaths it is charged with.
    pub(crate) charges: u8,
    /// It may have killed a process.
    pub(crate) suspect: bool,
    /// How many of the tries were for functions that have made others, and ended.
    pub(crate) before: u32,
    /// How many of those since then have failed. Others were lost with their workers.
    pub(crate) failures: u32,
    /// To a worker: its payload holds several messages, of siblings.
    pub(crate) siblings: bool,
    /// How many messages it is, if it is a [bundle](super::bundles); 0 if it is none.
    pub(crate) bundle: u32,
    /// Whose child it is, if a function here has submitted it.
    pub(crate) kin: Option<Box<Kin>>,
    /// What its function has made, if it has submitted others.
    pub(crate) family: Option<Box<Family>>,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In a queue.
    Ready,
    /// Being executed in this process.
    Running,
    /// With the worker of that link.
    With(Key),
    /// Its function has submitted others, which have not ended.
    Waiting,
}

/// The number that an engine gives the name of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FunctionId(pub(crate) u32);

impl Entry {
    pub(crate) fn new(
        taken: Taken,
        route: Arc<Route>,
        origin: Origin,
        function: FunctionId,
        now: Duration,
    ) -> Entry {
        let record = taken.record;
        let left = taken.extras.as_ref().and_then(|extras| extras.deadline);
        Entry {
            sequence: record.sequence,
            token: record.token,
            attempt: record.attempt,
            stage: record.stage,
            extras: taken.extras,
            weight: record.weight(),
            siblings: record.outcome == Outcome::Siblings,
            bundle: match record.outcome {
                Outcome::Bundle => Siblings::count_in(&taken.payload),
                _ => 0,
            },
            deadline: left.map(|left| now + Duration::from_millis(u64::from(left))),
            ..Entry::of(route, taken.payload, origin, function)
        }
    }

    /// A message for `function` of which nothing else is known.
    pub(crate) fn of(
        route: Arc<Route>,
        payload: Bytes,
        origin: Origin,
        function: FunctionId,
    ) -> Entry {
        Entry {
            sequence: 0,
            token: 0,
            attempt: 0,
            stage: 0,
            route,
            extras: None,
            payload,
            origin,
            weight: 0,
            function,
            state: State::Ready,
            tries: 0,
            deadline: None,
            progress: None,
            charges: 0,
            suspect: false,
            before: 0,
            failures: 0,
            siblings: false,
            bundle: 0,
            kin: None,
            family: None,
        }
    }

    /// From now on, it is tried for another function than so far.
    pub(crate) fn begin_next(&mut self) {
        self.before = self.tries;
        self.failures = 0;
    }

    /// Whether it is a message by itself: it has come of no other here, nor others of it, and it stands
    /// for no others.
    pub(crate) fn is_single(&self) -> bool {
        self.kin.is_none() && self.family.is_none() && self.bundle == 0
    }

    /// The message, for a function of this process: its payload goes with it.
    pub(crate) fn take_message(&mut self) -> Message {
        let payload = std::mem::take(&mut self.payload);
        self.message_of(payload)
    }

    /// The message as a function sees it.
    pub(crate) fn message(&self) -> Message {
        self.message_of(self.payload.clone())
    }

    fn message_of(&self, payload: Bytes) -> Message {
        let extras = self.extras.as_deref();
        Message {
            id: Id {
                client: self.route.client(),
                sequence: self.sequence,
                path: extras.map_or(Path::ROOT, |extras| extras.path.clone()),
            },
            route: self.route.clone(),
            stage: self.stage,
            cache: extras.and_then(|extras| extras.cache.clone()),
            payload,
        }
    }
}
