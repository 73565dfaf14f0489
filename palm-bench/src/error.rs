//! What can go wrong in a benchmark.

use std::error::Error as StdError;
use std::fmt;

/// A result of this program.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What was attempted and why it failed.
#[derive(Debug)]
pub(crate) struct Error {
    attempt: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure that has no other behind it.
    pub(crate) fn new(attempt: impl Into<String>) -> Self {
        Self {
            attempt: attempt.into(),
            source: None,
        }
    }

    /// A failure of something that gave a reason.
    pub(crate) fn because(
        attempt: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            attempt: attempt.into(),
            source: Some(source.into()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.attempt),
            None => f.write_str(&self.attempt),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Names the attempt in a failure.
pub(crate) trait Attempt<T> {
    /// Turns a failure into one that says what was attempted.
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Attempt<T> for std::result::Result<T, E> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::because(what(), source))
    }
}
