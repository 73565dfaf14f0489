use super::ledger::{Entry, State};
use super::stored::CancelWord;
use super::{Action, Engine, Key, Origin, Parcel, Taken};
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
        let weight = record.weight();
        if self.links.me.role == Role::Worker {
            self.cancel_here(origin, record.token);
            return self.settle(origin, weight);
        }
        if let Some(word) = CancelWord::of(&record, &route) {
            self.cancel_meant(&word);
        }
        self.mark(origin);
        // It is settled once the next servers have obeyed it as well.
        let word = Parcel {
            stage: record.stage.saturating_add(1),
            origin: Some(origin),
            recurs: false,
            ..word(record.outcome, record.sequence, 0, route)
        };
        if !self.tell_onward(&word) {
            self.settle(origin, weight);
        }
    }

    /// What a word means ends here.
    pub(super) fn cancel_meant(&mut self, word: &CancelWord) {
        let means = |entry: &Entry, sequence| word.means(&entry.route, sequence);
        let means_some = |entry: &Entry| entry.sequences().any(|of| means(entry, of));
        let means_all = |entry: &Entry| entry.sequences().all(|of| means(entry, of));
        for key in self.found(means_some) {
            if !self.ledger.get(key).is_some_and(means_all) {
                self.cancel_some(key, word);
                continue;
            }
            self.recall(key);
            self.end(key, Outcome::Cancelled, Default::default());
        }
    }

    /// The master, which has ended the message already, recalls it from this worker, by its token.
    fn cancel_here(&mut self, origin: Origin, token: u64) {
        for key in self.found(|entry| entry.token == token && entry.origin.link == origin.link) {
            self.recall(key);
            // Its ending would have settled it.
            if let Some(entry) = self.ledger.remove(key) {
                self.settle(entry.origin, entry.weight);
            }
        }
    }

    fn found(&self, meant: impl Fn(&Entry) -> bool) -> Vec<Key> {
        let entries = self.ledger.iter();
        let found = entries.filter(|(_, entry)| meant(entry));
        found.map(|(key, _)| key).collect()
    }

    /// Tells whoever executes a message that nobody waits for its end any more.
    pub(super) fn recall(&mut self, key: Key) {
        let Some(entry) = self.ledger.get(key) else {
            return;
        };
        match entry.state {
            State::With(worker) => {
                let (sequence, route) = (entry.sequence, entry.route.clone());
                self.post(worker, word(Outcome::Cancel, sequence, key.token(), route));
            }
            State::Running => self.recalled.push(Action::Recall(key.token())),
            State::Ready | State::Waiting => {}
        }
    }
}

fn word(outcome: Outcome, sequence: u64, token: u64, route: Arc<Route>) -> Parcel {
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
        origin: None,
        recurs: false,
    }
}
