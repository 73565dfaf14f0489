//! A portfolio on its way through the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use palm_highlevel::Client;
use serde::{Deserialize, Serialize};

use super::under_way::UnderWay;
use super::{ClusterError, MarketText, Servers, market_shelf, partitions};
use crate::portfolio::{Arrivals, Currency, Entry, Portfolio};
use crate::time::Date;
use crate::valuation::Valuation;

/// The trades that are submitted.
#[derive(Debug)]
pub enum Trades {
    /// Those of a file that is being read.
    Arriving(Arrivals),
    /// Those of a portfolio; elements with faults count as failed.
    Read(Portfolio),
}

/// How a portfolio is to be valued by a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'m> {
    /// The market, with its scenarios.
    pub market: &'m MarketText,
    /// How many scenarios it has.
    pub scenarios: u32,
    /// Whether every single value is to come back.
    pub wants_valuations: bool,
}

/// Takes what comes of a submission.
pub trait Recipient {
    /// All trades are known and none has a fault, or those that have are to count as failed; these are their
    /// dimensions. Before that nobody hears of the portfolio.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way of going on.
    fn accept(&mut self, dimensions: &BTreeSet<String>) -> Result<(), ClusterError>;

    /// What became of some trades, in no order; it may be told before the portfolio is accepted.
    ///
    /// # Errors
    ///
    /// If it cannot be kept.
    fn take(&mut self, ended: Vec<Ended>) -> io::Result<()>;
}

/// A trade that has been valued or has failed.
#[derive(Debug)]
pub struct Ended {
    /// Its place in the portfolio.
    pub place: u32,
    /// The trade.
    pub entry: Entry,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a trade: its value (`None` if values are not wanted), or why it has none.
pub type Fate = Result<Option<Valuation>, String>;

/// What became of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many trades have a value.
    pub valued: u64,
    /// How many have none.
    pub failed: u64,
    /// In how many assignments they travelled.
    pub assignments: u64,
    /// When the first of them came back.
    pub first: Option<Instant>,
    /// The places of the trades in the order of their ids.
    pub order: Vec<u32>,
    /// What each process has done, by its id: exactly what counts.
    pub workers: BTreeMap<u32, Work>,
}

/// What of a submission one process has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// How many trades it has valued, or tried to.
    pub trades: u64,
    /// How many paths it has simulated.
    pub paths: u64,
    /// How long it took.
    pub busy: Duration,
    /// When its last results came, counted from the submission.
    pub last: Duration,
}

impl Trades {
    /// The day everything is valued as of.
    pub fn as_of(&self) -> Date {
        match self {
            Self::Arriving(arrivals) => arrivals.as_of(),
            Self::Read(portfolio) => portfolio.as_of(),
        }
    }

    /// The currency everything is added up in.
    pub fn base(&self) -> Currency {
        match self {
            Self::Arriving(arrivals) => arrivals.base(),
            Self::Read(portfolio) => portfolio.base(),
        }
    }
}

impl Submission<'_> {
    /// Has trades valued and their contributions aggregated.
    ///
    /// Those of a file are valued as soon as they are read. What they contribute comes back here until the
    /// whole file is known to have no faults: before that, nothing of it is aggregated.
    ///
    /// It waits for whatever is not there yet: servers, workers. A valuation worker that dies
    /// costs time. A trade that no worker survives counts as failed.
    ///
    /// # Errors
    ///
    /// If an endpoint is none, an aggregation worker is lost, the cluster refuses, or the recipient does;
    /// [`ClusterError::Faulty`] if the file has faults, and [`ClusterError::Stopped`] if the process is to
    /// `stop`.
    pub fn run(
        &self,
        trades: Trades,
        servers: &Servers,
        stop: &AtomicBool,
        recipient: &mut dyn Recipient,
    ) -> Result<Summary, ClusterError> {
        let aggregation = Client::connect(&servers.aggregation)?;
        let valuation = Client::connect_through(&servers.valuation, &servers.aggregation)?;
        let master = Client::connect(&servers.valuation)?;
        let partitions = partitions(&aggregation, &servers.aggregation, stop)?;
        market_shelf::put(&master, &servers.valuation, self.market, stop)?;
        let mut under_way = UnderWay::new(self, partitions, &aggregation, &valuation)?;
        match trades {
            Trades::Arriving(arrivals) => under_way.read(arrivals),
            Trades::Read(portfolio) => under_way.add_all(portfolio.into_entries())?,
        }
        under_way.finish(stop, recipient)
    }
}
