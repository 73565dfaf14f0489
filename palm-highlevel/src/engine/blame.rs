use super::ledger::{Entry, State};
use super::link::{Link, State as LinkState};
use super::{CHARGES, Engine, Executor, Key, partition_lost};
use crate::mutant::{self, Mutant};
use crate::{DeadLetter, Failure, FailureKind};
use palm_core::wire::{Outcome, Role};
use std::time::Duration;

/// After how long without a word a connection breaks of silence: the transport closes one when it
/// has heard nothing for three heartbeats, and so says nothing of the process.
const SILENT: Duration = Duration::from_millis(2500);

/// How long a worker whose connection broke has to come back: it may not hear of it for three
/// heartbeats, and then has to connect and greet.
const GRACE: Duration = Duration::from_secs(6);

/// What becomes of a message whose worker has gone, and who is to blame.
///
/// Invariant: silence charges nobody. Only a death, or a lease that ran out, while a message was
/// alone with its process charges that message.
impl Engine {
    /// The connection of a worker has broken.
    ///
    /// If the worker spoke a moment ago its process has most likely exited, and others do at once
    /// what it held. But a connection may break under a process that lives, and charge nobody: who
    /// would be charged, or lost, waits until the worker is back or can't be any more.
    pub(super) fn broken(&mut self, now: Duration, worker: Key) {
        let Some(link) = self.links.get(worker) else {
            return;
        };
        let heard = now.saturating_sub(link.last_heard) < SILENT;
        let exited = heard && !self.links.has_just_woken(now);
        match &self.executor {
            // What it was given just now has never reached it.
            Executor::Workers(dispatch) if dispatch.is_alone_since(worker, now) => {
                self.worker_gone(worker, false, "its connection broke");
            }
            Executor::Owners(..) if self.is_awaited(worker) => {}
            _ if exited && self.is_awaited(worker) => {}
            _ => self.worker_gone(worker, exited, "its connection broke"),
        }
    }

    /// Whether more depends on a worker's return than who does what it held.
    fn is_awaited(&self, worker: Key) -> bool {
        match &self.executor {
            Executor::Local(_) => false,
            Executor::Workers(dispatch) => dispatch.is_alone(worker),
            Executor::Owners(partitions, _) => partitions.has_owner(worker),
        }
    }

    /// Gives up the workers whose connections broke and that are not back in time.
    pub(super) fn give_up_broken(&mut self, now: Duration) {
        let late = |link: &Link| matches!(link.state, LinkState::Lost { since } if now.saturating_sub(since) >= GRACE);
        self.give_up(late, "its connection broke, and it did not come back");
    }

    /// Gives up a worker whose connection broke, as another process now has its name.
    pub(super) fn replaced(&mut self, by: Key) {
        let Some(name) = self.links.get(by).map(|link| link.peer.name.clone()) else {
            return;
        };
        let lost = |link: &Link| {
            matches!(link.state, LinkState::Lost { .. })
                && link.peer.role == Role::Worker
                && link.peer.name == name
        };
        self.give_up(lost, "its process has exited");
    }

    fn give_up(&mut self, which: impl Fn(&Link) -> bool, why: &str) {
        let found: Vec<Key> = self
            .links
            .iter()
            .filter(|(key, link)| which(link) && self.is_awaited(*key))
            .map(|(key, _)| key)
            .collect();
        for key in found {
            self.worker_gone(key, true, why);
        }
    }

    /// A worker does not answer, or has gone: others do what it held. It is charged to nobody
    /// unless the process exited, which makes suspects of what it held, and charges the one that
    /// it held alone.
    pub(super) fn worker_gone(&mut self, worker: Key, exited: bool, why: &str) {
        let Some(link) = self.links.get_mut(worker) else {
            return;
        };
        let name = link.peer.name.clone();
        let exited = exited || mutant::is(Mutant::ChargesSilence);
        link.restart(|_| false);
        let mut held: Vec<Key> = self
            .ledger
            .iter()
            .filter(|(_, entry)| entry.state == State::With(worker))
            .map(|(key, _)| key)
            .collect();
        let messages = |key: &Key| self.ledger.get(*key).map_or(0, Entry::count);
        let count: usize = held.iter().map(messages).sum();
        // One that leaves without holding anything is no matter of concern.
        let level = match held.is_empty() {
            true => log::Level::Info,
            false => log::Level::Warn,
        };
        log::log!(
            level,
            "worker {name} is gone ({why}); it held {count} messages"
        );
        self.counts.workers_lost += 1;
        let failure = match &mut self.executor {
            Executor::Local(_) => return,
            Executor::Owners(partitions, _) => {
                held.extend(partitions.leave(worker, &name));
                partition_lost(&name)
            }
            Executor::Workers(dispatch) => {
                let alone = dispatch.is_alone(worker);
                dispatch.leave(worker);
                return self.requeue(held, exited, alone, worker, why);
            }
        };
        for key in held {
            self.end(key, Outcome::Failure, failure.encode());
        }
    }

    fn requeue(&mut self, held: Vec<Key>, exited: bool, alone: bool, worker: Key, why: &str) {
        // The first of them is to be the first again.
        for key in held.into_iter().rev() {
            self.counts.requeued += self.ledger.get(key).map_or(1, Entry::count) as u64;
            if mutant::is(Mutant::LosesWork) {
                continue;
            }
            if exited {
                self.accuse(key, alone, worker, why);
            } else if let (Some(entry), Executor::Workers(dispatch)) =
                (self.ledger.get_mut(key), &mut self.executor)
            {
                entry.state = State::Ready;
                dispatch.push_again(key, entry);
            }
        }
    }

    /// A process died with this message, or hung: from now on the message is a suspect, and where
    /// it was `alone` with the process it is charged. Charged often enough, it is a dead letter.
    pub(super) fn accuse(&mut self, key: Key, alone: bool, worker: Key, why: &str) {
        if let Some(each) = self.siblings(key) {
            let each = each.into_iter();
            return each.for_each(|key| self.accuse(key, alone, worker, why));
        }
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        entry.state = State::Ready;
        entry.suspect = true;
        entry.charges += u8::from(alone || mutant::is(Mutant::ChargesAll));
        if entry.charges < CHARGES {
            self.keep_attempts(key);
            let Some(entry) = self.ledger.get(key) else {
                return;
            };
            if let Executor::Workers(dispatch) = &mut self.executor {
                dispatch.push_again(key, entry);
            }
            return;
        }
        let worker = self.links.get(worker).map_or("", |link| &link.peer.name);
        let said = match &entry.progress {
            Some(text) => format!("; its function said last: {text}"),
            None => String::new(),
        };
        let reason = format!(
            "given up after {} attempts: {CHARGES} processes ended while they executed it and \
             nothing else; the last was worker {worker}, {why}{said}",
            entry.tries
        );
        let steps = entry.route.steps().iter().skip(usize::from(entry.stage));
        let route: Vec<String> = steps.map(ToString::to_string).collect();
        let message = entry.message();
        let letter = DeadLetter {
            number: 0,
            id: message.id,
            route: route.join(" "),
            payload: message.payload,
            reason: reason.clone(),
            worker: worker.to_owned(),
            attempts: entry.tries,
            progress: entry.progress.as_deref().map(ToOwned::to_owned),
        };
        self.bury(letter);
        let failure = Failure::of(FailureKind::DeadLetter, reason);
        self.end(key, Outcome::Failure, failure.encode());
    }

    /// Keeps a dead letter for people; the oldest may have to go.
    fn bury(&mut self, letter: DeadLetter) {
        let dropped = self.letters.push(letter);
        let Some(journal) = &mut self.journal else {
            return;
        };
        if let Some(letter) = self.letters.iter().last() {
            journal.keep_letter(letter.number, Some(letter));
        }
        for number in dropped {
            journal.keep_letter(number, None);
        }
    }

    pub(super) fn fail_stranded(&mut self, now: Duration) {
        let Executor::Workers(dispatch) = &mut self.executor else {
            return;
        };
        for key in dispatch.stranded(now) {
            let entry = self.ledger.get(key);
            let Some(entry) = entry.filter(|entry| entry.state == State::Ready) else {
                continue;
            };
            let step = entry.route.steps().get(usize::from(entry.stage));
            let function = step.map_or(String::new(), ToString::to_string);
            let failure = Failure::of(
                FailureKind::Unknown,
                format!(
                    "no worker of {} offers the function `{function}`",
                    self.links.me.name
                ),
            );
            self.end(key, Outcome::Failure, failure.encode());
        }
    }
}
