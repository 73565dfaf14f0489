//! A child process: what it says, and how it ends.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;

use super::role::Role;
use crate::command::report::Report;
use crate::command::{CommandError, thread};

/// What happens to a child, by its number.
#[derive(Debug)]
pub(super) enum Event {
    /// It reports something.
    Said(usize, Report),
    /// It wrote a line on standard error.
    Told(usize, String),
    /// One of its two streams has ended.
    Closed(usize),
}

/// A child process of `mastr run`.
///
/// It is in a process group of its own, so that what is typed at the terminal reaches `run` alone,
/// and it ends when the pipe that is its standard input closes, so that it never outlives `run`.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) role: Role,
    pub(super) pid: u32,
    process: process::Child,
    stdin: Option<ChildStdin>,
    open_streams: u8,
    pub(super) exit: Option<ExitStatus>,
    /// Where it is bound, once it has said so.
    pub(super) address: Option<String>,
    /// How many trades it has worked on, by its own count.
    pub(super) worked: Option<u64>,
    /// How much memory it had at most, in bytes.
    pub(super) peak: Option<u64>,
    /// What it says that it did.
    pub(super) did: Option<String>,
}

impl Child {
    /// Starts `mastr ROLE …`; what it says goes to `events` under `number`.
    pub(super) fn start(
        role: Role,
        arguments: &[OsString],
        number: usize,
        events: &SyncSender<Event>,
    ) -> Result<Self, CommandError> {
        let failed =
            |error: std::io::Error| CommandError::Failed(format!("cannot start {role}: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut process = Command::new(program)
            .arg(role.name())
            .args(arguments)
            .arg("--supervised")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        let child = Self {
            role,
            pid: process.id(),
            stdin: process.stdin.take(),
            open_streams: 2,
            process,
            exit: None,
            address: None,
            worked: None,
            peak: None,
            did: None,
        };
        let said = move |line: String| match serde_json::from_str(&line) {
            Ok(report) => Event::Said(number, report),
            Err(_) => Event::Told(number, line),
        };
        read("stdout", stdout, said, number, events.clone())?;
        let told = move |line| Event::Told(number, line);
        read("stderr", stderr, told, number, events.clone())?;
        Ok(child)
    }

    /// Tells it to end.
    pub(super) fn end(&mut self) {
        self.stdin = None;
    }

    /// Ends it at once, however it is.
    pub(super) fn kill(&mut self) {
        if self.exit.is_none() {
            // It may have ended meanwhile.
            drop(self.process.kill());
        }
    }

    /// Takes note that one of its streams has ended; whether it has ended itself.
    pub(super) fn closed(&mut self) -> bool {
        self.open_streams -= 1;
        if self.open_streams == 0 {
            // Streams end with the process, so that this does not wait.
            self.exit = self.process.wait().ok();
        }
        self.open_streams == 0
    }

    /// Whether it is still there.
    pub(super) fn is_running(&self) -> bool {
        self.open_streams > 0
    }

    /// How it ended, as the end of a sentence that begins with its name.
    pub(super) fn ending(&self) -> String {
        match self.exit {
            None => "is running".to_owned(),
            Some(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("was killed by signal {signal}"),
                (None, Some(code)) => format!("ended with exit status {code}"),
                (None, None) => "ended".to_owned(),
            },
        }
    }
}

/// Reads a stream line by line on a thread of its own, until it ends.
fn read(
    name: &str,
    stream: Option<impl Read + Send + 'static>,
    event: impl Fn(String) -> Event + Send + 'static,
    number: usize,
    events: SyncSender<Event>,
) -> Result<(), CommandError> {
    thread::spawn(name, move || {
        let lines = stream.map(BufReader::new).into_iter();
        for line in lines.flat_map(|stream| stream.split(b'\n').map_while(Result::ok)) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if events.send(event(line)).is_err() {
                return;
            }
        }
        // Without a listener nobody has to know.
        drop(events.send(Event::Closed(number)));
    })?;
    Ok(())
}
