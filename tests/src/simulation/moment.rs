//! Crashes at the moments at which a server's store and what the others know of it differ.

use super::fault::Fault;
use super::strike::RECOVERY;
use super::world::{Happening, World};
use palm_highlevel::store::{Batch, LogId, Operation, Store};

/// The most calls of its store that a server makes before it dies of an opening; fewer are all that
/// some openings make.
const CALLS: u64 = 16;

impl World {
    /// Has the process of a node die at the next moment of some kind.
    pub(super) fn arm(&mut self, node: usize) {
        let moment = self.dice.pick(&Fault::MOMENTS);
        self.moments[node] = Some(moment);
    }

    /// Whether the process of a node is to die now, at a moment of that kind.
    pub(super) fn meets(&mut self, node: usize, moment: Fault) -> bool {
        let meets = self.moments[node] == Some(moment)
            && self.is_disturbed()
            && !self.is_another_recovering(node);
        if meets {
            self.moments[node] = None;
            self.injected.count(moment);
        }
        meets
    }

    /// The process of a node dies at a moment that it was to meet.
    pub(super) fn die(&mut self, node: usize) {
        let delay = self.dice.milliseconds(20, 5_000);
        self.recovering = (node, self.now + delay + RECOVERY);
        self.kill(node, delay, "killed at a moment");
    }

    /// Whether a batch that is now written forgets what has left.
    pub(super) fn forgets_sent(&self, node: usize, batch: &Batch) -> bool {
        let logs = self.disks[node].reader().logs().unwrap_or_default();
        let trimmed = |log: LogId| {
            let log = logs.iter().find(|state| state.id == log);
            log.map_or(0, |state| state.trimmed)
        };
        batch.operations().iter().any(
            |operation| matches!(operation, Operation::Trim { log, up_to } if *up_to > trimmed(*log)),
        )
    }

    /// Now and then the process that takes the place of one that has died dies of its opening.
    pub(super) fn arm_opening(&mut self, node: usize) {
        let arms = self.is_durable(node) && self.is_disturbed() && self.dice.one_in(2);
        self.moments[node] = arms.then_some(Fault::CrashOpening);
        let calls = arms.then(|| self.dice.below(CALLS) as u32);
        self.disks[node].dies_after(calls);
    }

    /// A process has opened its store; now and then one that was to die of that dies of what it does next.
    pub(super) fn opened(&mut self, node: usize) {
        let armed = self.moments[node].take();
        self.disks[node].dies_after(None);
        if armed.is_some() && self.dice.one_in(2) {
            self.arm(node);
        }
    }

    /// A process has died while it opened its store.
    pub(super) fn died_opening(&mut self, node: usize) {
        let words = format!("{} dies while it opens its store", self.name(node));
        self.trace
            .note(self.now, &[13, node as u64], format_args!("{words}"));
        self.injected.count(Fault::CrashOpening);
        let survives = self.dice.one_in(2);
        self.disks[node].crash(survives);
        let delay = self.dice.milliseconds(20, 2_000);
        self.recovering = (node, self.now + delay + RECOVERY);
        self.disturb(self.now + delay);
        self.plan(self.now + delay, Happening::Start(node));
    }
}
