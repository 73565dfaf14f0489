use super::ledger::Entry;
use super::link::Link;
use super::onward::{MOST_PARTS, branch, branches};
use super::stored::outbox_log;
use super::{Engine, Key, Origin, Parcel, Unclaimed};
use crate::mutant::{self, Mutant};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::Incarnation;
use palm_core::lane::Carried;
use palm_core::wire::{OWN_FRAME, Outcome, Role};
use std::time::Duration;

/// The bytes kept for a peer beyond which it counts as slow.
const LINGERING: u64 = 4 << 20;

/// For how many times as long as for a client that may come back it is remembered that one will not: what
/// it had sent may come late, and one message after another if windows are small.
const GONE: u32 = 10;

/// What leaves: endings to clients, messages to the next server, and, once they have left for
/// good, the settlement of what they came of.
///
/// What every message goes through, from `end` to `post`, is compiled as one
/// function, so that a parcel is put where it stays instead of being moved from step to step; what few
/// messages need is kept out of it.
impl Engine {
    /// Ends a message that is in the ledger.
    pub(super) fn end(&mut self, key: Key, outcome: Outcome, payload: Bytes) {
        let Some(entry) = self.ledger.get(key) else {
            return;
        };
        if !entry.is_single() {
            return self.end_in_family(key, outcome, payload);
        }
        if let Some(entry) = self.take_out(key) {
            let weight = entry.weight;
            let parcel = self.ending_of(entry, outcome, payload);
            self.end_alone(parcel, weight);
        }
    }

    /// Ends a message that has come of another one here, or of which others have; and a bundle.
    #[inline(never)]
    fn end_in_family(&mut self, key: Key, outcome: Outcome, payload: Bytes) {
        if self.gather_one(key, outcome, &payload) {
            return;
        }
        if let Some(each) = self.siblings(key) {
            let each = each.into_iter();
            return each.for_each(|key| self.end(key, outcome, payload.clone()));
        }
        let Some(mut entry) = self.take_out(key) else {
            return;
        };
        let mut family = entry.family.take();
        if let Some(family) = &mut family {
            self.disband(key, &mut entry, family);
        }
        let (parts, chosen) = family.map_or_else(Default::default, |family| match outcome {
            Outcome::Success => (family.parts, family.chosen),
            _ => Default::default(),
        });
        if let Some(kin) = entry.kin {
            return self.piece(&kin, outcome, payload, parts);
        }
        let weight = entry.weight;
        let parcel = self.ending_of(entry, outcome, payload);
        if !parts.is_empty() {
            return self.end_in_parts(parcel, parts, chosen.as_deref(), weight);
        }
        if let Some(chosen) = chosen {
            self.hold_ending(&parcel, weight);
            self.counts.succeeded += 1;
            return self.go_where(parcel, &chosen);
        }
        self.end_alone(parcel, weight);
    }

    #[inline(always)]
    fn end_alone(&mut self, parcel: Parcel, weight: u64) {
        self.hold_ending(&parcel, weight);
        if mutant::is(Mutant::SettlesEarly) {
            self.settle_parcel(&parcel);
        }
        if mutant::is(Mutant::EndsTwice) {
            self.leave(parcel.clone());
        }
        self.leave(parcel);
    }

    /// Ends a bundle of `count` messages, all with success.
    pub(super) fn end_bundle(&mut self, parcel: Parcel, count: u64, weight: u64) {
        self.hold_ending(&parcel, weight);
        self.counts.succeeded += count;
        match self.onward.is_empty() {
            true => self.reply(parcel),
            false => self.go_on(parcel),
        }
    }

    /// What leaves of a message that has ended so.
    #[inline(always)]
    pub(super) fn ending_of(&self, entry: Entry, outcome: Outcome, payload: Bytes) -> Parcel {
        // A worker's master knows it by its token.
        let (extras, deadline) = match self.links.me.role {
            Role::Worker => (None, None),
            Role::Client | Role::Server => (entry.extras, entry.deadline),
        };
        Parcel {
            sequence: entry.sequence,
            token: entry.token,
            attempt: entry.attempt,
            stage: entry.stage,
            outcome,
            route: entry.route,
            extras,
            deadline,
            payload,
            origin: Some(entry.origin),
            recurs: false,
        }
    }

    /// Ends a message with several results, which leave as its branches.
    fn end_in_parts(
        &mut self,
        last: Parcel,
        mut results: Vec<Bytes>,
        chosen: Option<&str>,
        weight: u64,
    ) {
        results.push(last.payload.clone());
        let count = results.len() as u32;
        if branches(&last).saturating_mul(count) > MOST_PARTS {
            let me = &self.links.me.name;
            let message = format!("{me} gives no more than {MOST_PARTS} results for a message");
            let failure = Failure::of(FailureKind::TooLarge, message);
            let failed = Parcel {
                outcome: Outcome::Failure,
                payload: failure.encode(),
                ..last
            };
            return self.finish(failed, weight);
        }
        let results = results.into_iter().zip(0..);
        let parcels: Vec<Parcel> = results
            .map(|(payload, ordinal)| {
                branch(
                    Parcel {
                        payload,
                        ..last.clone()
                    },
                    ordinal,
                    count,
                )
            })
            .collect();
        let held = parcels.iter().map(Parcel::weight).sum();
        self.hold_endings(last.origin, weight, held);
        self.onward.split(last.origin, parcels.len(), held);
        self.counts.succeeded += 1;
        for parcel in parcels {
            match chosen {
                Some(chosen) => self.go_where(parcel, chosen),
                None if self.onward.is_empty() => self.reply(parcel),
                None => self.go_on(parcel),
            }
        }
    }

    /// Ends a message that never was in the ledger, and took `weight` of its lane's window.
    #[inline(never)]
    pub(super) fn finish(&mut self, parcel: Parcel, weight: u64) {
        self.hold_ending(&parcel, weight);
        self.leave(parcel);
    }

    /// Counts an ending against the window of the lane that its message came by, in place of the
    /// message with its `weight`: who does not fetch has no room for more. A worker's master
    /// fetches at once.
    #[inline(always)]
    fn hold_ending(&mut self, parcel: &Parcel, weight: u64) {
        self.hold_endings(parcel.origin, weight, parcel.weight());
    }

    #[inline(always)]
    fn hold_endings(&mut self, origin: Option<Origin>, message: u64, endings: u64) {
        let counts = self.links.me.role != Role::Worker && !mutant::is(Mutant::ForgetsEndings);
        let Some(origin) = origin else { return };
        if let Some(link) = self.lane_of(origin) {
            link.hold_instead(origin.number, message, counts.then_some(endings));
        }
        self.onward.reweigh(origin, message, endings);
        self.mark(origin);
    }

    /// Counts an ending as another one, that weighs differently.
    pub(super) fn reweigh(&mut self, origin: Origin, before: u64, after: u64) {
        if self.links.me.role != Role::Worker
            && let Some(link) = self.lane_of(origin)
        {
            link.hold_instead(origin.number, before, Some(after));
        }
    }

    /// Answers the client of a message that never was in the ledger, wherever others go on to. No function
    /// has executed it, so it does not count among those that have ended.
    pub(super) fn answer(&mut self, parcel: Parcel, weight: u64) {
        self.hold_ending(&parcel, weight);
        self.reply(parcel);
    }

    /// Hands an ending to whoever is next: the next server, or who waits for it.
    #[inline(always)]
    fn leave(&mut self, parcel: Parcel) {
        match parcel.outcome {
            Outcome::Success => self.counts.succeeded += 1,
            _ => self.counts.failed += 1,
        }
        if !self.onward.is_empty() {
            return self.go_on(parcel);
        }
        self.reply(parcel);
    }

    /// Hands an ending to the client, or keeps it until that comes.
    #[inline(never)]
    pub(super) fn reply(&mut self, parcel: Parcel) {
        let client = parcel.route.client();
        let origin = parcel.origin.map(|origin| origin.link);
        let from = self.links.lane_from(&parcel);
        let direct = origin.filter(|key| {
            let link = self.links.get(*key);
            // A worker answers its master, whoever the client is.
            link.is_some_and(|link| {
                link.incarnation == client || self.links.me.role == Role::Worker
            })
        });
        match direct.or_else(|| self.links.of(client)) {
            Some(key) => self.post(key, parcel),
            None => {
                let since = self.links.awake(self.now);
                let unclaimed = self.unclaimed.entry(client).or_insert(Unclaimed {
                    since,
                    ..Unclaimed::default()
                });
                if unclaimed.gone {
                    // Others may follow, as late.
                    unclaimed.since = since;
                    return self.settle_parcel(&parcel);
                }
                if let Some(journal) = &mut self.journal {
                    let lane = *unclaimed.lane.get_or_insert_with(|| {
                        let lane = journal.new_lane();
                        journal.expect(lane, client);
                        lane
                    });
                    let number = unclaimed.parcels.len() as u64 + 1;
                    journal.keep_parcel(outbox_log(lane, 0), number, &parcel, from, self.now);
                }
                unclaimed.parcels.push(parcel);
            }
        }
    }

    /// Notes that a client has gone, so that what still comes for it waits for nobody.
    pub(super) fn gone(&mut self, client: Incarnation) {
        let since = self.links.awake(self.now);
        let unclaimed = self.unclaimed.entry(client).or_default();
        (unclaimed.since, unclaimed.gone) = (since, true);
        if let (Some(journal), Some(lane)) = (&mut self.journal, unclaimed.lane.take()) {
            journal.forget_lane(lane, 0, 0);
        }
        for parcel in std::mem::take(&mut unclaimed.parcels) {
            self.settle_parcel(&parcel);
        }
    }

    /// Forgets what clients have not fetched for too long; `awake` is how long this process has run.
    pub(super) fn drop_unclaimed(&mut self, awake: Duration) {
        let retention = self.retention;
        let late = |unclaimed: &Unclaimed| {
            let kept = match unclaimed.gone {
                true => retention.saturating_mul(GONE),
                false => retention,
            };
            awake.saturating_sub(unclaimed.since) >= kept
        };
        let clients: Vec<Incarnation> = self
            .unclaimed
            .iter()
            .filter(|(_, unclaimed)| late(unclaimed))
            .map(|(client, _)| *client)
            .collect();
        for client in clients {
            match self.unclaimed.remove(&client) {
                Some(unclaimed) if !unclaimed.gone => {
                    let count = unclaimed.parcels.len();
                    log::warn!(
                        "nobody has fetched {count} endings for the client {client}: they are dropped"
                    );
                    self.unclaimed.insert(client, unclaimed);
                    self.gone(client);
                }
                _ => {}
            }
        }
    }

    /// Puts a parcel on the lane of a link.
    #[inline(always)]
    pub(super) fn post(&mut self, key: Key, mut parcel: Parcel) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        if parcel.outcome == Outcome::Bundle && !link.peer.bundles {
            return self.post_apart(key, parcel);
        }
        // A payload holds on to the frame that it came in. Where it may stay for long, it is taken
        // out of it, so that what is kept is what is counted.
        if link.out.kept_bytes() > LINGERING && parcel.payload.len() < OWN_FRAME {
            parcel.payload = Bytes::copy_from_slice(&parcel.payload);
        }
        if self.journal.is_some() {
            self.keep_leaving(key, &parcel);
        }
        let to_server = self.links.me.role == Role::Server;
        if let Some(link) = self.links.get_mut(key) {
            parcel.recurs = to_server && link.recurs_to(&parcel);
            let number = link.out.push(parcel);
            if mutant::is(Mutant::LeavesUnwritten) {
                link.out.confirm(number);
            }
        }
    }

    /// Settles what the peer has released of the lane to it.
    pub(super) fn release(&mut self, key: Key) {
        self.release_early(key);
        while let Some(parcel) = self.links.get_mut(key).and_then(|link| link.out.release()) {
            self.settle_parcel(&parcel);
            if let (Some(journal), Some(lane)) =
                (&mut self.journal, self.links.get(key).and_then(|l| l.lane))
            {
                journal.touch(lane, key);
            }
        }
    }

    /// Settles what recurs and the peer has settled, though not all that had come before.
    fn release_early(&mut self, key: Key) {
        let settled = self
            .links
            .get_mut(key)
            .map(|link| std::mem::take(&mut link.settled));
        for number in settled.unwrap_or_default() {
            let link = self.links.get_mut(key);
            let parcel = link.and_then(|link| link.out.settle_early(number).cloned());
            if let Some(parcel) = parcel {
                self.settle_parcel(&parcel);
            }
        }
    }

    /// Settles what an ending came of that has left for good, or never will.
    pub(super) fn settle_parcel(&mut self, parcel: &Parcel) {
        let Some(weight) = self.onward.released(parcel) else {
            return;
        };
        self.sessions.release(parcel);
        let Some(origin) = parcel.origin else {
            return;
        };
        match self.links.me.role {
            // Its window was free for the next one as soon as it had ended.
            Role::Worker => self.settle_number(origin),
            Role::Client | Role::Server => self.settle_safely(origin, weight),
        }
    }

    /// Settles a message of which nothing more is held or will come.
    pub(super) fn settle(&mut self, origin: Origin, weight: u64) {
        if let Some(link) = self.lane_of(origin) {
            link.settle(origin.number, weight);
        }
    }

    /// Settles a message that the window does not count any more.
    pub(super) fn settle_number(&mut self, origin: Origin) {
        if let Some(link) = self.lane_of(origin) {
            link.settle_number(origin.number);
        }
    }

    /// The link that a message came by, if the lane is still the one that it came by.
    fn lane_of(&mut self, origin: Origin) -> Option<&mut Link> {
        let link = self.links.get_mut(origin.link)?;
        (link.era() == origin.era).then_some(link)
    }
}
