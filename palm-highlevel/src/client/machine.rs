//! The client's state machine, which the client's loop and a simulation drive alike.

mod endings;

use self::endings::result_of;
use super::branches::Branches;
use super::bundle::Bundle;
use crate::engine::{
    Action, Address, Event, Heard, Key, LaneView, Links, Me, Parcel, TICK, Taken, Welcome,
};
use crate::mutant::{self, Mutant};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::lane::Credit;
use palm_core::wire::{Frame, Outcome, Role};
use palm_core::{Incarnation, Route};
use smallvec::SmallVec;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The client's state machine: it sends what is submitted, keeps it until it is settled, and
/// matches endings by sequence, the first one of each.
///
/// Invariant: every sequence gets exactly one [`Arrival`], and nothing after it.
pub struct ClientMachine {
    links: Links,
    entry: Key,
    /// Where it listens beside that.
    exits: Vec<Key>,
    /// The sequences from `base` on.
    ring: VecDeque<Slot>,
    base: u64,
    waiting: u64,
    /// Whose messages they are: this incarnation's, or its session's.
    client: Incarnation,
    /// The jobs that outlast an incarnation, by pipeline.
    named: HashMap<u64, Named>,
    /// Endings of such jobs that the application has not opened yet, by pipeline.
    early: HashMap<u64, Vec<(Receipt, Taken)>>,
    /// What has come of messages that tees have split.
    branches: Branches,
    /// When sequences expire here, though no server says so.
    deadlines: BTreeSet<(Duration, u64)>,
    /// What is to leave as one message, and may grow until it does.
    bundle: Option<Bundle>,
    /// How many messages are kept for the entry.
    kept: u64,
    taken: Vec<Taken>,
}

/// How long after a deadline the client waits for a server to say that it has passed.
const GRACE: Duration = Duration::from_secs(1);

/// Why a job that was taken up again can't go through a tee: who takes it up once more would not have
/// the branches that were here.
const OUTLASTS: &str =
    "a tee has split it, and the job may outlast its client: take `Client::job` instead";

const EXPIRED: &str = "its deadline has passed";

/// What a sequence awaits.
#[derive(Clone, Copy, Debug)]
struct Slot {
    job: u64,
    index: u64,
    waiting: bool,
    round: u32,
    /// When it expires here, if it does.
    expires: Option<Duration>,
}

/// The pipelines from here on are of jobs that have a name, and outlast an incarnation.
pub const NAMED: u64 = 1 << 63;

/// What of a named job this incarnation has sent and awaits, and what has ended for whoever listens to
/// the job now, by index.
#[derive(Debug, Default)]
struct Named {
    sent: HashMap<u64, u64>,
    ended: HashSet<u64>,
}

impl Named {
    /// Whether the message is to be sent: it has neither ended nor been sent before. Otherwise its ending
    /// is on its way to whoever listens to the job.
    fn submit(&mut self, index: u64, sequence: u64) -> bool {
        !self.ended.contains(&index) && *self.sent.entry(index).or_insert(sequence) == sequence
    }

    /// Notes an ending; gives back under which sequence this incarnation has sent the message, if
    /// it has. `None` if the message has ended before.
    fn end(&mut self, index: u64) -> Option<Option<u64>> {
        self.ended.insert(index).then(|| self.sent.remove(&index))
    }
}

/// The results of several branches: of two, they take no memory of their own on their way to the thread
/// that takes them.
pub type Results = SmallVec<[Bytes; 2]>;

/// An ending for the application.
#[derive(Debug)]
pub struct Arrival {
    /// The job that it is of.
    pub job: u64,
    /// Which of the job's messages it is of.
    pub index: u64,
    /// The result, or why there is none.
    pub result: Result<Bytes, Failure>,
    /// The results of all branches, if it was split into several.
    pub branches: Results,
    /// What to give back once the application has taken it, if anything.
    pub receipt: Option<Receipt>,
}

/// What is settled once the application has taken an ending.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    link: Key,
    era: u32,
    number: u64,
    weight: u64,
}

/// What an application wants done.
#[derive(Debug)]
pub struct Submission {
    /// The job that it is of.
    pub job: u64,
    /// Which of the job's messages it is.
    pub index: u64,
    /// How often jobs had been cancelled before.
    pub round: u32,
    /// Where it goes.
    pub route: Arc<Route>,
    /// What the first function takes.
    pub payload: Bytes,
    /// How long it may take from now until it has ended.
    pub deadline: Option<Duration>,
}

impl Arrival {
    /// An ending that the client itself gives a message.
    fn of_client(job: u64, index: u64, result: Result<Bytes, Failure>) -> Arrival {
        Arrival {
            job,
            index,
            result,
            branches: Results::new(),
            receipt: None,
        }
    }
}

impl ClientMachine {
    /// A client that sends to DEALER 0 and, if it `listens` elsewhere, hears from DEALER 1 too, and from
    /// as many more as it is told to.
    pub fn new(
        incarnation: Incarnation,
        name: String,
        pid: u32,
        window: Credit,
        listens: bool,
        session: Option<u64>,
    ) -> ClientMachine {
        let me = Me {
            incarnation,
            life: incarnation,
            epoch: 0,
            name,
            shares: false,
            role: Role::Client,
            functions: Vec::new(),
            threads: 0,
            session,
            pid,
            // Who comes back knows each of its messages.
            bundles: session.is_none(),
        };
        let mut links = Links::new(me, window);
        let entry = links.open(Duration::ZERO);
        let exits = listens.then(|| links.open(Duration::ZERO));
        ClientMachine {
            links,
            entry,
            exits: exits.into_iter().collect(),
            ring: VecDeque::new(),
            // An earlier incarnation of a session has numbered other messages.
            base: match session {
                Some(_) => (incarnation.number() & 0x3FFF_FFFF) << 32 | 1,
                None => 1,
            },
            client: session.map_or(incarnation, Incarnation::from_number),
            named: HashMap::new(),
            early: HashMap::new(),
            branches: Branches::default(),
            waiting: 0,
            deadlines: BTreeSet::new(),
            bundle: None,
            kept: 0,
            taken: Vec::new(),
        }
    }

    /// By when, at the latest, it wants an [`Event::Tick`].
    pub fn next_deadline(&self, now: Duration) -> Duration {
        now + TICK
    }

    /// Listens at one more server, by the DEALER whose number it gives back.
    pub fn listen(&mut self, now: Duration) -> usize {
        self.exits.push(self.links.open(now));
        self.exits.len()
    }

    /// Whether more may be submitted now: what is kept for the entry is bounded.
    pub fn has_room(&self) -> bool {
        self.links.get(self.entry).is_none_or(|link| {
            self.kept < link.window.number && link.out.kept_bytes() < link.window.bytes
        })
    }

    /// What it holds for each server, for whoever watches it.
    pub fn lanes(&self) -> impl Iterator<Item = LaneView> {
        self.links.views()
    }

    /// The sequences that it would send again if the entry started anew.
    pub fn kept(&self) -> impl Iterator<Item = u64> {
        let link = self.links.get(self.entry);
        let parcels = link.into_iter().flat_map(|link| link.out.iter());
        let sent = parcels.flat_map(|parcel| {
            let each = 0..parcel.count() as u64;
            each.map(|further| parcel.sequence + further)
        });
        sent.chain(self.bundle.iter().flat_map(Bundle::sequences))
    }

    /// Takes one event at time `now`; endings are appended to `arrivals`.
    pub fn step(
        &mut self,
        now: Duration,
        event: Event,
        arrivals: &mut Vec<Arrival>,
        actions: &mut Vec<Action>,
    ) {
        match event {
            Event::Frame(from, frame) => self.frame(now, from, &frame, arrivals, actions),
            Event::BadFrame(from, why) => self.links.bad_frame(from, &why),
            Event::Unreachable(address) | Event::Blocked(address) => {
                self.links.blocked(now, address);
            }
            Event::Writable(address) => self.links.writable(now, address, actions),
            Event::Tick => {
                let mut lost = Vec::new();
                self.links.tick(now, &mut lost, actions);
                for key in lost {
                    if let Some(link) = self.links.get(key) {
                        log::warn!("{} does not answer: trying again", link.peer.name);
                    }
                }
                self.expire(now, arrivals);
            }
            Event::Flush => {
                self.send_bundle();
                self.links.flush(now, 0, actions);
            }
            Event::Executed { .. }
            | Event::Progress(_)
            | Event::Flushed(_)
            | Event::Read(_)
            | Event::Room(_)
            | Event::Overdue(..)
            | Event::DropLetter(_)
            | Event::Drain => {}
        }
    }

    /// Puts a message on the lane to the entry.
    pub fn submit(&mut self, now: Duration, submission: Submission) {
        let sequence = self.base + self.ring.len() as u64;
        if let Some(named) = self.named.get_mut(&submission.route.pipeline())
            && !named.submit(submission.index, sequence)
        {
            return;
        }
        // A time that no clock can tell never comes.
        let deadline = submission.deadline.and_then(|left| now.checked_add(left));
        let expires = deadline.and_then(|at| at.checked_add(GRACE));
        self.ring.push_back(Slot {
            job: submission.job,
            index: submission.index,
            waiting: true,
            round: submission.round,
            expires,
        });
        self.waiting += 1;
        self.deadlines.extend(expires.map(|at| (at, sequence)));
        self.kept += 1;
        let most = self.bundle_of(&submission);
        let (route, payload) = (submission.route, submission.payload);
        if most > 1 {
            if !self
                .bundle
                .as_ref()
                .is_some_and(|bundle| bundle.takes(&route, sequence, &payload, most))
            {
                self.send_bundle();
            }
            let bundle = self
                .bundle
                .get_or_insert_with(|| Bundle::new(route, sequence, submission.index));
            return bundle.push(payload);
        }
        self.send_bundle();
        self.push(Parcel {
            token: submission.index,
            deadline,
            payload,
            ..parcel(Outcome::Pending, sequence, route)
        });
    }

    /// How many messages may be one with this one.
    fn bundle_of(&self, submission: &Submission) -> u64 {
        let entry = self.links.get(self.entry);
        let Some(link) = entry.filter(|link| link.is_up() && link.peer.bundles) else {
            return 0;
        };
        let is_plain = submission.deadline.is_none()
            && self.links.me.bundles
            && submission.route.pipeline() < NAMED
            && submission.payload.len() <= Bundle::EACH;
        match is_plain {
            true => Bundle::most(link.window.number.min(link.peer.window)),
            false => 0,
        }
    }

    /// Puts what is to leave as one on the lane to the entry.
    fn send_bundle(&mut self) {
        if let Some(parcel) = self.bundle.take().map(Bundle::parcel) {
            self.push(parcel);
        }
    }

    fn push(&mut self, parcel: Parcel) {
        if let Some(link) = self.links.get_mut(self.entry) {
            link.out.push(parcel);
        }
    }

    /// Ends a message that was not sent, as `outcome` says: expired or cancelled.
    pub fn end_unsent(
        &mut self,
        job: u64,
        index: u64,
        outcome: Outcome,
        arrivals: &mut Vec<Arrival>,
    ) {
        if let Some(named) = self.named.get_mut(&job) {
            // If it was sent before, or has ended, there is an ending already, or will be.
            if named.sent.contains_key(&index) || named.end(index).is_none() {
                return;
            }
        }
        if let Some(result) = result_of(outcome, Bytes::new()) {
            arrivals.push(Arrival::of_client(job, index, result));
        }
    }

    /// Opens a job that outlasts this incarnation: its number is its pipeline, [`NAMED`] or more.
    /// Endings of what an earlier incarnation sent for it come from now on. Of what has ended already,
    /// whoever opens the job is given what is in `arrivals`, and may submit all else.
    pub fn open(&mut self, pipeline: u64, arrivals: &mut Vec<Arrival>) {
        let named = self.named.entry(pipeline).or_default();
        let here = arrivals.iter().filter(|arrival| arrival.job == pipeline);
        named.ended = here.map(|arrival| arrival.index).collect();
        for (receipt, taken) in self.early.remove(&pipeline).unwrap_or_default() {
            self.end(pipeline, receipt, taken, arrivals);
        }
    }

    /// Whether an ending that was on its way to whoever listened to a named job before is news to who
    /// does now.
    pub(super) fn is_news(&mut self, arrival: &Arrival) -> bool {
        self.end_named(arrival.job, arrival.index)
    }

    /// Notes an ending of a named job; `false` if the message has ended before.
    fn end_named(&mut self, job: u64, index: u64) -> bool {
        let ended = self.named.get_mut(&job).and_then(|named| named.end(index));
        if let Some(Some(sequence)) = ended {
            self.conclude(sequence);
        }
        ended.is_some()
    }

    /// Has servers cancel what of a job has not ended that was submitted before its cancelling number
    /// `round`: each message then ends as cancelled, unless it ends otherwise before the word arrives.
    pub fn cancel(&mut self, job: u64, round: u32, route: &Arc<Route>) {
        let slots = self.ring.iter().zip(self.base..);
        let meant = |slot: &Slot| slot.waiting && slot.job == job && slot.round < round;
        let waiting = slots.filter(|(slot, _)| meant(slot));
        let sequences: Vec<u64> = waiting.map(|(_, sequence)| sequence).collect();
        let last = sequences.last().copied();
        // An earlier process may have sent messages of a job with a name.
        let last = last.or_else(|| (job >= NAMED).then(|| self.base - 1));
        let words = match (route.pipeline() == job, last) {
            (true, Some(last)) => vec![(Outcome::CancelJob, last)],
            (true, None) => Vec::new(),
            // Calls share a route.
            (false, _) => sequences
                .into_iter()
                .map(|sequence| (Outcome::Cancel, sequence))
                .collect(),
        };
        self.send_bundle();
        for (outcome, sequence) in words {
            self.kept += 1;
            self.push(parcel(outcome, sequence, route.clone()));
        }
    }

    /// Ends what should have expired at a server that does not answer.
    fn expire(&mut self, now: Duration, arrivals: &mut Vec<Arrival>) {
        while let Some(&(at, sequence)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            if let Some((job, index)) = self.conclude(sequence) {
                if let Some(named) = self.named.get_mut(&job) {
                    named.end(index);
                }
                let result = Err(Failure::of(FailureKind::Expired, EXPIRED));
                arrivals.push(Arrival::of_client(job, index, result));
            }
        }
    }

    /// Notes that a sequence has ended; gives back whose it is, if it was awaited.
    fn conclude(&mut self, sequence: u64) -> Option<(u64, u64)> {
        let hears = |slot: &&mut Slot| slot.waiting || mutant::is(Mutant::HearsTwice);
        let slot = self.slot(sequence).filter(hears)?;
        slot.waiting = false;
        let of = (slot.job, slot.index);
        if let Some(at) = slot.expires.take() {
            self.deadlines.remove(&(at, sequence));
        }
        self.waiting = self.waiting.saturating_sub(1);
        self.branches.forget(sequence);
        while self.ring.front().is_some_and(|slot| !slot.waiting) {
            self.ring.pop_front();
            self.base += 1;
        }
        Some(of)
    }

    /// The application has taken an ending.
    pub fn take(&mut self, receipt: Receipt) {
        if let Some(link) = self.links.get_mut(receipt.link)
            && link.era() == receipt.era
        {
            link.incoming.settle(receipt.number);
            link.held.number = link.held.number.saturating_sub(1);
            link.held.bytes = link.held.bytes.saturating_sub(receipt.weight);
        }
    }

    /// A last frame to everybody, so that servers keep nothing for this client.
    pub fn bye(&mut self, actions: &mut Vec<Action>) {
        self.links.bye("the client has ended", actions);
    }

    fn frame(
        &mut self,
        now: Duration,
        from: Address,
        frame: &Frame,
        arrivals: &mut Vec<Arrival>,
        actions: &mut Vec<Action>,
    ) {
        let mut taken = std::mem::take(&mut self.taken);
        match self.links.hear(now, from, frame, &mut taken, actions) {
            Heard::Nothing | Heard::Joined(_) | Heard::Returned(_) | Heard::Moved(_) => {}
            Heard::Welcomed(key, Welcome::Stranger) => self.replay(key),
            Heard::Welcomed(_, Welcome::First | Welcome::Again) => {}
            Heard::Messages(key, _) => {
                self.release(key);
                for taken in taken.drain(..) {
                    self.come(key, taken, arrivals);
                }
            }
            Heard::Left(key, reason) => {
                if let Some(link) = self.links.get(key) {
                    log::info!("{} leaves: {reason}", link.peer.name);
                }
            }
            Heard::Refused(key, reason) if key == self.entry || self.exits == [key] => {
                self.fail_all(&reason, arrivals);
            }
            // What has not ended may come from one of the others.
            Heard::Refused(key, reason) => {
                if let Some(link) = self.links.get_mut(key) {
                    log::debug!("{} refuses this client: {reason}", link.peer.name);
                    link.restart(|_| false);
                }
            }
        }
        taken.clear();
        self.taken = taken;
    }

    /// The server has started anew: what has not ended is sent again.
    fn replay(&mut self, key: Key) {
        self.send_bundle();
        let (ring, base) = (&self.ring, self.base);
        let highest = self.links.highest_generation();
        if let Some(link) = self.links.get_mut(key) {
            log::warn!(
                "{} has started anew: what has not ended is sent again",
                link.peer.name
            );
            link.restart_beyond(highest, |parcel| {
                // That a job is cancelled is to be said again, whatever became of its messages.
                let is_word = parcel.outcome != Outcome::Pending;
                let slot = parcel.sequence.checked_sub(base);
                is_word
                    || slot
                        .and_then(|slot| ring.get(slot as usize))
                        .is_some_and(|slot| slot.waiting)
            });
        }
        self.count_kept();
    }

    fn count_kept(&mut self) {
        self.kept = self.kept().count() as u64;
    }

    fn release(&mut self, key: Key) {
        if let Some(link) = self.links.get_mut(key) {
            while let Some(parcel) = link.out.release() {
                self.kept = self.kept.saturating_sub(parcel.count() as u64);
            }
        }
    }

    fn slot(&mut self, sequence: u64) -> Option<&mut Slot> {
        let index = sequence.checked_sub(self.base)?;
        self.ring.get_mut(usize::try_from(index).ok()?)
    }

    /// Nothing that was sent will end: a failure for each.
    fn fail_all(&mut self, reason: &str, arrivals: &mut Vec<Arrival>) {
        self.base += self.ring.len() as u64;
        for slot in self.ring.drain(..).filter(|slot| slot.waiting) {
            if let Some(named) = self.named.get_mut(&slot.job) {
                named.end(slot.index);
            }
            let result = Err(Failure::of(FailureKind::Refused, reason));
            arrivals.push(Arrival::of_client(slot.job, slot.index, result));
        }
        self.waiting = 0;
        self.branches.clear();
        self.deadlines.clear();
        self.bundle = None;
        for key in std::iter::once(&self.entry).chain(&self.exits) {
            if let Some(link) = self.links.get_mut(*key) {
                link.restart(|_| false);
            }
        }
        self.count_kept();
    }
}

/// A message for the entry.
pub(super) fn parcel(outcome: Outcome, sequence: u64, route: Arc<Route>) -> Parcel {
    Parcel {
        sequence,
        token: sequence,
        attempt: 0,
        stage: 0,
        outcome,
        route,
        extras: None,
        deadline: None,
        payload: Bytes::new(),
        origin: None,
        recurs: false,
    }
}

#[cfg(test)]
mod tests;
