//! Whether what a function gets, and what ends, descends from what a client has sent through results
//! that were given.

use super::family::{Family, Function, Round, fate};
use super::payload::{self, Kind, PART, Start};
use super::witness::{Violation, Witness};
use bytes::Bytes;
use palm_core::{Id, Incarnation, Path};
use palm_highlevel::{Piece, Pieces};

/// The function that a record of a result tells of, and what stands in it for the stage.
type Call = (u16, Function);

impl Witness {
    /// Checks what the function of `stage` is called with, or what has come of a message after as
    /// many stages; gives back what its client has sent.
    ///
    /// # Errors
    ///
    /// If it is not what its client sent, or what the functions before made of it.
    pub(super) fn check_work(
        &self,
        client: Incarnation,
        sequence: u64,
        stage: u16,
        payload: &Bytes,
    ) -> Result<Start, Violation> {
        let id = Id {
            client,
            sequence,
            path: Path::ROOT,
        };
        let checked = match self.sent(client, sequence) {
            None => Err("its client never sent it".to_owned()),
            Some(start) if stage == 0 => self.check_calls(&id, start, &[], payload).map(|_| *start),
            Some(start) => {
                let later = (1..stage).map(|stage| (stage, Function::Work));
                let later: Vec<Call> = later.collect();
                let checked = self.check_last(&id, start, &later, payload, None);
                checked.map(|()| *start)
            }
        };
        checked.map_err(|why| broken(&id, &format!("at stage {stage}: {why}")))
    }

    /// Checks what the function is called with that a child is for; gives back what that is.
    ///
    /// # Errors
    ///
    /// If it is not what its parent made.
    pub(super) fn check_child(&self, id: &Id, payload: &Bytes) -> Result<Start, Violation> {
        let checked = self.member(id).and_then(|start| {
            self.check_calls(id, &start, &[], payload)?;
            Ok(start)
        });
        checked.map_err(|why| broken(id, &why))
    }

    /// Checks what the function is called with that goes on with a message once its children have
    /// ended; gives back what that message was, and how many functions have gone on with it before.
    ///
    /// # Errors
    ///
    /// If it is not what became of all of its children, in order.
    pub(super) fn check_pieces(
        &self,
        id: &Id,
        pieces: &Pieces,
    ) -> Result<(Start, usize), Violation> {
        let check = || {
            let start = self.member(id)?;
            let (_, calls) = payload::descent(&pieces.state)?;
            let before = calls.len().checked_sub(1).ok_or("no function made it")?;
            let calls = self.check_calls(id, &start, &own(id, before), &pieces.state)?;
            let family = Family::of(&start, &id.path);
            let round = family.rounds.get(before).filter(|round| round.joins());
            let round = round.ok_or("nothing is to go on with it")?;
            let (count, expected) = (pieces.pieces.len(), round.children.len());
            if count != expected {
                return Err(format!("it goes on with {count} pieces of {expected}"));
            }
            for ((start, path), piece) in round.members(&id.path).zip(&pieces.pieces) {
                let child = Id { path, ..id.clone() };
                self.check_piece(&child, start, round.each, piece, calls.last().copied())
                    .map_err(|why| format!("its child {child}: {why}"))?;
            }
            Ok((start, before))
        };
        check().map_err(|why| broken(id, &why))
    }

    /// Checks what the function is called with that goes on with a child once that has ended; gives
    /// back what the child was.
    ///
    /// # Errors
    ///
    /// If it is not what became of that child.
    pub(super) fn check_each(&self, id: &Id, pieces: &Pieces) -> Result<Start, Violation> {
        let check = || {
            let start = self.member(id)?;
            let [piece] = pieces.pieces.as_slice() else {
                return Err(format!("{} pieces are one", pieces.pieces.len()));
            };
            self.check_piece(id, &start, false, piece, None)?;
            Ok(start)
        };
        check().map_err(|why| broken(id, &why))
    }

    /// What a message was that a client has sent, or a function.
    fn member(&self, id: &Id) -> Result<Start, String> {
        let sent = self.sent(id.client, id.sequence);
        let mut start = *sent.ok_or("its client never sent it")?;
        let mut path = Path::ROOT;
        for ordinal in id.path.ordinals() {
            let family = Family::of(&start, &path);
            let found = family.members(&path).nth(*ordinal as usize);
            let (child, at) = found.ok_or("its parent makes no such child")?;
            (start, path) = (*child, at);
        }
        Ok(start)
    }

    /// Checks what is told of how a child has ended, of whose parent's functions that one made it.
    fn check_piece(
        &self,
        id: &Id,
        start: &Start,
        each: bool,
        piece: &Piece,
        parent: Option<u64>,
    ) -> Result<(), String> {
        let kind = fate(start, &id.path);
        let result = match &piece.result {
            Ok(result) => result,
            Err(failure) => {
                let checked = self.check_failure(id.client, id.sequence, kind, failure);
                return checked.map_err(|violation| violation.message().to_owned());
            }
        };
        if kind != Kind::Plain {
            return Err(format!("it has a result and is {kind:?}"));
        }
        let results: Vec<&Bytes> = piece.parts.iter().chain([result]).collect();
        match each {
            true => self.check_gathered(id, start, &results, parent),
            false => self.check_results(id, start, &results, parent),
        }
    }

    /// Checks the result of the function that has gone on with a child.
    fn check_gathered(
        &self,
        id: &Id,
        start: &Start,
        results: &[&Bytes],
        parent: Option<u64>,
    ) -> Result<(), String> {
        let [result] = results else {
            return Err(format!("one is gathered, not {}", results.len()));
        };
        let calls = self.check_calls(id, start, &[(0, Function::Each)], result)?;
        is_after(parent, &calls)
    }

    /// Checks all results of a child.
    fn check_results(
        &self,
        id: &Id,
        start: &Start,
        results: &[&Bytes],
        parent: Option<u64>,
    ) -> Result<(), String> {
        let family = Family::of(start, &id.path);
        let (count, expected) = (results.len(), family.results(&id.path));
        if count != expected {
            return Err(format!("it has {count} results of {expected}"));
        }
        let Some(round) = family.given() else {
            let (parts, last) = results.split_at(usize::from(family.parts));
            for (number, part) in (PART..).zip(parts) {
                let calls = self.check_calls(id, start, &[(number, Function::Piece)], part)?;
                is_after(parent, &calls)?;
            }
            return self.check_last(id, start, &[], last[0], parent);
        };
        let mut left = results;
        for (start, path) in round.members(&id.path) {
            let child = Id { path, ..id.clone() };
            if round.each {
                let (of, others) = left.split_at(1);
                self.check_gathered(&child, start, of, parent)?;
                left = others;
            } else {
                let count = Family::of(start, &child.path).results(&child.path);
                let (of, others) = left.split_at(count);
                self.check_results(&child, start, of, parent)?;
                left = others;
            }
        }
        Ok(())
    }

    /// Checks the last result of a message, or what functions of `later` servers made of it.
    fn check_last(
        &self,
        id: &Id,
        start: &Start,
        later: &[Call],
        result: &Bytes,
        parent: Option<u64>,
    ) -> Result<(), String> {
        let family = Family::of(start, &id.path);
        let joins = family.rounds.iter().filter(|round| round.joins()).count();
        let expected = [&own(id, joins), later].concat();
        let calls = self.check_calls(id, start, &expected, result)?;
        is_after(parent, &calls)?;
        match family.rounds.last().filter(|round| !round.joins()) {
            Some(round) => self.check_waited(id, round, calls[joins]),
            None => Ok(()),
        }
    }

    /// Checks that all children have ended of a message that has, since its function made them.
    fn check_waited(&self, id: &Id, round: &Round, since: u64) -> Result<(), String> {
        let function = match round.each {
            true => Function::Each,
            false => Function::Piece,
        };
        for (_, path) in round.members(&id.path) {
            let child = Id { path, ..id.clone() };
            let later = &self.executions[since as usize + 1..];
            let mut of_it = later
                .iter()
                .filter(|call| call.id == child && call.function == function);
            if !of_it.any(|call| call.ended) {
                return Err(format!("its child {child} has not ended"));
            }
        }
        Ok(())
    }

    /// Checks that a result descends from these calls, one after another; gives back their numbers.
    fn check_calls(
        &self,
        id: &Id,
        start: &Start,
        expected: &[Call],
        result: &Bytes,
    ) -> Result<Vec<u64>, String> {
        let (found, calls) = payload::descent(result)?;
        if found != *start {
            return Err(format!("its payload is {found:?}, not {start:?}"));
        }
        if calls.len() != expected.len() {
            return Err(format!("it was executed as {calls:?}, not as {expected:?}"));
        }
        for ((place, number), (expected, function)) in calls.iter().zip(expected) {
            let call = self.executions.get(*number as usize);
            let fits = call.is_some_and(|call| {
                call.ended
                    && call.id == *id
                    && call.function == *function
                    && (call.stage == *place || *place >= PART)
            });
            if !fits || place != expected {
                return Err(format!(
                    "execution {number} as {place} is another than {function:?} at {expected}: {call:?}"
                ));
            }
        }
        Ok(calls.into_iter().map(|(_, number)| number).collect())
    }
}

/// The functions that a result has of its own server, of which so many went on with the message.
fn own(id: &Id, joins: usize) -> Vec<Call> {
    let first = match id.path.is_root() {
        true => Function::Work,
        false => Function::Piece,
    };
    let joins = std::iter::repeat_n((0, Function::Join), joins);
    std::iter::once((0, first)).chain(joins).collect()
}

/// Whether a child was executed after its parent's function that made it.
fn is_after(parent: Option<u64>, calls: &[u64]) -> Result<(), String> {
    match (parent, calls.first()) {
        (Some(parent), Some(&first)) if first <= parent => Err(format!(
            "execution {first} is not after {parent}, which made it"
        )),
        _ => Ok(()),
    }
}

fn broken(id: &Id, why: &str) -> Violation {
    Violation::Broken(format!("rule 2: message {id}: {why}"))
}
