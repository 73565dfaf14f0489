//! How runs end before they are done, and who reads what they say.

use std::process::Stdio;

use crate::process::{Folder, Process, mastr, signal, wait_until_gone};

const SIGINT: u32 = 2;
const SIGKILL: u32 = 9;
const SIGTERM: u32 = 15;

#[test]
fn a_signal_ends_everything() {
    let folder = Folder::new();
    let files = folder.generate(200_000);
    for number in [SIGINT, SIGTERM] {
        let mut run = Process::start(mastr().arg("run").args(&files));
        run.wait_for_percent(1);
        let children = run.all_pids();
        assert_eq!(children.len(), 8);
        signal(number, run.id());
        let run = run.finish();
        assert_eq!(run.status.code(), Some(130), "{:?}", run.told);
        assert!(
            !run.told.iter().any(|line| line.contains("panicked")),
            "{:?}",
            run.told
        );
        wait_until_gone(&children);
    }
}

#[test]
fn no_child_outlives_a_run_that_is_killed() {
    let folder = Folder::new();
    let files = folder.generate(200_000);
    let mut run = Process::start(mastr().arg("run").args(&files));
    run.wait_for_percent(1);
    let children = run.all_pids();
    signal(SIGKILL, run.id());
    run.finish();
    wait_until_gone(&children);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let mut run = mastr()
        .arg("run")
        .arg("--output")
        .arg(folder.path("results"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Both are closed before anything is written.
    drop(run.stdout.take());
    drop(run.stderr.take());
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(folder.read("results/npv.csv").lines().count(), 241);
    assert!(folder.path("results/aggregate.csv").exists());
}
