use super::Unclaimed;
use super::link::{Link, State as LinkState};
use super::onward::Onward;
use super::passages::recur;
use super::stored::{self, Attempts, CancelWord, LanePeer, LaneRecord, ServerRecord, Stored};
use super::{Address, Engine, EngineConfig, Execution, Journal, Key, Origin, Output, Parcel};
use crate::DeadLetter;
use crate::mutant::{self, Mutant};
use crate::store::{Batch, LogId, LogState, Store, StoreError, StoreErrorKind};
use palm_core::PeerId;
use palm_core::lane::{Carried, Incoming, Outgoing};
use palm_core::wire::Greeting;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A process takes the place of one that has ended: it goes on with the same lanes, executes again
/// what was not done, and delivers again what was not taken.
impl Engine {
    /// An engine that keeps what it holds in `store`, and goes on with what is in it. The store is
    /// left flushed, with the number of its processes raised; from now on it is written by
    /// [`Action::Write`](super::Action::Write) alone.
    ///
    /// # Errors
    ///
    /// If the store can't be read or written, or is another server's.
    pub fn restored(
        mut config: EngineConfig,
        execution: Execution,
        output: Output,
        store: &mut dyn Store,
    ) -> Result<Engine, StoreError> {
        let server = server_record(&config, store)?;
        let (life, wall) = (config.incarnation, config.wall);
        config.incarnation = server.incarnation;
        let mut engine = Engine::new(config, execution, output);
        engine.links.me.life = life;
        engine.links.me.epoch = server.epoch;
        engine.journal = Some(Journal::new(wall));
        // What it has done is written message by message.
        engine.links.me.bundles = false;
        engine.room(store.room()?.bytes);
        let mut recovery = Recovery::read(store, wall)?;
        for entry in store.entries(stored::VALUES) {
            let (key, value) = entry?;
            engine.restore_value(&key, value);
        }
        for letter in &recovery.letters {
            engine.letters.restore(letter.clone());
        }
        let links = engine.restore_lanes(&recovery, store)?;
        engine.restore_backlog(&mut recovery);
        engine.restore_messages(&recovery, &links, store)?;
        for next in engine.onward.links().collect::<Vec<_>>() {
            let is_new = |link: &Link| link.lane.is_none();
            if engine.links.get(next).is_some_and(is_new) {
                engine.open_lane(next);
            }
        }
        Ok(engine)
    }

    /// All peers, and what is on its way to them; gives back the links of those that have been here.
    fn restore_lanes(
        &mut self,
        recovery: &Recovery,
        store: &dyn Store,
    ) -> Result<Vec<(u32, Key)>, StoreError> {
        let mut links = Vec::new();
        for (&lane, record) in &recovery.lanes {
            if let Some(journal) = &mut self.journal {
                journal.knows_lane(lane);
            }
            let log = stored::outbox_log(lane, record.released.generation);
            let mut parcels = Vec::new();
            for group in store.groups(log, record.released.number + 1) {
                for stored in stored::read_group(&group?, recovery.wall)? {
                    if stored.number > record.released.number {
                        parcels.push(self.parcel(stored));
                    }
                }
            }
            if record.peer == LanePeer::Expected {
                let waiting = Unclaimed {
                    lane: Some(lane),
                    parcels,
                    ..Unclaimed::default()
                };
                self.unclaimed.insert(record.incarnation, waiting);
                continue;
            }
            links.push((lane, self.restore_link(lane, record, parcels)?));
        }
        Ok(links)
    }

    fn restore_link(
        &mut self,
        lane: u32,
        record: &LaneRecord,
        parcels: Vec<Parcel>,
    ) -> Result<Key, StoreError> {
        let peer = Greeting {
            name: record.name.clone(),
            role: record.role,
            session: record.session,
            ..Greeting::nobody()
        };
        let key = match record.peer {
            LanePeer::Next(_) if self.onward.is_by_route() => {
                // Of several that share a name it may be any.
                let name = record.name.split(' ').next();
                let key = self.open_named(name.unwrap_or_default());
                if mutant::is(Mutant::ForgetsNames) {
                    self.recalled.clear();
                }
                key
            }
            LanePeer::Next(number) => self.onward.link(number).ok_or_else(|| {
                unsuitable(format!(
                    "the store holds messages for the next server, {}, and this server has none: \
                     start it as it was, or with another folder",
                    record.name
                ))
            })?,
            _ => self.links.restore(record.incarnation, peer.clone()),
        };
        let sessions = &mut self.sessions;
        let release = super::link::release_of(&peer, &self.links.me);
        let Some(link) = self.links.get_mut(key) else {
            return Ok(key);
        };
        link.lane = Some(lane);
        link.closed = self.is_closed;
        link.incarnation = record.incarnation;
        link.peer = peer;
        if record.session.is_some() {
            for parcel in &parcels {
                sessions.hold(&parcel.route, parcel.token);
            }
        }
        let (released, start) = (record.released, record.released_bytes);
        link.out = Outgoing::restored(released, start, release, parcels.into_iter());
        Ok(key)
    }

    /// What is known of messages that wait in the store, or come back from it.
    fn restore_backlog(&mut self, recovery: &mut Recovery) {
        if let Some(journal) = &mut self.journal {
            for (log, number) in recovery.attempts.keys() {
                journal.knows_attempts(*log, *number);
            }
        }
        let attempts = std::mem::take(&mut recovery.attempts);
        self.backlog.knows_attempts(attempts);
        for ((log, number), word) in &recovery.words {
            self.backlog.knows_word(*log, *number, *word);
        }
    }

    /// Who sent what was taken in and is not done, where the lanes stand that it came by, and those
    /// messages that were in memory before; the others wait.
    fn restore_messages(
        &mut self,
        recovery: &Recovery,
        links: &[(u32, Key)],
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        let mut intakes = Vec::new();
        for (lane, key) in links {
            if let Some(record) = recovery.lanes.get(lane) {
                intakes.push(recovery.intake(*lane, *key, record, store)?);
            }
        }
        self.restore_origins(&mut intakes);
        for intake in &intakes {
            if let Some(link) = self.links.get_mut(intake.link) {
                let record = intake.record;
                let (mark, bytes) = (record.accepted, record.accepted_bytes);
                let open = intake.open.iter().copied();
                let incoming = Incoming::restored(mark, bytes, record.loaded, open);
                link.restore_incoming(record.era, incoming);
            }
        }
        for intake in intakes {
            let (link, era) = (intake.link, intake.record.era);
            for stored in intake.messages {
                let number = stored.number;
                self.restore_message(Origin { link, era, number }, intake.log, stored);
            }
            for (log, era, loaded, last) in intake.waiting {
                self.backlog.wait(log, link, era, loaded, last);
                self.backlog.written(log, last);
            }
        }
        Ok(())
    }

    /// Who has not fetched its endings has less room for more. Which messages of a lane they are the
    /// endings of is not kept: as many of those that are done stay unsettled instead, the latest.
    fn restore_origins(&mut self, intakes: &mut [Intake<'_>]) {
        let mut weights = Vec::new();
        let mut parents = BTreeMap::new();
        let onward = &mut self.onward;
        let mut restore = |parcel: &mut Parcel| {
            let lane = std::mem::take(&mut parcel.attempt);
            let parent = Onward::parent(parcel).map(|parent| (lane, parent));
            if let Some((origin, weight)) = parent.as_ref().and_then(|parent| parents.get(parent)) {
                parcel.origin = Some(*origin);
                return onward.split_again(*origin, *weight);
            }
            let intake = intakes.iter_mut().find(|intake| intake.lane == lane);
            parcel.origin = intake.and_then(Intake::unsettle);
            let of = parcel.origin.map(|origin| (origin, parcel.weight()));
            parents.extend(parent.zip(of));
            weights.extend(parcel.origin.map(|origin| (origin.link, parcel.weight())));
        };
        for (_, link) in self.links.links.iter_mut() {
            for number in link.out.released().number + 1..=link.out.last() {
                link.out.get_mut(number).into_iter().for_each(&mut restore);
            }
        }
        let unclaimed = self.unclaimed.values_mut();
        unclaimed
            .flat_map(|unclaimed| &mut unclaimed.parcels)
            .for_each(restore);
        for (key, weight) in weights {
            if let Some(link) = self.links.get_mut(key) {
                link.hold(weight);
            }
        }
    }

    fn parcel(&self, stored: Stored) -> Parcel {
        let record = stored.record;
        let left = stored.extras.as_ref().and_then(|extras| extras.deadline);
        let recurs = recur(stored.route.steps(), usize::from(record.stage));
        Parcel {
            sequence: record.sequence,
            token: record.token,
            attempt: record.attempt,
            stage: record.stage,
            outcome: record.outcome,
            route: stored.route,
            extras: stored.extras,
            deadline: left.map(|left| self.now + Duration::from_millis(u64::from(left))),
            payload: stored.payload,
            origin: None,
            recurs,
        }
    }
}

impl super::Links {
    /// The link to a peer that was connected to an earlier process of this server.
    fn restore(&mut self, incarnation: palm_core::Incarnation, peer: Greeting) -> Key {
        let session = peer.session.map(palm_core::Incarnation::from_number);
        // Nobody has this connection: it is known by the peer's next greeting.
        let address = Address::Peer(PeerId::from_number(0));
        let mut link = Link::new(&self.me, address, peer, self.window, Duration::ZERO);
        link.number_routes_from(self.me.epoch);
        link.state = LinkState::Lost {
            since: Duration::ZERO,
        };
        let key = self.links.insert(link);
        self.incarnations.insert(incarnation, key);
        if let Some(session) = session {
            // It was taken up by another process, and only what it had sent is still to be done.
            if let Some(older) = self.adopt(session, key) {
                self.retire(older);
            }
        }
        key
    }
}

/// What was taken in of one lane.
struct Intake<'a> {
    lane: u32,
    link: Key,
    record: &'a LaneRecord,
    /// The numbers that are not settled.
    open: BTreeSet<u64>,
    /// From here on down, none was chosen in place of an ending's.
    next: u64,
    /// The log of its present era, and what was in memory of it.
    log: LogId,
    messages: Vec<Stored>,
    /// What waits: a log, its era, after which number, and up to which.
    waiting: Vec<(LogId, u32, u64, u64)>,
}

impl Intake<'_> {
    /// The latest message that is done and not chosen yet.
    fn unsettle(&mut self) -> Option<Origin> {
        while self.next > 0 {
            let number = self.next;
            self.next -= 1;
            if self.open.insert(number) {
                return Some(Origin {
                    link: self.link,
                    era: self.record.era,
                    number,
                });
            }
        }
        None
    }
}

/// What an engine reads of its store before it goes on.
struct Recovery {
    wall: Duration,
    lanes: BTreeMap<u32, LaneRecord>,
    logs: Vec<LogState>,
    attempts: BTreeMap<(LogId, u64), Attempts>,
    words: BTreeMap<(LogId, u64), CancelWord>,
    letters: Vec<DeadLetter>,
}

impl Recovery {
    fn read(store: &dyn Store, wall: Duration) -> Result<Recovery, StoreError> {
        let mut lanes = BTreeMap::new();
        for entry in store.entries(stored::LANES) {
            let (key, value) = entry?;
            if let Some(lane) = stored::number_of(&key, stored::LANES) {
                lanes.insert(u32::from_be_bytes(lane), stored::decode(&key, &value)?);
            }
        }
        let mut letters = Vec::new();
        for entry in store.entries(stored::DEAD_LETTERS) {
            let (key, value) = entry?;
            letters.push(stored::decode(&key, &value)?);
        }
        Ok(Recovery {
            wall,
            lanes,
            logs: store.logs()?,
            attempts: of_messages(store, stored::ATTEMPTS)?,
            words: of_messages(store, stored::WORDS)?,
            letters,
        })
    }

    fn intake<'a>(
        &self,
        lane: u32,
        link: Key,
        record: &'a LaneRecord,
        store: &dyn Store,
    ) -> Result<Intake<'a>, StoreError> {
        let log = stored::intake_log(lane, record.era);
        let mut intake = Intake {
            lane,
            link,
            record,
            open: BTreeSet::new(),
            next: record.loaded,
            log,
            messages: Vec::new(),
            waiting: Vec::new(),
        };
        for state in &self.logs {
            let of = stored::intake_of(state.id);
            if let Some((_, era)) = of.filter(|(of, era)| *of == lane && *era < record.era) {
                intake.waiting.push((state.id, era, 0, state.last));
            }
        }
        for group in store.groups(log, 1) {
            let group = group?;
            if group.first > record.loaded {
                break;
            }
            let messages = stored::read_group(&group, self.wall)?.into_iter();
            let loaded = messages.filter(|stored| stored.number <= record.loaded && !stored.done);
            for stored in loaded {
                intake.open.insert(stored.number);
                intake.messages.push(stored);
            }
        }
        if record.loaded < record.accepted.number {
            let last = record.accepted.number;
            intake.waiting.push((log, record.era, record.loaded, last));
        }
        Ok(intake)
    }
}

/// The entries that are about messages.
fn of_messages<T: DeserializeOwned>(
    store: &dyn Store,
    prefix: &[u8],
) -> Result<BTreeMap<(LogId, u64), T>, StoreError> {
    let mut found = BTreeMap::new();
    for entry in store.entries(prefix) {
        let (key, value) = entry?;
        if let Some(message) = stored::message_of(&key, prefix) {
            found.insert(message, stored::decode(&key, &value)?);
        }
    }
    Ok(found)
}

/// Who this server is, with one more process.
fn server_record(config: &EngineConfig, store: &mut dyn Store) -> Result<ServerRecord, StoreError> {
    check_format(store)?;
    let mut server = match store.get(stored::SERVER)? {
        Some(value) => stored::decode(stored::SERVER, &value)?,
        None => ServerRecord {
            name: config.name.clone(),
            incarnation: config.incarnation,
            epoch: 0,
        },
    };
    if server.name != config.name {
        return Err(unsuitable(format!(
            "the store belongs to the server {}, not to {}: give each server a folder of its own",
            server.name, config.name
        )));
    }
    server.epoch += 1;
    let mut batch = Batch::new();
    batch.put(stored::FORMAT_KEY, stored::encode(&stored::FORMAT));
    batch.put(stored::SERVER, stored::encode(&server));
    store.write(&batch)?;
    if !mutant::is(Mutant::OpensUnwritten) {
        store.flush()?;
    }
    Ok(server)
}

/// Refuses a store that was written in another format, before anything else of it is read.
fn check_format(store: &dyn Store) -> Result<(), StoreError> {
    let is_new = store.get(stored::SERVER)?.is_none();
    let version = match store.get(stored::FORMAT_KEY)? {
        Some(value) => stored::decode(stored::FORMAT_KEY, &value)?,
        None if is_new => return Ok(()),
        None => 0,
    };
    match version {
        stored::FORMAT => Ok(()),
        version => Err(StoreError::new(
            StoreErrorKind::Format,
            format!(
                "what the server has stored has format {version}, this version of PALM reads \
                 format {} only: start the version that wrote it, or use another folder",
                stored::FORMAT
            ),
        )),
    }
}

fn unsuitable(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unsuitable, message)
}
