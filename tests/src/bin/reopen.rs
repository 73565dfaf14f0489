//! Kills a master with a store on disk again and again, with accepted messages in it, one time in ten
//! also the process that opens the store again; checks that every opening succeeds and that what was
//! accepted ends once. With the subcommand `node` it is the master.
//!
//! ```text
//! cargo run --release -p tests --bin reopen -- --cycles 1000
//! cargo run --release -p tests --bin reopen -- --cycles 2 --queued 1000000
//! ```
//!
//! The second tells how long an opening takes with a long queue, and how much memory the master has.

use clap::{Parser, Subcommand};
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use tests::chaos::{Node, Reopening};

/// Kills a master with a store again and again.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    process: Option<Process>,
    /// How often to kill it with work in it.
    #[arg(long, default_value_t = 20)]
    cycles: u32,
    /// How many messages it has accepted and not ended then, at least.
    #[arg(long, default_value_t = 1_000)]
    queued: u64,
    /// What decides the moments of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Subcommand)]
enum Process {
    /// Be the master.
    #[command(hide = true)]
    Node(Node),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let kept = match arguments.process {
        Some(Process::Node(node)) => node.run().map(|()| true),
        None => reopen(&arguments).map_err(Into::into),
    };
    match kept {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&mut io::stderr(), &error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Whether a run keeps the rules.
fn reopen(arguments: &Arguments) -> io::Result<bool> {
    let reopened = Reopening {
        program: env::current_exe()?,
        cycles: arguments.cycles,
        queued: arguments.queued,
        seed: arguments.seed,
    }
    .run()?;
    say(
        &mut io::stdout(),
        &format!("seed {}: {reopened}", arguments.seed),
    );
    if let Some(violation) = &reopened.violation {
        say(&mut io::stdout(), &violation.to_string());
    }
    Ok(reopened.violation.is_none())
}

/// Prints a line; that nobody reads it any more is no reason to fail.
fn say(output: &mut impl Write, line: &str) {
    let _ = writeln!(output, "{line}");
}
