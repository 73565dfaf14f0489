use super::ledger::State;
use super::{CHARGES, Engine, Executor, Key, partition_lost};
use crate::{Failure, FailureKind};
use palm_core::wire::Outcome;
use std::time::Duration;

/// What becomes of a message whose worker has gone, and who is to blame.
///
/// Invariant: silence charges nobody. Only a death, or a lease that ran out, while a message was
/// alone with its process charges that message.
impl Engine {
    /// A worker does not answer, or has gone: others do what it held. It is charged to nobody
    /// unless the process exited, which makes suspects of what it held, and charges the one that
    /// it held alone.
    pub(super) fn worker_gone(&mut self, worker: Key, exited: bool, why: &str) {
        let Some(link) = self.links.get_mut(worker) else {
            return;
        };
        let name = link.peer.name.clone();
        link.restart(|_| false);
        let mut held: Vec<Key> = self
            .ledger
            .iter()
            .filter(|(_, entry)| entry.state == State::With(worker))
            .map(|(key, _)| key)
            .collect();
        // One that leaves without holding anything is no matter of concern.
        let level = match held.is_empty() {
            true => log::Level::Info,
            false => log::Level::Warn,
        };
        log::log!(
            level,
            "worker {name} is gone ({why}); it held {} messages",
            held.len()
        );
        self.counts.workers_lost += 1;
        let failure = match &mut self.executor {
            Executor::Local(_) => return,
            Executor::Owners(partitions, _) => {
                held.extend(partitions.leave(worker, &name));
                partition_lost(&name)
            }
            Executor::Workers(dispatch) => {
                let alone = dispatch.is_alone(worker);
                dispatch.leave(worker);
                return self.requeue(held, exited, alone, &name);
            }
        };
        for key in held {
            self.end(key, Outcome::Failure, failure.encode());
        }
    }

    fn requeue(&mut self, held: Vec<Key>, exited: bool, alone: bool, worker: &str) {
        let mut dead = Vec::new();
        // The first of them is to be the first again.
        for key in held.into_iter().rev() {
            let Some(entry) = self.ledger.get_mut(key) else {
                continue;
            };
            entry.state = State::Ready;
            entry.suspect |= exited;
            entry.charges += u8::from(exited && alone);
            self.counts.requeued += 1;
            if entry.charges >= CHARGES {
                dead.push(key);
            } else if let Executor::Workers(dispatch) = &mut self.executor {
                dispatch.push_again(key, entry);
            }
        }
        for key in dead {
            let failure = Failure::of(
                FailureKind::DeadLetter,
                format!(
                    "{CHARGES} processes died while they executed it and nothing else, the last was worker {worker}"
                ),
            );
            self.end(key, Outcome::Failure, failure.encode());
        }
    }

    pub(super) fn fail_stranded(&mut self, now: Duration) {
        let Executor::Workers(dispatch) = &mut self.executor else {
            return;
        };
        for key in dispatch.stranded(now) {
            let Some(entry) = self.ledger.get(key) else {
                continue;
            };
            let step = entry.route.steps().get(usize::from(entry.stage));
            let function = step.map_or(String::new(), ToString::to_string);
            let failure = Failure::of(
                FailureKind::Unknown,
                format!(
                    "no worker of {} offers the function `{function}`",
                    self.links.me.name
                ),
            );
            self.end(key, Outcome::Failure, failure.encode());
        }
    }
}
