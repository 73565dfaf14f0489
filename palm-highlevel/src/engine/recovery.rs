use super::link::{Link, State as LinkState};
use super::stored::{self, Attempts, LanePeer, LaneRecord, ServerRecord, Stored};
use super::{Address, Engine, EngineConfig, Execution, Journal, Key, Origin, Output, Parcel};
use super::{Taken, Unclaimed};
use crate::DeadLetter;
use crate::store::{Batch, Group, LogId, Store, StoreError, StoreErrorKind};
use bytes::Bytes;
use palm_core::PeerId;
use palm_core::lane::{Carried, Incoming, Outgoing};
use palm_core::wire::{Greeting, Outcome};
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
        let recovery = Recovery::read(store, wall)?;
        for letter in &recovery.letters {
            engine.letters.restore(letter.clone());
        }
        let links = engine.restore_lanes(&recovery, store)?;
        engine.restore_messages(&recovery, &links, store)?;
        if let Some(next) = engine.next
            && engine
                .links
                .get(next)
                .is_some_and(|link| link.lane.is_none())
        {
            engine.open_lane(next);
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
                for stored in recovery.messages(&group?)? {
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
        let key = match (record.peer, self.next) {
            (LanePeer::Next, Some(next)) => next,
            (LanePeer::Next, None) => {
                return Err(unsuitable(format!(
                    "the store holds messages for the next server, {}, and this server has none: \
                     start it as it was, or with another folder",
                    record.name
                )));
            }
            _ => self.links.restore(record.incarnation, peer.clone()),
        };
        let sessions = &mut self.sessions;
        let Some(link) = self.links.get_mut(key) else {
            return Ok(key);
        };
        link.lane = Some(lane);
        link.incarnation = record.incarnation;
        link.peer = peer;
        if record.session.is_some() {
            for parcel in &parcels {
                sessions.hold(&parcel.route, parcel.token);
            }
        }
        let release = super::link::release_of(&link.peer);
        let (released, start) = (record.released, record.released_bytes);
        link.out = Outgoing::restored(released, start, release, parcels.into_iter());
        Ok(key)
    }

    /// All that was taken in and is not done, and where the lanes stand that it came by.
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
                link.restore_incoming(record.era, Incoming::restored(mark, bytes, open));
            }
        }
        for intake in intakes {
            for (log, era, stored) in intake.messages {
                self.restore_message(intake.link, log, era, stored, recovery);
            }
        }
        Ok(())
    }

    /// Who has not fetched its endings has less room for more. Which messages of a lane they are the
    /// endings of is not kept: as many of those that are done stay unsettled instead, the latest.
    fn restore_origins(&mut self, intakes: &mut [Intake<'_>]) {
        let mut weights = Vec::new();
        let mut restore = |parcel: &mut Parcel| {
            let lane = std::mem::take(&mut parcel.attempt);
            let intake = intakes.iter_mut().find(|intake| intake.lane == lane);
            parcel.origin = intake.and_then(Intake::unsettle);
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

    fn restore_message(
        &mut self,
        link: Key,
        log: LogId,
        era: u32,
        stored: Stored,
        recovery: &Recovery,
    ) {
        let number = stored.number;
        let origin = Origin { link, era, number };
        if let Some(link) = self.links.get_mut(link)
            && link.era() == era
        {
            link.hold(stored.record.weight());
        }
        let taken = Taken {
            number,
            record: stored.record,
            extras: stored.extras,
            payload: stored.payload,
        };
        let attempts = recovery.attempts.get(&(log, number)).copied();
        if let (Some(_), Some(journal)) = (attempts, &mut self.journal) {
            journal.knows_attempts(log, number);
        }
        match taken.record.outcome {
            Outcome::Pending => self.admit(origin, stored.route, taken, attempts),
            Outcome::Cancel | Outcome::CancelJob => self.cancel(origin, stored.route, taken),
            _ => self.pass_on(origin, stored.route, taken),
        }
    }

    fn parcel(&self, stored: Stored) -> Parcel {
        let record = stored.record;
        let left = stored.extras.as_ref().and_then(|extras| extras.deadline);
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
        }
    }
}

impl super::Links {
    /// The link to a peer that was connected to an earlier process of this server.
    fn restore(&mut self, incarnation: palm_core::Incarnation, peer: Greeting) -> Key {
        let session = peer.session.map(palm_core::Incarnation::from_number);
        // Nobody has this connection: it is known by the peer's next greeting.
        let address = Address::Peer(PeerId::from_number(0));
        let mut link = Link::new(address, peer, self.window, Duration::ZERO);
        link.state = LinkState::Lost {
            since: Duration::ZERO,
        };
        let key = self.links.insert(link);
        self.incarnations.insert(incarnation, key);
        if let Some(session) = session {
            self.adopt(session, key);
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
    messages: Vec<(LogId, u32, Stored)>,
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
    logs: Vec<LogId>,
    attempts: BTreeMap<(LogId, u64), Attempts>,
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
        let mut attempts = BTreeMap::new();
        for entry in store.entries(stored::ATTEMPTS) {
            let (key, value) = entry?;
            if let Some(of) = stored::number_of::<16>(&key, stored::ATTEMPTS) {
                let of = u128::from_be_bytes(of);
                let of = (LogId((of >> 64) as u64), of as u64);
                attempts.insert(of, stored::decode(&key, &value)?);
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
            logs: store.logs()?.into_iter().map(|state| state.id).collect(),
            attempts,
            letters,
        })
    }

    /// The logs of what was taken in of a lane, and their eras.
    fn intake_logs(&self, lane: u32) -> impl Iterator<Item = (LogId, u32)> {
        self.logs.iter().filter_map(move |log| {
            let (of, era) = stored::intake_of(*log)?;
            (of == lane).then_some((*log, era))
        })
    }

    fn intake<'a>(
        &self,
        lane: u32,
        link: Key,
        record: &'a LaneRecord,
        store: &dyn Store,
    ) -> Result<Intake<'a>, StoreError> {
        let mut intake = Intake {
            lane,
            link,
            record,
            open: BTreeSet::new(),
            next: record.accepted.number,
            messages: Vec::new(),
        };
        for (log, era) in self.intake_logs(lane) {
            for group in store.groups(log, 1) {
                let group = group?;
                for stored in self.messages(&group)? {
                    if group.done.get((stored.number - group.first) as u32) {
                        continue;
                    }
                    if era == record.era {
                        intake.open.insert(stored.number);
                    }
                    intake.messages.push((log, era, stored));
                }
            }
        }
        Ok(intake)
    }

    /// The messages of a group. Where few of them are open, those do not hold on to all of it.
    fn messages(&self, group: &Group) -> Result<Vec<Stored>, StoreError> {
        let mut messages = stored::read_group(group.log, group.first, &group.bytes, self.wall)?;
        if messages.len() != group.count() as usize {
            return Err(StoreError::new(
                StoreErrorKind::Damaged,
                format!(
                    "the group of {} from message {} has {} messages where {} were stored",
                    group.log,
                    group.first,
                    messages.len(),
                    group.count()
                ),
            ));
        }
        if group.open().count() * 2 < messages.len() {
            for message in &mut messages {
                message.payload = Bytes::copy_from_slice(&message.payload);
            }
        }
        Ok(messages)
    }
}

/// Who this server is, with one more process.
fn server_record(config: &EngineConfig, store: &mut dyn Store) -> Result<ServerRecord, StoreError> {
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
    batch.put(stored::SERVER, stored::encode(&server));
    store.write(&batch)?;
    store.flush()?;
    Ok(server)
}

fn unsuitable(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unsuitable, message)
}
