//! The simulation, over the seeds of the test command, and the rules that it must see broken.

use palm_core::mutant as lanes;
use palm_highlevel::mutant as delivery;
use tests::simulation::{self, Fault, Injected};

/// How many seeds the test command runs.
const SEEDS: u64 = 2_000;

#[test]
fn the_rules_hold_whatever_goes_wrong() {
    let mut injected = Injected::default();
    for seed in 1..=SEEDS {
        let report = simulation::run(seed, false);
        injected.add(&report.injected);
        if let Some(violation) = report.violation {
            panic!(
                "seed {seed}: {}\nreplay it with: cargo run -p tests --bin simulate -- --seed {seed}",
                violation.message()
            );
        }
    }
    println!("{SEEDS} seeds; faults: {injected}");
    for fault in Fault::ALL {
        assert!(injected.of(fault) > 0, "{fault:?} was never injected");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=50 {
        assert_eq!(simulation::run(seed, false), simulation::run(seed, false));
    }
    assert_ne!(
        simulation::run(1, false).trace,
        simulation::run(2, false).trace
    );
}

/// The first seed that shows the broken rule.
fn caught() -> Option<(u64, String)> {
    (1..=SEEDS).find_map(|seed| {
        let violation = simulation::run(seed, false).violation?;
        Some((seed, violation.message().to_owned()))
    })
}

#[test]
fn every_broken_rule_is_noticed() {
    let mut missed = Vec::new();
    let mut judge = |mutant: String, caught: Option<(u64, String)>| match caught {
        Some((seed, message)) => {
            let message: String = message.chars().take(100).collect();
            println!("{mutant}: caught by seed {seed}: {message}");
        }
        None => {
            println!("{mutant}: not caught by {SEEDS} seeds");
            missed.push(mutant);
        }
    };
    for mutant in lanes::Mutant::ALL {
        lanes::choose(Some(mutant));
        judge(format!("lanes, {mutant:?}"), caught());
    }
    lanes::choose(None);
    for mutant in delivery::Mutant::ALL {
        delivery::choose(Some(mutant));
        judge(format!("delivery, {mutant:?}"), caught());
    }
    delivery::choose(None);
    assert!(missed.is_empty(), "broken and not noticed: {missed:?}");
}
