//! What a child process does.

use std::fmt;

/// The command that a child process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    ValuationMaster,
    ValuationWorker,
    AggregationMaster,
    AggregationWorker,
    Value,
    Aggregate,
}

impl Role {
    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ValuationMaster => "valuation-master",
            Self::ValuationWorker => "valuation-worker",
            Self::AggregationMaster => "aggregation-master",
            Self::AggregationWorker => "aggregation-worker",
            Self::Value => "value",
            Self::Aggregate => "aggregate",
        }
    }

    /// Whether others connect to it.
    pub(super) fn is_master(self) -> bool {
        matches!(self, Self::ValuationMaster | Self::AggregationMaster)
    }

    /// Whether it ends by itself, once everything is done.
    pub(super) fn is_client(self) -> bool {
        matches!(self, Self::Value | Self::Aggregate)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
