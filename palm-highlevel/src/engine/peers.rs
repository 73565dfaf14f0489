use super::ledger::{Entry, State as EntryState};
use super::link::State;
use super::stored::outbox_log;
use super::{Action, Address, Engine, Executor, Key, Welcome};
use crate::mutant::{self, Mutant};
use crate::{Failure, FailureKind};
use palm_core::Incarnation;
use palm_core::wire::{Outcome, Role};
use std::time::Duration;

/// Who comes, comes back and goes, and what becomes of what was exchanged with them.
impl Engine {
    pub(super) fn joined(&mut self, now: Duration, key: Key, actions: &mut Vec<Action>) {
        self.open_lane(key);
        let Some(link) = self.links.get(key) else {
            return;
        };
        match link.peer.role {
            Role::Worker => self.worker_joined(now, key, actions),
            Role::Client => {
                let session = link.peer.session;
                let client = session.map_or(link.incarnation, Incarnation::from_number);
                if let Some(session) = session {
                    self.session_joined(key, session);
                }
                if let Some(unclaimed) = self.unclaimed.remove(&client) {
                    if let (Some(journal), Some(lane)) = (&mut self.journal, unclaimed.lane) {
                        journal.forget_lane(lane, 0, 0);
                    }
                    for parcel in unclaimed.parcels {
                        self.post(key, parcel);
                    }
                }
            }
            Role::Server => {}
        }
    }

    fn worker_joined(&mut self, now: Duration, key: Key, actions: &mut Vec<Action>) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        log::info!(
            "worker {} (pid {}) joins with {} threads",
            link.peer.name,
            link.peer.pid,
            link.peer.threads
        );
        self.replaced(key);
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        match &mut self.executor {
            Executor::Local(_) => log::warn!(
                "worker {} connects to a server that executes by itself",
                link.peer.name
            ),
            Executor::Workers(dispatch) => {
                let names = link.peer.functions.iter();
                let functions = names.map(|name| self.functions.id(name)).collect();
                dispatch.join(key, functions, link.peer.threads);
            }
            Executor::Owners(partitions, _) => {
                link.partition = partitions.join(key);
                self.links.greet(key, now, actions);
            }
        }
    }

    /// A peer is back: had its process died, it would have another incarnation.
    pub(super) fn returned(&mut self, key: Key) {
        let Some(link) = self.links.get(key) else {
            return;
        };
        if link.peer.role != Role::Worker || mutant::is(Mutant::ForgetsReturned) {
            return;
        }
        if let Executor::Workers(dispatch) = &mut self.executor {
            let names = link.peer.functions.iter();
            let functions = names.map(|name| self.functions.id(name)).collect();
            if !dispatch.knows(key) {
                dispatch.join(key, functions, link.peer.threads);
            }
        }
    }

    /// A peer is back that remembers nothing of the lane to it, nor on which numbers its own stands here.
    pub(super) fn moved(&mut self, key: Key) {
        let link = self.links.get(key);
        if link.is_some_and(|link| link.peer.role == Role::Worker) {
            self.worker_gone(key, false, "it has begun anew");
        }
        self.send_anew(key);
        self.returned(key);
    }

    pub(super) fn welcomed(&mut self, key: Key, welcome: Welcome) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        if welcome != Welcome::Stranger {
            return;
        }
        log::warn!("{} has started anew", link.peer.name);
        let is_next = self.onward.links().any(|next| next == key);
        match is_next {
            // What is not settled is sent again.
            true => self.send_anew(key),
            false if mutant::is(Mutant::KeepsOldWork) => drop(link.restart(|_| true)),
            false => self.forget_master(key),
        }
    }

    /// The master knows nothing of what this worker holds; what still runs must not end as something else
    /// of the master's.
    fn forget_master(&mut self, key: Key) {
        if let Some(link) = self.links.get_mut(key) {
            link.restart(|_| false);
        }
        self.void();
        self.ledger.clear();
    }

    /// The next server has started anew: what is not settled is numbered anew and sent again.
    fn send_anew(&mut self, key: Key) {
        self.split_lane(key);
        let highest = self.links.highest_generation();
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        let before = link.out.generation();
        link.restart_beyond(highest, |_| true);
        let (Some(link), Some(journal)) = (self.links.get(key), &mut self.journal) else {
            return;
        };
        let Some(lane) = link.lane else { return };
        journal.forget_log(outbox_log(lane, before));
        let log = outbox_log(lane, link.out.generation());
        for (parcel, number) in link.out.iter().zip(1..) {
            let from = self.links.lane_from(parcel);
            journal.keep_parcel(log, number, parcel, from, self.now);
        }
        journal.touch(lane, key);
    }

    /// What this worker received before belongs to nobody any more, as far as it has not begun.
    pub(super) fn void(&mut self) {
        if self.links.me.role != Role::Worker {
            return;
        }
        if let Executor::Local(local) = &mut self.executor {
            for key in local.give_back() {
                if let Some(entry) = self.ledger.remove(key) {
                    self.sessions.forget(&entry);
                }
            }
        }
    }

    pub(super) fn unreachable(&mut self, now: Duration, address: Address) {
        let Some(key) = self.links.unreachable(now, address) else {
            return;
        };
        let is_worker = self
            .links
            .get(key)
            .is_some_and(|link| link.peer.role == Role::Worker);
        if is_worker {
            self.broken(now, key);
        }
    }

    /// A peer leaves in order. A session outlasts that, and so does who has a store.
    pub(super) fn says_bye(&mut self, now: Duration, key: Key, reason: &str) {
        match self.links.get_mut(key) {
            // Where this process connects it goes on trying anyway.
            Some(link)
                if matches!(link.address, Address::Peer(_))
                    && (link.peer.session.is_some() || link.peer.epoch > 0) =>
            {
                link.lose(State::Lost { since: now });
            }
            _ => self.left(key, reason),
        }
    }

    /// A peer leaves in order, or is given up.
    pub(super) fn left(&mut self, key: Key, reason: &str) {
        let Some(link) = self.links.get(key) else {
            return;
        };
        log::info!("{} leaves: {reason}", link.peer.name);
        if let Address::Dealer(_) = link.address {
            return;
        }
        match link.peer.role {
            Role::Worker => self.worker_gone(key, false, reason),
            Role::Client => self.drop_origin(key),
            // What a previous server handed over goes on to the clients that wait for it.
            Role::Server if self.is_needed(key) => return self.links.retire(key),
            Role::Server => {}
        }
        let Some(link) = self.links.remove(key) else {
            return;
        };
        self.forget_lane(&link);
        self.backlog.forget(key);
        self.onward.forget(key);
        // Nobody will fetch what was on its way to it, and what came before that has to be settled.
        for parcel in link.out.iter() {
            self.settle_parcel(parcel);
        }
        if link.peer.role == Role::Client {
            let session = link.peer.session.map(Incarnation::from_number);
            self.gone(session.unwrap_or(link.incarnation));
        }
    }

    /// Whether a store keeps what came by a link, and it is not done: the link is needed until then,
    /// whatever becomes of the peer.
    pub(super) fn is_needed(&self, key: Key) -> bool {
        let link = self.links.get(key);
        link.is_some_and(|link| link.lane.is_some() && link.held.number > 0)
            || self.backlog.holds(key)
    }

    /// Forgets the links of peers that are gone for good, once nothing that they had sent is left.
    pub(super) fn bury_retired(&mut self) {
        let retired = self.links.iter().filter(|(_, link)| link.retired);
        let keys: Vec<Key> = retired.map(|(key, _)| key).collect();
        for key in keys {
            if !self.is_needed(key)
                && let Some(link) = self.links.remove(key)
            {
                self.forget_lane(&link);
            }
        }
    }

    /// Nobody waits for what this client sent: what is not being executed never will be.
    fn drop_origin(&mut self, origin: Key) {
        if let Executor::Workers(dispatch) = &mut self.executor {
            dispatch.drop_origin(origin);
        }
        let idle = |state| matches!(state, EntryState::Ready | EntryState::Waiting);
        let waits = |entry: &Entry| entry.origin.link == origin && idle(entry.state);
        let waiting: Vec<Key> = self
            .ledger
            .iter()
            .filter(|(_, entry)| waits(entry))
            .map(|(key, _)| key)
            .collect();
        for key in waiting {
            let Some(entry) = self.ledger.remove(key) else {
                continue;
            };
            self.sessions.forget(&entry);
            if entry.family.is_some() {
                // What was gathered of it is forgotten.
                self.recalled.push(Action::Recall(key.token()));
            }
        }
    }

    /// The server that this process connects to refuses it. As a newcomer it may be taken: it sends what
    /// it had not sent yet. What became of the rest only that server could say, so that this ends: it is
    /// not executed a second time unasked.
    pub(super) fn refused(&mut self, key: Key, reason: &str) {
        let me = &self.links.me.name;
        let Some(link) = self.links.links.get_mut(key) else {
            return;
        };
        if link.refusal.as_deref() == Some(reason) {
            return;
        }
        let who = match link.peer.name.as_str() {
            "" => "the server that it connects to",
            name => name,
        };
        log::error!("{me} is refused by {who}: {reason}");
        link.refusal = Some(reason.to_owned());
        let is_next = self.onward.links().any(|next| next == key);
        match is_next {
            true => {
                self.fail_sent(key, &Failure::of(FailureKind::Refused, reason));
                self.send_anew(key);
            }
            false => self.forget_master(key),
        }
    }

    /// What is on its way to a next server, and was to be executed there, goes on as a failure.
    fn fail_sent(&mut self, key: Key, failure: &Failure) {
        let Some(link) = self.links.get(key) else {
            return;
        };
        for number in link.out.released().number + 1..=link.out.sent() {
            let link = self.links.get_mut(key);
            let Some(parcel) = link.and_then(|link| link.out.get_mut(number)) else {
                continue;
            };
            if matches!(parcel.outcome, Outcome::Pending | Outcome::Bundle) {
                let mut failed = parcel.clone();
                self.fail_on_its_way(&mut failed, failure);
                if let Some(parcel) = self.links.get_mut(key).and_then(|l| l.out.get_mut(number)) {
                    *parcel = failed;
                }
            }
        }
    }
}
