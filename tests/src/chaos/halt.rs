//! Why a run ends before its time.

use super::errand::MessageId;
use std::fmt;
use std::io;
use std::time::Duration;

/// Why a run ends before its time.
pub(super) enum Halt {
    /// A rule was broken.
    Violation(Violation),
    /// The system has refused something, which says nothing of the rules.
    Refused(io::Error),
}

/// A rule that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What is wrong.
    pub fault: Fault,
    /// The message that it is about, if it is about one.
    pub message: Option<MessageId>,
    /// What happened, in words.
    pub text: String,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message has not ended.
    Lost,
    /// A message has ended more than once.
    Duplicated,
    /// An ending that is not that of the message.
    Wrong,
    /// A message was given up that had killed nobody.
    Charged,
    /// A process has ended that nobody killed, or the cluster does not go on.
    Broken,
}

impl Violation {
    pub(super) fn of(fault: Fault, id: MessageId, text: impl Into<String>) -> Violation {
        Violation {
            fault,
            message: Some(id),
            text: text.into(),
        }
    }

    /// A violation that is of no message.
    pub(super) fn general(fault: Fault, text: impl Into<String>) -> Violation {
        Violation {
            fault,
            message: None,
            text: text.into(),
        }
    }

    pub(super) fn late(id: MessageId, after: Duration) -> Violation {
        let seconds = after.as_secs();
        Violation::of(
            Fault::Lost,
            id,
            format!("it has not ended after {seconds} s"),
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.fault {
            Fault::Lost => "lost",
            Fault::Duplicated => "duplicated",
            Fault::Wrong => "wrong",
            Fault::Charged => "charged wrongly",
            Fault::Broken => "broken",
        };
        match self.message {
            Some(id) => write!(f, "{what}: {id}: {}", self.text),
            None => write!(f, "{what}: {}", self.text),
        }
    }
}

impl From<Violation> for Halt {
    fn from(violation: Violation) -> Halt {
        Halt::Violation(violation)
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Halt {
        Halt::Refused(error)
    }
}
