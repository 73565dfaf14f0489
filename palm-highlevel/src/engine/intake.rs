use super::functions::Resolved;
use super::ledger::{Entry, State};
use super::stored::Attempts;
use super::{Engine, Executor, Key, Origin, Parcel, Taken};
use crate::mutant::{self, Mutant};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::Route;
use palm_core::wire::{Outcome, Progress, Role};
use std::sync::Arc;

/// What lanes have accepted: messages to execute, endings from workers, endings on their way
/// through.
impl Engine {
    pub(super) fn take_in(&mut self, key: Key, pace: u32, taken: &mut Vec<Taken>) {
        let Some(link) = self.links.get(key) else {
            return;
        };
        let era = link.era();
        let from_worker = link.peer.role == Role::Worker;
        if from_worker
            && pace > 0
            && let Executor::Workers(dispatch) = &mut self.executor
        {
            dispatch.pace(key, pace);
        }
        for taken in taken.drain(..) {
            let origin = Origin {
                link: key,
                era,
                number: taken.number,
            };
            if from_worker {
                self.result(origin, taken);
                continue;
            }
            let link = self.links.get(key);
            // A lane takes no message whose route it was not told.
            let Some(route) = link
                .and_then(|link| link.route(taken.record.route))
                .cloned()
            else {
                continue;
            };
            match taken.record.outcome {
                Outcome::Pending => self.admit(origin, route, taken, None),
                Outcome::Siblings if self.links.me.role == Role::Worker => {
                    self.admit(origin, route, taken, None);
                }
                Outcome::Bundle => self.admit_bundle(origin, route, taken),
                Outcome::Made | Outcome::Siblings => self.refuse_made(origin, route, taken),
                Outcome::Cancel | Outcome::CancelJob => self.cancel(origin, route, taken),
                _ => self.pass_on(origin, route, taken),
            }
        }
    }

    /// A message to execute, with what is known of earlier attempts.
    pub(super) fn admit(
        &mut self,
        origin: Origin,
        route: Arc<Route>,
        taken: Taken,
        attempts: Option<Attempts>,
    ) {
        if self.is_held(origin, &route, &taken) {
            return;
        }
        self.counts.received += 1;
        let name = self.links.me.name.as_str();
        // To a worker the step names its master.
        let name = (self.links.me.role != Role::Worker).then_some(name);
        let resolved = self.functions.resolve(&route, taken.record.stage, name);
        let function = match resolved {
            // A worker gets no orders: its master obeys them.
            Resolved::Function(function) if function == self.cache.function => {
                return self.obey(origin, route, taken);
            }
            Resolved::Function(function) if self.is_over(&route, taken.record.stage) => function,
            Resolved::Function(_) | Resolved::Elsewhere | Resolved::NoStep => {
                let failure = self.misrouted(&route, taken.record.stage);
                let weight = taken.record.weight();
                let mut parcel = ending(origin, route, taken);
                parcel.outcome = Outcome::Failure;
                parcel.payload = failure.encode();
                return self.finish(parcel, weight);
            }
        };
        let mut entry = Entry::new(taken, route, origin, function, self.now);
        if let Some(attempts) = attempts {
            entry.tries = attempts.tries;
            entry.failures = attempts.failures;
            entry.charges = attempts.charges;
            entry.suspect = attempts.suspect;
        }
        let deadline = entry.deadline;
        let key = self.ledger.insert(entry);
        if let Some(at) = deadline {
            self.expire_at(at, key);
        }
        self.queue(key);
    }

    /// How a worker says that a message has ended. Success counts from any attempt, the first one;
    /// failure only from the current one; what is not, or no longer, in the ledger is passed over.
    fn result(&mut self, origin: Origin, taken: Taken) {
        self.settle(origin, taken.record.weight());
        let key = Key::from_token(taken.record.token);
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        let current =
            entry.state == State::With(origin.link) && entry.tries == taken.record.attempt;
        let same = entry.sequence == taken.record.sequence;
        let counts = match taken.record.outcome {
            Outcome::Pending | Outcome::Cancel | Outcome::CancelJob => false,
            Outcome::Success | Outcome::Made => {
                (entry.before + 1..=entry.tries).contains(&taken.record.attempt)
            }
            // They tell which attempts they count from.
            Outcome::Siblings => (1..=entry.tries).contains(&taken.record.attempt),
            _ => current,
        };
        if !(same && counts) {
            return;
        }
        let several = entry.count() > 1;
        match taken.record.outcome {
            Outcome::Success | Outcome::Made if several => {
                let message = "its worker has told one end of several messages";
                let failure = Failure::of(FailureKind::Refused, message);
                self.end(key, Outcome::Failure, failure.encode());
            }
            Outcome::Bundle => {
                let message = "its worker has told it as a bundle, which it is not";
                let failure = Failure::of(FailureKind::Refused, message);
                self.end(key, Outcome::Failure, failure.encode());
            }
            Outcome::Failure => self.failed(key, taken.payload),
            Outcome::Made => self.made(key, &taken.payload),
            Outcome::Siblings => self.siblings_ended(key, current, &taken.payload),
            outcome => self.end(key, outcome, taken.payload),
        }
    }

    /// The current attempt at a message has failed: that is its ending, unless it may be tried
    /// again or its worker hung with it.
    pub(super) fn failed(&mut self, key: Key, payload: Bytes) {
        if let Some(each) = self.siblings(key) {
            return each
                .into_iter()
                .for_each(|key| self.failed(key, payload.clone()));
        }
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        let (state, failure) = (entry.state, Failure::decode(&payload));
        let failures = match mutant::is(Mutant::RetriesLost) {
            true => entry.tries - entry.before,
            false => entry.failures + 1,
        };
        let wait = self
            .retry
            .as_ref()
            .and_then(|retry| retry.after(failures, &failure));
        match (state, wait, &mut self.executor) {
            (State::With(worker), _, Executor::Workers(dispatch))
                if failure.kind == FailureKind::Lease =>
            {
                let alone = dispatch.is_alone(worker);
                dispatch.returned(worker, 1);
                dispatch.leaves(worker);
                self.accuse(key, alone, worker, &failure.message);
            }
            // A partition's order leaves no room for another attempt.
            (_, None, _) | (_, _, Executor::Owners(..)) => self.end(key, Outcome::Failure, payload),
            (state, Some(wait), executor) => {
                if let (State::With(worker), Executor::Workers(dispatch)) = (state, executor) {
                    dispatch.returned(worker, 1);
                }
                entry.state = State::Ready;
                entry.failures = failures;
                let failed = entry.tries;
                self.counts.retried += 1;
                self.keep_attempts(key);
                self.retry_at(self.now + wait, key, failed);
            }
        }
    }

    /// How far functions say that they are, for whoever asks why a message was given up.
    pub(super) fn note_progress(&mut self, link: Key) {
        let Some(peer) = self.links.get_mut(link) else {
            return;
        };
        for Progress {
            token,
            attempt,
            text,
        } in std::mem::take(&mut peer.heard)
        {
            if let Some(entry) = self.ledger.get_mut(Key::from_token(token))
                && entry.state == State::With(link)
                && entry.tries == attempt
            {
                entry.progress = Some(text.into());
            }
        }
    }

    /// Only a worker says what its functions have made, and only a master gives siblings to one.
    fn refuse_made(&mut self, origin: Origin, route: Arc<Route>, mut taken: Taken) {
        let message = format!(
            "{} is told what functions made, by no worker of its own",
            self.links.me.name
        );
        taken.record.outcome = Outcome::Failure;
        taken.payload = Failure::of(FailureKind::Refused, message).encode();
        self.pass_on(origin, route, taken);
    }

    /// Whether nothing is left of a route behind a stage here, or somebody to go on to.
    #[inline]
    pub(super) fn is_over(&self, route: &Route, stage: u16) -> bool {
        let behind = route.steps().len() > usize::from(stage) + 1;
        !behind || !self.onward.is_empty() || self.links.me.role == Role::Worker
    }

    /// Why a message of that route and stage is not for this server.
    #[cold]
    fn misrouted(&self, route: &Route, stage: u16) -> Failure {
        let name = &self.links.me.name;
        let stage = usize::from(stage);
        let message = match (route.steps().get(stage), route.steps().get(stage + 1)) {
            (Some(step), Some(behind)) if step.server.is_empty() || step.server == *name => {
                format!(
                    "`{behind}` stands behind the server {name}, which is the last of its chain"
                )
            }
            (Some(step), _) => {
                format!("`{step}` was sent to the server {name}: check the name or the address")
            }
            (None, _) => {
                format!("the route is over, but the message was sent on to the server {name}")
            }
        };
        Failure::of(FailureKind::Unknown, message)
    }

    /// An ending that is no success travels the rest of its route without being executed.
    pub(super) fn pass_on(&mut self, origin: Origin, route: Arc<Route>, taken: Taken) {
        self.counts.received += 1;
        let weight = taken.record.weight();
        let parcel = ending(origin, route, taken);
        self.finish(parcel, weight);
    }
}

/// What was taken, as it leaves again without having been in the ledger.
pub(super) fn ending(origin: Origin, route: Arc<Route>, taken: Taken) -> Parcel {
    Parcel {
        sequence: taken.record.sequence,
        token: taken.record.token,
        attempt: taken.record.attempt,
        stage: taken.record.stage,
        outcome: taken.record.outcome,
        route,
        extras: taken.extras,
        deadline: None,
        payload: taken.payload,
        origin: Some(origin),
        recurs: false,
    }
}
