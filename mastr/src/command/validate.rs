//! `mastr validate`.

use std::path::PathBuf;

use clap::Args;

use super::{ALL_VALUED, CommandError, input, output};
use crate::fault::Faults;
use crate::market::Market;
use crate::portfolio::Portfolio;
use crate::valuation::value;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Portfolio, a JSON file
    #[arg(long, value_name = "F")]
    portfolio: PathBuf,
    /// Market to look every trade up in, a text file
    #[arg(long, value_name = "F")]
    market: Option<PathBuf>,
    /// Past fixings, a text file
    #[arg(long, value_name = "F", requires = "market")]
    fixings: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let portfolio = input::portfolio(&self.portfolio, false)?;
        let mut report = what_is_there(&portfolio);
        if let Some(path) = self.market {
            let market = input::market(&path, self.fixings.as_deref(), &portfolio)?;
            lacking(&portfolio, &market)
                .or(())
                .map_err(|faults| CommandError::Faulty { path, faults })?;
            report.push_str("every trade can be valued with this market\n");
        }
        output::print(report.as_bytes())?;
        Ok(ALL_VALUED)
    }
}

fn what_is_there(portfolio: &Portfolio) -> String {
    let mut report = String::new();
    for (trade_type, count) in portfolio.counts() {
        report.push_str(&format!("{count:>9} {trade_type}\n"));
    }
    let total = portfolio.entries().len();
    report.push_str(&format!(
        "{total:>9} trades as of {} in {}\n",
        portfolio.as_of(),
        portfolio.base()
    ));
    report
}

/// What the market lacks, trade by trade.
fn lacking(portfolio: &Portfolio, market: &Market) -> Faults {
    let mut faults = Faults::new();
    for trade in portfolio.trades() {
        if let Err(fault) = value(trade, market) {
            faults.push(fault);
        }
    }
    faults
}
