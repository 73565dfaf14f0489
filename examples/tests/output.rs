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
const EXAMPLES: [(&str, &str); 10] = [
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
    ("custom_server.rs", env!("CARGO_BIN_EXE_custom_server")),
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
