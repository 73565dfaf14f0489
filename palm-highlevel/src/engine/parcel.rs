use super::slab::Key;
use bytes::Bytes;
use palm_core::Route;
use palm_core::lane::Carried;
use palm_core::wire::{Extras, Outcome, RECORD_LENGTH, Record};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// A message on a lane, kept by its sender until the receiver releases it.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) sequence: u64,
    pub(crate) token: u64,
    pub(crate) attempt: u32,
    pub(crate) stage: u16,
    pub(crate) outcome: Outcome,
    pub(crate) route: Arc<Route>,
    pub(crate) extras: Option<Arc<Extras>>,
    /// When it expires, if it does.
    pub(crate) deadline: Option<Duration>,
    pub(crate) payload: Bytes,
    /// What is settled once this has left for good.
    pub(crate) origin: Option<Origin>,
    /// It goes by its lane [more than once](super::passages).
    pub(crate) recurs: bool,
}

/// Where a message came in: a number of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) link: Key,
    pub(crate) era: u32,
    pub(crate) number: u64,
}

/// A message that a lane has just accepted.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) number: u64,
    pub(crate) record: Record,
    pub(crate) extras: Option<Arc<Extras>>,
    pub(crate) payload: Bytes,
}

impl Carried for Parcel {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn weight(&self) -> u64 {
        (RECORD_LENGTH + self.payload.len()) as u64
    }

    fn recurs(&self) -> bool {
        self.recurs
    }
}

impl Parcel {
    /// Its extras for a frame that leaves now: a deadline travels as the time left.
    pub(crate) fn extras(&self, now: Duration) -> Option<Cow<'_, Extras>> {
        let left = self.deadline.map(|at| at.saturating_sub(now).as_millis());
        let deadline = left.map(|left| u32::try_from(left).unwrap_or(u32::MAX));
        match (&self.extras, deadline) {
            (None, None) => None,
            (Some(extras), deadline) if extras.deadline == deadline => Some(Cow::Borrowed(extras)),
            (extras, deadline) => Some(Cow::Owned(Extras {
                deadline,
                ..extras.as_deref().cloned().unwrap_or_default()
            })),
        }
    }

    /// Its fixed part, where the lane calls its route by `route`.
    pub(crate) fn record(&self, route: u32) -> Record {
        Record {
            sequence: self.sequence,
            token: self.token,
            route,
            stage: self.stage,
            outcome: self.outcome,
            extras: self.extras.is_some() || self.deadline.is_some(),
            attempt: self.attempt,
            length: self.payload.len() as u32,
        }
    }
}
