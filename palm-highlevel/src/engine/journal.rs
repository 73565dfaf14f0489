use super::backlog::Backlog;
use super::ledger::Entry;
use super::links::Links;
use super::parcel::{Origin, Parcel, Taken};
use super::slab::Key;
use super::stored::{self, Attempts, CancelWord, GroupWriter, LanePeer, LaneRecord};
use super::{Engine, Role};
use crate::DeadLetter;
use crate::mutant::{self, Mutant};
use crate::store::{Batch, LogId};
use bytes::Bytes;
use palm_core::wire::Record;
use palm_core::{Incarnation, Route};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What a server with a store is to write next, so that a process that takes this one's place goes
/// on where it was.
///
/// One batch is written at a time; what happens meanwhile is the next one. An ending and the mark
/// that its message is done are in one batch.
///
/// Invariant: what a batch holds is neither told a sender nor sent before the batch is flushed.
#[derive(Debug)]
pub(super) struct Journal {
    /// The time on the wall when the engine's clock was at zero.
    wall: Duration,
    next_lane: u32,
    /// The groups that grow, by log.
    open: BTreeMap<LogId, GroupWriter>,
    /// Those that are full.
    full: Vec<(LogId, GroupWriter)>,
    /// Messages that are done.
    marks: Vec<(LogId, u64)>,
    /// The lanes of which something has changed, and their links.
    touched: BTreeMap<u32, Key>,
    /// The messages that have an entry for their attempts.
    tried: BTreeSet<(LogId, u64)>,
    /// What is put, deleted and forgotten, after all else.
    rest: Batch,
    /// What is settled once it is written that all that came of it has left.
    settled: Vec<(Origin, u64)>,
    /// The batch that is being written, and what it brings about.
    writing: Option<Writing>,
    written: u64,
    /// How many bytes the store has room for, and how many were taken in that are not written.
    room: u64,
    unwritten: u64,
}

/// A batch on its way to the disk.
#[derive(Debug, Default)]
struct Writing {
    number: u64,
    confirmed: Vec<Confirmed>,
    /// The logs that grow, and their last numbers.
    appended: Vec<(LogId, u64)>,
    /// Messages and their weights.
    settled: Vec<(Origin, u64)>,
    /// How many bytes were taken in with it.
    bytes: u64,
}

/// How far a lane may be spoken of, and sent from, once a batch is flushed.
#[derive(Debug)]
struct Confirmed {
    link: Key,
    era: u32,
    accepted: u64,
    chain: u64,
    bytes: u64,
    generation: u32,
    last: u64,
}

impl Journal {
    pub(super) fn new(wall: Duration) -> Journal {
        Journal {
            wall,
            next_lane: 0,
            open: BTreeMap::new(),
            full: Vec::new(),
            marks: Vec::new(),
            touched: BTreeMap::new(),
            tried: BTreeSet::new(),
            rest: Batch::new(),
            settled: Vec::new(),
            writing: None,
            written: 0,
            room: u64::MAX,
            unwritten: 0,
        }
    }

    /// The time on the wall when the engine's clock says `now`.
    pub(super) fn wall(&self, now: Duration) -> Duration {
        self.wall + now
    }

    /// The number of a lane that there was not before.
    pub(super) fn new_lane(&mut self) -> u32 {
        let lane = self.next_lane;
        self.next_lane += 1;
        lane
    }

    /// Notes that there is a lane with that number.
    pub(super) fn knows_lane(&mut self, lane: u32) {
        self.next_lane = self.next_lane.max(lane + 1);
    }

    /// Notes that the attempts at a message have an entry.
    pub(super) fn knows_attempts(&mut self, log: LogId, number: u64) {
        self.tried.insert((log, number));
    }

    /// Has the record of a lane be written again.
    pub(super) fn touch(&mut self, lane: u32, link: Key) {
        self.touched.insert(lane, link);
    }

    /// Keeps what was taken in.
    fn keep_taken(&mut self, log: LogId, taken: &Taken, route: &Arc<Route>) {
        self.unwritten += taken.record.weight();
        let extras = taken.extras.as_deref().map(Cow::Borrowed);
        let group = self.group(log, taken.number, &taken.payload);
        group.push(taken.record, route, extras, &taken.payload);
    }

    /// Keeps what leaves under `number`.
    pub(super) fn keep_parcel(
        &mut self,
        log: LogId,
        number: u64,
        parcel: &Parcel,
        from: Option<u32>,
        now: Duration,
    ) {
        let extras = parcel.extras(now);
        let record = Record {
            attempt: from.unwrap_or(stored::NO_LANE),
            ..parcel.record(0)
        };
        let group = self.group(log, number, &parcel.payload);
        group.push(record, &parcel.route, extras, &parcel.payload);
    }

    fn group(&mut self, log: LogId, number: u64, payload: &Bytes) -> &mut GroupWriter {
        let group = self
            .open
            .entry(log)
            .or_insert_with(|| GroupWriter::new(number));
        if !group.has_room(payload) {
            let full = std::mem::replace(group, GroupWriter::new(number));
            self.full.push((log, full));
        }
        group
    }

    /// Notes that nothing more is to be done with a message that was taken in.
    fn mark(&mut self, log: LogId, number: u64) {
        self.marks.push((log, number));
        if self.tried.remove(&(log, number)) {
            self.rest
                .delete(stored::message_key(stored::ATTEMPTS, log, number));
        }
    }

    fn keep_attempts(&mut self, log: LogId, number: u64, entry: &Entry) {
        let attempts = Attempts {
            tries: entry.tries,
            failures: entry.failures,
            charges: entry.charges,
            suspect: entry.suspect,
        };
        self.tried.insert((log, number));
        let key = stored::message_key(stored::ATTEMPTS, log, number);
        self.rest.put(key, stored::encode(&attempts));
    }

    /// Keeps the word that stands at `number` of a log, or forgets it.
    pub(super) fn keep_word(&mut self, log: LogId, number: u64, word: Option<&CancelWord>) {
        let key = stored::message_key(stored::WORDS, log, number);
        match word {
            Some(word) => self.rest.put(key, stored::encode(word)),
            None => self.rest.delete(key),
        };
    }

    /// Keeps the record of a client that is expected.
    pub(super) fn expect(&mut self, lane: u32, client: Incarnation) {
        let record = LaneRecord {
            peer: LanePeer::Expected,
            incarnation: client,
            name: String::new(),
            role: Role::Client,
            session: None,
            era: 0,
            accepted: Default::default(),
            accepted_bytes: 0,
            loaded: 0,
            released: Default::default(),
            released_bytes: 0,
        };
        self.rest
            .put(stored::lane_key(lane), stored::encode(&record));
    }

    /// Forgets all of a lane whose last era and generation are these.
    pub(super) fn forget_lane(&mut self, lane: u32, era: u32, generation: u32) {
        self.touched.remove(&lane);
        for era in 0..=era {
            self.forget_log(stored::intake_log(lane, era));
        }
        self.forget_log(stored::outbox_log(lane, generation));
        self.rest.delete(stored::lane_key(lane));
    }

    /// Forgets a log, and what was to be written of it.
    pub(super) fn forget_log(&mut self, log: LogId) {
        self.open.remove(&log);
        self.full.retain(|(other, _)| *other != log);
        self.marks.retain(|(other, _)| *other != log);
        let tried = self.tried.range((log, 0)..=(log, u64::MAX));
        for (log, number) in tried.copied().collect::<Vec<_>>() {
            self.tried.remove(&(log, number));
            self.rest
                .delete(stored::message_key(stored::ATTEMPTS, log, number));
        }
        self.rest.forget(log);
    }

    /// Keeps a dead letter, or forgets it.
    pub(super) fn keep_letter(&mut self, number: u64, letter: Option<&DeadLetter>) {
        let key = stored::letter_key(number);
        match letter {
            Some(letter) => self.rest.put(key, stored::encode(letter)),
            None => self.rest.delete(key),
        };
    }

    /// Keeps a value of the cache, or forgets it.
    pub(super) fn keep_value(&mut self, key: &[u8], value: Option<&Bytes>) {
        let key = [stored::VALUES, key].concat();
        match value {
            Some(value) => self.rest.put(key, value.clone()),
            None => self.rest.delete(key),
        };
    }

    /// Whether there is no room for more than what is to be written already.
    fn is_full(&self) -> bool {
        let writing = self.writing.as_ref().map_or(0, |writing| writing.bytes);
        self.unwritten + writing >= self.room
    }

    /// Whether there is nothing to write and nothing being written.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_none() && self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.open.is_empty()
            && self.full.is_empty()
            && self.marks.is_empty()
            && self.touched.is_empty()
            && self.settled.is_empty()
            && self.rest.is_empty()
    }

    /// The next batch and its number, unless one is being written or there is nothing to write.
    pub(super) fn write(
        &mut self,
        links: &Links,
        backlog: &Backlog,
        now: Duration,
    ) -> Option<(u64, Batch)> {
        if self.writing.is_some() || self.is_empty() {
            return None;
        }
        let wall = self.wall(now);
        let mut appended = Vec::new();
        let mut batch = Batch::new();
        let full = std::mem::take(&mut self.full);
        let open = std::mem::take(&mut self.open);
        for (log, group) in full.into_iter().chain(open) {
            let first = group.first;
            match group.finish(wall) {
                Ok((count, bytes)) => {
                    appended.push((log, first + u64::from(count) - 1));
                    batch.append(log, first, count, bytes);
                }
                // A frame brought it, so that it fits one.
                Err(error) => log::error!("messages of {log} can't be stored: {error}"),
            }
        }
        for (log, number) in self.marks.drain(..) {
            batch.mark(log, number);
        }
        let mut confirmed = Vec::new();
        for (lane, key) in std::mem::take(&mut self.touched) {
            let Some(link) = links.get(key) else {
                continue;
            };
            let released = link.out.released();
            let taken = match mutant::is(Mutant::TrimsEarly) {
                true => link.out.last(),
                false => released.number,
            };
            if taken > 0 {
                batch.trim(stored::outbox_log(lane, released.generation), taken);
            }
            batch.put(
                stored::lane_key(lane),
                stored::encode(&link.record(lane, backlog)),
            );
            confirmed.push(Confirmed {
                link: key,
                era: link.era(),
                accepted: link.incoming.accepted(),
                chain: link.incoming.chain(),
                bytes: link.incoming.bytes(),
                generation: released.generation,
                last: link.out.last(),
            });
        }
        batch.absorb(std::mem::take(&mut self.rest));
        self.written += 1;
        self.writing = Some(Writing {
            number: self.written,
            confirmed,
            appended,
            settled: std::mem::take(&mut self.settled),
            bytes: std::mem::take(&mut self.unwritten),
        });
        Some((self.written, batch))
    }

    fn flushed(&mut self, number: u64) -> Writing {
        let written = self.writing.take_if(|writing| writing.number == number);
        written.unwrap_or_default()
    }
}

/// What the engine keeps in its store, if it has one.
impl Engine {
    /// Gives the link of a newcomer a lane in the store. What a worker holds is in the ledger as
    /// well.
    pub(super) fn open_lane(&mut self, key: Key) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        if let Some(link) = self.links.get_mut(key)
            && link.peer.role != Role::Worker
        {
            let lane = journal.new_lane();
            link.lane = Some(lane);
            link.closed = journal.is_full();
            link.incoming.hold_back();
            link.out.hold_back();
            journal.touch(lane, key);
        }
    }

    /// Takes in nothing more while the store has no room: no sender gets credit, and what comes all
    /// the same is left to its sender, which sends it again.
    pub(super) fn room(&mut self, bytes: u64) {
        if let Some(journal) = &mut self.journal {
            journal.room = bytes;
        }
        self.close_if_full();
    }

    fn close_if_full(&mut self) {
        let is_full = self.journal.as_ref().is_some_and(Journal::is_full);
        if is_full != self.is_closed {
            self.is_closed = is_full;
            for (_, link) in self.links.links.iter_mut() {
                link.closed = is_full && link.lane.is_some();
            }
        }
    }

    /// Forgets the lane of a link that is gone.
    pub(super) fn forget_lane(&mut self, link: &super::link::Link) {
        if let (Some(journal), Some(lane)) = (&mut self.journal, link.lane) {
            journal.forget_lane(lane, link.era(), link.out.generation());
        }
    }

    /// Keeps what a lane has just accepted.
    pub(super) fn keep_taken(&mut self, key: Key, taken: &[Taken]) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let Some((link, lane)) = self
            .links
            .get(key)
            .and_then(|link| Some((link, link.lane?)))
        else {
            return;
        };
        let log = stored::intake_log(lane, link.era());
        for taken in taken {
            // A lane takes no message whose route it was not told.
            if let Some(route) = link.route(taken.record.route) {
                journal.keep_taken(log, taken, route);
            }
        }
        if mutant::is(Mutant::MarksEarly) {
            let numbers = taken.iter().map(|taken| taken.number);
            numbers.for_each(|number| journal.mark(log, number));
        }
        journal.touch(lane, key);
        self.close_if_full();
        if mutant::is(Mutant::TellsUnwritten)
            && let Some(link) = self.links.get_mut(key)
        {
            let (accepted, chain) = (link.incoming.accepted(), link.incoming.chain());
            link.confirm(accepted, chain, link.incoming.bytes());
        }
    }

    /// Nothing more is to be done with a message that was taken in.
    pub(super) fn mark(&mut self, origin: Origin) {
        if let Some(journal) = &mut self.journal
            && let Some(lane) = self.links.get(origin.link).and_then(|link| link.lane)
            && origin.number > 0
        {
            journal.mark(stored::intake_log(lane, origin.era), origin.number);
        }
    }

    /// Keeps what is about to leave by the lane to a peer, if there is a store for that.
    pub(super) fn keep_leaving(&mut self, key: Key, parcel: &Parcel) {
        let from = self.links.lane_from(parcel);
        if let (Some(journal), Some(link)) = (&mut self.journal, self.links.get(key))
            && let Some(lane) = link.lane
        {
            let log = stored::outbox_log(lane, link.out.generation());
            journal.keep_parcel(log, link.out.last() + 1, parcel, from, self.now);
            journal.touch(lane, key);
        }
    }

    /// Settles a message once it is written that all that came of it has left for good.
    pub(super) fn settle_safely(&mut self, origin: Origin, weight: u64) {
        match &mut self.journal {
            Some(journal) if !mutant::is(Mutant::SettlesUnwritten) => {
                journal.settled.push((origin, weight));
            }
            _ => self.settle(origin, weight),
        }
    }

    /// Keeps how often a message was tried, and what it is charged with.
    pub(super) fn keep_attempts(&mut self, key: Key) {
        if let Some(journal) = &mut self.journal
            && let Some(entry) = self.ledger.get(key)
            && let Some(lane) = self.links.get(entry.origin.link).and_then(|link| link.lane)
            && entry.kin.is_none()
        {
            let log = stored::intake_log(lane, entry.origin.era);
            journal.keep_attempts(log, entry.origin.number, entry);
        }
    }

    /// Has what is to be written be written.
    pub(super) fn write(&mut self, actions: &mut Vec<super::Action>) {
        let now = self.now;
        let batch = self
            .journal
            .as_mut()
            .and_then(|journal| journal.write(&self.links, &self.backlog, now));
        if let Some((number, batch)) = batch {
            actions.push(super::Action::Write(number, batch));
        }
    }

    /// A batch is safe: what it holds may be spoken of, and leave.
    pub(super) fn flushed(&mut self, number: u64) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let written = journal.flushed(number);
        self.close_if_full();
        for (log, last) in written.appended {
            self.backlog.written(log, last);
        }
        for (origin, weight) in written.settled {
            self.settle(origin, weight);
        }
        for confirmed in written.confirmed {
            let Some(link) = self.links.get_mut(confirmed.link) else {
                continue;
            };
            if link.era() == confirmed.era {
                link.confirm(confirmed.accepted, confirmed.chain, confirmed.bytes);
            }
            if link.out.generation() == confirmed.generation {
                link.out.confirm(confirmed.last);
            }
        }
    }
}

impl Links {
    /// The lane that a parcel came by, as the store numbers them.
    pub(super) fn lane_from(&self, parcel: &Parcel) -> Option<u32> {
        self.get(parcel.origin?.link)?.lane
    }
}

impl super::link::Link {
    /// What a store keeps of it.
    fn record(&self, lane: u32, backlog: &Backlog) -> LaneRecord {
        let loaded = backlog.loaded(stored::intake_log(lane, self.era()));
        LaneRecord {
            loaded: loaded.unwrap_or(self.incoming.accepted()),
            peer: match self.address {
                super::Address::Peer(_) => LanePeer::Here,
                super::Address::Dealer(number) => LanePeer::Next(number as u32),
            },
            incarnation: self.incarnation,
            name: self.peer.name.clone(),
            role: self.peer.role,
            session: self.peer.session,
            era: self.era(),
            accepted: palm_core::lane::Mark {
                generation: self.incoming.generation(),
                number: self.incoming.accepted(),
                chain: self.incoming.chain(),
            },
            accepted_bytes: self.incoming.bytes(),
            released: self.out.released(),
            released_bytes: self.out.start(),
        }
    }
}
