use super::families::Kin;
use super::ledger::{Entry, Ledger, State};
use super::slab::Key;
use super::{Engine, Executor};
use crate::made::Child;
use crate::mutant::{self, Mutant};
use crate::siblings::Siblings;
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::wire::{Extras, Outcome};
use std::collections::VecDeque;
use std::sync::Arc;

/// About how many bytes of payload a worker is given as one message, if several share it.
const BYTES: usize = 64 << 10;

/// What a function submits for another one, in a row, is one entry of the ledger until something sets
/// it apart: it costs next to nothing to keep, goes to a worker as one message, and comes back as one.
/// Where a worker has room for the first of them alone the entry is split. As soon as one of them has
/// not succeeded it is taken apart, and all rules are those of single messages.
///
/// Invariant: the first of an entry's siblings never changes, so that what a worker says of them, in
/// order, is about them, whatever became of the others since.
impl Entry {
    /// How many messages it stands for.
    pub(super) fn count(&self) -> usize {
        match self.bundle {
            0 => 1 + self.kin.as_ref().map_or(0, |kin| kin.siblings.len()),
            count => count as usize,
        }
    }

    /// How many of them, at most `most`, share a message: the first one always does.
    fn fitting(&self, most: usize) -> usize {
        let Some(kin) = &self.kin else { return 1 };
        let mut bytes = self.payload.len();
        let behind = kin.siblings.iter().take(most.saturating_sub(1));
        let fits = |payload: &&Bytes| {
            bytes += payload.len();
            bytes <= BYTES
        };
        1 + behind.take_while(fits).count()
    }

    /// The entry for those that are `further` ones behind the first: one with that payload, and
    /// `siblings`.
    fn behind(
        &self,
        kin: &Kin,
        further: usize,
        payload: Bytes,
        siblings: VecDeque<Bytes>,
    ) -> Entry {
        let extras = self.extras.as_deref().map(|extras| Extras {
            path: extras.path.sibling(further as u32),
            ..extras.clone()
        });
        Entry {
            sequence: self.sequence,
            extras: extras.map(Arc::new),
            deadline: self.deadline,
            state: self.state,
            tries: self.tries,
            kin: Some(Box::new(kin.behind(further, siblings))),
            ..Entry::of(self.route.clone(), payload, self.origin, self.function)
        }
    }

    /// What goes to a worker: what it is, and the payload.
    pub(super) fn to_execute(&self) -> (Outcome, Bytes) {
        match &self.kin {
            Some(kin) if !kin.siblings.is_empty() => {
                let mut siblings = Siblings::default();
                for payload in std::iter::once(&self.payload).chain(&kin.siblings) {
                    // An entry of several that don't fit is split before.
                    siblings.push(Outcome::Pending, payload.clone());
                }
                (Outcome::Siblings, siblings.encode())
            }
            _ => (Outcome::Pending, self.payload.clone()),
        }
    }
}

/// The children of a message, in order, each with the payloads of those behind it that may be one entry
/// with it: those for the same function, if `joins` has it that these may.
pub(super) fn in_a_row(children: Vec<Child>, joins: &[bool]) -> Vec<(Child, VecDeque<Bytes>)> {
    let mut rows: Vec<(Child, VecDeque<Bytes>)> = Vec::new();
    for child in children {
        match rows.last_mut() {
            Some((first, behind))
                if first.function == child.function && joins[child.function as usize] =>
            {
                behind.push_back(child.payload);
            }
            _ => rows.push((child, VecDeque::new())),
        }
    }
    rows
}

/// Leaves as many of an entry's siblings in it, at most `most`, as share a message; gives back the
/// entry of the others.
pub(super) fn split(ledger: &mut Ledger, key: Key, most: usize) -> Option<Key> {
    let count = ledger.get(key)?.fitting(most);
    split_at(ledger, key, count)
}

fn split_at(ledger: &mut Ledger, key: Key, count: usize) -> Option<Key> {
    let entry = ledger.get_mut(key)?;
    if count >= entry.count() {
        return None;
    }
    let mut kin = entry.kin.take()?;
    let first = kin.siblings.drain(..count - 1).collect();
    let mut others = std::mem::replace(&mut kin.siblings, first);
    // There are more than `count`.
    let payload = others.pop_front().unwrap_or_default();
    let others = entry.behind(&kin, count, payload, others);
    entry.kin = Some(kin);
    let parents = others.kin.as_ref().map(|kin| (kin.parent, kin.index));
    let key = ledger.insert(others);
    if let Some((parent, index)) = parents
        && let Some(family) = ledger
            .get_mut(parent)
            .and_then(|entry| entry.family.as_mut())
    {
        family.stands_for(index, key);
    }
    Some(key)
}

impl Engine {
    /// Has each of an entry's siblings be an entry, and gives back all of them, in order. What a
    /// worker has yet to answer it answers as one: only its last word takes that apart.
    fn take_apart(&mut self, key: Key) -> Vec<Key> {
        let mut keys = vec![key];
        while let Some(&last) = keys.last()
            && let Some(others) = split_at(&mut self.ledger, last, 1)
        {
            keys.push(others);
        }
        keys
    }

    /// If an entry stands for several messages, has each of them be one of its own: nothing happens to
    /// all of them that the rules of single messages don't say.
    pub(super) fn siblings(&mut self, key: Key) -> Option<Vec<Key>> {
        if let Some(each) = self.bundled(key) {
            return Some(each);
        }
        let several = self.ledger.get(key).is_some_and(|entry| entry.count() > 1);
        several.then(|| self.take_apart(key))
    }

    /// Whether siblings can be one entry until something sets them apart: those that workers
    /// execute, any of which may have any of them.
    pub(super) fn joins_siblings(&self, function: super::FunctionId) -> bool {
        matches!(self.executor, Executor::Workers(_)) && !self.own.offers(function)
    }

    /// How the siblings have ended that a worker had as one message: `current` if nobody was given
    /// them since.
    pub(super) fn siblings_ended(&mut self, key: Key, current: bool, payload: &Bytes) {
        let mut ended = match Siblings::decode(payload) {
            Ok(ended) => ended,
            Err(_) if !current => return,
            Err(why) => {
                let message = format!("how it ended on its worker can't be read: {why}");
                let failure = Failure::of(FailureKind::Function, message);
                return self.end(key, Outcome::Failure, failure.encode());
            }
        };
        let Some(entry) = self.ledger.get(key) else {
            return;
        };
        let count = entry.count();
        ended.truncate(count);
        if mutant::is(Mutant::MixesSiblings) {
            ended.reverse();
        }
        let succeeded = ended
            .iter()
            .all(|(outcome, _)| *outcome == Outcome::Success);
        if !(current || succeeded && ended.len() == count) {
            return;
        }
        let begun = ended.len().max(1);
        if let Some(others) = split_at(&mut self.ledger, key, begun) {
            self.not_begun(others);
        }
        if ended.is_empty() {
            // It has ended with more than fits: the next time it is alone.
            return self.not_begun(key);
        }
        if succeeded && begun > 1 {
            return self.pieces(key, ended);
        }
        let keys = self.take_apart(key);
        for (key, (outcome, payload)) in keys.into_iter().zip(ended) {
            match outcome {
                Outcome::Success => self.end(key, Outcome::Success, payload),
                Outcome::Made => self.made(key, &payload),
                _ => self.failed(key, payload),
            }
        }
    }

    /// A worker gives back what it has not executed.
    fn not_begun(&mut self, key: Key) {
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        if mutant::is(Mutant::ForgetsNotBegun) {
            return;
        }
        entry.tries -= 1;
        let count = entry.count();
        if let State::With(worker) = entry.state {
            self.executor.returned(worker, count);
        }
        self.queue_again(key);
    }
}
