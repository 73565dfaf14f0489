mod sending;
mod uncounted;
mod window;

use super::event::{Action, Address, PartitionId};
use super::me::Me;
use super::parcel::{Parcel, Taken};
use super::passages::Passages;
use super::routes::{RouteNumbers, RouteTable};
use crate::mutant::{self, Mutant};
use palm_core::lane::{Credit, Incoming, Offer, Outgoing, Position, Release};
use palm_core::wire::{Frame, Greeting, Header, Kind, Outcome, Progress, Role, control};
use palm_core::{Incarnation, Route};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use uncounted::Uncounted;

/// How often a process says that it lives.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// After how long a silent process counts as dead: three heartbeats missed.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(3);

/// How often an unanswered `Hello` is said again.
const HELLO_EVERY: Duration = Duration::from_millis(250);

/// How many frames are remembered whose settlement is news of its own.
const MOST_ENDS: usize = 4096;

/// One peer: a lane to it, a lane from it, and whether it lives. It outlasts connections.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) address: Address,
    pub(crate) peer: Greeting,
    pub(crate) incarnation: Incarnation,
    pub(crate) state: State,
    pub(crate) out: Outgoing<Parcel>,
    pub(crate) incoming: Incoming,
    /// The lane that keeps both in the store, if there is one.
    pub(crate) lane: Option<u32>,
    /// How often the lane from the peer began anew, under whatever generation and incarnation.
    era: u32,
    /// What of the incoming lane this process still holds, and what endings of it nobody has
    /// fetched, against the lane's window.
    pub(crate) held: Credit,
    uncounted: Uncounted,
    /// What goes more than once by the lane from the peer, and by the one to it.
    passages_from: Passages,
    passages_to: Passages,
    pub(crate) window: Credit,
    /// How much of the lane from the peer is written, as numbers and byte positions; what is not
    /// counts against the window as well.
    written: Credit,
    /// Nothing more is taken in of the lane from the peer, for now.
    pub(super) closed: bool,
    /// The partition that the peer, a worker, owns.
    pub(crate) partition: Option<PartitionId>,
    /// What functions here have said of how far they are, for the peer.
    pub(crate) progress: Vec<Progress>,
    /// What the peer's functions have said, for this process.
    pub(crate) heard: Vec<Progress>,
    /// What the peer has just said that it has settled, beyond its position.
    pub(crate) settled: Vec<u64>,
    /// The peer is gone for good, and only what it had sent is still to be done.
    pub(super) retired: bool,
    /// Since when it is asked whether it lives, as another process has come with its name.
    pub(super) probed: Option<Duration>,
    /// Why the peer refuses this process, as it has said last.
    pub(super) refusal: Option<String>,
    /// The generation of the lane to the peer when that refused this process, which it had known before:
    /// what it says of that one it said before.
    refused_lane: u32,
    numbers: RouteNumbers,
    routes: RouteTable,
    pub(crate) last_heard: Duration,
    last_sent: Duration,
    /// When something sent was last accepted, or nothing was under way.
    last_progress: Duration,
    hello_at: Duration,
    /// The peer is to be told where this process stands with its lane.
    greeting_wanted: bool,
    /// Where frames that were taken end, as numbers and byte positions, until all of them is settled.
    ends: VecDeque<(u64, u64)>,
    /// The byte position up to which all is settled, and what of it the last frame to the peer said.
    settled_bytes: u64,
    told_bytes: u64,
    /// What the last frame to the peer said.
    told: (Position, Credit),
}

/// Whether frames can go to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// This process has said `Hello`, since then, and waits for the answer.
    Greeting { since: Duration },
    /// The peer answers.
    Up,
    /// The peer does not answer, since then; it may come back.
    Lost { since: Duration },
}

/// What became of a frame of messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// It was taken, as far as it was new. `restarted` if the peer numbers its lane anew.
    Messages { restarted: bool },
    /// It is of another life of the peer or of this process, or of a lane given up.
    Foreign,
    /// Something before it is missing, or what tells of its routes.
    Gap,
    /// It can't be: the reason.
    Refused(String),
}

impl Link {
    pub(super) fn new(
        me: &Me,
        address: Address,
        peer: Greeting,
        window: Credit,
        now: Duration,
    ) -> Link {
        let release = release_of(&peer, me);
        Link {
            address,
            peer,
            incarnation: Incarnation::UNKNOWN,
            state: State::Greeting { since: now },
            out: Outgoing::new(1, release),
            incoming: Incoming::new(1),
            lane: None,
            era: 0,
            held: Credit::default(),
            uncounted: Uncounted::default(),
            passages_from: Passages::default(),
            passages_to: Passages::default(),
            window,
            written: Credit::default(),
            closed: false,
            partition: None,
            progress: Vec::new(),
            heard: Vec::new(),
            settled: Vec::new(),
            retired: false,
            probed: None,
            refusal: None,
            refused_lane: 0,
            numbers: RouteNumbers::default(),
            routes: RouteTable::default(),
            last_heard: now,
            last_sent: now,
            last_progress: now,
            hello_at: now,
            greeting_wanted: false,
            ends: VecDeque::new(),
            settled_bytes: 0,
            told_bytes: 0,
            told: Default::default(),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Which lane from the peer it is, of all that this process has had: two incarnations of a peer
    /// may number theirs under the same generation.
    pub(crate) fn era(&self) -> u32 {
        self.era
    }

    fn header(&self, kind: Kind, me: &Me) -> Header {
        Header {
            lane: self.out.generation(),
            peer_lane: self.incoming.generation(),
            position: self.incoming.position(),
            credit: self.incoming.credit(),
            ..Header::new(kind, me.to(self.peer.role), self.incarnation)
        }
    }

    /// `Hello` or `Welcome`.
    pub(super) fn greet(&mut self, kind: Kind, me: &Me, now: Duration, actions: &mut Vec<Action>) {
        self.grant();
        let known = self.incarnation != Incarnation::UNKNOWN;
        let greeting = Greeting {
            name: me.greeting_name(),
            role: me.role,
            epoch: me.epoch,
            accepted: self.out.position().accepted,
            you: self.incarnation,
            mark: known.then(|| self.incoming.mark()),
            functions: me.functions.clone(),
            threads: me.threads,
            session: me.session,
            window: self.window.number,
            pid: me.pid,
            bundles: me.bundles,
            partition: self
                .partition
                .map(|partition| (partition.number, partition.of)),
        };
        let header = self.header(kind, me);
        self.tell(&header, now);
        self.hello_at = now + HELLO_EVERY;
        self.greeting_wanted = false;
        // Names and lists of functions have no limit of their own: one that fits no frame is
        // found when the server is configured.
        if let Ok(frames) = control(header, &greeting) {
            actions.push(Action::Send(self.address, frames));
        }
    }

    /// Goes on with the peer at `address`, from where it says that it stands with our lane.
    ///
    /// Gives back whether that is possible; if not, the peer has lost what it had accepted.
    pub(super) fn meet(
        &mut self,
        me: &Me,
        address: Address,
        peer: Greeting,
        now: Duration,
    ) -> bool {
        let mark = peer.mark.unwrap_or_default();
        self.address = address;
        self.out.release_when(release_of(&peer, me));
        self.peer = peer;
        self.state = State::Up;
        self.refusal = None;
        self.last_heard = now;
        self.last_progress = now;
        self.tell_again();
        // One incarnation never falls back: a greeting that says so was overtaken on its way.
        let (generation, accepted) = (self.out.generation(), self.out.position().accepted);
        let overtaken = (mark.generation, mark.number) < (generation, accepted);
        if overtaken && !mutant::is(Mutant::BelievesOldGreetings) {
            self.out.repeat();
            return true;
        }
        self.out.resume(mark).is_ok()
    }

    /// Numbers the routes of the lane to the peer as the process does that is so many behind the first:
    /// what those before it have called them is not known any more.
    pub(crate) fn number_routes_from(&mut self, epoch: u64) {
        self.numbers = RouteNumbers::of_life(epoch);
    }

    /// Has the lane to the peer begin anew with what `keep` says; gives back the rest.
    pub(crate) fn restart(&mut self, keep: impl FnMut(&Parcel) -> bool) -> Vec<Parcel> {
        self.restart_beyond(0, keep)
    }

    /// As [`restart`](Self::restart), beyond a generation of the lane to another peer: whoever this process is
    /// with now may know it by that one.
    pub(crate) fn restart_beyond(
        &mut self,
        generation: u32,
        keep: impl FnMut(&Parcel) -> bool,
    ) -> Vec<Parcel> {
        self.numbers.restart();
        if self
            .out
            .iter()
            .all(|parcel| parcel.outcome != Outcome::Bundle)
        {
            return self.out.restart_beyond(generation, keep);
        }
        // Who takes the place of the peer may take no bundles.
        let role = self.peer.role;
        let all = self.out.restart_beyond(generation, |_| false);
        let each = all.into_iter().flat_map(|parcel| parcel.apart(role));
        let (kept, dropped): (Vec<Parcel>, Vec<Parcel>) = each.partition(keep);
        for parcel in kept {
            self.out.push(parcel);
        }
        dropped
    }

    /// Takes the lane from the peer as it was in the era `era`.
    pub(super) fn restore_incoming(&mut self, era: u32, incoming: Incoming) {
        self.written = Credit {
            number: incoming.accepted(),
            bytes: incoming.bytes(),
        };
        (self.era, self.incoming) = (era, incoming);
    }

    /// Forgets the lane from the peer, which begins another under `generation`.
    pub(super) fn restart_incoming(&mut self, generation: u32) {
        self.incoming.restart(generation);
        self.era += 1;
        self.routes = RouteTable::default();
        self.held = Credit::default();
        self.uncounted = Uncounted::default();
        self.written = Credit::default();
        self.ends.clear();
        (self.settled_bytes, self.told_bytes) = (0, 0);
        self.told = Default::default();
    }

    /// Takes what a frame says of our lane. What can't be is passed over: the peer says it again.
    pub(super) fn acknowledge(&mut self, header: &Header, now: Duration) {
        if header.peer_lane != self.out.generation() && !mutant::is(Mutant::TrustsOldPositions) {
            return;
        }
        let before = self.out.position();
        match self.out.reach(header.position) {
            Ok(()) => self.out.grant(header.credit),
            Err(_) => log::warn!(
                "{} acknowledges message {} of a lane that has not sent it: passed over",
                self.peer.name,
                header.position.accepted
            ),
        }
        if self.out.position().accepted > before.accepted || !self.out.in_flight() {
            self.last_progress = now;
        }
    }

    /// Takes the messages of a frame, those that are new, into `taken`.
    pub(super) fn take(&mut self, frame: &Frame, me: &Me, taken: &mut Vec<Taken>) -> Took {
        let header = &frame.header;
        let ours = header.sender == self.incarnation && header.receiver == me.to(self.peer.role);
        if !ours && !mutant::is(Mutant::TrustsAnybody) {
            return Took::Foreign;
        }
        if header.lane < self.incoming.generation() {
            // Sent before the peer began anew: what it still holds of it comes again.
            return Took::Messages { restarted: false };
        }
        let restarted = header.lane > self.incoming.generation();
        if restarted {
            self.restart_incoming(header.lane);
        }
        if self.closed {
            return Took::Messages { restarted };
        }
        if header.count == 0 {
            self.heard
                .extend(frame.notes().unwrap_or_default().progress);
            return Took::Messages { restarted };
        }
        match self.incoming.offer(header.first, header.chain) {
            Offer::Next | Offer::Repeat => {}
            Offer::Gap => return Took::Gap,
            Offer::Fork => return Took::Refused(self.fork(header.first)),
        }
        match self.take_records(frame, taken) {
            Ok(()) => Took::Messages { restarted },
            Err(otherwise) => otherwise,
        }
    }

    /// Takes what the peer says that it has settled of our lane, beyond its position.
    pub(super) fn hear_settled(&mut self, header: &Header, numbers: Vec<u64>) {
        if header.peer_lane == self.out.generation() {
            self.settled = numbers;
        }
    }

    fn take_records(&mut self, frame: &Frame, taken: &mut Vec<Taken>) -> Result<(), Took> {
        let notes = frame.notes();
        let notes = notes.map_err(|error| Took::Refused(error.to_string()))?;
        for (number, route) in notes.routes {
            self.routes.define(number, Arc::new(route));
        }
        self.heard.extend(notes.progress);
        let mut runs = notes.extras.reader();
        let from_server = self.peer.role == Role::Server && !self.is_opened();
        let first = frame.header.first;
        for (index, (record, payload)) in frame.records().enumerate() {
            let number = first + index as u64;
            let extras = match record.extras {
                true => runs.at(index as u32),
                false => None,
            };
            let Some(route) = self.routes.get(record.route) else {
                // As a frame that was overtaken has taken the place of what told of it: asked where this
                // process stands, the peer tells of all routes again.
                return Err(Took::Gap);
            };
            let recurs = from_server && self.passages_from.recur(route, record.stage);
            let weight = record.weight();
            match self
                .incoming
                .take(number, record.sequence, &payload, weight)
            {
                Offer::Next => {}
                Offer::Repeat => continue,
                Offer::Gap | Offer::Fork => return Err(Took::Refused(self.fork(number))),
            }
            self.hold_taken(number, weight, recurs);
            taken.push(Taken {
                number,
                record,
                extras,
                payload,
            });
        }
        let end = (self.incoming.accepted(), self.incoming.bytes());
        if self.ends.len() >= MOST_ENDS {
            self.ends.pop_back();
        }
        self.ends.push_back(end);
        Ok(())
    }

    fn fork(&self, number: u64) -> String {
        format!(
            "{} has sent other content under a number up to {number} that was accepted before: \
             two processes use one incarnation, or one has lost its memory",
            self.peer.name
        )
    }

    /// The route that the peer calls by `number`.
    pub(crate) fn route(&self, number: u32) -> Option<&Arc<Route>> {
        self.routes.get(number)
    }

    /// Whether what was sent has gone unaccepted for so long that it has to be sent again.
    pub(super) fn repeat_if_stalled(&mut self, now: Duration) {
        self.uncounted.repeat(now);
        if mutant::is(Mutant::NeverRepeats) {
            return;
        }
        if self.out.in_flight() && now.saturating_sub(self.last_progress) >= DEAD_AFTER {
            self.out.repeat();
            self.tell_again();
            self.last_progress = now;
        }
    }

    /// The peer refuses this process, as it has forgotten it, or believes nothing of it: the next
    /// greeting is that of a newcomer.
    pub(super) fn begin_anew(&mut self) {
        if self.incarnation != Incarnation::UNKNOWN {
            self.refused_lane = self.out.generation();
        }
        self.incarnation = Incarnation::UNKNOWN;
    }

    /// Whether a welcome is from before the peer refused this process.
    pub(super) fn is_from_before(&self, header: &Header) -> bool {
        self.incarnation == Incarnation::UNKNOWN && header.peer_lane <= self.refused_lane
    }

    /// Sends again, once the peer is back, what is not accepted.
    pub(super) fn lose(&mut self, state: State) {
        self.state = state;
        self.out.repeat();
        self.tell_again();
    }

    /// Has all told again that the peer may not have heard.
    fn tell_again(&mut self) {
        self.numbers.tell_again();
        self.uncounted.tell_again();
    }

    /// Whether it is this process that connects to the peer.
    fn is_opened(&self) -> bool {
        matches!(self.address, Address::Dealer(_))
    }

    /// Whether what a server sends goes more than once by the lane to the peer, if that is a next one.
    #[inline]
    pub(crate) fn recurs_to(&mut self, parcel: &Parcel) -> bool {
        self.is_opened() && self.passages_to.recur(&parcel.route, parcel.stage)
    }

    /// Asks for a greeting; a flood of frames that can't be taken asks for one all the same.
    pub(super) fn want_greeting(&mut self) {
        self.greeting_wanted = true;
    }

    pub(super) fn is_greeting_due(&self, now: Duration) -> bool {
        let waits = matches!(self.state, State::Greeting { .. });
        (waits || self.greeting_wanted) && now >= self.hello_at
    }

    pub(super) fn is_beat_due(&self, now: Duration) -> bool {
        self.is_up() && now.saturating_sub(self.last_sent) >= HEARTBEAT
    }

    /// Moves what it measures time from, after a time in which nobody could listen. What has happened
    /// since is not moved beyond `now`.
    pub(super) fn shift(&mut self, by: Duration, now: Duration) {
        let moved = |at: &mut Duration| *at = (*at + by).min(now);
        moved(&mut self.last_heard);
        moved(&mut self.last_progress);
        match &mut self.state {
            State::Greeting { since } | State::Lost { since } => moved(since),
            State::Up => {}
        }
    }
}

/// When what is sent to a peer may be forgotten: what a worker holds is in the ledger as well, and
/// who has a store takes custody of what it accepts.
pub(super) fn release_of(peer: &Greeting, me: &Me) -> Release {
    match peer.role {
        Role::Worker => Release::Accepted,
        Role::Client | Role::Server if peer.epoch == 0 => Release::Settled,
        // It has to hold in memory what workers and sessions send.
        _ if me.role == Role::Worker || me.session.is_some() => Release::Accepted,
        _ => Release::Stored,
    }
}
