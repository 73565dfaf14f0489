//! Real processes die, and nothing is lost and nothing comes twice.

use std::path::PathBuf;
use tests::chaos::{self, Mishap, Options, Reopening, Scenario, Topology};

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_chaos").into()
}

fn run(topology: Topology, durable: bool, kills: u32, seed: u64) -> chaos::Report {
    let report = chaos::run(&Options {
        program: program(),
        topology,
        kills,
        seed,
        window: None,
        durable,
        verbose: false,
    });
    let report = report.expect("the system gives processes");
    println!("seed {seed}: {report}");
    if let Some(violation) = &report.violation {
        panic!("{}\n{violation}", report.story.join("\n"));
    }
    assert_eq!(report.killed(), kills);
    assert!(report.messages() > 0);
    report
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice() {
    let report = run(Topology::Parallel, false, 20, 1);
    assert!(report.percent_at_work() >= 80, "{report}");
}

#[test]
fn nor_in_a_chain() {
    run(Topology::Chain, false, 5, 2);
}

#[test]
fn nor_in_a_chain_of_three() {
    run(Topology::Three, false, 5, 5);
    run(Topology::Three, true, 5, 6);
}

#[test]
fn nor_where_a_tee_splits_messages() {
    run(Topology::Tee, false, 5, 7);
    run(Topology::Tee, true, 5, 8);
}

#[test]
fn nor_where_servers_find_each_other_by_name() {
    run(Topology::Pipeline, false, 5, 13);
    run(Topology::Pipeline, true, 5, 14);
}

#[test]
fn nor_where_messages_make_messages() {
    run(Topology::Scatter, false, 5, 9);
    run(Topology::Scatter, true, 5, 10);
    run(Topology::Tasks, false, 5, 11);
    run(Topology::Tasks, true, 5, 12);
}

#[test]
fn nor_where_masters_have_stores() {
    run(Topology::Parallel, true, 10, 3);
    run(Topology::Chain, true, 5, 4);
}

#[test]
fn a_master_goes_on_with_its_store_however_often_it_is_killed() {
    let reopening = Reopening {
        program: env!("CARGO_BIN_EXE_reopen").into(),
        cycles: 20,
        queued: 1_000,
        seed: 1,
    };
    let reopened = reopening.run().expect("the system gives processes");
    println!("{reopened}");
    if let Some(violation) = &reopened.violation {
        panic!("{violation}");
    }
    assert_eq!((reopened.lost, reopened.duplicated), (0, 0));
    assert_eq!(reopened.kills, 20);
    assert_eq!(reopened.opened.len(), reopened.openings as usize);
    assert!(reopened.held >= 1_000, "{reopened}");
    assert!(reopened.kills_in_opening > 0, "{reopened}");
}

#[test]
fn only_the_message_that_kills_is_given_up() {
    let scenario = Scenario {
        program: program(),
        mishap: Mishap::Abort,
        messages: 500,
        seed: 1,
        verbose: false,
    };
    let comparison = scenario.run().expect("the system gives processes");
    if let Some(violation) = &comparison.violation {
        panic!("{}\n{violation}", comparison.story.join("\n"));
    }
    let [reason] = &comparison.given_up[..] else {
        panic!("{:?}", comparison.given_up);
    };
    // The first process that dies of it holds others as well, and charges nobody.
    let attempts = reason
        .strip_prefix("given up after ")
        .and_then(|rest| rest.split(' ').next()?.parse().ok());
    assert!(
        attempts.is_some_and(|attempts: u32| attempts >= 4),
        "{reason}"
    );
}
