//! The processes of a run, as who supervises them sees them.

use super::node::Node;
use super::said::Said;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Instant;

/// A process that runs. It is killed when this is dropped, and ends when this process does.
pub(super) struct Process {
    pub(super) life: u64,
    child: Child,
    pid: Pid,
    input: ChildStdin,
}

/// What comes of a process.
pub(super) struct Word {
    pub(super) life: u64,
    pub(super) at: Instant,
    pub(super) what: Heard,
}

pub(super) enum Heard {
    Said(Said),
    /// A line of its log.
    Logged(String),
    /// It says nothing more: it has ended, or is about to.
    Gone,
}

impl Process {
    /// Starts `program` as `node`; what it says goes to `ears`.
    pub(super) fn start(program: &Path, node: &Node, ears: &SyncSender<Word>) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("node")
            .args(node.words())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("a process was started without its pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let log = child.stderr.take().ok_or_else(missing)?;
        let pid = Pid::from_child(&child);
        let life = node.life;
        let process = Process {
            life,
            child,
            pid,
            input,
        };
        let say = teller(life, ears);
        thread::Builder::new()
            .name("output".into())
            .spawn(move || {
                for line in BufReader::new(output).lines() {
                    let said = line.map(|line| serde_json::from_str(&line));
                    let Ok(Ok(said)) = said else {
                        // Torn by a kill, or nothing to read any more.
                        break;
                    };
                    say(Heard::Said(said));
                }
                say(Heard::Gone);
            })?;
        let say = teller(life, ears);
        thread::Builder::new().name("log".into()).spawn(move || {
            let lines = BufReader::new(log).lines();
            lines
                .map_while(Result::ok)
                .for_each(|line| say(Heard::Logged(line)));
        })?;
        Ok(process)
    }

    /// Has a client finish.
    pub(super) fn finish(&mut self) {
        // One that has ended needs not be told.
        let _ = self.input.write_all(b"finish\n");
    }

    /// SIGSTOP.
    pub(super) fn stop(&self) -> io::Result<()> {
        Ok(kill_process(self.pid, Signal::STOP)?)
    }

    /// SIGCONT.
    pub(super) fn go_on(&self) -> io::Result<()> {
        Ok(kill_process(self.pid, Signal::CONT)?)
    }

    /// How much memory it has, in bytes.
    pub(super) fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        let kib = kib.ok_or_else(|| io::Error::other("there is no VmRSS in /proc"))?;
        Ok(kib * 1024)
    }

    /// SIGKILL, and waits until it has ended.
    pub(super) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// How one that says nothing more has ended.
    pub(super) fn wait(mut self) -> io::Result<ExitStatus> {
        // One that said what nobody understands lives; for others it is too late.
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both do nothing once it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn teller(life: u64, ears: &SyncSender<Word>) -> impl Fn(Heard) + use<> {
    let ears = ears.clone();
    move |what| {
        let at = Instant::now();
        // Who does not listen any more has ended the run.
        let _ = ears.send(Word { life, at, what });
    }
}
