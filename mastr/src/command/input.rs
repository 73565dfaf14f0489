//! Reading what a command is given.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;

use super::{CommandError, output};
use crate::aggregation::Query;
use crate::cluster::{MarketText, Trades};
use crate::market::{Fixings, Market, Quotes, Scenarios};
use crate::portfolio::{Arrivals, Portfolio};
use crate::sample;
use crate::time::Date;

/// A portfolio of this size has some three million trades.
const LARGEST_PORTFOLIO: u64 = 1 << 30;
/// Market, fixings and scenarios travel in one message of at most 256 MiB.
const LARGEST_TEXT: u64 = 64 << 20;

/// What a cluster is to value: files, or the sample that is built in.
#[derive(Clone, Debug, Args)]
pub(crate) struct Source {
    /// Portfolio, a JSON file; without it, a sample that is built in
    #[arg(long, value_name = "F", requires = "market")]
    pub(crate) portfolio: Option<PathBuf>,
    /// Market, a text file
    #[arg(long, value_name = "F")]
    pub(crate) market: Option<PathBuf>,
    /// Past fixings, a text file
    #[arg(long, value_name = "F")]
    pub(crate) fixings: Option<PathBuf>,
    /// Scenarios to value every trade in, a CSV file: a line of market keys, and a line for each
    /// scenario
    #[arg(long, value_name = "F")]
    pub(crate) scenarios: Option<PathBuf>,
    /// Value the sample in the scenarios that are built in
    #[arg(long, hide = true)]
    sample_scenarios: bool,
    /// Value the trades without faults; the others count as failed
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

impl Source {
    /// Whether every file is one and can be opened, before anything is started for it.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        for path in [
            &self.portfolio,
            &self.market,
            &self.fixings,
            &self.scenarios,
        ] {
            let Some(path) = path else { continue };
            let unreadable = |error| unreadable(path, error);
            let metadata = fs::metadata(path).map_err(unreadable)?;
            if metadata.is_dir() {
                return Err(unreadable(ErrorKind::IsADirectory.into()));
            }
            // A pipe can be opened once only, by whoever reads it.
            if metadata.is_file() {
                drop(fs::File::open(path).map_err(unreadable)?);
            }
        }
        Ok(())
    }

    /// The same as arguments of a command.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        for (name, path) in [
            ("--portfolio", &self.portfolio),
            ("--market", &self.market),
            ("--fixings", &self.fixings),
            ("--scenarios", &self.scenarios),
        ] {
            if let Some(path) = path {
                arguments.extend([name.into(), path.into()]);
            }
        }
        for (name, given) in [
            ("--sample-scenarios", self.sample_scenarios),
            ("--skip-invalid", self.skip_invalid),
        ] {
            arguments.extend(given.then(|| name.into()));
        }
        arguments
    }

    /// Provides for a question: measures of scenarios need some, and the sample has its own.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub(crate) fn suit(&mut self, query: &Query) -> Result<(), CommandError> {
        let is_sample = self.portfolio.is_none() && self.market.is_none();
        let Err(error) = query.needs_no_scenarios() else {
            return Ok(());
        };
        if self.scenarios.is_none() && !is_sample {
            return Err(error.into());
        }
        self.sample_scenarios = self.scenarios.is_none();
        Ok(())
    }

    /// Begins to read the portfolio, and reads and checks everything else; gives back the trades, their market
    /// and how many scenarios that has.
    pub(crate) fn open(&self) -> Result<(Trades, MarketText, u32), CommandError> {
        let trades = match &self.portfolio {
            None => Trades::Read(sample::portfolio()),
            Some(path) if self.skip_invalid => Trades::Read(portfolio(path, true)?),
            Some(path) => match arrivals(path)? {
                Some(arrivals) => Trades::Arriving(arrivals),
                None => Trades::Read(whole_portfolio(path, false)?),
            },
        };
        let (as_of, base) = (trades.as_of(), trades.base());
        let (market, quotes) = match &self.market {
            Some(path) => {
                let file = read(path, LARGEST_TEXT)?;
                let market = Market::new(&quotes(path, &file, as_of)?, base);
                (market, text(path, file)?)
            }
            None => (sample::market(), sample::MARKET.to_owned()),
        };
        let fixings = match &self.fixings {
            Some(path) => {
                let file = read(path, LARGEST_TEXT)?;
                parsed_fixings(path, &file)?;
                text(path, file)?
            }
            None if self.portfolio.is_none() => sample::FIXINGS.to_owned(),
            None => String::new(),
        };
        let (scenarios, count) = match &self.scenarios {
            Some(path) => {
                let file = read(path, LARGEST_TEXT)?;
                let count = parsed_scenarios(path, &file, &market)?.len();
                (text(path, file)?, count)
            }
            None if self.sample_scenarios => {
                (sample::SCENARIOS.to_owned(), sample::scenarios().len())
            }
            None => (String::new(), 0),
        };
        let market = MarketText::new(as_of, base, quotes, fixings).with_scenarios(scenarios);
        Ok((trades, market, count as u32))
    }

    /// Reads the portfolio as a whole, which tells its faults.
    pub(crate) fn whole(&self) -> Result<Portfolio, CommandError> {
        match &self.portfolio {
            Some(path) => whole_portfolio(path, self.skip_invalid),
            None => Ok(sample::portfolio()),
        }
    }
}

/// Reads a portfolio; faulty trades are refused unless they are to be skipped.
pub(crate) fn portfolio(path: &Path, skip_invalid: bool) -> Result<Portfolio, CommandError> {
    match arrivals(path)?.and_then(Portfolio::collect) {
        Some(portfolio) => Ok(portfolio),
        None => whole_portfolio(path, skip_invalid),
    }
}

/// Reads a portfolio of which it is to be told what is wrong with it.
fn whole_portfolio(path: &Path, skip_invalid: bool) -> Result<Portfolio, CommandError> {
    Portfolio::parse(&read(path, LARGEST_PORTFOLIO)?)
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

/// Has a portfolio read by as many threads as run at once; `None` of one that has to be read as a whole, or
/// can be read only once.
fn arrivals(path: &Path) -> Result<Option<Arrivals>, CommandError> {
    // To open a pipe is to begin to read it.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let (file, _) = open(path, LARGEST_PORTFOLIO)?;
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Arrivals::open(file, threads).map_err(|error| unreadable(path, error))
}

/// Reads the market that `portfolio` is valued with, and the fixings that are known.
pub(crate) fn market(
    path: &Path,
    fixings: Option<&Path>,
    portfolio: &Portfolio,
) -> Result<Market, CommandError> {
    let quotes = quotes(path, &read(path, LARGEST_TEXT)?, portfolio.as_of())?;
    let fixings = match fixings {
        Some(path) => parsed_fixings(path, &read(path, LARGEST_TEXT)?)?,
        None => Fixings::default(),
    };
    Ok(Market::with_fixings(&quotes, portfolio.base(), fixings))
}

/// Reads the scenarios of `market`.
pub(crate) fn scenarios(path: &Path, market: &Market) -> Result<Scenarios, CommandError> {
    parsed_scenarios(path, &read(path, LARGEST_TEXT)?, market)
}

fn parsed_scenarios(path: &Path, file: &[u8], market: &Market) -> Result<Scenarios, CommandError> {
    Scenarios::parse(file, market).map_err(|faults| CommandError::Faulty {
        path: path.to_owned(),
        faults,
    })
}

/// The quotes of a market file; tells of those that are of another day.
fn quotes(path: &Path, file: &[u8], as_of: Date) -> Result<Quotes, CommandError> {
    let quotes = Quotes::parse(file, as_of).map_err(|faults| CommandError::Faulty {
        path: path.to_owned(),
        faults,
    })?;
    if quotes.skipped() > 0 {
        output::tell(&format!(
            "{}: {} quotes of other days than {} are ignored",
            path.display(),
            quotes.skipped(),
            quotes.as_of()
        ));
    }
    Ok(quotes)
}

fn parsed_fixings(path: &Path, file: &[u8]) -> Result<Fixings, CommandError> {
    Fixings::parse(file).map_err(|faults| CommandError::Faulty {
        path: path.to_owned(),
        faults,
    })
}

/// Reads a file of at most so many bytes, without taking in more of a larger one.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, CommandError> {
    let (file, size) = open(path, most)?;
    let mut bytes = Vec::new();
    bytes.reserve_exact(size as usize + 1);
    // A pipe has no size, and a file may grow.
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > most {
        return Err(too_large(path, most));
    }
    Ok(bytes)
}

/// Opens a file of at most so many bytes; gives back how many it has.
fn open(path: &Path, most: u64) -> Result<(fs::File, u64), CommandError> {
    let file = fs::File::open(path).map_err(|error| unreadable(path, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
    if metadata.len() > most {
        return Err(too_large(path, most));
    }
    Ok((file, metadata.len()))
}

fn too_large(path: &Path, most: u64) -> CommandError {
    let message = format!(
        "more than {} MiB, the most that is read: split it",
        most >> 20
    );
    unreadable(path, io::Error::new(ErrorKind::FileTooLarge, message))
}

fn unreadable(path: &Path, error: io::Error) -> CommandError {
    CommandError::Unreadable {
        path: path.to_owned(),
        error,
    }
}

/// A file that has been read without faults, as text.
fn text(path: &Path, file: Vec<u8>) -> Result<String, CommandError> {
    String::from_utf8(file)
        .map_err(|error| unreadable(path, io::Error::new(ErrorKind::InvalidData, error)))
}
