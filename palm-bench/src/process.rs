//! The processes of a contender: this program again, told to be a client, a broker or a worker.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::{Attempt, Error, Result};
use crate::role::Role;

/// A running process. It is killed when this is dropped, and ends by itself when this process does.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<io::Result<String>>,
    /// Open as long as the process shall live.
    _lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts this program as `role` of the contender of that name.
    pub(crate) fn start(contender: &str, role: &Role) -> Result<Self> {
        let arguments = role.arguments();
        let name = format!("{contender} {}", arguments[0]);
        let program = env::current_exe().attempt(|| "cannot find this program".to_owned())?;
        let mut child = Command::new(program)
            .args(["role", contender])
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .attempt(|| format!("cannot start the {name}"))?;
        let output = child.stdout.take();
        let lifeline = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        let mut process = Self {
            name,
            child,
            lines,
            _lifeline: lifeline,
        };
        let output = output.ok_or_else(|| process.failure("has no standard output"))?;
        thread::Builder::new()
            .name("lines".to_owned())
            .spawn(move || {
                for line in BufReader::new(output).lines() {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            })
            .attempt(|| "cannot start a thread".to_owned())?;
        Ok(process)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next line that it says.
    ///
    /// # Errors
    ///
    /// It ended first, or said nothing for as long as `patience`.
    pub(crate) fn line(&mut self, patience: Duration) -> Result<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => line.attempt(|| format!("cannot read from the {}", self.name)),
            Err(RecvTimeoutError::Timeout) => {
                Err(self.failure(&format!("said nothing for {} s", patience.as_secs_f64())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.failure("ended too early")),
        }
    }

    fn failure(&mut self, what: &str) -> Error {
        Error::new(format!("the {} {what}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends this process when the one that started it closes its standard input, be it by dying.
pub(crate) fn end_with_parent() -> Result<()> {
    let wait = || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    };
    thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(wait)
        .map(drop)
        .attempt(|| "cannot start a thread".to_owned())
}
