use super::functions::Resolved;
use super::ledger::{Entry, State};
use super::slab::Key;
use super::stored::CancelWord;
use super::{Engine, Executor, Origin, Parcel, Taken};
use crate::client::machine::NAMED;
use crate::mutant::{self, Mutant};
use crate::siblings::{MOST_BUNDLED, Siblings};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::Route;
use palm_core::wire::{Outcome, Record, Role};
use std::sync::Arc;

/// Messages that a client submits one after another travel as one, a bundle, and are one entry of the
/// ledger: what a lane, the ledger and a function thread do for each message they do once for all of
/// them.
///
/// That is for a server that executes brief functions itself, on one thread, and keeps nothing in a
/// store. Everywhere else, and as soon as one of them fails, makes others or is cancelled, they are
/// set apart: from then on each is a message of its own, and all rules are those of single messages.
/// Only the number that they came by they have in common: it is settled once all of them are.
impl Entry {
    /// The sequences of the messages that it stands for.
    pub(super) fn sequences(&self) -> std::ops::Range<u64> {
        self.sequence..self.sequence.saturating_add(u64::from(self.bundle.max(1)))
    }

    /// The first `count` messages of a bundle, each as an entry of its own. What they weigh together
    /// is what the bundle weighs less for them.
    fn split_off(&mut self, count: usize) -> Vec<Entry> {
        // It was checked when it was taken in.
        let mut messages = Siblings::decode(&self.payload).unwrap_or_default();
        let rest = messages.split_off(count.min(messages.len()));
        let mut apart: Vec<Entry> = Vec::with_capacity(messages.len());
        for (further, (_, payload)) in (0..).zip(messages) {
            let weight = payload.len() as u64;
            self.weight = self.weight.saturating_sub(weight);
            apart.push(Entry {
                sequence: self.sequence.wrapping_add(further),
                token: self.token.wrapping_add(further),
                attempt: self.attempt,
                stage: self.stage,
                extras: self.extras.clone(),
                deadline: self.deadline,
                weight,
                state: self.state,
                tries: self.tries,
                ..Entry::of(self.route.clone(), payload, self.origin, self.function)
            });
        }
        let further = apart.len() as u64;
        self.sequence = self.sequence.wrapping_add(further);
        self.token = self.token.wrapping_add(further);
        self.bundle = rest.len() as u32;
        match rest.is_empty() {
            true => {
                if let Some(last) = apart.last_mut() {
                    last.weight += self.weight;
                }
            }
            false => self.payload = Siblings::from(rest).encode(),
        }
        apart
    }
}

impl Taken {
    /// The message so many places behind the first of a bundle: one that has failed, or what the others
    /// are to whoever takes it.
    pub(crate) fn behind(
        &self,
        further: u64,
        outcome: Outcome,
        others: Outcome,
        payload: Bytes,
    ) -> Taken {
        Taken {
            number: self.number,
            record: Record {
                sequence: self.record.sequence.wrapping_add(further),
                token: self.record.token.wrapping_add(further),
                outcome: match outcome {
                    Outcome::Failure => Outcome::Failure,
                    _ => others,
                },
                length: payload.len() as u32,
                ..self.record
            },
            extras: self.extras.clone(),
            payload,
        }
    }
}

impl Parcel {
    /// How many messages it is.
    pub(crate) fn count(&self) -> usize {
        messages(self.outcome, &self.payload)
    }

    /// The messages of a bundle as parcels of their own, for a peer of that role; any other parcel
    /// as it is.
    pub(crate) fn apart(self, role: Role) -> Vec<Parcel> {
        if self.outcome != Outcome::Bundle {
            return vec![self];
        }
        let messages = Siblings::decode(&self.payload).unwrap_or_default();
        let each = (0..)
            .zip(messages)
            .map(|(further, (outcome, payload))| Parcel {
                sequence: self.sequence.wrapping_add(further),
                token: self.token.wrapping_add(further),
                outcome: match outcome {
                    Outcome::Failure => Outcome::Failure,
                    _ if role == Role::Client => Outcome::Success,
                    _ => Outcome::Pending,
                },
                payload,
                ..self.clone()
            });
        each.collect()
    }
}

/// How many messages a record of that outcome is, with that payload.
pub(crate) fn messages(outcome: Outcome, payload: &Bytes) -> usize {
    match outcome {
        Outcome::Bundle => Siblings::count_in(payload) as usize,
        _ => 1,
    }
}

impl Engine {
    /// Several messages that came as one.
    pub(super) fn admit_bundle(&mut self, origin: Origin, route: Arc<Route>, taken: Taken) {
        let takes_any = self.journal.is_none()
            && self.links.me.role == Role::Server
            // Others may have sent some of these before.
            && route.pipeline() < NAMED;
        let messages = match Siblings::read(&taken.payload) {
            Ok(messages) if takes_any && (1..=MOST_BUNDLED).contains(&messages.len()) => messages,
            _ => return self.refuse_bundle(origin, route, taken),
        };
        let count = messages.len() as u64;
        let is_brief = match &self.executor {
            Executor::Local(local) => local.takes_bundle(count),
            Executor::Workers(_) | Executor::Owners(..) => false,
        };
        if is_brief && !messages.has_failed() && self.is_executed_here(&route, taken.record.stage) {
            self.counts.received += count - 1;
            return self.admit(origin, route, taken, None);
        }
        let each: Vec<Taken> = (0..)
            .zip(messages)
            .map(|(further, (outcome, payload))| {
                taken.behind(further, outcome, Outcome::Pending, payload)
            })
            .collect();
        let weight = each.iter().map(|taken| taken.record.weight()).sum();
        self.reweigh(origin, taken.record.weight(), weight);
        self.onward.split(Some(origin), each.len(), weight);
        for taken in each {
            match taken.record.outcome {
                Outcome::Failure => self.pass_on(origin, route.clone(), taken),
                _ => self.admit(origin, route.clone(), taken, None),
            }
        }
    }

    /// Who can't take a bundle says so before one is sent.
    fn refuse_bundle(&mut self, origin: Origin, route: Arc<Route>, mut taken: Taken) {
        let message = format!(
            "{} was sent a bundle that it can't read",
            self.links.me.name
        );
        taken.record.outcome = Outcome::Failure;
        taken.payload = Failure::of(FailureKind::Refused, message).encode();
        self.pass_on(origin, route, taken);
    }

    /// Whether a message of that route and stage is for a function here.
    fn is_executed_here(&mut self, route: &Arc<Route>, stage: u16) -> bool {
        let name = self.links.me.name.as_str();
        match self.functions.resolve(route, stage, Some(name)) {
            Resolved::Function(function) => {
                function != self.cache.function && self.is_over(route, stage)
            }
            Resolved::Elsewhere | Resolved::NoStep => false,
        }
    }

    /// Sets the first `count` messages of a bundle apart, and gives them back in order. What is left
    /// stays the entry that it is, if anything is.
    fn set_apart(&mut self, key: Key, count: usize) -> Vec<Key> {
        let Some(entry) = self.ledger.get_mut(key) else {
            return Vec::new();
        };
        let (origin, weight) = (entry.origin, entry.weight);
        let apart = entry.split_off(count);
        let is_left = entry.bundle > 0;
        let parts = apart.len() + usize::from(is_left);
        self.onward.split(Some(origin), parts, weight);
        if !is_left {
            self.take_out(key);
        }
        let mut keys = Vec::with_capacity(apart.len());
        for entry in apart {
            let deadline = entry.deadline;
            let key = self.ledger.insert(entry);
            if let Some(at) = deadline {
                self.expire_at(at, key);
            }
            keys.push(key);
        }
        keys
    }

    /// If an entry stands for a bundle, sets all of that apart, and ends what was to be cancelled of it.
    pub(super) fn bundled(&mut self, key: Key) -> Option<Vec<Key>> {
        let count = self
            .ledger
            .get(key)
            .filter(|entry| entry.bundle > 0)?
            .bundle;
        let words = self.cancelled.remove(&key).unwrap_or_default();
        let keys = self.set_apart(key, count as usize);
        for key in keys.iter().filter(|_| !words.is_empty()) {
            if self.is_meant(*key, &words) {
                self.end(*key, Outcome::Cancelled, Bytes::new());
            }
        }
        Some(keys)
    }

    /// Whether one of the words means a message.
    fn is_meant(&self, key: Key, words: &[CancelWord]) -> bool {
        let means = |entry: &Entry| {
            let mut words = words.iter();
            words.any(|word| word.means(&entry.route, entry.sequence))
        };
        self.ledger.get(key).is_some_and(means)
    }

    /// How the next messages of a bundle have ended, all of them with success if it is
    /// [`Outcome::Bundle`]: the thread goes on with the others.
    pub(super) fn bundle_ended(&mut self, key: Key, outcome: Outcome, payload: Bytes) {
        let Some(entry) = self.ledger.get(key) else {
            return;
        };
        let count = Siblings::count_in(&payload);
        let succeeded = outcome == Outcome::Bundle && count == entry.bundle;
        if succeeded && !self.cancelled.contains_key(&key) && self.onward.takes_all() {
            if let Some(entry) = self.take_out(key) {
                let weight = entry.weight;
                let parcel = self.ending_of(entry, Outcome::Bundle, payload);
                self.end_bundle(parcel, u64::from(count), weight);
            }
            return;
        }
        let words = self.cancelled.get(&key).cloned().unwrap_or_default();
        let mut ended = Siblings::decode(&payload).unwrap_or_default();
        if mutant::is(Mutant::MixesBundles) {
            ended.reverse();
        }
        let keys = self.set_apart(key, ended.len());
        for (key, (outcome, payload)) in keys.into_iter().zip(ended) {
            match outcome {
                _ if self.is_meant(key, &words) => {
                    self.end(key, Outcome::Cancelled, Bytes::new());
                }
                Outcome::Success => self.end(key, Outcome::Success, payload),
                Outcome::Made => self.made(key, &payload),
                _ => self.failed(key, payload),
            }
        }
    }

    /// Cancels those of a bundle that a word means, which are not all of it.
    pub(super) fn cancel_some(&mut self, key: Key, word: &CancelWord) {
        let state = self.ledger.get(key).map(|entry| entry.state);
        if state == Some(State::Running) {
            // They end so, whatever comes of them.
            let words = self.cancelled.entry(key).or_default();
            if !words.contains(word) {
                words.push(*word);
            }
            return;
        }
        for key in self.bundled(key).unwrap_or_default().into_iter().rev() {
            match self.is_meant(key, std::slice::from_ref(word)) {
                true => self.end(key, Outcome::Cancelled, Bytes::new()),
                false => self.queue_again(key),
            }
        }
    }

    /// A function hangs with the next message of a bundle: the others behind it are executed again.
    pub(super) fn bundle_hangs(&mut self, key: Key, failure: Bytes) {
        let mut keys = self.bundled(key).unwrap_or_default().into_iter();
        let hangs = keys.next();
        keys.rev().for_each(|key| self.queue_again(key));
        if let Some(key) = hangs {
            self.end(key, Outcome::Failure, failure);
        }
    }

    /// Puts a bundle on the lane to a peer that takes none, message by message.
    #[inline(never)]
    pub(super) fn post_apart(&mut self, key: Key, parcel: Parcel) {
        let Some(role) = self.links.get(key).map(|link| link.peer.role) else {
            return;
        };
        self.onward.split_bundle(&parcel);
        for parcel in parcel.apart(role) {
            self.post(key, parcel);
        }
    }

    /// The lane of a link is about to begin anew, with each message of a bundle by itself.
    pub(super) fn split_lane(&mut self, key: Key) {
        let Some(link) = self.links.get(key) else {
            return;
        };
        for parcel in link.out.iter() {
            self.onward.split_bundle(parcel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FunctionId;
    use super::*;
    use palm_core::Incarnation;
    use palm_core::wire::RECORD_LENGTH;

    fn origin() -> Origin {
        Origin {
            link: Key::from_token(1 << 32),
            era: 0,
            number: 7,
        }
    }

    fn route() -> Arc<Route> {
        Arc::new(Route::parse(Incarnation::from_number(1), 1, "s.f").unwrap())
    }

    fn packed(all: &[(Outcome, &'static str)]) -> Bytes {
        let each = all
            .iter()
            .map(|(outcome, payload)| (*outcome, Bytes::from(*payload)));
        Siblings::from(each.collect::<Vec<_>>()).encode()
    }

    #[test]
    fn what_is_split_off_and_what_is_left_weigh_what_the_bundle_did() {
        let payload = packed(&[
            (Outcome::Pending, "one"),
            (Outcome::Pending, ""),
            (Outcome::Pending, "three"),
        ]);
        let weight = (RECORD_LENGTH + payload.len()) as u64;
        let mut entry = Entry {
            sequence: 10,
            token: 20,
            bundle: 3,
            weight,
            ..Entry::of(route(), payload, origin(), FunctionId(0))
        };
        let first = entry.split_off(2);
        assert_eq!((entry.bundle, entry.sequences()), (1, 12..13));
        let payloads = first.iter().map(|entry| &entry.payload[..]);
        assert_eq!(payloads.collect::<Vec<_>>(), [&b"one"[..], b""]);
        assert_eq!(
            (first[1].sequence, first[1].token, first[1].bundle),
            (11, 21, 0)
        );
        let last = entry.split_off(9);
        assert_eq!((entry.bundle, last.len(), last[0].sequence), (0, 1, 12));
        assert_eq!(last[0].payload, "three");
        let each = first.iter().chain(&last);
        assert_eq!(each.map(|entry| entry.weight).sum::<u64>(), weight);
    }

    #[test]
    fn a_bundle_is_set_apart_for_whoever_it_goes_to() {
        let bundle = Parcel {
            sequence: 10,
            token: 20,
            attempt: 0,
            stage: 1,
            outcome: Outcome::Bundle,
            route: route(),
            extras: None,
            deadline: None,
            payload: packed(&[(Outcome::Success, "one"), (Outcome::Failure, "two")]),
            origin: Some(origin()),
            recurs: false,
        };
        assert_eq!(bundle.count(), 2);
        for (role, first) in [
            (Role::Client, Outcome::Success),
            (Role::Server, Outcome::Pending),
        ] {
            let apart = bundle.clone().apart(role);
            let each = apart.iter().map(|parcel| (parcel.sequence, parcel.outcome));
            let each: Vec<_> = each.collect();
            assert_eq!(each, [(10, first), (11, Outcome::Failure)]);
            assert_eq!(apart[1].payload, "two");
            assert_eq!(apart[0].clone().apart(role).len(), 1);
        }
    }
}
