use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use palm_highlevel::store::{MemoryStore, StoreErrorKind};
use palm_persist::SledStore;
use tests::history::{self, Chance};

use crate::contents::contents;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that writes the history and says what it has flushed. Killed when it is dropped.
struct Writer {
    child: Child,
    flushed: Receiver<u64>,
}

impl Writer {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_store_writer"))
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the writer was built with the test");
        let lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        let (sender, flushed) = mpsc::channel();
        thread::spawn(move || {
            for line in lines {
                let number = line.expect("a pipe reads").parse().expect("a number");
                if sender.send(number).is_err() {
                    break;
                }
            }
        });
        Self { child, flushed }
    }

    /// Waits for one more step to be flushed.
    fn next(&self) -> u64 {
        let next = self.flushed.recv_timeout(PATIENCE);
        next.expect("the writer goes on until it is killed")
    }

    /// Kills it with SIGKILL and gives the last step it said was flushed, if it said anything that
    /// was not heard yet.
    fn kill(mut self) -> Option<u64> {
        self.end();
        self.flushed.iter().last()
    }

    fn end(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it was killed");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Both do nothing if it was killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_was_flushed_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut chance = Chance(20);
    let mut expected = MemoryStore::new();
    let mut reached = 0;
    for kill in 0..20 {
        let writer = Writer::start(folder.path());
        let mut flushed = reached;
        // Every fifth is killed at a moment of its opening, the others between any two of their
        // instructions after some flushes.
        let moment = if kill % 5 == 4 {
            Duration::from_micros(chance.below(20_000))
        } else {
            (0..=chance.below(80)).for_each(|_| flushed = writer.next());
            Duration::from_micros(chance.below(2_000))
        };
        let started = Instant::now();
        while started.elapsed() < moment {
            thread::yield_now();
        }
        flushed = writer.kill().unwrap_or(flushed);

        let store = SledStore::open(folder.path()).expect("a kill does no damage");
        let found = history::reached(&store).expect("it reads");
        assert!(
            found >= flushed,
            "kill {kill}: {flushed} flushed, {found} found"
        );
        history::advance(&mut expected, reached, found).expect("the history keeps the rules");
        assert_eq!(
            contents(&store),
            contents(&expected),
            "kill {kill} at step {found}"
        );
        reached = found;
    }
    assert!(reached >= 16, "the writers got on: {reached}");
}

#[test]
fn a_second_process_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().display();
    let writer = Writer::start(folder.path());
    writer.next();

    let error = SledStore::open(folder.path()).expect_err("the writer has it open");
    assert_eq!(error.kind(), StoreErrorKind::InUse);
    let expected = format!(
        "the store in {path} is in use by process {}",
        writer.child.id()
    );
    assert!(error.to_string().starts_with(&expected), "{error}");

    writer.kill();
    let _store = SledStore::open(folder.path()).expect("the end of a process unlocks it");
    let second = Command::new(env!("CARGO_BIN_EXE_store_writer"))
        .arg(folder.path())
        .output()
        .expect("the writer was built with the test");
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(second.stdout, b"");
    let said = String::from_utf8(second.stderr).expect("it is text");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with(&format!("the store in {path} is in use by process ")),
        "{said}"
    );
}
