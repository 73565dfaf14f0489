//! Writing to standard output and standard error, either of which may be closed.

use std::fmt::Display;
use std::io::{self, ErrorKind, StdoutLock, Write};

use super::CommandError;

/// Tells `message` on standard error, line by line under the program's name.
pub(crate) fn tell(message: &impl Display) {
    let mut lines = String::new();
    for line in message.to_string().lines() {
        lines.push_str("mastr: ");
        lines.push_str(line);
        lines.push('\n');
    }
    // Nobody is left to hear that standard error is closed.
    drop(io::stderr().write_all(lines.as_bytes()));
}

/// Shows `text` on standard error as it is.
pub(crate) fn show(text: &impl Display) {
    drop(io::stderr().write_all(text.to_string().as_bytes()));
}

/// Standard output for results that may be read only in part.
pub(crate) struct Listener {
    stdout: StdoutLock<'static>,
    /// Whether there is work left to do when nobody reads any more.
    optional: bool,
    listening: bool,
}

impl Listener {
    /// Unless it is `optional`, a closed standard output ends the command.
    pub(crate) fn new(optional: bool) -> Self {
        Self {
            stdout: io::stdout().lock(),
            optional,
            listening: true,
        }
    }

    /// Writes `bytes`, as long as somebody reads.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), CommandError> {
        if !self.listening {
            return Ok(());
        }
        let written = self.stdout.write_all(bytes);
        match written.and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe && self.optional => {
                self.listening = false;
                Ok(())
            }
            written => written.map_err(stdout_failed),
        }
    }
}

/// What a failed write to standard output means.
fn stdout_failed(error: io::Error) -> CommandError {
    match error.kind() {
        ErrorKind::BrokenPipe => CommandError::ClosedPipe,
        kind => CommandError::Unwritable(io::Error::new(kind, format!("standard output: {error}"))),
    }
}

/// Writes all of `text` to standard output.
pub(crate) fn print(text: &[u8]) -> Result<(), CommandError> {
    Listener::new(false).write(text)
}
