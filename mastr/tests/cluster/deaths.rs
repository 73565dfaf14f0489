//! Processes that die, or stand still, in the middle of a run.

use std::time::{Duration, Instant};

use crate::process::{
    DEADLINE, Folder, Process, RESULTS, SIGKILL, assert_same, mastr, signal, valued_by_workers,
};

const SIGSTOP: u32 = 19;
const SIGCONT: u32 = 18;

/// Enough that a run is far from its end when it has come a tenth of the way.
const TRADES: u32 = 200_000;

fn run(files: &[String], output: &std::path::Path) -> Process {
    Process::start(mastr().arg("run").args(files).arg("--output").arg(output))
}

#[test]
fn a_valuation_worker_is_killed_and_nothing_is_lost_or_counted_twice() {
    // A million: most of it is still to come when a tenth is there, on any machine.
    let trades = 1_000_000;
    let folder = Folder::new();
    let files = folder.generate(trades);
    let undisturbed = run(&files, &folder.path("undisturbed")).finish();
    assert_eq!(undisturbed.status.code(), Some(0), "{:?}", undisturbed.told);

    let mut run = run(&files, &folder.path("disturbed"));
    let percent = run.kill_valuation_worker();
    println!("killed when {percent} % were valued");
    let after = run.wait_for_percent(percent);
    println!("{after} % were valued when the next line came");
    assert!(after <= 90, "{after} % are too late");
    let run = run.finish();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
    assert_same(
        &folder.path("disturbed"),
        &folder.path("undisturbed"),
        &RESULTS,
    );
    let valued = valued_by_workers(&run.rest);
    assert_eq!(valued.len(), 3, "{}", run.rest);
    assert_eq!(
        valued.iter().sum::<u64>(),
        u64::from(trades),
        "{}",
        run.rest
    );
    assert!(
        run.rest.contains(", then was killed by signal 9\n"),
        "{}",
        run.rest
    );
}

#[test]
fn stopped_valuation_workers_freeze_the_count_and_go_on_where_they_were() {
    let folder = Folder::new();
    let files = folder.generate(TRADES);
    let undisturbed = run(&files, &folder.path("undisturbed")).finish();
    assert_eq!(undisturbed.status.code(), Some(0), "{:?}", undisturbed.told);

    let mut run = run(&files, &folder.path("disturbed"));
    let master = run.wait_for(|line| line.starts_with("started aggregation-master"));
    let aggregation = master.rsplit(' ').next().unwrap().to_owned();
    run.wait_for_percent(1);
    let workers = run.pids("valuation-worker");
    assert_eq!(workers.len(), 2);
    for worker in &workers {
        signal(SIGSTOP, *worker);
    }
    // The last of what had been valued before arrives, and then nothing for two seconds.
    let (mut valued, mut since) = (0, Instant::now());
    let start = since;
    while since.elapsed() < Duration::from_secs(2) {
        let (now, of) = ask(&aggregation);
        assert!(
            now < of,
            "the workers were too fast: {now} of {of} were valued"
        );
        if now != valued {
            (valued, since) = (now, Instant::now());
        }
        assert!(start.elapsed() < DEADLINE, "{valued} and still rising");
    }
    println!("frozen at {valued} of {TRADES}");
    for worker in &workers {
        signal(SIGCONT, *worker);
    }
    let run = run.finish();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
    assert_same(
        &folder.path("disturbed"),
        &folder.path("undisturbed"),
        &RESULTS,
    );
    assert_eq!(
        valued_by_workers(&run.rest).iter().sum::<u64>(),
        u64::from(TRADES)
    );
}

/// How many trades are valued, and of how many, by an aggregation client of one's own.
fn ask(aggregation: &str) -> (u64, u64) {
    let asked = mastr()
        .args([
            "aggregate",
            "--by",
            "",
            "--measures",
            "count",
            "--connect",
            aggregation,
        ])
        .output()
        .unwrap();
    let table = String::from_utf8(asked.stdout).unwrap();
    let (_, label) = table
        .split_once("partial: ")
        .unwrap_or_else(|| panic!("{table}"));
    let (valued, rest) = label.split_once(" of ").unwrap();
    let number = |text: &str| text.replace(',', "").parse().unwrap();
    (number(valued), number(rest.split(' ').next().unwrap()))
}

#[test]
fn valuation_workers_that_do_nothing_but_die_end_the_run() {
    let folder = Folder::new();
    let files = folder.generate(TRADES);
    let mut run = Process::start(mastr().args(["run", "--workers", "1"]).args(&files));
    // Each one as soon as it is there, until no other follows.
    let end = loop {
        let line = run.wait_for(|line| {
            line.starts_with("started valuation-worker") || line.starts_with("mastr: ")
        });
        if line.starts_with("mastr: ") {
            break line;
        }
        signal(SIGKILL, *run.pids("valuation-worker").last().unwrap());
    };
    let run = run.finish();
    assert_eq!(run.status.code(), Some(1), "{:?}", run.told);
    assert!(
        end.ends_with("was killed by signal 9, the 9th in a row while nothing was valued"),
        "{end}"
    );
}

#[test]
fn without_one_of_these_a_run_ends_and_says_so() {
    let folder = Folder::new();
    let files = folder.generate(TRADES);
    for (role, consequence) in [
        ("aggregation-worker", "what it held is lost with it"),
        ("aggregation-master", "the run cannot go on without it"),
        ("valuation-master", "the run cannot go on without it"),
        ("value", "the run cannot go on without it"),
        ("aggregate", "the run cannot go on without it"),
    ] {
        let mut run = run(&files, &folder.path("results"));
        run.wait_for_percent(1);
        let victim = run.pids(role)[0];
        signal(SIGKILL, victim);
        let others = run.all_pids();
        let run = run.finish();
        assert_eq!(run.status.code(), Some(1), "{role}: {:?}", run.told);
        let last = run.told.last().unwrap();
        let said = format!("mastr: {role}, pid {victim}, was killed by signal 9: {consequence}");
        assert_eq!(*last, said);
        assert_eq!(run.rest, "", "no table is shown as if it were the result");
        // Without the one that asks, the one that submits may just have come to its end.
        assert!(role == "aggregate" || !folder.path("results/npv.csv").exists());
        assert!(!folder.path("results/aggregate.csv").exists());
        crate::process::wait_until_gone(&others);
    }
}
