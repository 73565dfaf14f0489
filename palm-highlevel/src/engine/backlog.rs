use super::cache::CACHE;
use super::stored::{self, Attempts, CancelWord, Stored};
use super::{Action, Engine, Key, Origin, Taken};
use crate::mutant::{self, Mutant};
use crate::store::{LogId, Store, StoreError};
use bytes::Bytes;
use palm_core::Route;
use palm_core::lane::Credit;
use palm_core::wire::{Outcome, Record};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

/// What a server with a store has taken in beyond what its windows let it hold in memory. It waits
/// in the store alone, and is read back in its order, log by log, as there is room.
///
/// Invariant: of a lane, all that waits came after all that is in the ledger.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    logs: BTreeMap<LogId, Waiting>,
    /// The log that is being read.
    reading: Option<LogId>,
    /// The log that was read last: the next one has its turn.
    turn: LogId,
    /// What is known of earlier attempts at what waits, from before this process.
    attempts: BTreeMap<(LogId, u64), Attempts>,
    /// Words, by where they stand, that what waits before them is cancelled.
    words: BTreeMap<(LogId, u64), CancelWord>,
}

/// What waits of one log: all after `loaded` up to `last`.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    link: Key,
    era: u32,
    loaded: u64,
    last: u64,
    /// The last one that is written and flushed.
    written: u64,
}

/// About how many bytes are read at a time.
const READ: usize = 1 << 20;

/// What is to be read of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    log: LogId,
    after: u64,
    /// The time on the wall.
    wall: Duration,
}

/// What was read.
#[derive(Debug)]
pub struct Read {
    log: LogId,
    messages: Vec<Stored>,
    /// Whether that is all that the store has of the log.
    all: bool,
}

impl Reading {
    /// Reads it. It blocks on the disk.
    ///
    /// # Errors
    ///
    /// If the store can't be read, or holds what is no group of messages.
    pub fn read(&self, store: &dyn Store) -> Result<Read, StoreError> {
        let mut messages = Vec::new();
        let (mut bytes, mut all) = (0, true);
        for group in store.groups(self.log, self.after + 1) {
            let group = group?;
            bytes += group.bytes.len();
            messages.extend(stored::read_group(&group, self.wall)?);
            if bytes >= READ {
                all = false;
                break;
            }
        }
        let log = self.log;
        Ok(Read { log, messages, all })
    }
}

impl Backlog {
    /// How many messages wait, at most: some of them may be done.
    pub(super) fn len(&self) -> u64 {
        self.logs.values().map(|log| log.last - log.loaded).sum()
    }

    /// The logs of which something waits, and the last numbers that do not.
    pub(super) fn logs(&self) -> impl Iterator<Item = (LogId, u64)> {
        let logs = self.logs.iter();
        logs.map(|(log, waiting)| (*log, waiting.loaded))
    }

    /// The last number of a log that does not wait, if others do.
    pub(super) fn loaded(&self, log: LogId) -> Option<u64> {
        Some(self.logs.get(&log)?.loaded)
    }

    /// Whether anything of a lane waits, of whatever era.
    fn holds_lane(&self, lane: u32) -> bool {
        self.logs.range(stored::logs_of(lane)).next().is_some()
    }

    /// Has what was taken in of a log, up to `last`, wait after `loaded`, or after what waits of it
    /// already.
    pub(super) fn wait(&mut self, log: LogId, link: Key, era: u32, loaded: u64, last: u64) {
        let waiting = self.logs.entry(log).or_insert(Waiting {
            link,
            era,
            loaded,
            last,
            written: loaded,
        });
        waiting.last = last;
    }

    /// All of a log up to `last` is written and flushed.
    pub(super) fn written(&mut self, log: LogId, last: u64) {
        if let Some(waiting) = self.logs.get_mut(&log) {
            waiting.written = waiting.written.max(last.min(waiting.last));
        }
    }

    /// Nothing that came by a link is to be done any more.
    pub(super) fn forget(&mut self, link: Key) {
        let logs = &mut self.logs;
        logs.retain(|_, waiting| waiting.link != link);
        self.words.retain(|(log, _), _| logs.contains_key(log));
    }

    /// Whether anything waits that came by a link.
    pub(super) fn holds(&self, link: Key) -> bool {
        self.logs.values().any(|waiting| waiting.link == link)
    }

    /// What earlier processes have tried, of what waits.
    pub(super) fn knows_attempts(&mut self, attempts: BTreeMap<(LogId, u64), Attempts>) {
        self.attempts = attempts;
    }

    /// A word stands at `number` of a log of which the beginning waits.
    pub(super) fn knows_word(&mut self, log: LogId, number: u64, word: CancelWord) {
        self.words.insert((log, number), word);
    }

    /// The log whose turn it is, of those that there is `room` for. Of a lane, one era comes after
    /// another.
    fn next(&self, room: impl Fn(&Waiting) -> bool) -> Option<(LogId, Waiting)> {
        let after = self.logs.range((Excluded(self.turn), Unbounded));
        let mut logs = after.chain(self.logs.range(..=self.turn));
        let is_first = |log: LogId| {
            let mut lane = self.logs.range(stored::logs_of(stored::lane_of(log)));
            lane.next().is_some_and(|(first, _)| *first == log)
        };
        let found = logs.find(|(log, waiting)| {
            waiting.written > waiting.loaded && is_first(**log) && room(waiting)
        });
        found.map(|(log, waiting)| (*log, *waiting))
    }

    /// Whether a word that was taken in later says that a message is cancelled.
    fn is_cancelled(&self, log: LogId, message: &Stored) -> bool {
        let mut later = self.words.range((log, message.number)..=(log, u64::MAX));
        later.any(|(_, word)| word.means(&message.route, message.record.sequence))
    }
}

impl Engine {
    /// Has wait in the store what a lane has just accepted beyond its window. Orders to the cache are
    /// obeyed at once: they are done before what waits.
    pub(super) fn defer(&mut self, key: Key, taken: &mut Vec<Taken>) {
        let Some(link) = self.links.get_mut(key).filter(|link| link.spills()) else {
            return;
        };
        let Some(lane) = link.lane else { return };
        let keeps = match self.backlog.holds_lane(lane) {
            true => 0,
            false => link.fitting(taken),
        };
        let (Some(first), Some(last)) = (taken.get(keeps), taken.last()) else {
            return;
        };
        let log = stored::intake_log(lane, link.era());
        let (loaded, last) = (first.number - 1, last.number);
        self.backlog.wait(log, key, link.era(), loaded, last);
        let era = link.era();
        let (mut words, mut orders) = (Vec::new(), Vec::new());
        for taken in taken.drain(keeps..) {
            let route = link.route(taken.record.route);
            if let Some(route) = route.filter(|route| is_order(route, &taken.record)) {
                orders.push((route.clone(), taken));
                continue;
            }
            link.unhold(taken.record.weight());
            let route = link.route(taken.record.route);
            let word = route.and_then(|route| CancelWord::of(&taken.record, route));
            words.extend(word.map(|word| (taken.number, word)));
        }
        for (number, word) in words {
            self.cancel_meant(&word);
            self.backlog.knows_word(log, number, word);
            if let Some(journal) = &mut self.journal {
                journal.keep_word(log, number, Some(&word));
            }
        }
        for (route, taken) in orders {
            let number = taken.number;
            self.admit(
                Origin {
                    link: key,
                    era,
                    number,
                },
                route,
                taken,
                None,
            );
        }
    }

    /// Has more of the backlog be read: where half of a window is free; whoever is `patient` has
    /// waited for that, and has it be read where anything is.
    pub(super) fn read_backlog(&mut self, patient: bool, actions: &mut Vec<Action>) {
        if self.backlog.reading.is_some() || self.backlog.logs.is_empty() || self.draining {
            return;
        }
        let next = self.backlog.next(|waiting| {
            let Some(link) = self.links.get(waiting.link) else {
                return false;
            };
            let held = self.held_of(waiting);
            let counted = match patient {
                true => held,
                false => plus(held, held),
            };
            fits(counted, link.window) || held.number == 0
        });
        if let (Some((log, waiting)), Some(journal)) = (next, &self.journal) {
            (self.backlog.reading, self.backlog.turn) = (Some(log), log);
            actions.push(Action::Read(Reading {
                log,
                after: waiting.loaded,
                wall: journal.wall(self.now),
            }));
        }
    }

    /// What the ledger, and whoever has not fetched endings, holds of a log. Only of its present era
    /// does a link know that.
    fn held_of(&self, waiting: &Waiting) -> Credit {
        if let Some(link) = self.links.get(waiting.link)
            && link.era() == waiting.era
        {
            return link.held;
        }
        let entries = self.ledger.iter().map(|(_, entry)| entry);
        let of_log = entries
            .filter(|entry| (entry.origin.link, entry.origin.era) == (waiting.link, waiting.era));
        of_log.fold(Credit::default(), |held, entry| {
            plus(held, one(entry.weight))
        })
    }

    /// Takes what was read of the backlog, as far as there is room.
    pub(super) fn read(&mut self, read: Read) {
        let log = read.log;
        self.backlog.reading = None;
        let Some(mut waiting) = self.backlog.logs.get(&log).copied() else {
            return;
        };
        let Some(link) = self.links.get(waiting.link) else {
            return;
        };
        let (window, lane) = (link.window, link.lane);
        let mut held = self.held_of(&waiting);
        let mut all = read.all;
        for message in read.messages {
            let after = held.number == 0 || fits(plus(held, message.one()), window);
            if message.number > waiting.written || !after && !mutant::is(Mutant::ForgetsWaiting) {
                all = false;
                break;
            }
            if message.number <= waiting.loaded {
                continue;
            }
            waiting.loaded = message.number;
            let origin = Origin {
                link: waiting.link,
                era: waiting.era,
                number: message.number,
            };
            if message.done {
                self.settle_number(origin);
            } else if after {
                held = plus(held, message.one());
                self.restore_message(origin, log, message);
            }
        }
        if all {
            // The store keeps nothing of what is done, which the end of a log may be.
            waiting.loaded = waiting.loaded.max(waiting.written);
        }
        if let (Some(journal), Some(lane)) = (&mut self.journal, lane) {
            journal.touch(lane, waiting.link);
        }
        match waiting.loaded < waiting.last {
            true => drop(self.backlog.logs.insert(log, waiting)),
            false => drop(self.backlog.logs.remove(&log)),
        }
    }

    /// Takes a message, or a word or an ending, as if it had just come.
    pub(super) fn restore_message(&mut self, origin: Origin, log: LogId, message: Stored) {
        let number = message.number;
        if let Some(link) = self.links.get_mut(origin.link)
            && link.era() == origin.era
        {
            link.hold(message.record.weight());
        }
        let cancelled = self.backlog.is_cancelled(log, &message);
        let attempts = self.backlog.attempts.remove(&(log, number));
        let mut taken = Taken {
            number,
            record: message.record,
            extras: message.extras,
            payload: message.payload,
        };
        match taken.record.outcome {
            Outcome::Pending if cancelled => {
                taken.record.outcome = Outcome::Cancelled;
                taken.payload = Bytes::new();
                self.pass_on(origin, message.route, taken);
            }
            Outcome::Pending => self.admit(origin, message.route, taken, attempts),
            Outcome::Cancel | Outcome::CancelJob => {
                if self.backlog.words.remove(&(log, number)).is_some()
                    && let Some(journal) = &mut self.journal
                {
                    journal.keep_word(log, number, None);
                }
                self.cancel(origin, message.route, taken);
            }
            Outcome::Bundle => self.admit_bundle(origin, message.route, taken),
            _ => self.pass_on(origin, message.route, taken),
        }
    }
}

/// Whether a message is an order to the cache.
fn is_order(route: &Route, record: &Record) -> bool {
    let step = route.steps().get(usize::from(record.stage));
    record.outcome == Outcome::Pending && step.is_some_and(|step| step.function == CACHE)
}

/// Whether a window takes what is held.
pub(super) fn fits(held: Credit, window: Credit) -> bool {
    held.number <= window.number && held.bytes <= window.bytes
}

pub(super) fn plus(held: Credit, more: Credit) -> Credit {
    Credit {
        number: held.number.saturating_add(more.number),
        bytes: held.bytes.saturating_add(more.bytes),
    }
}

/// One message of that weight.
pub(super) fn one(weight: u64) -> Credit {
    Credit {
        number: 1,
        bytes: weight,
    }
}
