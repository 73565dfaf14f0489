use super::ledger::{Entry, State};
use super::{Engine, Executor, Key};
use palm_core::wire::Outcome;
use std::collections::BTreeSet;
use std::time::Duration;

/// What waits for a time: deadlines of messages, and messages that are to be tried again.
#[derive(Debug, Default)]
pub(super) struct Timed {
    deadlines: BTreeSet<(Duration, Key)>,
    /// With the attempt that has failed.
    retries: BTreeSet<(Duration, (Key, u32))>,
}

fn due<T: Copy + Ord>(waiting: &mut BTreeSet<(Duration, T)>, now: Duration) -> Option<T> {
    let &(at, what) = waiting.first()?;
    if at > now {
        return None;
    }
    waiting.pop_first();
    Some(what)
}

impl Engine {
    /// Has a message expire at `at`, wherever it is then.
    pub(super) fn expire_at(&mut self, at: Duration, key: Key) {
        self.timed.deadlines.insert((at, key));
    }

    /// The message has ended before its deadline.
    pub(super) fn forget_deadline(&mut self, at: Duration, key: Key) {
        self.timed.deadlines.remove(&(at, key));
    }

    /// Has a message be queued again at `at`, unless more is heard of it until then.
    pub(super) fn retry_at(&mut self, at: Duration, key: Key, failed: u32) {
        self.timed.retries.insert((at, (key, failed)));
    }

    /// Expires and queues again what is due.
    pub(super) fn run_timed(&mut self) {
        while let Some(key) = due(&mut self.timed.deadlines, self.now) {
            self.recall(key);
            self.end(key, Outcome::Expired, Default::default());
        }
        while let Some((key, failed)) = due(&mut self.timed.retries, self.now) {
            // An earlier attempt may have succeeded after all, on a worker that had been given up, and
            // made others, which the message waits for.
            let waits = |entry: &Entry| {
                entry.state == State::Ready && entry.tries == failed && entry.before < failed
            };
            if self.ledger.get(key).is_some_and(waits) {
                self.queue(key);
            }
        }
    }

    /// As [`queue`](Self::queue), but before the others: it was under way already.
    pub(super) fn queue_again(&mut self, key: Key) {
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        entry.state = State::Ready;
        match &mut self.executor {
            _ if self.own.offers(entry.function) => self.own.push_again(key),
            Executor::Local(local) => local.push_again(key),
            Executor::Workers(dispatch) => dispatch.push_again(key, entry),
            Executor::Owners(..) => self.queue(key),
        }
    }

    /// Puts a message of the ledger where its executor finds it; one that has ended is passed over.
    pub(super) fn queue(&mut self, key: Key) {
        let Some(entry) = self.ledger.get_mut(key) else {
            return;
        };
        entry.state = State::Ready;
        if self.own.offers(entry.function) {
            return self.own.push(key);
        }
        match &mut self.executor {
            Executor::Local(local) => local.push(key),
            Executor::Workers(dispatch) => dispatch.push(key, entry),
            Executor::Owners(partitions, key_of) => {
                let partition = partitions.of(key_of(&entry.message()));
                if let Err(worker) = partitions.push(key, partition) {
                    let failure = super::partition_lost(&worker);
                    self.end(key, Outcome::Failure, failure.encode());
                }
            }
        }
    }
}
