//! One job of one client, with something that goes wrong and without it.

use super::cluster::Cluster;
use super::halt::{Fault, Halt, Violation};
use super::plan::Load;
use super::topology::{Kind, Plan};
use clap::ValueEnum;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mishap {
    /// The function aborts its process on one of the messages.
    Abort,
    /// A worker is stopped for a minute in the middle of the job.
    Stopped,
}

/// A job that is run twice.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The program whose subcommand `node` is every process.
    pub program: PathBuf,
    /// What goes wrong the second time.
    pub mishap: Mishap,
    /// How many messages the job has.
    pub messages: u64,
    /// What decides how long each function takes.
    pub seed: u64,
    /// Whether to say what happens while it happens.
    pub verbose: bool,
}

/// What came of both.
#[derive(Clone, Debug)]
pub struct Comparison {
    mishap: Mishap,
    messages: u64,
    /// How long the job took without the mishap.
    pub undisturbed: Duration,
    /// How long it took with it.
    pub disturbed: Duration,
    /// How many messages were executed more than once, with the mishap.
    repeated: u64,
    /// Why messages were given up.
    pub given_up: Vec<String>,
    /// The rule that was broken, if one was.
    pub violation: Option<Violation>,
    /// How that came about.
    pub story: Vec<String>,
}

/// How many workers there are.
const WORKERS: usize = 3;

/// For how long a worker is stopped.
const STOPPED: Duration = Duration::from_secs(60);

/// For how long more is listened for once it goes on.
const AFTER: Duration = Duration::from_secs(6);

/// How often who supervises looks up from listening.
const LOOK: Duration = Duration::from_millis(10);

/// How long a job may take at most.
const PATIENCE: Duration = Duration::from_secs(120);

impl Mishap {
    /// How long a job may take with it that took so long without.
    pub fn limit(self, undisturbed: Duration) -> Duration {
        match self {
            Mishap::Abort => undisturbed.mul_f64(1.5),
            Mishap::Stopped => undisturbed + Duration::from_secs(5),
        }
    }
}

impl Scenario {
    /// Runs the job without the mishap and with it.
    ///
    /// # Errors
    ///
    /// If the system refuses processes or what they need.
    pub fn run(&self) -> io::Result<Comparison> {
        let mut comparison = Comparison {
            mishap: self.mishap,
            messages: self.messages,
            undisturbed: Duration::ZERO,
            disturbed: Duration::ZERO,
            repeated: 0,
            given_up: Vec::new(),
            violation: None,
            story: Vec::new(),
        };
        for mishap in [None, Some(self.mishap)] {
            let aborts = mishap == Some(Mishap::Abort);
            let load = Load {
                seed: self.seed,
                messages: Some(self.messages),
                poison: aborts.then_some(self.messages / 2),
            };
            let plan = Plan::direct(WORKERS, load)?;
            let mut cluster = Cluster::start(&self.program, plan, load, self.verbose)?;
            let outcome = self.job(&mut cluster, mishap == Some(Mishap::Stopped));
            let history = &cluster.history;
            match mishap {
                None => comparison.undisturbed = history.took(),
                Some(_) => {
                    comparison.disturbed = history.took();
                    comparison.repeated = history.executed() - history.endings;
                    comparison.given_up.clone_from(&history.given_up);
                }
            }
            let expected = usize::from(aborts);
            let violation = match outcome {
                Err(Halt::Refused(error)) => return Err(error),
                Err(Halt::Violation(violation)) => violation,
                Ok(()) if history.given_up.len() == expected => continue,
                Ok(()) => Violation::general(
                    Fault::Charged,
                    format!(
                        "{} messages were given up, not {expected}",
                        history.given_up.len()
                    ),
                ),
            };
            comparison.story = cluster.story(&violation);
            comparison.violation = Some(violation);
            break;
        }
        Ok(comparison)
    }

    fn job(&self, cluster: &mut Cluster, stop: bool) -> Result<(), Halt> {
        let started = Instant::now();
        let mut stopped = None;
        while cluster.history.endings < self.messages {
            self.turn(cluster)?;
            if started.elapsed() > PATIENCE {
                return Err(self.late(cluster).into());
            }
            if stop && stopped.is_none() && cluster.history.endings >= self.messages / 2 {
                let worker = cluster.of_kind(Kind::Worker).next();
                let until = Instant::now() + STOPPED;
                worker.map_or(Ok(()), |worker| cluster.stop(worker, until))?;
                stopped = Some(until);
            }
        }
        while stopped.is_some_and(|until| Instant::now() < until + AFTER) {
            self.turn(cluster)?;
        }
        let clients = cluster.finish();
        while !cluster.has_finished(&clients) {
            self.turn(cluster)?;
        }
        cluster.end()
    }

    fn turn(&self, cluster: &mut Cluster) -> Result<(), Halt> {
        let now = Instant::now();
        cluster.listen(now + LOOK)?;
        cluster.go_on_due(now)?;
        Ok(cluster.restart_due(now, || false)?)
    }

    fn late(&self, cluster: &Cluster) -> Violation {
        match cluster.history.lost().next() {
            Some(id) => Violation::late(id, PATIENCE),
            None => Violation::general(Fault::Lost, "nothing was ever submitted"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given_up = self.given_up.len() as u64;
        write!(
            f,
            "{} results and {given_up} messages given up, {} executed again; {:.2} s, {:.2} s \
             undisturbed ({:+.2} s, {:.2} times), at most {:.2} s",
            self.messages - given_up,
            self.repeated,
            self.disturbed.as_secs_f64(),
            self.undisturbed.as_secs_f64(),
            self.disturbed.as_secs_f64() - self.undisturbed.as_secs_f64(),
            self.disturbed.as_secs_f64() / self.undisturbed.as_secs_f64(),
            self.mishap.limit(self.undisturbed).as_secs_f64(),
        )
    }
}
