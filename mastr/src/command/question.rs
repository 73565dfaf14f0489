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
        Query::parse(&self.by, &self.measures)
            .map_err(|error| CommandError::Usage(error.to_string()))
    }

    /// The same as arguments of a command. In one piece, as a list may begin with a hyphen.
    pub(crate) fn arguments(&self) -> [OsString; 2] {
        [
            format!("--by={}", self.by).into(),
            format!("--measures={}", self.measures).into(),
        ]
    }
}
