use super::ledger::{Entry, State};
use super::{Action, Engine, Executor, Key, Origin, Parcel, Taken};
use palm_core::Route;
use palm_core::wire::{Outcome, Role};
use std::sync::Arc;

/// The word that messages are to be cancelled.
///
/// It travels on the lane that they came by, so that it arrives behind them, and follows those that
/// have gone on: to the worker that holds one, to the next server. Whoever has the message in its
/// ledger ends it; where it has ended already, nothing happens.
impl Engine {
    pub(super) fn cancel(&mut self, origin: Origin, route: Arc<Route>, taken: Taken) {
        let record = taken.record;
        let to_worker = self.links.me.role == Role::Worker;
        let meant = |entry: &Entry| match record.outcome {
            // Tokens are the master's own, and it has ended the message already.
            _ if to_worker => entry.token == record.token && entry.origin.link == origin.link,
            Outcome::CancelJob => {
                entry.route.client() == route.client() && entry.route.pipeline() == route.pipeline()
            }
            _ => entry.route.client() == route.client() && entry.sequence == record.sequence,
        };
        let found: Vec<Key> = self
            .ledger
            .iter()
            .filter(|(_, entry)| meant(entry))
            .map(|(key, _)| key)
            .collect();
        for key in found {
            self.recall(key);
            match to_worker {
                // Its ending would have settled it.
                true => {
                    if let Some(entry) = self.ledger.remove(key) {
                        self.settle(entry.origin, entry.weight);
                    }
                }
                false => self.end(key, Outcome::Cancelled, Default::default()),
            }
        }
        let weight = record.weight();
        if !to_worker {
            self.mark(origin);
        }
        match self.next {
            // It is settled once the next server has obeyed it as well.
            Some(next) => {
                self.post(
                    next,
                    word(record.outcome, record.sequence, 0, route, Some(origin)),
                );
            }
            None => self.settle(origin, weight),
        }
    }

    /// Tells whoever executes a message that nobody waits for its end any more.
    pub(super) fn recall(&mut self, key: Key) {
        let Some(entry) = self.ledger.get(key) else {
            return;
        };
        match (entry.state, &self.executor) {
            (State::With(worker), _) => {
                let (sequence, route) = (entry.sequence, entry.route.clone());
                self.post(
                    worker,
                    word(Outcome::Cancel, sequence, key.token(), route, None),
                );
            }
            (State::Running, Executor::Local(_)) => self.recalled.push(Action::Recall(key.token())),
            _ => {}
        }
    }
}

fn word(
    outcome: Outcome,
    sequence: u64,
    token: u64,
    route: Arc<Route>,
    origin: Option<Origin>,
) -> Parcel {
    Parcel {
        sequence,
        token,
        attempt: 0,
        stage: 0,
        outcome,
        route,
        extras: None,
        deadline: None,
        payload: Default::default(),
        origin,
    }
}
