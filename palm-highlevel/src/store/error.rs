use std::error::Error;
use std::fmt;

/// Why a store could not do what was asked.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What a [`StoreError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// A batch breaks a rule of the store. Nothing of it was written, and the store goes on.
    Refused,
    /// The place given for a store cannot hold one.
    Unsuitable,
    /// Another process, or another store in this one, has the same place open.
    InUse,
    /// The store was written in a format that this version does not know.
    Format,
    /// What is stored cannot be read back. It was not deleted; the message says where it is.
    Damaged,
    /// There is no room for more. Once there is, opening the store again gives back all that was
    /// flushed.
    Full,
    /// Reading or writing failed.
    Io,
}

impl StoreError {
    /// An error with a message for people: in lower case, naming what is at fault and what to do.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// What the error is about.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
