//! Why a command stopped.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::fault::Faults;

/// Why a command stopped; displays as one line, or one for each fault.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A file cannot be read.
    #[error("{}: {}", path.display(), reason(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
    /// A file has faults.
    #[error("{}", in_file(path, faults))]
    Faulty {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        faults: Faults,
    },
    /// A result cannot be written; the message names where.
    #[error("{}", reason(.0))]
    Unwritable(io::Error),
    /// Standard output was closed by its reader.
    #[error("standard output was closed")]
    ClosedPipe,
    /// An argument does not fit the others or the input.
    #[error("{0}")]
    Usage(String),
}

/// The error's text in the house's style: lower case, without the number of the operating system.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let named = text.contains(": ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !named => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

fn in_file(path: &std::path::Path, faults: &Faults) -> String {
    let lines = faults.to_string();
    let lines = lines
        .lines()
        .map(|line| format!("{}: {line}", path.display()));
    lines.collect::<Vec<_>>().join("\n")
}
