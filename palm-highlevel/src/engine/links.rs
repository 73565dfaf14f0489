use super::event::{Action, Address};
use super::link::{DEAD_AFTER, Link, State, Took};
use super::me::Me;
use super::parcel::Taken;
use super::slab::{Key, Slab};
use crate::mutant::{self, Mutant};
use palm_core::lane::Credit;
use palm_core::wire::{Frame, Greeting, Header, Kind, Role, control};
use palm_core::{Incarnation, PeerId};
use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// All peers of a process: who they are, where they are now, and whether they live.
///
/// Invariant: a frame is obeyed only if it is between the two incarnations of its link; any other
/// is answered with `WhoAreYou`, `Hello` or `Welcome`.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) me: Me,
    pub(super) links: Slab<Link>,
    pub(super) peers: HashMap<PeerId, Key>,
    dealers: Vec<Key>,
    pub(super) incarnations: Incarnations,
    /// Who has left, or was given up: a greeting of theirs that comes now was overtaken.
    pub(super) departed: VecDeque<Departed>,
    /// Where sessions are now, by the client that their messages are of.
    sessions: HashMap<Incarnation, Key>,
    pub(super) window: Credit,
    last_tick: Duration,
    /// For how long, all in all, this process was stopped, or its clock jumped.
    skipped: Duration,
    /// When that was noticed last.
    woke: Option<Duration>,
    pub(crate) bad_frames: u64,
    /// Who was named in the log for sending what is no frame: once each.
    warned: HashSet<Address>,
}

/// The links of peers that have connected to this process. Who is asked for is mostly who was asked for
/// last: the messages of a client come one after another.
#[derive(Debug, Default)]
pub(super) struct Incarnations {
    links: HashMap<Incarnation, Key>,
    last: Cell<Option<(Incarnation, Key)>>,
}

impl Incarnations {
    pub(super) fn get(&self, incarnation: Incarnation) -> Option<Key> {
        if let Some((last, key)) = self.last.get()
            && last == incarnation
        {
            return Some(key);
        }
        let key = self.links.get(&incarnation).copied()?;
        self.last.set(Some((incarnation, key)));
        Some(key)
    }

    pub(super) fn insert(&mut self, incarnation: Incarnation, key: Key) {
        self.last.set(None);
        self.links.insert(incarnation, key);
    }

    fn remove(&mut self, incarnation: Incarnation) {
        self.last.set(None);
        self.links.remove(&incarnation);
    }
}

/// The most peers that are named in the log for sending what is no frame.
const MOST_WARNED: usize = 1024;

/// For how long a greeting may be on its way, at most.
const OVERTAKEN: Duration = Duration::from_secs(60);

/// A peer that has left, or was given up.
#[derive(Debug)]
pub(super) struct Departed {
    at: Duration,
    pub(super) who: Incarnation,
    /// The generation of its lane then, and that of the lane to it.
    pub(super) lane: u32,
    pub(super) our_lane: u32,
}

/// What a frame meant.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Nothing to the owner of the links.
    Nothing,
    /// A peer has connected that this process had not met.
    Joined(Key),
    /// A peer is back, after its connection broke or it was silent.
    Returned(Key),
    /// A peer that this process has met begins anew, or comes by a connection that it had with another one:
    /// it remembers nothing of the lane to it.
    Moved(Key),
    /// The one that this process connects to answers.
    Welcomed(Key, Welcome),
    /// Messages, if there are any in the buffer; positions may have moved.
    Messages(Key, Peer),
    /// The peer leaves, for that reason.
    Left(Key, String),
    /// The peer refuses this process, for that reason.
    Refused(Key, String),
}

/// What else a frame of messages shows of the peer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peer {
    /// It numbers its lane anew: what came of the old one is void.
    pub(crate) restarted: bool,
    /// It was given up, and is back on the same connection.
    pub(crate) returned: bool,
}

/// Whom a process met where it connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// Somebody, for the first time.
    First,
    /// The same incarnation again, which remembers.
    Again,
    /// Another incarnation, which remembers nothing of this process.
    Stranger,
}

impl Links {
    pub(crate) fn new(me: Me, window: Credit) -> Links {
        Links {
            me,
            links: Slab::new(),
            peers: HashMap::new(),
            dealers: Vec::new(),
            incarnations: Incarnations::default(),
            departed: VecDeque::new(),
            sessions: HashMap::new(),
            window,
            last_tick: Duration::ZERO,
            skipped: Duration::ZERO,
            woke: None,
            bad_frames: 0,
            warned: HashSet::new(),
        }
    }

    /// A link that this process opens, through its next DEALER.
    pub(crate) fn open(&mut self, now: Duration) -> Key {
        let address = Address::Dealer(self.dealers.len());
        let key = self.links.insert(Link::new(
            &self.me,
            address,
            Greeting::nobody(),
            self.window,
            now,
        ));
        self.dealers.push(key);
        key
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Link> {
        self.links.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Link> {
        self.links.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Link)> {
        self.links.iter()
    }

    /// The highest generation of the lanes to peers.
    pub(crate) fn highest_generation(&self) -> u32 {
        let generations = self.iter().map(|(_, link)| link.out.generation());
        generations.max().unwrap_or_default()
    }

    /// The link to that client, an incarnation or a session, if it was met.
    pub(crate) fn of(&self, client: Incarnation) -> Option<Key> {
        let incarnation = self.incarnations.get(client);
        incarnation.or_else(|| self.sessions.get(&client).copied())
    }

    /// Notes where a session is from now on; gives back where it was.
    pub(crate) fn adopt(&mut self, session: Incarnation, key: Key) -> Option<Key> {
        self.sessions.insert(session, key)
    }

    /// The link whose frames come from `address`.
    pub(crate) fn at(&self, address: Address) -> Option<Key> {
        match address {
            Address::Peer(peer) => self.peers.get(&peer).copied(),
            Address::Dealer(index) => self.dealers.get(index).copied(),
        }
    }

    /// Obeys one frame; the messages in it that are new are appended to `taken`.
    pub(crate) fn hear(
        &mut self,
        now: Duration,
        from: Address,
        frame: &Frame,
        taken: &mut Vec<Taken>,
        actions: &mut Vec<Action>,
    ) -> Heard {
        match frame.header.kind {
            Kind::Hello => self.hello(now, from, frame, actions),
            Kind::Welcome => self.welcome(now, from, frame, actions),
            Kind::WhoAreYou => self.who_are_you(now, from, actions),
            Kind::Messages => self.messages(now, from, frame, taken, actions),
            Kind::Bye => match self.known(from, frame) {
                Some(key) => {
                    let reason = frame.body().unwrap_or_default();
                    self.acknowledge(key, &frame.header, now);
                    if let Address::Dealer(_) = from
                        && let Some(link) = self.links.get_mut(key)
                    {
                        link.lose(State::Greeting { since: now });
                    }
                    Heard::Left(key, reason)
                }
                None => Heard::Nothing,
            },
            Kind::Settled => match (self.known(from, frame), frame.body()) {
                (Some(key), Ok(numbers)) => {
                    self.acknowledge(key, &frame.header, now);
                    if let Some(link) = self.links.get_mut(key) {
                        link.hear_settled(&frame.header, numbers);
                    }
                    Heard::Messages(key, Peer::default())
                }
                _ => Heard::Nothing,
            },
            Kind::Refused => self.hear_refused(from, frame),
        }
    }

    /// A peer that has welcomed this process since has refused a greeting from before that; if it has given
    /// this process up, it asks who it is.
    fn hear_refused(&mut self, from: Address, frame: &Frame) -> Heard {
        let key = self.at(from);
        let link = key.and_then(|key| Some((key, self.links.get_mut(key)?)));
        match link {
            Some((key, link)) if !link.is_up() => {
                link.begin_anew();
                Heard::Refused(key, frame.body().unwrap_or_default())
            }
            _ => Heard::Nothing,
        }
    }

    /// Counts bytes that are no frame, and says so once per peer.
    pub(crate) fn bad_frame(&mut self, from: Address, why: &str) {
        self.bad_frames += 1;
        if self.warned.len() >= MOST_WARNED || !self.warned.insert(from) {
            return;
        }
        let link = self.at(from).and_then(|key| self.links.get(key));
        let name = link.map_or("a stranger", |link| link.peer.name.as_str());
        log::warn!(
            "{}: dropped a frame from {name} ({from:?}): {why}",
            self.me.name
        );
    }

    /// The link that a frame is of, if it is between the right incarnations.
    fn known(&self, from: Address, frame: &Frame) -> Option<Key> {
        let key = self.at(from)?;
        let link = self.links.get(key)?;
        let header = &frame.header;
        let me = self.me.to(link.peer.role);
        let ours = header.sender == link.incarnation && header.receiver == me;
        ours.then_some(key)
    }

    pub(super) fn acknowledge(&mut self, key: Key, header: &Header, now: Duration) {
        if let Some(link) = self.links.get_mut(key) {
            link.last_heard = now;
            link.acknowledge(header, now);
        }
    }

    fn messages(
        &mut self,
        now: Duration,
        from: Address,
        frame: &Frame,
        taken: &mut Vec<Taken>,
        actions: &mut Vec<Action>,
    ) -> Heard {
        let Some(key) = self.at(from) else {
            let header = Header::new(Kind::WhoAreYou, self.me.incarnation, frame.header.sender);
            if let Ok(frames) = control(header, &()) {
                actions.push(Action::Send(from, frames));
            }
            return Heard::Nothing;
        };
        let Some(link) = self.links.get_mut(key) else {
            return Heard::Nothing;
        };
        match link.take(frame, &self.me, taken) {
            Took::Messages { restarted } => {
                link.last_heard = now;
                let returned = matches!(link.state, State::Lost { .. });
                if returned {
                    link.state = State::Up;
                }
                link.acknowledge(&frame.header, now);
                let peer = Peer {
                    restarted,
                    returned,
                };
                Heard::Messages(key, peer)
            }
            Took::Gap => {
                link.last_heard = now;
                link.acknowledge(&frame.header, now);
                link.want_greeting();
                self.greet_if_due(key, now, actions);
                Heard::Messages(key, Peer::default())
            }
            Took::Foreign => {
                link.want_greeting();
                self.greet_if_due(key, now, actions);
                Heard::Nothing
            }
            Took::Refused(reason) => {
                self.bad_frames += 1;
                let incarnation = link.incarnation;
                self.refuse(from, incarnation, &reason, actions);
                Heard::Left(key, reason)
            }
        }
    }

    /// Nobody is at `address` any more; gives back whose link that was.
    pub(crate) fn unreachable(&mut self, now: Duration, address: Address) -> Option<Key> {
        let key = self.at(address)?;
        if let Address::Peer(peer) = address {
            self.peers.remove(&peer);
        }
        let link = self.links.get_mut(key)?;
        link.lose(State::Lost { since: now });
        Some(key)
    }

    /// Nothing takes frames at `address` now: a DEALER greets as soon as something does, and to a
    /// peer that is connected what was to be sent is sent again.
    pub(crate) fn blocked(&mut self, now: Duration, address: Address) {
        if let Some(key) = self.at(address)
            && let Some(link) = self.links.get_mut(key)
            && link.is_up()
        {
            link.lose(match address {
                Address::Dealer(_) => State::Greeting { since: now },
                Address::Peer(_) => State::Up,
            });
        }
    }

    /// The address takes frames again.
    pub(crate) fn writable(&mut self, now: Duration, address: Address, actions: &mut Vec<Action>) {
        if let Some(key) = self.at(address)
            && let Some(link) = self.links.get_mut(key)
            && matches!(link.state, State::Greeting { .. })
        {
            link.greet(Kind::Hello, &self.me, now, actions);
        }
    }

    /// Says `Hello` again, replaces mute sockets, notices who is silent; the latter are appended
    /// to `lost`.
    pub(crate) fn tick(&mut self, now: Duration, lost: &mut Vec<Key>, actions: &mut Vec<Action>) {
        let gap = now.saturating_sub(self.last_tick);
        self.last_tick = now;
        // This process was stopped, or its machine slept: nobody could be heard meanwhile.
        let shift = if gap > DEAD_AFTER / 2 {
            gap
        } else {
            Duration::ZERO
        };
        self.skipped += shift;
        if shift > Duration::ZERO {
            self.woke = Some(now);
        }
        while let Some(departed) = self.departed.front()
            && now.saturating_sub(departed.at) >= OVERTAKEN
        {
            self.departed.pop_front();
        }
        for (key, link) in self.links.iter_mut() {
            link.shift(shift, now);
            let silent = now.saturating_sub(link.last_heard) >= DEAD_AFTER;
            match (link.state, link.address) {
                (State::Up, Address::Dealer(dealer)) if silent => {
                    lost.push(key);
                    link.lose(State::Greeting { since: now });
                    link.want_greeting();
                    if !mutant::is(Mutant::KeepsMuteSockets) {
                        actions.push(Action::Reconnect(dealer));
                    }
                }
                (State::Up, Address::Peer(_)) if silent => {
                    lost.push(key);
                    link.lose(State::Lost { since: now });
                }
                (State::Greeting { since }, Address::Dealer(dealer))
                    if now.saturating_sub(since) >= DEAD_AFTER
                        && !mutant::is(Mutant::KeepsMuteSockets) =>
                {
                    link.state = State::Greeting { since: now };
                    actions.push(Action::Reconnect(dealer));
                }
                _ => link.repeat_if_stalled(now),
            }
        }
        for key in self.links.keys() {
            self.greet_if_due(key, now, actions);
        }
    }

    /// Whether this process was stopped a moment ago: others may have given it up meanwhile.
    pub(crate) fn has_just_woken(&self, now: Duration) -> bool {
        self.woke
            .is_some_and(|woke| now.saturating_sub(woke) < DEAD_AFTER)
    }

    /// For how long this process has run, without the times in which it was stopped.
    pub(crate) fn awake(&self, now: Duration) -> Duration {
        now.saturating_sub(self.skipped)
    }

    /// Sends what is ready on every lane, and heartbeats where they are due.
    pub(crate) fn flush(&mut self, now: Duration, pace: u32, actions: &mut Vec<Action>) {
        let me = &self.me;
        // What a client has settled comes back to it as room, by way of several servers perhaps.
        let eager = me.role == Role::Client && self.links.iter().any(|(_, link)| link.is_full());
        for (_, link) in self.links.iter_mut() {
            if link.is_beat_due(now) || link.is_up() {
                link.flush(me, now, pace, eager, actions);
            }
        }
    }

    /// Says good-bye to everybody.
    pub(crate) fn bye(&mut self, reason: &str, actions: &mut Vec<Action>) {
        let me = &self.me;
        for (_, link) in self.links.iter_mut() {
            if link.is_up()
                && let Some(frames) = link.bye(reason, me)
            {
                actions.push(Action::Send(link.address, frames));
            }
        }
    }

    /// Knows a peer no more that was connected to this process, but for what it had sent.
    pub(crate) fn retire(&mut self, key: Key) {
        let Some(link) = self.links.get_mut(key).filter(|link| !link.retired) else {
            return;
        };
        link.retired = true;
        link.lose(State::Lost {
            since: self.last_tick,
        });
        if let Address::Peer(peer) = link.address
            && self.peers.get(&peer) == Some(&key)
        {
            self.peers.remove(&peer);
        }
        if self.incarnations.get(link.incarnation) == Some(key) {
            self.incarnations.remove(link.incarnation);
        }
        self.departed.push_back(Departed {
            at: self.last_tick,
            who: link.incarnation,
            lane: link.incoming.generation(),
            our_lane: link.out.generation(),
        });
    }

    /// Forgets a peer that was connected to this process.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Link> {
        self.retire(key);
        let link = self.links.remove(key)?;
        if let Some(session) = link.peer.session.map(Incarnation::from_number)
            && self.sessions.get(&session) == Some(&key)
        {
            self.sessions.remove(&session);
        }
        Some(link)
    }
}
