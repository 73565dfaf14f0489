//! What function threads do: take time, give what their functions do, and die.

use super::call::Called;
use super::family::Function;
use super::fault::Fault;
use super::payload::Kind;
use super::process::Process;
use super::scenario::Role;
use super::witness::Violation;
use super::world::{Happening, World};
use palm_core::wire::Outcome;
use palm_core::{Incarnation, Path, codec};
use palm_highlevel::engine::{Done, Siblings, Task};
use std::time::Duration;

/// After how long a thread hands over what has ended, though it has more to do.
const HAND_OVER: Duration = Duration::from_millis(1);

/// How a task has ended.
pub(super) struct Ended {
    done: Done,
    /// The numbers of its executions: of siblings, several.
    executions: Vec<u64>,
}

/// Where and for whom functions are executed.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    /// The master, of a worker.
    master: Option<Incarnation>,
    /// How many times as long as else they take.
    slow: u32,
}

/// Some of a bundle, one after another, that have ended.
struct Part {
    token: u64,
    siblings: Siblings,
    succeeded: bool,
    nanoseconds: u64,
    executions: Vec<u64>,
}

impl Part {
    fn new(token: u64) -> Part {
        Part {
            token,
            siblings: Siblings::default(),
            succeeded: true,
            nanoseconds: 0,
            executions: Vec::new(),
        }
    }

    fn push(&mut self, ended: Ended) {
        let done = ended.done;
        let (outcome, payload) = match done.made {
            Some(made) => match made.encode(&done.payload) {
                Ok(payload) => (Outcome::Made, payload),
                Err(failure) => (
                    Outcome::Failure,
                    codec::encode(&failure).unwrap_or_default().into(),
                ),
            },
            None => (done.outcome, done.payload),
        };
        self.succeeded &= outcome == Outcome::Success;
        self.nanoseconds += done.nanoseconds;
        self.siblings.push(outcome, payload);
        self.executions.extend(ended.executions);
    }

    fn ended(self) -> Ended {
        let done = Done {
            token: self.token,
            outcome: match self.succeeded {
                true => Outcome::Bundle,
                false => Outcome::Siblings,
            },
            messages: self.siblings.count(),
            payload: self.siblings.encode(),
            made: None,
            nanoseconds: self.nanoseconds,
        };
        Ended {
            done,
            executions: self.executions,
        }
    }
}

/// What comes of a task, and how long it takes.
type Run = (Fate, Duration);

/// What comes of a task.
enum Fate {
    Ends(Ended),
    /// Its process dies.
    Dies,
    /// It never ends, and the lease of its function runs out.
    Hangs,
}

/// How long a function may go without a word.
const LEASE: Duration = Duration::from_secs(2);

/// When a thread is free again whose function never ends.
const LOST: Duration = Duration::MAX;

impl World {
    /// Gives tasks to the function thread that is free first.
    pub(super) fn execute(&mut self, node: usize, process: &mut Process, tasks: Vec<Task>) {
        let is_worker = matches!(self.scenario.nodes[node].role, Role::Worker { .. });
        // A worker has one link, to its master.
        let peer = process.lanes().first().map(|lane| lane.peer);
        let place = Place {
            node,
            master: is_worker.then(|| peer.unwrap_or(Incarnation::UNKNOWN)),
            slow: if process.slow > self.now { 100 } else { 1 },
        };
        let threads = process.threads.iter_mut();
        let Some(thread) = threads.min().filter(|thread| **thread < LOST) else {
            return;
        };
        let life = process.life;
        let mut at = self.now.max(*thread);
        let mut handed_over = at;
        let mut done = Vec::new();
        let count = tasks.len();
        for (index, task) in tasks.into_iter().enumerate() {
            let token = task.token;
            let run = match (task.bundle, task.siblings) {
                (true, _) => self.run_bundle(place, task, &mut done),
                (_, true) => self.run_siblings(place, task),
                _ => self.run_one(place, task),
            };
            let (fate, cost) = match run {
                Ok(run) => run,
                Err(violation) => return self.fail(violation),
            };
            at += cost;
            if place.slow > 1 {
                self.disturb(at);
            }
            let all = index + 1 == count;
            match fate {
                Fate::Ends(ended) => done.push(ended),
                Fate::Dies => {
                    self.plan(at, Happening::Die(node, life));
                    break;
                }
                Fate::Hangs => {
                    self.injected.count(Fault::Hang);
                    at += LEASE;
                    handed_over = at;
                    let done = std::mem::take(&mut done);
                    let all = all && !is_worker;
                    self.plan(at, Happening::Executed(node, life, done, all));
                    self.plan(at, Happening::Overdue(node, life, token));
                    // What comes after it another thread does; a worker leaves without that.
                    if !is_worker {
                        continue;
                    }
                    at = LOST;
                    break;
                }
            }
            if all || at - handed_over >= HAND_OVER {
                handed_over = at;
                let done = std::mem::take(&mut done);
                self.plan(at, Happening::Executed(node, life, done, all));
            }
        }
        *thread = at;
    }

    /// Runs a bundle one after another. How those have ended that are not the last of it may be said
    /// before.
    ///
    /// # Errors
    ///
    /// As [`run_one`](Self::run_one).
    fn run_bundle(
        &mut self,
        place: Place,
        task: Task,
        ended: &mut Vec<Ended>,
    ) -> Result<Run, Violation> {
        let broken = |why| Violation::Broken(format!("rule 2: of a bundle: {why}"));
        let token = task.token;
        let (mut part, mut cost) = (Part::new(token), Duration::ZERO);
        for one in task.each().map_err(broken)? {
            if part.siblings.count() > 0 && self.dice.one_in(8) {
                ended.push(std::mem::replace(&mut part, Part::new(token)).ended());
            }
            let (fate, took) = self.run_one(place, one)?;
            cost += took;
            match fate {
                Fate::Ends(one) => part.push(one),
                fate => {
                    ended.push(part.ended());
                    return Ok((fate, cost));
                }
            }
        }
        Ok((Fate::Ends(part.ended()), cost))
    }

    /// Runs siblings one after another, as long as it does not take too long.
    ///
    /// # Errors
    ///
    /// As [`run_one`](Self::run_one).
    fn run_siblings(&mut self, place: Place, task: Task) -> Result<Run, Violation> {
        let token = task.token;
        let broken = |why| Violation::Broken(format!("rule 2: of siblings: {why}"));
        let mut siblings = Siblings::default();
        let (mut executions, mut cost) = (Vec::new(), Duration::ZERO);
        for sibling in task.each().map_err(broken)? {
            if cost >= HAND_OVER {
                break;
            }
            let (fate, took) = self.run_one(place, sibling)?;
            cost += took;
            let Fate::Ends(Ended {
                done,
                executions: of,
            }) = fate
            else {
                return Ok((fate, cost));
            };
            if !siblings.push(done.outcome, done.payload) {
                break;
            }
            executions.extend(of);
        }
        let done = Done {
            token,
            outcome: Outcome::Siblings,
            payload: siblings.encode(),
            made: None,
            messages: siblings.count(),
            nanoseconds: cost.as_nanos() as u64,
        };
        Ok((Fate::Ends(Ended { done, executions }), cost))
    }

    /// Runs one task.
    ///
    /// # Errors
    ///
    /// If it is none that a client has sent, or a function made.
    fn run_one(&mut self, place: Place, task: Task) -> Result<Run, Violation> {
        let (token, stage) = (task.token, task.message.stage);
        let called = self.call(place, task)?;
        let cost = Duration::from_micros(u64::from(called.start.cost)) * place.slow;
        match called.start.kind {
            Kind::Poison if called.start.stage == stage => return Ok((Fate::Dies, cost)),
            Kind::Hanging if called.start.stage == stage => return Ok((Fate::Hangs, cost)),
            _ => {}
        }
        if called.start.kind == Kind::Flaky && called.given.is_err() {
            self.injected.count(Fault::FailsOnce);
        }
        let given = called.given.and_then(|(result, made)| match made {
            // What functions have made goes to the master of a worker.
            Some(made) if place.master.is_some() => {
                Ok((Outcome::Made, made.encode(&result)?, None))
            }
            made => Ok((Outcome::Success, result, made.map(Box::new))),
        });
        let (outcome, payload, made) = given.unwrap_or_else(|failure| {
            let failure = codec::encode(&failure);
            (Outcome::Failure, failure.unwrap_or_default().into(), None)
        });
        let done = Done {
            token,
            outcome,
            payload,
            made,
            messages: 1,
            nanoseconds: cost.as_nanos() as u64,
        };
        let executions = vec![called.execution];
        Ok((Fate::Ends(Ended { done, executions }), cost))
    }

    /// Calls the function of a task.
    fn call(&mut self, place: Place, task: Task) -> Result<Called, Violation> {
        let (node, message) = (place.node, task.message);
        let name = message.step().map_or("", |step| step.function.as_str());
        let Some(function) = Function::named(name) else {
            let message = format!("{node} is to execute `{name}`, which nobody has");
            return Err(Violation::Broken(message));
        };
        let mut id = message.id.clone();
        if function == Function::Work {
            // Wherever it was split, all its branches are it.
            id.path = Path::ROOT;
        }
        let called =
            self.witness
                .call(&id, function, message.stage, &message.payload, task.pieces)?;
        let (client, sequence, number) = (id.client, id.sequence, called.execution);
        let numbers = [10, node as u64, client.number(), sequence, number];
        let words = format_args!("{node} executes {function:?} of {id} as {number}");
        self.trace.note(self.now, &numbers, words);
        if let (Some(partition), Some(master)) = (task.partition, place.master) {
            self.check_partition(master, partition, client, sequence);
        }
        Ok(called)
    }

    /// The lease of a function has run out: a worker leaves.
    pub(super) fn overdue(&mut self, node: usize, life: u32, token: u64) {
        let stopped = self.stopped[node];
        if stopped > self.now {
            // That time is forgiven.
            let at = stopped + LEASE;
            self.disturb(at);
            return self.plan(at, Happening::Overdue(node, life, token));
        }
        let is_worker = matches!(self.scenario.nodes[node].role, Role::Worker { .. });
        let Some(process) = self.process(node, life) else {
            return;
        };
        process.overdue.push_back(token);
        process.stopping |= is_worker;
        self.wake(node, self.now);
    }

    /// Function threads hand over what has ended.
    pub(super) fn executed(&mut self, node: usize, life: u32, mut ended: Vec<Ended>, all: bool) {
        let stopped = self.stopped[node];
        if stopped > self.now {
            return self.plan(stopped, Happening::Executed(node, life, ended, all));
        }
        if self.process(node, life).is_none() {
            return;
        }
        let dice = &mut self.dice;
        if let Some(process) = self.processes[node].as_deref() {
            // A function that is told of it in time does not begin.
            ended.retain(|ended| !process.recalled.contains(&ended.done.token) || dice.one_in(2));
        }
        for ended in &ended {
            for execution in &ended.executions {
                self.witness.end(*execution);
            }
        }
        if let Some(process) = self.process(node, life) {
            let done = ended.into_iter().map(|ended| ended.done).collect();
            process.ended.push_back((done, all));
        }
        self.wake(node, self.now);
    }
}
