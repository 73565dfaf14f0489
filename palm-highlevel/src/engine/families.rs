use super::ledger::{Entry, State};
use super::siblings::in_a_row;
use super::slab::Key;
use super::{Action, Engine, Executor, FunctionId, Origin};
use crate::made::{Child, Made, Piece, Pieces, Then};
use crate::mutant::{self, Mutant};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::wire::{Extras, Outcome};
use palm_core::{Path, Route};
use std::collections::VecDeque;
use std::sync::Arc;

/// How deep messages may descend from one another.
const DEPTH: usize = 1024;

/// What a message whose function has submitted others has made, and what came of it.
///
/// A child is an entry of the ledger like any other, but it came by no lane, and its ending leaves by
/// none: its parent takes it. The parent is in the ledger until it ends itself, so that all of a
/// family is one message to whoever sent it; if this process dies, the parent is executed again, and
/// makes the same family.
///
/// Invariant: `left` of a family is the number of its children that have not ended; its parent waits
/// as long as it is not 0.
#[derive(Debug)]
pub(crate) struct Family {
    /// Where the parent stood before another function went on with it.
    route: Arc<Route>,
    stage: u16,
    function: FunctionId,
    /// The results before the last one.
    pub(super) parts: Vec<Bytes>,
    /// Where the result goes, if a function has said so.
    pub(super) chosen: Option<String>,
    /// What each child goes on with.
    each: Option<String>,
    then: Then,
    state: Bytes,
    /// What came of the children, while a function of this process goes on with it.
    pub(super) pieces: Option<Arc<Pieces>>,
    children: Vec<Slot>,
    left: usize,
    /// How many children it has had, those included that another function was called with.
    born: u32,
    /// How many messages have come of it in all, if it came of no other.
    descendants: u64,
}

/// One child.
#[derive(Debug)]
enum Slot {
    Alive(Key),
    /// It has no entry of its own: the one of the last `Alive` before it stands for it as well.
    Behind,
    Ended(Piece),
}

impl Slot {
    fn alive(&self) -> Option<Key> {
        match self {
            Slot::Alive(key) => Some(*key),
            Slot::Behind | Slot::Ended(_) => None,
        }
    }
}

/// Whose child a message is.
#[derive(Debug)]
pub(crate) struct Kin {
    pub(super) parent: Key,
    /// Which of the children that are waited for.
    pub(super) index: usize,
    /// The payloads of those behind it that the entry stands for as well.
    pub(super) siblings: VecDeque<Bytes>,
    /// The message that all of them came of.
    root: Key,
    /// Its function has ended, and another goes on with it for the sake of its parent.
    gathered: bool,
}

impl Kin {
    /// The token of the parent of a piece that is being gathered.
    pub(super) fn gathered(&self) -> Option<u64> {
        self.gathered.then(|| self.parent.token())
    }

    /// The kin of the sibling so many places further.
    pub(super) fn behind(&self, further: usize, siblings: VecDeque<Bytes>) -> Kin {
        Kin {
            index: self.index + further,
            siblings,
            ..*self
        }
    }
}

impl Family {
    fn of(entry: &Entry) -> Box<Family> {
        Box::new(Family {
            route: entry.route.clone(),
            stage: entry.stage,
            function: entry.function,
            parts: Vec::new(),
            chosen: None,
            each: None,
            then: Then::End,
            state: Bytes::new(),
            pieces: None,
            children: Vec::new(),
            left: 0,
            born: 0,
            descendants: 0,
        })
    }

    /// From now on the child at `index` is the first that this entry stands for.
    pub(super) fn stands_for(&mut self, index: usize, key: Key) {
        self.children[index] = Slot::Alive(key);
    }
}

/// Messages that make messages.
impl Engine {
    /// A function has succeeded, and made more than a result.
    pub(super) fn made(&mut self, key: Key, payload: &Bytes) {
        match Made::decode(payload) {
            Ok((made, result)) => self.commit(key, made, result),
            Err(failure) => self.failed(key, failure.encode()),
        }
    }

    /// What a function has made becomes true.
    pub(super) fn commit(&mut self, key: Key, made: Made, result: Bytes) {
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        let mut family = entry.family.take().unwrap_or_else(|| Family::of(entry));
        family.parts.extend(made.parts);
        family.chosen = made.route.or(family.chosen.take());
        if made.children.is_empty() && matches!(made.then, Then::End) {
            entry.family = Some(family);
            return self.end(key, Outcome::Success, result);
        }
        (family.each, family.then, family.state) = (made.each, made.then, result);
        family.pieces = None;
        if let State::With(worker) = std::mem::replace(&mut entry.state, State::Waiting) {
            self.executor.returned(worker, 1);
        }
        entry.begin_next();
        entry.payload = Bytes::new();
        // None of them is the last before all are there: a child may end as it is queued.
        family.left += 1;
        entry.family = Some(family);
        if let Err(failure) = self.bear(key, &made.functions, made.children) {
            return self.end(key, Outcome::Failure, failure.encode());
        }
        self.fewer(key, 1);
    }

    fn family(&mut self, key: Key) -> Option<&mut Family> {
        self.ledger.get_mut(key)?.family.as_deref_mut()
    }

    /// Puts the children of a message into the ledger.
    fn bear(
        &mut self,
        key: Key,
        functions: &[String],
        children: Vec<Child>,
    ) -> Result<(), Failure> {
        let Some(parent) = self.ledger.get(key) else {
            return Ok(());
        };
        let root = parent.kin.as_ref().map_or(key, |kin| kin.root);
        let (sequence, deadline, origin) = (parent.sequence, parent.deadline, parent.origin);
        let path = parent.extras.as_ref().map(|extras| extras.path.clone());
        let path = path.unwrap_or(Path::ROOT);
        if path.ordinals().len() >= DEPTH {
            return Err(Failure::of(
                FailureKind::TooLarge,
                format!(
                    "messages of {} that make messages descend deeper than {DEPTH}",
                    self.links.me.name
                ),
            ));
        }
        let resolve = |function: &String| -> Result<_, Failure> {
            let me = &self.links.me.name;
            let route = self.homeward.route(&parent.route, me, function)?;
            Ok((route, self.functions.id(function)))
        };
        let functions: Vec<_> = functions.iter().map(resolve).collect::<Result<_, _>>()?;
        let apart = parent
            .family
            .as_ref()
            .is_some_and(|family| family.each.is_some());
        let joins = |(_, function): &(_, FunctionId)| !apart && self.joins_siblings(*function);
        let joins: Vec<bool> = functions.iter().map(joins).collect();
        let born = children.len() as u64;
        let children = in_a_row(children, &joins);
        self.spend(root, born)?;
        // It is back before anything asks for it.
        let parent = self.ledger.get_mut(key);
        let Some(mut family) = parent.and_then(|parent| parent.family.take()) else {
            return Ok(());
        };
        // It came by no lane.
        let origin = Origin {
            number: 0,
            ..origin
        };
        let first = family.children.len();
        for (child, siblings) in children {
            let (route, function) = functions[child.function as usize].clone();
            let extras = Extras {
                path: path.child(family.born),
                ..Extras::default()
            };
            let behind = siblings.len();
            let kin = Kin {
                parent: key,
                index: family.children.len(),
                siblings,
                root,
                gathered: false,
            };
            let entry = Entry {
                sequence,
                extras: Some(Arc::new(extras)),
                deadline,
                kin: Some(Box::new(kin)),
                ..Entry::of(route, child.payload, origin, function)
            };
            family.children.push(Slot::Alive(self.ledger.insert(entry)));
            let all = family.children.len() + behind;
            family.children.resize_with(all, || Slot::Behind);
            family.born += 1 + behind as u32;
            family.left += 1 + behind;
        }
        let born: Vec<Key> = family.children[first..]
            .iter()
            .filter_map(Slot::alive)
            .collect();
        if let Some(parent) = self.ledger.get_mut(key) {
            parent.family = Some(family);
        }
        for child in born {
            self.queue(child);
        }
        Ok(())
    }

    /// Counts what came of a message, which has a budget.
    fn spend(&mut self, root: Key, children: u64) -> Result<(), Failure> {
        let Some(family) = self.family(root) else {
            return Ok(());
        };
        family.descendants += children;
        if family.descendants <= self.descendants {
            return Ok(());
        }
        let failure = Failure::of(
            FailureKind::TooLarge,
            format!(
                "more than {} messages came of it at {}: see Config::descendants",
                self.descendants, self.links.me.name
            ),
        );
        self.end(root, Outcome::Failure, failure.encode());
        Err(failure)
    }

    /// If the message is a child that its parent wants gathered once it has ended, has it go on with
    /// the function that does so; that is called with how it has ended.
    pub(super) fn gather_one(&mut self, key: Key, outcome: Outcome, payload: &Bytes) -> bool {
        let kin = self.ledger.get(key).and_then(|entry| entry.kin.as_ref());
        let Some(kin) = kin.filter(|kin| !kin.gathered) else {
            return false;
        };
        let parent = kin.parent;
        let each = self.family(parent).and_then(|family| family.each.clone());
        let (Some(each), Some(entry)) = (each, self.ledger.get_mut(key)) else {
            return false;
        };
        if let Some(kin) = &mut entry.kin {
            kin.gathered = true;
        }
        if let State::With(worker) = std::mem::replace(&mut entry.state, State::Waiting) {
            self.executor.returned(worker, 1);
        }
        entry.begin_next();
        let family = entry.family.as_mut();
        let parts = family.map(|family| std::mem::take(&mut family.parts));
        let piece = Piece::new(outcome, payload.clone(), parts.unwrap_or_default());
        let pieces = Pieces {
            state: Bytes::new(),
            pieces: vec![piece],
        };
        if let Err(failure) = self.go_on_with(key, &each, pieces) {
            self.end(key, Outcome::Failure, failure.encode());
        }
        true
    }

    /// A child has ended.
    pub(super) fn piece(&mut self, kin: &Kin, outcome: Outcome, payload: Bytes, parts: Vec<Bytes>) {
        let Some(family) = self.family(kin.parent) else {
            return;
        };
        if let Some(slot) = family.children.get_mut(kin.index) {
            *slot = Slot::Ended(Piece::new(outcome, payload, parts));
        }
        self.fewer(kin.parent, 1);
    }

    /// All that an entry stands for have ended with success.
    pub(super) fn pieces(&mut self, key: Key, ended: Vec<(Outcome, Bytes)>) {
        let Some(kin) = self.take_out(key).and_then(|entry| entry.kin) else {
            return;
        };
        let Some(family) = self.family(kin.parent) else {
            return;
        };
        let count = ended.len();
        let slots = family.children.iter_mut().skip(kin.index);
        for (slot, (outcome, payload)) in slots.zip(ended) {
            *slot = Slot::Ended(Piece::new(outcome, payload, Vec::new()));
        }
        self.fewer(kin.parent, count);
    }

    /// A message waits for so many fewer.
    fn fewer(&mut self, key: Key, count: usize) {
        let Some(family) = self.family(key) else {
            return;
        };
        family.left -= count;
        if family.left <= usize::from(mutant::is(Mutant::ResumesEarly)) {
            self.resume(key);
        }
    }

    /// All that a message waited for has ended: it goes on, or ends.
    fn resume(&mut self, key: Key) {
        let Some(family) = self.family(key) else {
            return;
        };
        let state = std::mem::take(&mut family.state);
        let ended = family.children.drain(..).filter_map(|slot| match slot {
            Slot::Ended(piece) => Some(piece),
            Slot::Alive(_) | Slot::Behind => None,
        });
        let mut pieces = Pieces {
            state,
            pieces: ended.collect(),
        };
        if mutant::is(Mutant::ReversesPieces) {
            pieces.pieces.reverse();
        }
        match std::mem::take(&mut family.then) {
            Then::Call(function) => {
                if let Err(failure) = self.go_on_with(key, &function, pieces) {
                    self.end(key, Outcome::Failure, failure.encode());
                }
            }
            Then::End => match pieces.results() {
                Ok(_) => self.end(key, Outcome::Success, pieces.state),
                Err(failure) => self.end(key, Outcome::Failure, failure.encode()),
            },
            Then::Give => self.give_pieces(key, pieces),
        }
    }

    /// Another function goes on with a message, before what has not begun.
    fn go_on_with(&mut self, key: Key, name: &str, pieces: Pieces) -> Result<(), Failure> {
        let function = self.functions.id(name);
        let here = matches!(self.executor, Executor::Local(_)) || self.own.offers(function);
        let payload = match self.family(key) {
            Some(family) if here => {
                family.pieces = Some(Arc::new(pieces));
                Bytes::new()
            }
            _ => pieces.encode()?,
        };
        let Some(entry) = self.ledger.get_mut(key) else {
            return Ok(());
        };
        let me = &self.links.me.name;
        entry.route = self.homeward.route(&entry.route, me, name)?;
        entry.stage = 0;
        entry.function = function;
        entry.payload = payload;
        self.queue_again(key);
        Ok(())
    }

    /// A message ends with the results of its children, one after another.
    fn give_pieces(&mut self, key: Key, pieces: Pieces) {
        let mut results = Vec::new();
        for Piece { parts, result } in pieces.pieces {
            results.extend(parts);
            match result {
                Ok(result) => results.push(result),
                Err(failure) => return self.end(key, Outcome::Failure, failure.encode()),
            }
        }
        match (results.pop(), self.family(key)) {
            (Some(last), Some(family)) => {
                family.parts.extend(results);
                self.end(key, Outcome::Success, last);
            }
            _ => {
                let me = &self.links.me.name;
                let message = format!(
                    "it was scattered into nothing, and {me} gathers nothing that could be its result"
                );
                let failure = Failure::of(FailureKind::Function, message);
                self.end(key, Outcome::Failure, failure.encode());
            }
        }
    }

    /// A message ends, whatever of its children has not: nobody waits for them any more. It stands
    /// again where it did.
    pub(super) fn disband(&mut self, key: Key, entry: &mut Entry, family: &mut Family) {
        entry.route = family.route.clone();
        entry.stage = family.stage;
        entry.function = family.function;
        let mut orphans = std::mem::take(&mut family.children);
        if family.each.is_some() {
            // What was gathered of it is forgotten.
            self.recalled.push(Action::Recall(key.token()));
        }
        while let Some(slot) = orphans.pop() {
            let Some(child) = slot.alive() else { continue };
            self.recall(child);
            let family = self.take_out(child).and_then(|child| child.family);
            orphans.extend(family.into_iter().flat_map(|family| family.children));
        }
    }

    /// Takes a message out of the ledger, wherever it is.
    #[inline(always)]
    pub(super) fn take_out(&mut self, key: Key) -> Option<Entry> {
        let entry = self.ledger.remove(key)?;
        if let State::With(worker) = entry.state {
            self.executor.returned(worker, entry.count());
        }
        if let Some(at) = entry.deadline {
            self.forget_deadline(at, key);
        }
        if !self.cancelled.is_empty() {
            self.cancelled.remove(&key);
        }
        Some(entry)
    }
}

impl Piece {
    fn new(outcome: Outcome, payload: Bytes, parts: Vec<Bytes>) -> Piece {
        let result = match outcome {
            Outcome::Success => Ok(payload),
            Outcome::Expired => Err(Failure::of(FailureKind::Expired, "its deadline has passed")),
            Outcome::Cancelled => Err(Failure::of(FailureKind::Cancelled, "it was cancelled")),
            _ => Err(Failure::decode(&payload)),
        };
        Piece { parts, result }
    }
}

impl Executor {
    /// So many messages are no longer with that worker.
    pub(super) fn returned(&mut self, worker: Key, count: usize) {
        match self {
            Executor::Workers(dispatch) => dispatch.returned(worker, count),
            Executor::Owners(partitions, _) => partitions.returned(worker),
            Executor::Local(_) => {}
        }
    }
}
