//! What function threads do: take time, give results that say where they come from, and die.

use super::payload::{self, Kind};
use super::process::Process;
use super::world::{Happening, World};
use palm_core::wire::Outcome;
use palm_core::{Incarnation, codec};
use palm_highlevel::Failure;
use palm_highlevel::engine::{Done, Task};
use std::time::Duration;

/// After how long a thread hands over what has ended, though it has more to do.
const HAND_OVER: Duration = Duration::from_millis(1);

impl World {
    /// Gives tasks to the function thread that is free first.
    pub(super) fn execute(&mut self, node: usize, process: &mut Process, tasks: Vec<Task>) {
        // A worker has one link, to its master.
        let peer = process.lanes().first().map(|lane| lane.peer);
        let master = peer.unwrap_or(Incarnation::UNKNOWN);
        let Some(thread) = process.threads.iter_mut().min() else {
            return;
        };
        let life = process.life;
        let slow = if process.slow > self.now { 100 } else { 1 };
        let mut at = self.now.max(*thread);
        let mut handed_over = at;
        let mut done = Vec::new();
        let count = tasks.len();
        for (index, task) in tasks.into_iter().enumerate() {
            let Some((kind, cost, ended)) = self.execute_one(node, master, task) else {
                return;
            };
            let cost = Duration::from_micros(u64::from(cost)) * slow;
            at += cost;
            if slow > 1 {
                self.disturb(at);
            }
            if kind == Kind::Poison {
                self.plan(at, Happening::Die(node, life));
                break;
            }
            done.push(Done {
                nanoseconds: cost.as_nanos() as u64,
                ..ended
            });
            let all = index + 1 == count;
            if all || at - handed_over >= HAND_OVER {
                handed_over = at;
                let done = std::mem::take(&mut done);
                self.plan(at, Happening::Executed(node, life, done, all));
            }
        }
        *thread = at;
    }

    /// What comes of one task, and how long it takes, in microseconds; nothing if it is none that
    /// a client sent.
    fn execute_one(
        &mut self,
        node: usize,
        master: Incarnation,
        task: Task,
    ) -> Option<(Kind, u32, Done)> {
        let message = &task.message;
        let (client, sequence) = (message.id.client, message.id.sequence);
        let begun = self
            .witness
            .begin(client, sequence, message.stage, &message.payload);
        let (number, start) = match begun {
            Ok(begun) => begun,
            Err(violation) => {
                self.fail(violation);
                return None;
            }
        };
        let numbers = [10, node as u64, client.number(), sequence, number];
        let words = format_args!("{node} executes {sequence} of {client} as {number}");
        self.trace.note(self.now, &numbers, words);
        if let Some(partition) = task.partition {
            self.check_partition(master, partition, client, sequence);
        }
        let fails = start.kind == Kind::Failing && message.stage == 0;
        let (outcome, payload) = match fails {
            true => {
                let failure = codec::encode(&Failure::new("as planned"));
                (Outcome::Failure, failure.unwrap_or_default().into())
            }
            false => (
                Outcome::Success,
                payload::executed(&message.payload, message.stage, number),
            ),
        };
        let done = Done {
            token: task.token,
            outcome,
            payload,
            made: None,
            messages: 1,
            nanoseconds: 0,
        };
        Some((start.kind, start.cost, done))
    }

    /// Function threads hand over what has ended.
    pub(super) fn executed(&mut self, node: usize, life: u32, done: Vec<Done>, all: bool) {
        let stopped = self.stopped[node];
        if stopped > self.now {
            return self.plan(stopped, Happening::Executed(node, life, done, all));
        }
        if self.process(node, life).is_none() {
            return;
        }
        for done in &done {
            if let Ok((_, executions)) = payload::descent(&done.payload)
                && let Some((_, number)) = executions.last()
            {
                self.witness.end(*number);
            }
        }
        if let Some(process) = self.process(node, life) {
            process.ended.push_back((done, all));
        }
        self.wake(node, self.now);
    }
}
