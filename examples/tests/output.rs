//! Runs each example and compares what it prints with what the beginning of its source says that it
//! prints.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The source of each example and its program.
const EXAMPLES: [(&str, &str); 19] = [
    ("serial_server.rs", env!("CARGO_BIN_EXE_serial_server")),
    ("parallel_master.rs", env!("CARGO_BIN_EXE_parallel_master")),
    ("chained_masters.rs", env!("CARGO_BIN_EXE_chained_masters")),
    ("chain_of_three.rs", env!("CARGO_BIN_EXE_chain_of_three")),
    (
        "chain_with_workers.rs",
        env!("CARGO_BIN_EXE_chain_with_workers"),
    ),
    ("tee_and_sink.rs", env!("CARGO_BIN_EXE_tee_and_sink")),
    ("chained_error.rs", env!("CARGO_BIN_EXE_chained_error")),
    ("route_by_name.rs", env!("CARGO_BIN_EXE_route_by_name")),
    ("hub.rs", env!("CARGO_BIN_EXE_hub")),
    ("logging.rs", env!("CARGO_BIN_EXE_logging")),
    ("cache.rs", env!("CARGO_BIN_EXE_cache")),
    ("scatter.rs", env!("CARGO_BIN_EXE_scatter")),
    ("gather.rs", env!("CARGO_BIN_EXE_gather")),
    ("parts.rs", env!("CARGO_BIN_EXE_parts")),
    ("route_in_code.rs", env!("CARGO_BIN_EXE_route_in_code")),
    ("sub_tasks.rs", env!("CARGO_BIN_EXE_sub_tasks")),
    ("custom_server.rs", env!("CARGO_BIN_EXE_custom_server")),
    ("broker.rs", env!("CARGO_BIN_EXE_broker")),
    ("event_tree.rs", env!("CARGO_BIN_EXE_event_tree")),
];

/// How long an example may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when it is dropped.
struct Program(Child);

impl Program {
    fn start(path: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new(path);
        let command = command.args(arguments).stdin(Stdio::null());
        Program(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// What it prints, line by line, from now on.
    fn lines(&mut self) -> mpsc::Receiver<String> {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        receiver
    }

    /// All that it prints until it ends with success.
    fn output(mut self) -> Vec<String> {
        let lines = self.lines();
        let mut printed = Vec::new();
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => printed.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs after {printed:#?}"),
            }
        }
        assert!(self.0.wait().unwrap().success());
        printed
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both do nothing if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of the first block of text in the documentation that a source begins with.
fn announced(source: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let source = std::fs::read_to_string(path).unwrap();
    let lines = source.lines().skip_while(|line| *line != "//! ```text");
    let lines = lines.skip(1).take_while(|line| *line != "//! ```");
    let lines: Vec<String> = lines
        .map(|line| line.strip_prefix("//! ").unwrap_or_default().to_owned())
        .collect();
    assert!(!lines.is_empty());
    lines
}

#[test]
fn each_example_prints_what_its_source_says() {
    for (source, program) in EXAMPLES {
        let printed = Program::start(program, &[]).output();
        assert_eq!(printed, announced(source), "{source}");
    }
}

#[test]
fn no_example_is_left_out() {
    let folder = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let sources: BTreeSet<String> = names.filter(|name| name.ends_with(".rs")).collect();
    let tested = EXAMPLES.map(|(source, _)| source.to_owned());
    assert_eq!(sources, BTreeSet::from(tested));
}

#[test]
fn the_parallel_master_also_runs_as_a_cluster_of_processes() {
    let (source, program) = EXAMPLES[1];
    let mut master = Program::start(program, &["master", "tcp://127.0.0.1:*"]);
    let line = master.lines().recv_timeout(PATIENCE).unwrap();
    let address = line.strip_prefix("serving at ").unwrap();
    let client = Program::start(program, &["client", address]);
    let _workers = ["one", "two"].map(|name| Program::start(program, &["worker", address, name]));
    assert_eq!(client.output(), announced(source));
}

#[test]
fn the_event_tree_is_the_same_for_any_number_of_workers_and_with_one_killed() {
    let program = env!("CARGO_BIN_EXE_event_tree");
    let expected = announced("event_tree.rs");
    let branches: u64 = expected[0].split(' ').next().unwrap().parse().unwrap();
    assert!(branches >= 100_000);
    let runs: [(&[&str], usize); 4] = [
        (&["--workers", "1"], 1),
        (&["--workers", "2"], 2),
        (&["--workers", "4"], 4),
        (&["--workers", "3", "--kill"], 3),
    ];
    for (arguments, workers) in runs {
        let mut command = Command::new(program);
        let command = command.args(arguments).stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut run = Program(child.spawn().unwrap());
        let told = BufReader::new(run.0.stderr.take().unwrap());
        assert_eq!(run.output(), expected, "{arguments:?}");

        // Each branch was a message to one of them.
        let told: Vec<String> = told.lines().map(Result::unwrap).collect();
        let word = |line: &str, at| line.split(' ').nth(at).map(str::to_owned);
        let names = told.iter().map(|line| word(line, 1).unwrap());
        assert_eq!(names.collect::<BTreeSet<_>>().len(), workers, "{told:#?}");
        let counts = told.iter().map(|line| word(line, 3).unwrap());
        let sum: u64 = counts.map(|count| count.parse::<u64>().unwrap()).sum();
        assert_eq!(sum, branches, "{told:#?}");
        let killed = told.iter().filter(|line| line.ends_with("it is gone"));
        let killed = killed.map(|line| word(line, 6).unwrap());
        let killed: Vec<u64> = killed.map(|count| count.parse().unwrap()).collect();
        match arguments.contains(&"--kill") {
            true => assert!(killed.len() == 1 && killed[0] > 0, "{told:#?}"),
            false => assert!(killed.is_empty(), "{told:#?}"),
        }
    }
}
