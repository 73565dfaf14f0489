//! `mastr run`: a whole cluster on this machine, for one portfolio.
//!
//! It starts a process for each role, masters, workers and clients alike, and has no part in what
//! they do: it tells them where the others are, shows what they say, and ends them.

mod child;
mod crew;
mod role;

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use super::input::Source;
use super::lifeline::{self, Supervision};
use super::question::Question;
use super::{ALL_VALUED, BAD_INPUT, CommandError, SOME_FAILED};
use crate::results::create_folder;
use crew::Crew;
use role::Role;

/// How long a server may take until it is bound.
const START: Duration = Duration::from_secs(20);
/// How often one looks whether to stop, and whether the display is up to date.
const TICK: Duration = Duration::from_millis(50);
/// When a process has died, how long one waits to see whether it was another's death that
/// brought it about.
const CAUSE: Duration = Duration::from_millis(300);
/// So many valuation workers may die in a row while nothing is valued: a trade that kills whoever
/// values it kills four with the trades it came with, and four alone.
const DEATHS: u32 = 9;
/// A free port of this machine.
const ANY_PORT: &str = "tcp://127.0.0.1:*";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Valuation workers
    #[arg(long, value_name = "N", default_value = "2")]
    workers: NonZeroU32,
    /// Aggregation workers, each of which holds a part of the trades
    #[arg(long, value_name = "N", default_value = "2")]
    aggregators: NonZeroU32,
    #[command(flatten)]
    question: Question,
    /// Folder for npv.csv, sensitivity.csv, failed.csv and aggregate.csv; created if need be
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Arguments of a child, of which some are names and others values.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(OsString::from($argument)),*] };
}

impl Arguments {
    pub(super) fn run(mut self) -> Result<u8, CommandError> {
        self.source.suit(&self.question.query()?)?;
        self.source.check()?;
        if let Some(folder) = &self.output {
            create_folder(folder).map_err(CommandError::Unwritable)?;
        }
        let stop = lifeline::hold(Supervision { supervised: false }, || ())?;
        let mut crew = Crew::new();
        let status = self.go(&mut crew, &stop);
        if status.is_err() {
            crew.end()?;
        }
        status
    }

    fn go(&self, crew: &mut Crew, stop: &AtomicBool) -> Result<u8, CommandError> {
        let mut cluster = Cluster::start(self, crew, stop)?;
        let status = cluster.watch(crew, stop)?;
        if status == BAD_INPUT {
            crew.end()?;
            return Ok(status);
        }
        crew.show_result()?;
        crew.end()?;
        crew.show_processes(cluster.did())?;
        Ok(status)
    }
}

/// The cluster of a run.
struct Cluster {
    /// What a valuation worker is started with.
    worker: Vec<OsString>,
    value: usize,
    aggregate: usize,
    /// Valuation workers that died.
    deaths: u32,
    /// How many of them died since anything was valued last, and how much was valued then.
    in_a_row: u32,
    ended: u64,
}

impl Cluster {
    fn start(run: &Arguments, crew: &mut Crew, stop: &AtomicBool) -> Result<Self, CommandError> {
        let aggregators = run.aggregators.to_string();
        let master = arguments!["--bind", ANY_PORT, "--aggregators", &aggregators];
        let master = crew.start(Role::AggregationMaster, &master)?;
        let aggregation = &bound(crew, master, stop)?;
        let master = arguments!["--bind", ANY_PORT, "--next", aggregation];
        let master = crew.start(Role::ValuationMaster, &master)?;
        let valuation = &bound(crew, master, stop)?;

        let output = run.output.as_ref();
        let output = output.map(|folder| arguments!["--output", folder]);
        let mut value = arguments!["--connect", valuation, "--aggregation", aggregation];
        value.extend(run.source.arguments());
        value.extend(output.iter().flatten().cloned());
        value.push(run.question.by());
        let mut aggregate = arguments!["--connect", aggregation, "--watch"];
        aggregate.extend(run.question.arguments());
        aggregate.extend(output.into_iter().flatten());
        // The clients first: one of them has files to read.
        let value = crew.start(Role::Value, &value)?;
        let aggregate = crew.start(Role::Aggregate, &aggregate)?;
        for _ in 0..run.aggregators.get() {
            let worker = arguments!["--connect", aggregation];
            crew.start(Role::AggregationWorker, &worker)?;
        }
        let worker = arguments!["--connect", valuation];
        for _ in 0..run.workers.get() {
            crew.start(Role::ValuationWorker, &worker)?;
        }
        Ok(Self {
            worker,
            value,
            aggregate,
            deaths: 0,
            in_a_row: 0,
            ended: 0,
        })
    }

    /// Waits until both clients are done; gives back the exit status.
    fn watch(&mut self, crew: &mut Crew, stop: &AtomicBool) -> Result<u8, CommandError> {
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(CommandError::Interrupted);
            }
            if let Some(number) = crew.wait(TICK)?
                && let Some(status) = self.ended(number, crew, stop)?
            {
                return Ok(status);
            }
            let status = |number| crew.child(number).exit.and_then(|exit| exit.code());
            if let (Some(value), Some(_)) = (status(self.value), status(self.aggregate)) {
                return Ok(value as u8);
            }
        }
    }

    /// A child has ended; gives back the exit status if the run ends with it.
    fn ended(
        &mut self,
        number: usize,
        crew: &mut Crew,
        stop: &AtomicBool,
    ) -> Result<Option<u8>, CommandError> {
        let child = crew.child(number);
        let code = child.exit.and_then(|exit| exit.code());
        match (child.role, code.map(|code| code as u8)) {
            (Role::ValuationWorker, _) => self.replace(number, crew).map(|()| None),
            (Role::Value | Role::Aggregate, Some(ALL_VALUED | SOME_FAILED)) => Ok(None),
            // It has said itself what is wrong.
            (Role::Value | Role::Aggregate, Some(BAD_INPUT)) => Ok(Some(BAD_INPUT)),
            _ => Err(died(number, crew, stop)),
        }
    }

    /// A valuation worker has died: another takes its place, unless that leads to nothing.
    fn replace(&mut self, number: usize, crew: &mut Crew) -> Result<(), CommandError> {
        let ended = crew.progress().ended();
        self.deaths += 1;
        self.in_a_row = if ended > self.ended {
            1
        } else {
            self.in_a_row + 1
        };
        self.ended = ended;
        let dead = crew.child(number);
        let story = format!("valuation-worker {} {}", dead.pid, dead.ending());
        if self.in_a_row == DEATHS {
            return Err(CommandError::Failed(format!(
                "{story}, the {DEATHS}th in a row while nothing was valued"
            )));
        }
        crew.note(&format!("{story}: starting another"))?;
        crew.start(Role::ValuationWorker, &self.worker)?;
        Ok(())
    }

    /// What `run` itself did.
    fn did(&self) -> String {
        match self.deaths {
            0 => "started the others".to_owned(),
            1 => "started the others, and replaced a valuation worker".to_owned(),
            deaths => format!("started the others, and replaced {deaths} valuation workers"),
        }
    }
}

/// Waits until a server says where it is bound.
fn bound(crew: &mut Crew, number: usize, stop: &AtomicBool) -> Result<String, CommandError> {
    let deadline = Instant::now() + START;
    loop {
        let ended = crew.wait(TICK)?;
        if let Some(address) = &crew.child(number).address {
            return Ok(address.clone());
        }
        if stop.load(Ordering::Relaxed) {
            return Err(CommandError::Interrupted);
        }
        if let Some(number) = ended {
            return Err(died(number, crew, stop));
        }
        if Instant::now() >= deadline {
            let role = crew.child(number).role;
            return Err(CommandError::Failed(format!("{role} is not bound yet")));
        }
    }
}

/// Why the run ends: a process has died without which it cannot go on.
fn died(number: usize, crew: &mut Crew, stop: &AtomicBool) -> CommandError {
    let mut cause = number;
    // A client that gives up does so because of something; it may take a moment to show.
    let gave_up = |number: usize, crew: &Crew| {
        let child = crew.child(number);
        child.role.is_client() && child.exit.is_some_and(|exit| exit.code().is_some())
    };
    let deadline = Instant::now() + CAUSE;
    while gave_up(cause, crew) && Instant::now() < deadline && !stop.load(Ordering::Relaxed) {
        match crew.wait(TICK) {
            Ok(Some(ended)) if crew.child(ended).role != Role::ValuationWorker => cause = ended,
            Ok(_) => {}
            Err(error) => return error,
        }
    }
    let child = crew.child(cause);
    let consequence = match child.role {
        Role::AggregationWorker => "what it held is lost with it",
        _ => "the run cannot go on without it",
    };
    CommandError::Failed(format!(
        "{}, pid {}, {}: {consequence}",
        child.role,
        child.pid,
        child.ending()
    ))
}
