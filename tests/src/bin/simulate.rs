//! Runs the simulation of many seeds, or replays one with all that happens in it.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;
use tests::simulation::{self, Injected, Violation};

/// Simulates clusters with everything that can go wrong, and holds them to the rules of delivery.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Replay this one and print all that happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Go on after a seed that breaks a rule.
    #[arg(long)]
    keep_going: bool,
}

/// What the machines log, among what happens.
struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        say(&format!("             | {}", record.args()));
    }

    fn flush(&self) {}
}

/// Prints a line; that nobody reads it any more is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (first, count) = match arguments.seed {
        Some(seed) => (seed, 1),
        None => (arguments.first, arguments.seeds),
    };
    let printed = arguments.seed.is_some();
    if printed && log::set_logger(&Log).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    let start = Instant::now();
    let mut injected = Injected::default();
    let (mut lost, mut duplicated, mut broken, mut run) = (0, 0, 0, 0);
    let mut simulated = 0.0;
    for seed in first..first + count {
        let report = simulation::run(seed, printed);
        run += 1;
        simulated += report.time.as_secs_f64();
        injected.add(&report.injected);
        let Some(violation) = report.violation else {
            continue;
        };
        say(&format!("seed {seed}: {}", violation.message()));
        match violation {
            Violation::Lost(_) => lost += 1,
            Violation::Duplicated(_) => duplicated += 1,
            Violation::Broken(_) => broken += 1,
        }
        if !arguments.keep_going {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    say(&format!("faults: {injected}"));
    say(&format!(
        "{run} seeds from {first} in {seconds:.1} s ({:.0} seeds/s, {simulated:.0} s simulated): \
         lost {lost}, duplicated {duplicated}, other rules broken {broken}",
        run as f64 / seconds
    ));
    match lost + duplicated + broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
