use std::fmt;

/// What can go wrong in `palm-core`, in words that name what was at fault.
///
/// The message is one line, in lower case; [`std::error::Error::source`] is what the system or a
/// library said, where one did.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`Error`] that a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An endpoint or a route is written wrongly.
    Malformed,
    /// An address can't be bound: it is in use, or not this machine's.
    Bind,
    /// Bytes from a peer or a file are not what they should be.
    Decode,
    /// A value does not fit a limit of the wire.
    TooLarge,
    /// A socket or a link was asked for what it does not do, or not now: a `Pull` to send, a `Rep` to
    /// answer where nobody asked.
    OutOfTurn,
    /// libzmq or the operating system refused a call.
    Io,
}

/// What the functions of this crate give back.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` with its one-line `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same error, with what caused it.
    pub fn caused_by(
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
