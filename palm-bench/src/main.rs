//! Measures PALM, through its public interface and at its defaults, against a raw libzmq broker.
//!
//! Client, broker and workers are processes of their own, connected by tcp on the loopback
//! interface: this program starts itself in those roles ([`role`], [`process`]). A contender is
//! the three roles ([`contender`]); [`raw`] is the baseline. Everything is measured in several
//! rounds, the contenders in turn within each ([`plan`]), and reported as medians ([`report`]).

mod contender;
mod disk;
mod error;
mod measurement;
mod meter;
mod palm;
mod plan;
mod process;
mod raw;
mod report;
mod role;
mod scatter;
mod servers;
mod shape;

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Result;
use crate::measurement::{ROUNDS, SECONDS, WARM_UP};
use crate::meter::Span;
use crate::plan::Plan;
use crate::role::Role;

/// Measures PALM against a raw libzmq broker.
///
/// Prints a line per figure, `name value unit ratio`: the name is the contender, the number of
/// workers and the payload of a task, or a round trip's percentile; the value is the median of the
/// rounds; the ratio is that to the raw broker, the median of the rounds' ratios. The lines of
/// palm-durable, whose master has a store on disk, have a second ratio, to palm. Throughput is
/// measured with 1,000 tasks outstanding, the round trip with one. Progress goes to standard error.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    /// How often everything is measured
    #[arg(long, default_value_t = ROUNDS, value_parser = rounds)]
    rounds: usize,

    /// How long each measurement takes, in seconds, after a warm-up of a quarter of that
    #[arg(long, default_value_t = SECONDS, value_parser = seconds)]
    seconds: f64,

    /// Measure and print only the lines whose names contain this, such as 2w-100B or rtt
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    only: String,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send tasks through a master with a store, and say what it takes of the disk and of memory
    Disk {
        /// How many tasks, of 100 B each
        #[arg(long, default_value_t = 10_000_000)]
        tasks: u64,
    },
    /// Measure serial servers in a row, and a tee of two into a sink, beside raw libzmq in the same
    /// shape
    Chains {
        /// How often everything is measured
        #[arg(long, default_value_t = ROUNDS, value_parser = rounds)]
        rounds: usize,
        /// How long each measurement takes, in seconds, after a warm-up of a quarter of that
        #[arg(long, default_value_t = SECONDS, value_parser = seconds)]
        seconds: f64,
    },
    /// Scatter a message into 1,000 pieces among two workers and gather them, beside 1,000 tasks of a
    /// message each
    Scatter {
        /// How often both are measured
        #[arg(long, default_value_t = ROUNDS, value_parser = rounds)]
        rounds: usize,
    },
    /// Be a client, broker or worker of a measurement, until standard input ends
    #[command(hide = true)]
    Role {
        /// The name of the contender
        contender: String,
        #[command(subcommand)]
        role: Role,
    },
}

fn rounds(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("must be a whole number from 1 up".to_owned()),
        Ok(rounds) => Ok(rounds),
    }
}

fn seconds(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number from 0.01 to 3600".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Disk { tasks }) => disk::measure(tasks),
        Some(Command::Chains { rounds, seconds }) => shape::measure(rounds, span(seconds)),
        Some(Command::Scatter { rounds }) => scatter::measure(rounds),
        Some(Command::Role { contender, role }) => be(&contender, role),
        None => match Plan::new(&arguments.only) {
            Ok(plan) => measure(&plan, arguments.rounds, arguments.seconds),
            Err(error) => Arguments::command()
                .error(ErrorKind::InvalidValue, error)
                .exit(),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("palm-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn be(contender: &str, role: Role) -> Result<()> {
    process::end_with_parent()?;
    role.run(&*contender::by_name(contender)?)
}

fn measure(plan: &Plan, rounds: usize, seconds: f64) -> Result<()> {
    for line in plan.run(rounds, span(seconds))? {
        measurement::say(&line)?;
    }
    Ok(())
}

fn span(seconds: f64) -> Span {
    Span {
        warm_up: Duration::from_secs_f64(seconds * WARM_UP),
        measured: Duration::from_secs_f64(seconds),
    }
}
