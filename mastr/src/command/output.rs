//! Writing to standard output and standard error, either of which may be closed.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

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

/// What a failed write to standard output means.
pub(crate) fn stdout_failed(error: io::Error) -> CommandError {
    match error.kind() {
        ErrorKind::BrokenPipe => CommandError::ClosedPipe,
        kind => CommandError::Unwritable(io::Error::new(kind, format!("standard output: {error}"))),
    }
}

/// Writes all of `text` to standard output.
pub(crate) fn print(text: &[u8]) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text)
        .and_then(|()| stdout.flush())
        .map_err(stdout_failed)
}
