//! Kills, stops and restarts the processes of a cluster at random, and checks that nothing is lost
//! and nothing comes twice. With the subcommand `node` it is one of these processes.

use clap::{Parser, Subcommand};
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use tests::chaos::{self, Mishap, Node, Options, Scenario, Topology, Violation};

/// Brings a cluster of processes to ruin, and holds it to the rules of delivery.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    process: Option<Process>,
    /// How many processes to kill.
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// What decides who is killed when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the cluster is put together.
    #[arg(long, value_enum, default_value_t = Topology::Parallel)]
    topology: Topology,
    /// How many unfinished messages one sender may have at a server; drawn, if it is left open.
    #[arg(long)]
    window: Option<u64>,
    /// Give masters stores on disk.
    #[arg(long)]
    durable: bool,
    /// Instead, run one job of 10,000 messages without this and with it, and compare the times.
    #[arg(long, value_enum)]
    scenario: Option<Mishap>,
    /// Say what happens while it happens.
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Process {
    /// Be one of the processes of a run.
    #[command(hide = true)]
    Node(Node),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failed = match arguments.process {
        Some(Process::Node(node)) => node.run().err().map(|error| error.to_string()),
        None => {
            let kept = match arguments.scenario {
                Some(mishap) => compare(&arguments, mishap),
                None => supervise(&arguments),
            };
            match kept {
                Ok(true) => return ExitCode::SUCCESS,
                Ok(false) => return ExitCode::FAILURE,
                Err(error) => Some(error.to_string()),
            }
        }
    };
    match failed {
        None => ExitCode::SUCCESS,
        Some(error) => {
            say(&mut io::stderr(), &error);
            ExitCode::from(2)
        }
    }
}

/// Whether a run keeps the rules.
fn supervise(arguments: &Arguments) -> io::Result<bool> {
    let report = chaos::run(&Options {
        program: env::current_exe()?,
        topology: arguments.topology,
        kills: arguments.kills,
        seed: arguments.seed,
        window: arguments.window,
        durable: arguments.durable,
        verbose: arguments.verbose,
    })?;
    tell(&report.story, report.violation.as_ref());
    let seed = arguments.seed;
    say(&mut io::stdout(), &format!("seed {seed}: {report}"));
    Ok(report.violation.is_none())
}

/// Whether a job keeps the rules, and does not take much longer when something goes wrong.
fn compare(arguments: &Arguments, mishap: Mishap) -> io::Result<bool> {
    let scenario = Scenario {
        program: env::current_exe()?,
        mishap,
        messages: 10_000,
        seed: arguments.seed,
        verbose: arguments.verbose,
    };
    let comparison = scenario.run()?;
    tell(&comparison.story, comparison.violation.as_ref());
    for reason in &comparison.given_up {
        say(&mut io::stdout(), &format!("given up: {reason}"));
    }
    say(&mut io::stdout(), &comparison.to_string());
    let limit = mishap.limit(comparison.undisturbed);
    Ok(comparison.violation.is_none() && comparison.disturbed <= limit)
}

fn tell(story: &[String], violation: Option<&Violation>) {
    for line in story {
        say(&mut io::stdout(), line);
    }
    if let Some(violation) = violation {
        say(&mut io::stdout(), &violation.to_string());
    }
}

/// Prints a line; that nobody reads it any more is no reason to fail.
fn say(output: &mut impl Write, line: &str) {
    let _ = writeln!(output, "{line}");
}
