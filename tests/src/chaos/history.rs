//! What clients have submitted and got and workers have executed, held to the rules of delivery.

use super::errand::{Errand, MessageId, Step, Trail};
use super::halt::{Fault, Violation};
use super::plan::{JobPlan, Load};
use super::said::What;
use super::topology::Kind;
use palm_highlevel::FailureKind;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

/// How often processes have to die of a message while they hold nothing else before it is given up.
const DEATHS: usize = 3;

/// All that was heard in a run.
pub(super) struct History {
    load: Load,
    stages: u16,
    /// How many results a message has.
    results: usize,
    jobs: BTreeMap<(u64, u64), JobHistory>,
    workers: HashMap<u64, Vec<Execution>>,
    clients: HashMap<u64, ClientHistory>,
    /// Steps of results whose execution has not been heard of yet: workers and clients speak
    /// through pipes of their own.
    unproven: Vec<(MessageId, Step)>,
    /// When processes were killed.
    kills: Vec<Instant>,
    pub(super) endings: u64,
    /// Why messages were given up.
    pub(super) given_up: Vec<String>,
}

struct JobHistory {
    plan: JobPlan,
    submitted: Instant,
    last_ending: Instant,
    /// When each message has ended.
    ended: Vec<Option<Instant>>,
    left: u64,
}

/// One execution of a worker.
pub(super) struct Execution {
    pub(super) id: MessageId,
    pub(super) begun: Instant,
    pub(super) ended: Option<Instant>,
}

#[derive(Default)]
struct ClientHistory {
    dead: bool,
    finished: bool,
    left: u64,
}

impl History {
    pub(super) fn new(load: Load, stages: u16, results: usize) -> History {
        History {
            load,
            stages,
            results,
            jobs: BTreeMap::new(),
            workers: HashMap::new(),
            clients: HashMap::new(),
            unproven: Vec::new(),
            kills: Vec::new(),
            endings: 0,
            given_up: Vec::new(),
        }
    }

    /// A client is about to submit a job.
    pub(super) fn job(&mut self, client: u64, job: u64, now: Instant) {
        let plan = self.load.plan(client, job, self.stages);
        let left = plan.messages();
        self.clients.entry(client).or_default().left += left;
        let ended = vec![None; left as usize];
        let history = JobHistory {
            plan,
            submitted: now,
            last_ending: now,
            ended,
            left,
        };
        self.jobs.insert((client, job), history);
    }

    /// A client got an ending.
    pub(super) fn ending(
        &mut self,
        id: MessageId,
        what: &What,
        now: Instant,
    ) -> Result<(), Violation> {
        let job = self.jobs.get_mut(&(id.client, id.job));
        let Some((job, ended)) = job.and_then(|job| {
            let ended = *job.ended.get(id.index as usize)?;
            Some((job, ended))
        }) else {
            return Err(wrong(id, "it has ended, and nobody had submitted it"));
        };
        if ended.is_some() {
            let text = format!("it has ended before; now with {what}");
            return Err(Violation::of(Fault::Duplicated, id, text));
        }
        job.ended[id.index as usize] = Some(now);
        job.left -= 1;
        job.last_ending = now;
        let errand = job.plan.errand(id.index);
        if let Some(client) = self.clients.get_mut(&id.client) {
            client.left -= 1;
        }
        self.endings += 1;
        match what {
            What::Results(trails) if trails.len() != self.results => {
                let (found, wanted) = (trails.len(), self.results);
                Err(wrong(id, format!("it has {found} results, not {wanted}")))
            }
            What::Results(_) if errand.poison.is_some() => {
                Err(wrong(id, "it kills who executes it, and has a result"))
            }
            What::Results(trails) => {
                for trail in trails {
                    self.check(id, trail, &errand)?;
                }
                Ok(())
            }
            What::Failure(failure) if failure.kind == FailureKind::DeadLetter => {
                self.given_up.push(failure.message.clone());
                match errand.poison {
                    Some(_) => Ok(()),
                    None => Err(Violation::of(Fault::Charged, id, failure.message.clone())),
                }
            }
            other => Err(wrong(id, format!("it has ended with {other}"))),
        }
    }

    fn check(&mut self, id: MessageId, trail: &Trail, errand: &Errand) -> Result<(), Violation> {
        let (found, wanted) = (trail.steps.len(), usize::from(self.stages));
        if trail.errand != *errand {
            let text = format!("its result is that of {:?}", trail.errand);
            return Err(wrong(id, text));
        }
        if found != wanted {
            let text = format!("its result went through {found} functions, not {wanted}");
            return Err(wrong(id, text));
        }
        let steps = trail.steps.iter();
        self.unproven.extend(steps.map(|step| (id, *step)));
        Ok(())
    }

    /// A client has got as many endings of a job as it has messages.
    pub(super) fn whole(&self, client: u64, job: u64) -> Result<(), Violation> {
        match self.lost().find(|id| (id.client, id.job) == (client, job)) {
            Some(id) => {
                let text = "its job is over and it has not ended";
                Err(Violation::of(Fault::Lost, id, text))
            }
            None => Ok(()),
        }
    }

    /// A worker begins an execution.
    pub(super) fn begins(&mut self, worker: u64, id: MessageId, now: Instant) {
        self.workers.entry(worker).or_default().push(Execution {
            id,
            begun: now,
            ended: None,
        });
    }

    /// A worker has ended an execution.
    pub(super) fn ends(&mut self, worker: u64, count: u64, now: Instant) {
        let executions = self.workers.entry(worker).or_default();
        if let Some(execution) = executions.get_mut(count.wrapping_sub(1) as usize) {
            execution.ended = Some(now);
        }
    }

    /// A process was killed. What a client had submitted is gone with it.
    pub(super) fn killed(&mut self, kind: Kind, life: u64, now: Instant) {
        self.kills.push(now);
        if kind == Kind::Client {
            self.clients.entry(life).or_default().dead = true;
        }
    }

    pub(super) fn finished(&mut self, client: u64) {
        self.clients.entry(client).or_default().finished = true;
    }

    pub(super) fn has_finished(&self, client: u64) -> bool {
        self.clients
            .get(&client)
            .is_some_and(|client| client.finished)
    }

    /// How many messages of a client have not ended.
    pub(super) fn left(&self, client: u64) -> u64 {
        self.clients.get(&client).map_or(0, |client| client.left)
    }

    /// The message that a worker is executing, or one of them.
    pub(super) fn executing(&self, worker: u64) -> Option<MessageId> {
        let recent = self.workers.get(&worker)?.iter().rev().take(8);
        recent
            .filter(|execution| execution.ended.is_none())
            .map(|execution| execution.id)
            .next()
    }

    /// Whether a worker is executing a message that kills it.
    pub(super) fn is_poisoned(&self, worker: u64) -> bool {
        let executions = self.workers.get(&worker);
        executions.is_some_and(|executions| {
            let mut recent = executions.iter().rev().take(8);
            recent.any(|execution| execution.ended.is_none() && self.is_poison(execution.id))
        })
    }

    fn is_poison(&self, id: MessageId) -> bool {
        let job = self.jobs.get(&(id.client, id.job));
        job.is_some_and(|job| job.plan.errand(id.index).poison.is_some())
    }

    /// The messages of clients that live that have not ended.
    pub(super) fn lost(&self) -> impl Iterator<Item = MessageId> {
        let jobs = self.jobs.iter().filter(|((client, _), job)| {
            job.left > 0 && self.clients.get(client).is_some_and(|client| !client.dead)
        });
        jobs.flat_map(|((client, job), history)| {
            let indices = history.ended.iter().zip(0..);
            let left = indices.filter(|(ended, _)| ended.is_none());
            left.map(|(_, index)| MessageId {
                client: *client,
                job: *job,
                index,
            })
        })
    }

    /// The message that has waited longest, if one was submitted before `then`.
    pub(super) fn overdue(&self, then: Instant) -> Option<MessageId> {
        self.lost()
            .find(|id| self.submitted(*id).is_some_and(|at| at < then))
    }

    fn submitted(&self, id: MessageId) -> Option<Instant> {
        let job = self.jobs.get(&(id.client, id.job));
        job.map(|job| job.submitted)
    }

    /// Checks, once all has been heard, that each result descends from executions that there were,
    /// and that what was given up had killed.
    pub(super) fn prove(&mut self) -> Result<(), Violation> {
        for (id, step) in std::mem::take(&mut self.unproven) {
            let executions = self.workers.get(&step.worker);
            let execution = executions
                .and_then(|executions| executions.get(step.count.wrapping_sub(1) as usize));
            if execution.is_none_or(|execution| execution.id != id) {
                let text = format!("its result tells of {step:?}, which was not of it");
                return Err(wrong(id, text));
            }
        }
        for ((client, job), history) in &self.jobs {
            let poison = (0..history.plan.messages())
                .find(|index| history.plan.errand(*index).poison.is_some());
            let poison = poison.and_then(|index| Some((index, history.ended[index as usize]?)));
            let Some((index, ended)) = poison else {
                continue;
            };
            let (client, job) = (*client, *job);
            let id = MessageId { client, job, index };
            let began = self.executions(id).count();
            // A process that held it alone may have been killed before it began.
            let lived = history.submitted..ended;
            let kills = self.kills.iter().filter(|at| lived.contains(at)).count();
            if began + kills < DEATHS {
                let text = format!("it was given up after {began} executions and {kills} kills");
                return Err(Violation::of(Fault::Charged, id, text));
            }
        }
        Ok(())
    }

    /// The executions of a message, and whose they were.
    pub(super) fn executions(&self, id: MessageId) -> impl Iterator<Item = (u64, &Execution)> {
        self.workers.iter().flat_map(move |(worker, executions)| {
            let of_it = executions
                .iter()
                .filter(move |execution| execution.id == id);
            of_it.map(|execution| (*worker, execution))
        })
    }

    /// When a message was submitted and executed, in words, for who looks for what went wrong.
    pub(super) fn story(&self, id: MessageId) -> Vec<(Instant, String)> {
        let mut story = Vec::new();
        if let Some(at) = self.submitted(id) {
            story.push((at, format!("client {} submits its job", id.client)));
        }
        let job = self.jobs.get(&(id.client, id.job));
        let ended = job.and_then(|job| *job.ended.get(id.index as usize)?);
        story.extend(ended.map(|at| (at, format!("client {} gets its ending", id.client))));
        for (worker, execution) in self.executions(id) {
            story.push((execution.begun, format!("life {worker} executes it")));
            let ended = execution.ended;
            story.extend(ended.map(|at| (at, format!("life {worker} has executed it"))));
        }
        story
    }

    /// How long it took from the submission of the jobs to their last ending.
    pub(super) fn took(&self) -> Duration {
        let submitted = self.jobs.values().map(|job| job.submitted).min();
        let ended = self.jobs.values().map(|job| job.last_ending).max();
        let times = submitted.zip(ended);
        times.map_or(Duration::ZERO, |(from, to)| {
            to.saturating_duration_since(from)
        })
    }

    pub(super) fn messages(&self) -> u64 {
        self.jobs.values().map(|job| job.plan.messages()).sum()
    }

    pub(super) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// How many executions there were.
    pub(super) fn executed(&self) -> u64 {
        self.workers
            .values()
            .map(|executions| executions.len() as u64)
            .sum()
    }
}

fn wrong(id: MessageId, text: impl Into<String>) -> Violation {
    Violation::of(Fault::Wrong, id, text)
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Results(trails) => write!(f, "the results {trails:?}"),
            What::Garbage(why) => write!(f, "what is no result: {why}"),
            What::Failure(failure) => write!(f, "a failure ({:?}): {failure}", failure.kind),
        }
    }
}
