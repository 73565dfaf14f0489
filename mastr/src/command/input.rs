//! Reading what a command is given.

use std::fs;
use std::path::Path;

use super::{CommandError, output};
use crate::market::{Fixings, Market, Quotes};
use crate::portfolio::Portfolio;

/// Reads a portfolio; faulty trades are refused unless they are to be skipped.
pub(crate) fn portfolio(path: &Path, skip_invalid: bool) -> Result<Portfolio, CommandError> {
    Portfolio::parse(&read(path)?)
        .and_then(|portfolio| {
            if skip_invalid {
                Ok(portfolio)
            } else {
                portfolio.without_faults()
            }
        })
        .map_err(|faults| CommandError::Faulty {
            path: path.to_owned(),
            faults,
        })
}

/// Reads the market that `portfolio` is valued with.
pub(crate) fn market(path: &Path, portfolio: &Portfolio) -> Result<Market, CommandError> {
    let quotes = Quotes::parse(&read(path)?, portfolio.as_of());
    match quotes {
        Ok(quotes) => {
            if quotes.skipped() > 0 {
                output::tell(&format!(
                    "{}: {} quotes of other days than {} are ignored",
                    path.display(),
                    quotes.skipped(),
                    quotes.as_of()
                ));
            }
            Ok(Market::new(&quotes, portfolio.base()))
        }
        Err(faults) => Err(CommandError::Faulty {
            path: path.to_owned(),
            faults,
        }),
    }
}

/// Reads past fixings.
pub(crate) fn fixings(path: &Path) -> Result<Fixings, CommandError> {
    Fixings::parse(&read(path)?).map_err(|faults| CommandError::Faulty {
        path: path.to_owned(),
        faults,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|error| CommandError::Unreadable {
        path: path.to_owned(),
        error,
    })
}
