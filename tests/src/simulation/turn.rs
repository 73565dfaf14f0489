//! What the thin loops around the machines do, in their order, and what sockets do for them.

use super::check::is_worker;
use super::fault::Fault;
use super::network::Way;
use super::payload::hash;
use super::process::{Machine, Process, read};
use super::witness::Violation;
use super::world::{Happening, World};
use palm_core::wire::Frame;
use palm_core::{Frames, Incarnation, PeerId};
use palm_highlevel::FailureKind;
use palm_highlevel::engine::{Action, Address, Event, Reading};
use palm_highlevel::store::Batch;
use std::time::Duration;

/// How many frames are taken from a socket in one turn.
const BURST: usize = 64;

impl World {
    /// One turn of the loop of a process.
    pub(super) fn turn(&mut self, node: usize) {
        let Some(mut process) = self.processes[node].take() else {
            return;
        };
        process.turn_at = None;
        process.last_turn = self.now;
        let (now, life) = (self.now, process.life);
        let is_client = matches!(process.machine, Machine::Client(_));
        if process.stopping && !is_client && process.drain_until.is_none() {
            process.drain_until = Some(now + Duration::from_secs(5));
            process.step(now, Event::Drain);
        }
        let waits_for_release = self.moments[node] == Some(Fault::CrashReleased);
        let kept = waits_for_release.then(|| process.kept());
        let heard = self.receive(&mut process);
        let released = kept.is_some_and(|kept| process.kept() < kept);
        if is_client {
            for index in process.take_commands(now) {
                self.witness.numbered(process.incarnation, index);
            }
            self.arrive(node, &mut process);
        }
        process.tick(now);
        process.step(now, Event::Flush);
        if is_client && process.stopping {
            process.bye();
        }
        let dies = heard && self.meets(node, Fault::CrashHeard)
            || released && self.meets(node, Fault::CrashReleased)
            || self.perform(node, &mut process);
        if dies {
            self.processes[node] = Some(process);
            return self.die(node);
        }
        let leaves = match is_client {
            true => process.stopping,
            false => process.is_drained(now),
        };
        if leaves {
            if !is_client {
                self.moments[node] = None;
                process.bye();
                self.perform(node, &mut process);
            }
            return self.leave(node, *process);
        }
        let network = &self.network;
        let ready = process.is_ready(|connection| {
            network
                .get(connection)
                .is_some_and(|connection| connection.at_dealer)
        });
        let next = match ready {
            true => now,
            false => process.world_time(process.tick_at),
        };
        debug_assert_eq!(life, process.life);
        self.processes[node] = Some(process);
        self.wake(node, next);
    }

    /// Whether it hears that a batch is flushed.
    fn receive(&mut self, process: &mut Process) -> bool {
        let now = self.now;
        for _ in 0..BURST.min(process.router.len()) {
            if let Some((peer, frames)) = process.router.pop_front() {
                process.step(now, read(Address::Peer(peer), frames));
            }
        }
        for index in 0..process.dealers.len() {
            let address = Address::Dealer(index);
            let dealer = &mut process.dealers[index];
            let open = dealer
                .connection
                .and_then(|connection| self.network.get(connection))
                .is_some_and(|connection| connection.at_dealer);
            if dealer.blocked && open {
                dealer.blocked = false;
                process.step(now, Event::Writable(address));
            }
            for _ in 0..BURST {
                let Some(frames) = process.dealers[index].inbox.pop_front() else {
                    break;
                };
                process.step(now, read(address, frames));
            }
        }
        while let Some((done, all)) = process.ended.pop_front() {
            process.step(now, Event::Executed { done, all });
        }
        while let Some(token) = process.overdue.pop_front() {
            process.step(now, Event::Overdue(token, "it hangs".to_owned()));
        }
        let mut heard = false;
        while let Some(event) = process.stored.pop_front() {
            heard |= matches!(event, Event::Flushed(_));
            process.step(now, event);
        }
        heard
    }

    /// Hands endings to the application.
    fn arrive(&mut self, node: usize, process: &mut Process) {
        let (incarnation, life) = (process.incarnation, process.life);
        let Some(application) = &mut process.application else {
            return;
        };
        for arrival in process.arrivals.drain(..) {
            let index = arrival.index;
            let words = format_args!(
                "{incarnation} hears of its message at {index}: {}",
                match &arrival.result {
                    Ok(_) => "success".to_owned(),
                    Err(failure) => failure.to_string(),
                }
            );
            self.trace
                .note(self.now, &[4, incarnation.number(), index], words);
            if let Err(violation) =
                self.witness
                    .ended(incarnation, index, &arrival.result, &arrival.branches)
            {
                self.violation.get_or_insert(violation);
            }
            application.ended += 1;
            let failure = arrival.result.as_ref().err();
            if failure.is_some_and(|failure| failure.kind == FailureKind::Expired) {
                self.injected.count(Fault::Expiry);
            }
            application.here.extend(arrival.receipt);
        }
        if !application.here.is_empty() && !application.take_planned {
            application.take_planned = true;
            let at = self.now + application.plan.take_every;
            self.plan(at, Happening::Take(node, life));
        }
        let leaves = application.plan.leaves && application.is_done();
        process.stopping |= leaves;
    }

    /// Whether the process dies in the middle of it.
    fn perform(&mut self, node: usize, process: &mut Process) -> bool {
        let mut failed = Vec::new();
        let mut sent = false;
        for action in std::mem::take(&mut process.actions) {
            match action {
                Action::Execute(tasks, _) => self.execute(node, process, tasks),
                Action::Recall(token) => {
                    process.recalled.insert(token);
                }
                Action::Write(number, batch) => {
                    let trims = self.forgets_sent(node, &batch);
                    self.write(node, process.life, number, batch);
                    if self.meets(node, Fault::CrashWritten)
                        || trims && self.meets(node, Fault::CrashTrimming)
                    {
                        return true;
                    }
                }
                Action::Read(reading) => self.read(node, process.life, reading),
                Action::Find(index, name) => self.find(node, process, index, Some(name)),
                Action::Reconnect(index) => {
                    self.reconnect(node, process, index);
                    self.find(node, process, index, None);
                }
                Action::Send(to, frames) => {
                    if sent && self.meets(node, Fault::CrashSent) {
                        return true;
                    }
                    sent = true;
                    failed.extend(self.send(node, process, to, frames));
                }
            }
        }
        for event in failed {
            let now = self.now;
            self.trace
                .note(now, &[5, node as u64], format_args!("{event:?} at {node}"));
            process.step(now, event);
        }
        false
    }

    /// A batch is written, and flushed after a while.
    fn write(&mut self, node: usize, life: u32, number: u64, batch: Batch) {
        let words = format_args!("{node} writes batch {number}: {batch:?}");
        self.trace.note(self.now, &[10, node as u64, number], words);
        if let Err(error) = self.disks[node].write(number, batch) {
            let message = format!("{} writes what can't be: {error}", self.name(node));
            return self.fail(Violation::Broken(message));
        }
        let most = self.dice.pick(&[100, 2_000, 2_000, 50_000]);
        let delay = Duration::from_micros(self.dice.between(20, most));
        self.plan(self.now + delay, Happening::Flushed(node, life, number));
    }

    pub(super) fn flushed(&mut self, node: usize, life: u32, number: u64) {
        if self.process(node, life).is_none() || !self.disks[node].flush(number) {
            return;
        }
        if self.meets(node, Fault::CrashFlushed) {
            return self.die(node);
        }
        if let Some(process) = self.process(node, life) {
            process.stored.push_back(Event::Flushed(number));
            self.wake(node, self.now);
        }
    }

    /// A store has room again.
    pub(super) fn make_room(&mut self, node: usize, life: u32) {
        if let Some(process) = self.process(node, life) {
            process.stored.push_back(Event::Room(u64::MAX));
            self.wake(node, self.now);
        }
    }

    /// Something is read from the store, after a while.
    fn read(&mut self, node: usize, life: u32, reading: Reading) {
        let delay = Duration::from_micros(self.dice.between(20, 2_000));
        self.plan(self.now + delay, Happening::Read(node, life, reading));
    }

    pub(super) fn read_back(&mut self, node: usize, life: u32, reading: Reading) {
        let read = match reading.read(self.disks[node].reader()) {
            Ok(read) => read,
            Err(error) => {
                let message = format!("{} can't read its store: {error}", self.name(node));
                return self.fail(Violation::Broken(message));
            }
        };
        if let Some(process) = self.process(node, life) {
            process.stored.push_back(Event::Read(read));
            self.wake(node, self.now);
        }
    }

    fn send(
        &mut self,
        node: usize,
        process: &mut Process,
        to: Address,
        frames: Frames,
    ) -> Option<Event> {
        let (connection, way) = match to {
            Address::Peer(_) if process.blocked > self.now => return Some(Event::Blocked(to)),
            Address::Peer(peer) => match self.network.of_peer((node, process.life), peer) {
                Some(connection) => (connection, Way::ToDealer),
                None => return Some(Event::Unreachable(to)),
            },
            Address::Dealer(index) => {
                // Nobody has found yet where it leads to.
                let Some(dealer) = process.dealers.get_mut(index) else {
                    return Some(Event::Blocked(to));
                };
                let open = dealer.connection.filter(|connection| {
                    let connection = self.network.get(*connection);
                    connection.is_some_and(|connection| connection.at_dealer)
                });
                match open {
                    Some(connection) => (connection, Way::ToRouter),
                    None => {
                        dealer.blocked = true;
                        return Some(Event::Blocked(to));
                    }
                }
            }
        };
        self.listen_in(node, connection, way, &frames);
        self.transmit(connection, way, frames);
        None
    }

    /// Has the wiretap read what is sent.
    fn listen_in(&mut self, node: usize, connection: u32, way: Way, frames: &Frames) {
        let frame = match Frame::read(frames.clone()) {
            Ok(frame) => frame,
            Err(error) => {
                let message = format!("{} sends what is no frame: {error}", self.name(node));
                return self.fail(Violation::Broken(message));
            }
        };
        let header = &frame.header;
        let numbers = [6, node as u64, hash(&frames.first)];
        let words = format_args!(
            "{} to {} {:?} lane {} {}+{} of {} {:?} {:?}",
            header.sender,
            header.receiver,
            header.kind,
            header.lane,
            header.first,
            header.count,
            header.peer_lane,
            header.position,
            header.credit
        );
        self.trace.note(self.now, &numbers, words);
        let from_worker = self.is_worker(header.sender);
        let to = self.receiver(connection, way, from_worker);
        let nodes = &self.scenario.nodes;
        let is_worker = |of| is_worker(nodes, of);
        match self.wiretap.hear(&frame, to, way, is_worker) {
            Ok(news) => self.check_news(&frame, way, &news),
            Err(message) => self.fail(Violation::Broken(message)),
        }
    }

    /// Who is at the other end of a connection.
    fn receiver(&mut self, connection: u32, way: Way, from_worker: bool) -> Incarnation {
        let Some(connection) = self.network.get(connection) else {
            return Incarnation::UNKNOWN;
        };
        let (node, life) = match (way, connection.dealer, connection.router) {
            (Way::ToRouter, _, (node, life)) | (Way::ToDealer, (node, life, _), _) => (node, life),
        };
        self.process(node, life)
            .map_or(Incarnation::UNKNOWN, |process| match from_worker {
                true => process.incarnation,
                false => process.identity,
            })
    }

    fn transmit(&mut self, id: u32, way: Way, frames: Frames) {
        let (low, high) = self.scenario.latency;
        let at = self.now + self.dice.duration(low, high);
        let rates = self.scenario.rates;
        let strikes = self.is_disturbed();
        let mut meets = |rate: u64| strikes && rate > 0 && self.dice.below(10_000) < rate;
        let (lost, twice) = (meets(rates.loss), meets(rates.duplicate));
        let (late, overtaken) = (meets(rates.delay), meets(rates.reorder));
        let Some(connection) = self.network.get_mut(id) else {
            return;
        };
        if connection.cut > self.now {
            return;
        }
        if lost {
            return self.injected.count(Fault::Loss);
        }
        let at = if late {
            self.injected.count(Fault::Delay);
            at + self.dice.milliseconds(50, 5_000)
        } else if overtaken {
            self.injected.count(Fault::Reorder);
            at + self.dice.milliseconds(0, 50)
        } else {
            connection.arrival(way, at)
        };
        if twice {
            self.injected.count(Fault::Duplicate);
            let again = at + self.dice.milliseconds(0, 300);
            self.plan(again, Happening::Deliver(id, way, frames.clone()));
        }
        self.plan(at, Happening::Deliver(id, way, frames));
    }

    pub(super) fn deliver(&mut self, id: u32, way: Way, frames: Frames) {
        let Some(connection) = self.network.get(id).filter(|c| c.is_open(way)) else {
            return;
        };
        if connection.frozen > self.now {
            let at = connection.frozen;
            return self.plan(at, Happening::Deliver(id, way, frames));
        }
        let (dealer_node, dealer_life, index) = connection.dealer;
        let (router_node, router_life) = connection.router;
        let (node, life) = match way {
            Way::ToRouter => (router_node, router_life),
            Way::ToDealer => (dealer_node, dealer_life),
        };
        let Some(process) = self.process(node, life) else {
            return;
        };
        match way {
            Way::ToRouter => process.router.push_back((PeerId::from_number(id), frames)),
            Way::ToDealer => {
                let dealer = &mut process.dealers[index];
                if dealer.connection != Some(id) {
                    return;
                }
                dealer.inbox.push_back(frames);
            }
        }
        self.wake(node, self.now);
    }

    pub(super) fn connect(&mut self, node: usize, life: u32, index: usize, made: u32) {
        let now = self.now;
        let Some(process) = self.process(node, life) else {
            return;
        };
        let dealer = &process.dealers[index];
        if dealer.made != made || dealer.connection.is_some() {
            return;
        }
        let Some(target) = dealer.target else {
            return;
        };
        let there = self.processes[target].as_ref().map(|process| process.life);
        let answers = self.stopped[target] <= now && self.stopped[node] <= now;
        let Some(router) = there.filter(|_| answers) else {
            let at = now + self.dice.milliseconds(100, 1_000);
            let again = Happening::Connect {
                node,
                life,
                dealer: index,
                made,
            };
            return self.plan(at, again);
        };
        let id = self.network.connect((node, life, index), (target, router));
        if let Some(process) = self.process(node, life) {
            process.dealers[index].connection = Some(id);
        }
        self.trace.note(
            now,
            &[7, u64::from(id)],
            format_args!("{} connects to {} as {id}", node, target),
        );
        self.wake(node, now);
    }

    /// One end of a connection learns that it is broken.
    pub(super) fn close(&mut self, id: u32, way: Way) {
        let Some(connection) = self.network.get(id) else {
            return;
        };
        let (node, life, index) = connection.dealer;
        if !self.network.close(id, way) || way == Way::ToRouter {
            return;
        }
        let keeps = self.dice.one_in(2);
        let at = self.now + self.dice.milliseconds(100, 300);
        let Some(process) = self.process(node, life) else {
            return;
        };
        let dealer = &mut process.dealers[index];
        if dealer.connection != Some(id) {
            return;
        }
        dealer.connection = None;
        if !keeps {
            dealer.inbox.clear();
        }
        let made = dealer.made;
        self.plan(
            at,
            Happening::Connect {
                node,
                life,
                dealer: index,
                made,
            },
        );
    }

    /// A DEALER is replaced by a new one: what the old one had sent may still arrive.
    pub(super) fn reconnect(&mut self, node: usize, process: &mut Process, index: usize) {
        let life = process.life;
        let Some(dealer) = process.dealers.get_mut(index) else {
            return;
        };
        dealer.made += 1;
        dealer.blocked = true;
        dealer.inbox.clear();
        let made = dealer.made;
        if let Some(old) = dealer.connection.take() {
            self.part(old, Way::ToDealer);
        }
        let now = self.now;
        self.trace.note(
            now,
            &[8, node as u64],
            format_args!("{node} makes DEALER {index} anew"),
        );
        self.plan(
            now,
            Happening::Connect {
                node,
                life,
                dealer: index,
                made,
            },
        );
    }

    /// One end closes a connection in order; the other learns of it once all has arrived.
    pub(super) fn part(&mut self, id: u32, own: Way) {
        let emptied = self
            .network
            .get(id)
            .map_or(self.now, |connection| connection.emptied(own.other()));
        self.network.close(id, own);
        let at = emptied.max(self.now) + self.scenario.latency.0;
        self.plan(at, Happening::Close(id, own.other()));
    }

    fn leave(&mut self, node: usize, process: Process) {
        let now = self.now;
        self.trace.note(
            now,
            &[9, node as u64],
            format_args!("{} has left", self.scenario.nodes[node].name),
        );
        for id in self.network.of_process(node, process.life) {
            let own = match self.network.get(id) {
                Some(connection) if connection.router == (node, process.life) => Way::ToRouter,
                _ => Way::ToDealer,
            };
            self.part(id, own);
        }
        match process.machine {
            Machine::Client(_) => self.witness.gone(process.incarnation),
            Machine::Server(_) => {
                // The store's thread ends with what it was given.
                self.disks[node].crash(true);
                self.witness.workers_lost = true;
                let delay = self.dice.milliseconds(100, 3_000);
                self.disturb(now + delay);
                self.plan(now + delay, Happening::Start(node));
            }
        }
    }
}
