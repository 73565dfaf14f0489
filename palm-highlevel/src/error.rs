use crate::store::StoreError;
use std::fmt;

/// What can go wrong when a server or a client is set up or run. How a message ends is a
/// [`Failure`](crate::Failure) instead.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name, an endpoint or a setting is not as it should be.
    Config,
    /// An address can't be bound.
    Bind,
    /// A function of a worker hung, so that the worker has left its master.
    Lease,
    /// The store could not be opened, read or written.
    Store,
    /// The system or libzmq refused something.
    Io,
}

/// What this crate's constructors give back.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        self.source = Some(source.into());
        self
    }

    /// Which kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        Error::new(ErrorKind::Store, error.to_string())
    }
}

impl From<palm_core::Error> for Error {
    fn from(error: palm_core::Error) -> Error {
        let kind = match error.kind() {
            palm_core::ErrorKind::Malformed => ErrorKind::Config,
            palm_core::ErrorKind::Bind => ErrorKind::Bind,
            _ => ErrorKind::Io,
        };
        let message = error.to_string();
        Error {
            kind,
            message,
            source: None,
        }
    }
}
