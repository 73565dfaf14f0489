use super::{Arrival, ClientMachine, EXPIRED, NAMED, OUTLASTS, Receipt, Results, Slot};
use crate::engine::{Key, Taken};
use crate::mutant::{self, Mutant};
use crate::siblings::{Packed, Siblings};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::wire::{Extras, Outcome};
use std::ops::Range;
use std::sync::Arc;

/// What comes back for the application: of messages by themselves, of several as one, and of branches.
impl ClientMachine {
    /// What came by a lane. Whose it is has to be known now: a lane that begins anew numbers other
    /// routes.
    pub(super) fn come(&mut self, link: Key, taken: Taken, arrivals: &mut Vec<Arrival>) {
        let Some(peer) = self.links.get(link) else {
            return;
        };
        let era = peer.era();
        let route = peer.route(taken.record.route);
        let mine = route.filter(|route| route.client() == self.client);
        let pipeline = mine.map(|route| route.pipeline());
        let receipt = Receipt {
            link,
            era,
            number: taken.number,
            weight: taken.record.weight(),
        };
        let Some(pipeline) = pipeline else {
            return self.take(receipt);
        };
        if pipeline >= NAMED && !self.named.contains_key(&pipeline) {
            let early = self.early.entry(pipeline).or_default();
            return early.push((receipt, taken));
        }
        self.end(pipeline, receipt, taken, arrivals);
    }

    /// What has ended of a job.
    pub(super) fn end(
        &mut self,
        pipeline: u64,
        receipt: Receipt,
        taken: Taken,
        arrivals: &mut Vec<Arrival>,
    ) {
        match taken.record.outcome {
            Outcome::Bundle => self.endings(pipeline, receipt, &taken, arrivals),
            _ => self.ending(pipeline, receipt, taken, arrivals),
        }
    }

    /// The endings of several messages as one: with the last of them that the application takes, all are
    /// taken.
    fn endings(
        &mut self,
        pipeline: u64,
        receipt: Receipt,
        taken: &Taken,
        arrivals: &mut Vec<Arrival>,
    ) {
        let before = arrivals.len();
        let first = taken.record.sequence;
        // What is no bundle has no endings.
        if let Ok(packed) = Siblings::read(&taken.payload) {
            let sequences = first..first.saturating_add(packed.len() as u64);
            let is_whole = !packed.has_failed() && pipeline < NAMED;
            match taken.extras.as_ref().filter(|_| is_whole) {
                Some(extras)
                    if !extras.branches.is_empty()
                        && !mutant::is(Mutant::EndsWithBranch)
                        && self.branches.fits(&sequences)
                        && self.all_wait(&sequences) =>
                {
                    self.branches_of(sequences, extras, &taken.payload, arrivals);
                }
                _ => self.endings_of(pipeline, taken, packed, arrivals),
            }
        }
        match arrivals.get_mut(before..).and_then(<[Arrival]>::last_mut) {
            Some(last) => last.receipt = Some(receipt),
            None => self.take(receipt),
        }
    }

    /// The endings of several messages, each by itself.
    fn endings_of(
        &mut self,
        pipeline: u64,
        taken: &Taken,
        each: Packed,
        arrivals: &mut Vec<Arrival>,
    ) {
        for (further, (outcome, payload)) in (0..).zip(each) {
            let one = taken.behind(further, outcome, Outcome::Success, payload);
            arrivals.extend(self.arrival(pipeline, one));
        }
    }

    /// Whether none of these messages has ended.
    fn all_wait(&mut self, sequences: &Range<u64>) -> bool {
        let waits = |slot: &mut Slot| slot.waiting;
        let mut each = sequences.clone();
        each.all(|sequence| self.slot(sequence).is_some_and(waits))
    }

    /// The results of one branch of several messages as one: once all branches are here, those of the
    /// messages.
    fn branches_of(
        &mut self,
        sequences: Range<u64>,
        extras: &Arc<Extras>,
        packed: &Bytes,
        arrivals: &mut Vec<Arrival>,
    ) {
        let first = sequences.start;
        let all = self.branches.add_bundle(sequences, extras, packed.clone());
        let all = all.unwrap_or_default();
        let each = all.iter().map(Siblings::read);
        let Ok(mut each) = each.collect::<Result<Vec<Packed>, _>>() else {
            return;
        };
        for sequence in first.. {
            let next = each.iter_mut().filter_map(Packed::next);
            let branches: Results = next.map(|(_, result)| result).collect();
            let Some(result) = branches.first().cloned() else {
                break;
            };
            if let Some((job, index)) = self.conclude(sequence) {
                arrivals.push(Arrival {
                    branches,
                    ..Arrival::of_client(job, index, Ok(result))
                });
            }
        }
    }

    fn ending(
        &mut self,
        pipeline: u64,
        receipt: Receipt,
        taken: Taken,
        arrivals: &mut Vec<Arrival>,
    ) {
        match self.arrival(pipeline, taken) {
            Some(arrival) => arrivals.push(Arrival {
                receipt: Some(receipt),
                ..arrival
            }),
            None => self.take(receipt),
        }
    }

    /// What an ending is to the application, if it is anything.
    fn arrival(&mut self, pipeline: u64, taken: Taken) -> Option<Arrival> {
        let mut result = result_of(taken.record.outcome, taken.payload)?;
        let mut branches = Results::new();
        if let (Ok(part), Some(extras)) = (&result, &taken.extras)
            && !extras.branches.is_empty()
            && !mutant::is(Mutant::EndsWithBranch)
        {
            let sequence = taken.record.sequence;
            if pipeline >= NAMED {
                result = Err(Failure::of(FailureKind::Unknown, OUTLASTS));
            } else if self.slot(sequence).is_none_or(|slot| !slot.waiting) {
                return None;
            } else if let Some(all) = self.branches.add(sequence, extras, part.clone()) {
                branches = all;
                result = Ok(branches[0].clone());
            } else {
                // It is here, and leaves its place to others: the rest of the message has to come.
                return None;
            }
        }
        let ended = match self.named.contains_key(&pipeline) {
            true => {
                let index = taken.record.token;
                self.end_named(pipeline, index).then_some((pipeline, index))
            }
            false => self.conclude(taken.record.sequence),
        };
        // Ended before, or never awaited: nobody is told twice.
        let (job, index) = ended?;
        Some(Arrival {
            job,
            index,
            result,
            branches,
            receipt: None,
        })
    }
}

pub(super) fn result_of(outcome: Outcome, payload: Bytes) -> Option<Result<Bytes, Failure>> {
    match outcome {
        Outcome::Pending
        | Outcome::Cancel
        | Outcome::CancelJob
        | Outcome::Made
        | Outcome::Siblings
        | Outcome::Bundle => None,
        Outcome::Success => Some(Ok(payload)),
        Outcome::Failure => Some(Err(Failure::decode(&payload))),
        Outcome::Expired => Some(Err(Failure::of(FailureKind::Expired, EXPIRED))),
        Outcome::Cancelled => Some(Err(Failure::of(FailureKind::Cancelled, "it was cancelled"))),
    }
}
