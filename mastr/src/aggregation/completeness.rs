//! How much of what is expected has arrived.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aggregation::Outcome;

/// How many trades are valued, failed and pending.
///
/// Its text is the label of every figure; a partial one says so.
///
/// ```
/// use mastr::aggregation::Completeness;
///
/// let part = Completeness { valued: 120, failed: 0, pending: 80 };
/// assert_eq!(part.to_string(), "partial: 120 of 200 valued");
/// let whole = Completeness { valued: 198, failed: 2, pending: 0 };
/// assert_eq!(whole.to_string(), "complete: 198 of 200 valued, 2 failed");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// Trades with a value.
    pub valued: u64,
    /// Trades that have none and will get none, for a known reason.
    pub failed: u64,
    /// Trades that are submitted and have not ended yet.
    pub pending: u64,
}

impl Completeness {
    /// How many trades there are in all.
    pub fn of(&self) -> u64 {
        self.ended().saturating_add(self.pending)
    }

    /// How many trades are valued or failed.
    pub fn ended(&self) -> u64 {
        self.valued.saturating_add(self.failed)
    }

    /// Whether nothing is pending.
    pub fn is_complete(&self) -> bool {
        self.pending == 0
    }

    /// The count that a trade of this outcome is in.
    pub(crate) fn counter<R>(&mut self, outcome: &Outcome<R>) -> &mut u64 {
        match outcome {
            Outcome::Expected => &mut self.pending,
            Outcome::Valued(_) => &mut self.valued,
            Outcome::Failed(_) => &mut self.failed,
        }
    }

    /// Adds another's counts.
    pub(crate) fn add(&mut self, other: Self) {
        // The counts of a foreign process may be anything; they must not end this one.
        self.valued = self.valued.saturating_add(other.valued);
        self.failed = self.failed.saturating_add(other.failed);
        self.pending = self.pending.saturating_add(other.pending);
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_complete() {
            "complete"
        } else {
            "partial"
        };
        write!(f, "{state}: {} of {} valued", self.valued, self.of())?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        Ok(())
    }
}
