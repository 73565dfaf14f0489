//! What is asked of the aggregation, on the command line.

use std::ffi::OsString;

use clap::Args;

use super::CommandError;
use crate::aggregation::Query;

/// The dimensions and measures of the table.
#[derive(Clone, Debug, Args)]
pub(crate) struct Question {
    /// Dimensions to group by, separated by commas: TradeType, Currency, TradeId, or what trades
    /// are filed under
    #[arg(long, value_name = "DIMENSIONS", default_value = "Desk")]
    by: String,
    /// Measures, separated by commas: npv, the greeks, count; of scenarios var:LEVEL, es:LEVEL and
    /// quantile:P
    #[arg(long, value_name = "MEASURES", default_value = "npv,delta,vega,count")]
    measures: String,
}

impl Question {
    /// The question for the partitions.
    pub(crate) fn query(&self) -> Result<Query, CommandError> {
        Ok(Query::parse(&self.by, &self.measures)?)
    }

    /// The dimensions as an argument of a command, in one piece, as a list may begin with a hyphen.
    pub(crate) fn by(&self) -> OsString {
        format!("--by={}", self.by).into()
    }

    /// All of it as arguments of a command.
    pub(crate) fn arguments(&self) -> [OsString; 2] {
        [self.by(), format!("--measures={}", self.measures).into()]
    }
}
