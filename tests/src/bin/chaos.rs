//! Kills, stops and restarts the processes of a cluster at random, and checks that nothing is lost
//! and nothing comes twice. With the subcommand `node` it is one of these processes.

use clap::{Parser, Subcommand};
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use tests::chaos::{self, Node, Options, Topology};

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
        Some(Process::Node(node)) => {
            let log = env_logger::Env::default().default_filter_or("info");
            env_logger::Builder::from_env(log)
                .format(|line, record| writeln!(line, "{} {}", record.level(), record.args()))
                .init();
            node.run().err().map(|error| error.to_string())
        }
        None => match supervise(&arguments) {
            Ok(kept) => {
                return if kept {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                };
            }
            Err(error) => Some(error.to_string()),
        },
    };
    match failed {
        None => ExitCode::SUCCESS,
        Some(error) => {
            say(&mut io::stderr(), &error);
            ExitCode::from(2)
        }
    }
}

/// Whether the run kept the rules.
fn supervise(arguments: &Arguments) -> io::Result<bool> {
    let report = chaos::run(&Options {
        program: env::current_exe()?,
        topology: arguments.topology,
        kills: arguments.kills,
        seed: arguments.seed,
        verbose: arguments.verbose,
    })?;
    let mut output = io::stdout();
    for line in &report.story {
        say(&mut output, line);
    }
    if let Some(violation) = &report.violation {
        say(&mut output, &violation.to_string());
    }
    say(&mut output, &format!("seed {}: {report}", arguments.seed));
    Ok(report.violation.is_none())
}

/// Prints a line; that nobody reads it any more is no reason to fail.
fn say(output: &mut impl Write, line: &str) {
    let _ = writeln!(output, "{line}");
}
