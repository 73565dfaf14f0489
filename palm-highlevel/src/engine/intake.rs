use super::functions::Resolved;
use super::ledger::{Entry, State};
use super::{Engine, Executor, Key, Origin, Parcel, Taken, partition_lost};
use crate::{Failure, FailureKind};
use palm_core::wire::{Outcome, Role};
use palm_core::{Route, Step};
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
                Outcome::Pending => self.admit(origin, route, taken),
                _ => self.pass_on(origin, route, taken),
            }
        }
    }

    /// A message to execute.
    fn admit(&mut self, origin: Origin, route: Arc<Route>, taken: Taken) {
        self.counts.received += 1;
        let name = self.links.me.name.as_str();
        // To a worker the step names its master.
        let name = (self.links.me.role != Role::Worker).then_some(name);
        let resolved = self.functions.resolve(&route, taken.record.stage, name);
        let function = match resolved {
            Resolved::Function(function) => function,
            Resolved::Elsewhere | Resolved::NoStep => {
                let step = route.steps().get(usize::from(taken.record.stage));
                let failure = misrouted(&self.links.me.name, step);
                let weight = taken.record.weight();
                let mut parcel = ending(origin, route, taken);
                parcel.outcome = Outcome::Failure;
                parcel.payload = failure.encode();
                return self.finish(parcel, weight);
            }
        };
        let entry = Entry::new(taken, route, origin, function);
        match &mut self.executor {
            Executor::Local(local) => local.push(self.ledger.insert(entry)),
            Executor::Workers(dispatch) => {
                let key = self.ledger.insert(entry);
                if let Some(entry) = self.ledger.get(key) {
                    dispatch.push(key, entry);
                }
            }
            Executor::Owners(partitions, key_of) => {
                let partition = partitions.of(key_of(&entry.message()));
                let key = self.ledger.insert(entry);
                if let Err(worker) = partitions.push(key, partition) {
                    let failure = partition_lost(&worker);
                    self.end(key, Outcome::Failure, failure.encode());
                }
            }
        }
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
            Outcome::Pending => false,
            Outcome::Success => taken.record.attempt <= entry.tries,
            _ => current,
        };
        if same && counts {
            self.end(key, taken.record.outcome, taken.payload);
        }
    }

    /// An ending that is no success travels the rest of its route without being executed.
    fn pass_on(&mut self, origin: Origin, route: Arc<Route>, taken: Taken) {
        self.counts.received += 1;
        let weight = taken.record.weight();
        let parcel = ending(origin, route, taken);
        self.finish(parcel, weight);
    }
}

/// What was taken, as it leaves again without having been in the ledger.
fn ending(origin: Origin, route: Arc<Route>, taken: Taken) -> Parcel {
    Parcel {
        sequence: taken.record.sequence,
        token: taken.record.token,
        attempt: taken.record.attempt,
        stage: taken.record.stage,
        outcome: taken.record.outcome,
        route,
        extras: taken.extras,
        payload: taken.payload,
        origin: Some(origin),
    }
}

fn misrouted(name: &str, step: Option<&Step>) -> Failure {
    let message = match step {
        Some(step) => {
            format!("`{step}` was sent to the server {name}: check the name or the address")
        }
        None => format!("the route is over, but the message was sent on to the server {name}"),
    };
    Failure::of(FailureKind::Unknown, message)
}
