use std::fmt;

/// Names a log within a store. The engine chooses it and keeps what it stands for as an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u64);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log {}", self.0)
    }
}

/// How far a log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogState {
    /// Which log.
    pub id: LogId,
    /// The highest number ever appended. The next group begins right after it, even when all that
    /// was appended is done and trimmed.
    pub last: u64,
    /// Everything up to this number was trimmed; 0 if nothing was.
    pub trimmed: u64,
}
