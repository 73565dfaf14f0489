//! What became of a batch, and contradictions that it brought to light.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a partition did with the contributions of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingested {
    /// Contributions that changed what is held: new trades, newer versions, awaited results.
    pub applied: u64,
    /// Contributions that were held already.
    pub repeated: u64,
    /// Contributions of an older version than the one that is held.
    pub stale: u64,
    /// Contributions that contradict what is held.
    pub alarms: Vec<Alarm>,
}

/// A contribution that says something else of a trade's version than an earlier one did. The first
/// is kept. Valuation is a function of its inputs alone, so somebody who breaks that rule is at
/// fault: two trades of one id, or workers that are not the same program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The trade's id.
    pub trade: String,
    /// The version that has come twice.
    pub version: u64,
    /// What is not the same.
    pub differs: Difference,
}

/// In what two contributions of the same trade and version differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Difference {
    /// The values of the dimensions.
    Dimensions,
    /// The figures, the reason of the failure, or which of both there is.
    Outcome,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trade, version, .. } = self;
        let what = match self.differs {
            Difference::Dimensions => "other dimensions: the first are kept",
            Difference::Outcome => "another outcome: the first is kept",
        };
        write!(
            f,
            "trade `{trade}` version {version} came again with {what}"
        )
    }
}
