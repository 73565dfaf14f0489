//! The program as it is used: short runs, and processes that do not outlive it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// Kills the process when a test ends early.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn palm_bench(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palm-bench"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Does something on a thread of its own and fails when it is not done by the deadline.
fn within_deadline<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(what()));
    receiver
        .recv_timeout(DEADLINE)
        .expect("done by the deadline")
}

/// Runs the program to its end, with a standard input that stays open.
fn run(arguments: &[&str]) -> Output {
    let mut child = palm_bench(arguments).spawn().unwrap();
    let _input = child.stdin.take();
    within_deadline(|| child.wait_with_output().unwrap())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Checks that `line` is `name value unit 1.00` with a value above 0.
fn assert_baseline(line: &str, name: &str, unit: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let [named, value, united, ratio] = words[..] else {
        panic!("{line:?} is not a line of four words");
    };
    assert_eq!((named, united, ratio), (name, unit, "1.00"));
    assert!(value.parse::<f64>().unwrap() > 0.0, "{line}");
}

#[test]
fn throughput_of_the_baseline() {
    let output = run(&[
        "--rounds",
        "1",
        "--seconds",
        "0.05",
        "--only",
        "raw-2w-1KiB",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_baseline(lines[0], "raw-2w-1KiB", "tasks/s");
    assert!(text(&output.stderr).contains("round 1 of 1: raw-2w-1KiB "));
}

#[test]
fn round_trip_of_the_baseline() {
    let output = run(&["--rounds", "2", "--seconds", "0.05", "--only", "raw-rtt"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_baseline(lines[0], "raw-rtt-p50", "us");
    assert_baseline(lines[1], "raw-rtt-p99", "us");
}

#[test]
fn what_a_store_takes_of_the_disk() {
    let output = run(&["disk", "--tasks", "5000"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    let [line] = lines[..] else {
        panic!("{lines:?} are more or fewer than one");
    };
    let (tasks, figures) = line.split_once(" tasks: ").unwrap();
    assert!((5_000..6_000).contains(&tasks.parse().unwrap()), "{line}");
    let figures: Vec<_> = figures.split(", ").collect();
    let units = [
        "tasks/s",
        "MiB on disk",
        "bytes written each",
        "MiB of memory",
    ];
    assert_eq!(figures.len(), units.len(), "{line}");
    for (figure, unit) in figures.iter().zip(units) {
        let (value, named) = figure.split_once(' ').unwrap();
        // A file system in memory has nothing written to a disk.
        assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
        assert_eq!(named, unit);
    }
}

#[test]
fn servers_in_a_row_and_a_tee_beside_raw_ones() {
    let output = run(&["chains", "--rounds", "1", "--seconds", "0.05"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 18);
    assert_baseline(lines[0], "raw-chain-1-100B", "tasks/s");
    assert_baseline(lines[12], "raw-tee-2-100B", "tasks/s");
    for (line, name) in [
        (lines[6], "palm-chain-3-100B "),
        (lines[15], "palm-tee-2-rtt-p50 "),
    ] {
        assert!(line.starts_with(name), "{line}");
        let ratio = line.rsplit(' ').next().unwrap();
        assert!(ratio.parse::<f64>().unwrap() > 0.0, "{line}");
    }
    for (line, name) in [(lines[16], "raw"), (lines[17], "palm")] {
        assert!(
            line.starts_with(&format!("{name}-further-hop-p50 ")),
            "{line}"
        );
    }
}

#[test]
fn faults_of_the_command_line_are_named() {
    for (arguments, fault) in [
        (["--only", "3w-100B"], "3w-100B"),
        (["--rounds", "0"], "a whole number from 1 up"),
        (["--seconds", "NaN"], "a number from 0.01 to 3600"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(fault), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_role_ends_when_its_standard_input_does() {
    let mut broker = Guard(
        palm_bench(&["role", "raw", "broker", "1", "nowhere"])
            .spawn()
            .unwrap(),
    );
    let output = BufReader::new(broker.0.stdout.take().unwrap());
    let addresses = within_deadline(|| output.lines().next().unwrap().unwrap());
    assert_eq!(addresses.matches("tcp://127.0.0.1:").count(), 2);
    drop(broker.0.stdin.take());
    let status = within_deadline(move || broker.0.wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_process_that_cannot_play_its_role_says_why() {
    let output = run(&["role", "raw", "worker", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot connect to nowhere"));
}
