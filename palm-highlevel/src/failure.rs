use palm_core::codec;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The ending of a message that did not succeed, as its client gets it.
///
/// ```
/// use palm_highlevel::{Failure, FailureKind};
/// let failure = Failure::new("no price for SP5");
/// assert_eq!(failure.kind, FailureKind::Function);
/// assert_eq!(failure.to_string(), "no price for SP5");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, in one line for people.
    pub message: String,
}

/// The kinds of [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FailureKind {
    /// The function said so.
    Function,
    /// The function panicked.
    Panic,
    /// No such function or server, or nowhere for the message to go on: servers lead in a circle, no
    /// filter takes its result, tees split it into too many branches, or split it in a job that was
    /// taken up with [`Client::resume`](crate::Client::resume).
    Unknown,
    /// It was executed too often without ending: each time its process died of it.
    DeadLetter,
    /// The function ran for longer than its lease without saying how far it is.
    Lease,
    /// A limit does not allow it.
    TooLarge,
    /// The partition that it belongs to has lost its worker.
    PartitionLost,
    /// The server has lost what the client had sent, or refuses it.
    Refused,
    /// Its deadline passed.
    Expired,
    /// Somebody cancelled it.
    Cancelled,
}

impl Failure {
    /// What a function gives back when it can't do its work.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure::of(FailureKind::Function, message)
    }

    /// A failure of another kind.
    pub fn of(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
        }
    }

    /// The failure as the payload of an ending.
    pub(crate) fn encode(&self) -> bytes::Bytes {
        // Two fields that always encode.
        codec::encode(self).unwrap_or_default().into()
    }

    /// The failure that a payload holds, or one that says that it holds none.
    pub(crate) fn decode(payload: &[u8]) -> Failure {
        codec::decode(payload).unwrap_or_else(|error| {
            Failure::new(format!("it failed, and its reason can't be read: {error}"))
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<palm_core::Error> for Failure {
    fn from(error: palm_core::Error) -> Failure {
        Failure::new(error.to_string())
    }
}
