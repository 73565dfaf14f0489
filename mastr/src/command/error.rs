//! Why a command stopped.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::{ALL_VALUED, BAD_INPUT, FAILED, INTERRUPTED};
use crate::aggregation::QueryError;
use crate::cluster::ClusterError;
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
    /// It could not be done, though nothing was wrong with what was asked.
    #[error("{0}")]
    Failed(String),
    /// The process was told to stop before it was done.
    #[error("interrupted")]
    Interrupted,
}

impl CommandError {
    /// The exit status that tells it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            // Whoever was reading has seen enough.
            Self::ClosedPipe => ALL_VALUED,
            Self::Failed(_) => FAILED,
            Self::Interrupted => INTERRUPTED,
            Self::Unreadable { .. }
            | Self::Faulty { .. }
            | Self::Unwritable(_)
            | Self::Usage(_) => BAD_INPUT,
        }
    }
}

impl From<palm_highlevel::Error> for CommandError {
    fn from(error: palm_highlevel::Error) -> Self {
        match error.kind() {
            palm_highlevel::ErrorKind::Io => Self::Failed(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

impl From<ClusterError> for CommandError {
    fn from(error: ClusterError) -> Self {
        match error {
            ClusterError::Palm(error) => error.into(),
            ClusterError::Failed(failure) => Self::Failed(failure.to_string()),
            ClusterError::Query(error) => error.into(),
            ClusterError::Unwritable(error) => Self::Unwritable(error),
            ClusterError::Faulty => Self::Failed(error.to_string()),
            ClusterError::Stopped => Self::Interrupted,
        }
    }
}

impl From<QueryError> for CommandError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Overflow(error) => Self::Failed(error.to_string()),
            error => Self::Usage(error.to_string()),
        }
    }
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
