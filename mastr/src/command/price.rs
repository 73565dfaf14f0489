//! `mastr price`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;

use super::output::Listener;
use super::tally::Tally;
use super::{CommandError, input, output};
use crate::market::{Market, Scenarios};
use crate::portfolio::{Entry, Portfolio};
use crate::results::{Folder, NPV_HEADER, Rows};
use crate::valuation::{Valuation, explain, profit_and_loss, value};

/// A thread values at most so many trades before it hands its rows over …
const LARGEST_CHUNK: usize = 4096;
/// … and, where there are many scenarios, so many times any of them.
const LARGEST_WORK: usize = 1 << 18;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Portfolio, a JSON file
    #[arg(long, value_name = "F")]
    portfolio: PathBuf,
    /// Market, a text file
    #[arg(long, value_name = "F")]
    market: PathBuf,
    /// Past fixings, a text file
    #[arg(long, value_name = "F")]
    fixings: Option<PathBuf>,
    /// Scenarios to value every trade in, a CSV file: a line of market keys, and a line for each
    /// scenario
    #[arg(long, value_name = "F")]
    scenarios: Option<PathBuf>,
    /// Threads that value
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
    /// Folder for npv.csv, sensitivity.csv, failed.csv and, with scenarios, pnl.csv; created if need
    /// be
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Value the trades without faults; the others count as failed
    #[arg(long)]
    skip_invalid: bool,
    /// Value this trade only
    #[arg(long, value_name = "ID")]
    trade: Option<String>,
    /// Tell on standard error how the trade's value comes about
    #[arg(long, requires = "trade")]
    explain: bool,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let portfolio = input::portfolio(&self.portfolio, self.skip_invalid)?;
        let market = input::market(&self.market, self.fixings.as_deref(), &portfolio)?;
        let scenarios = match &self.scenarios {
            Some(path) => input::scenarios(path, &market)?,
            None => Scenarios::default(),
        };
        let entries = self.chosen(&portfolio)?;
        let folder = self.output.as_deref();
        let folder = folder.map(|folder| Folder::create(folder, !scenarios.is_empty()));
        let mut folder = folder.transpose().map_err(CommandError::Unwritable)?;
        let mut tally = Tally::default();
        // Once the reader of standard output has seen enough, the folder is still completed.
        let mut listener = Listener::new(folder.is_some());
        listener.write(NPV_HEADER.as_bytes())?;
        let pricing = Pricing {
            portfolio: &portfolio,
            market: &market,
            scenarios: &scenarios,
            wants_pnl: folder.is_some() && !scenarios.is_empty(),
        };
        for batch in entries.chunks(self.threads.get().saturating_mul(pricing.chunk())) {
            for (rows, of_chunk) in pricing.price(batch) {
                tally.add(of_chunk);
                if let Some(folder) = &mut folder {
                    folder.write(&rows).map_err(CommandError::Unwritable)?;
                }
                listener.write(&rows.npv)?;
            }
        }
        if let Some(folder) = folder {
            folder.finish().map_err(CommandError::Unwritable)?;
        }
        // Why it has none is told with the others.
        if self.explain
            && let Some(trade) = entries[0].trade()
            && let Ok(explanation) = explain(trade, &market)
        {
            output::show(&explanation);
        }
        tally.tell(portfolio.as_of(), portfolio.entries().len());
        Ok(tally.status())
    }

    /// The entries asked for, by id.
    fn chosen<'p>(&self, portfolio: &'p Portfolio) -> Result<Vec<&'p Entry>, CommandError> {
        let Some(id) = &self.trade else {
            return Ok(portfolio.by_id());
        };
        let entry = portfolio.entries().iter().find(|entry| entry.id() == id);
        entry.map(|entry| vec![entry]).ok_or_else(|| {
            let file = self.portfolio.display();
            CommandError::Usage(format!("{file} has no trade \"{id}\": see --trade"))
        })
    }
}

/// What trades are valued with, and how.
struct Pricing<'p> {
    portfolio: &'p Portfolio,
    market: &'p Market,
    scenarios: &'p Scenarios,
    /// Whether the rows of P&L vectors are wanted.
    wants_pnl: bool,
}

impl Pricing<'_> {
    /// So many trades are valued by a thread before it hands its rows over.
    fn chunk(&self) -> usize {
        (LARGEST_WORK / (1 + self.scenarios.len())).clamp(1, LARGEST_CHUNK)
    }

    /// Values a batch, chunk by chunk, each on a thread of its own; rows come in the batch's order.
    fn price(&self, batch: &[&Entry]) -> Vec<(Rows, Tally)> {
        if batch.len() <= self.chunk() {
            return vec![self.price_chunk(batch)];
        }
        thread::scope(|scope| {
            let chunks: Vec<_> = batch
                .chunks(self.chunk())
                .map(|chunk| scope.spawn(move || self.price_chunk(chunk)))
                .collect();
            chunks
                .into_iter()
                .map(|chunk| match chunk.join() {
                    Ok(done) => done,
                    // A bug: end as it would have ended without threads.
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        })
    }

    fn price_chunk(&self, chunk: &[&Entry]) -> (Rows, Tally) {
        let mut rows = Rows::new(self.portfolio.as_of(), self.portfolio.base());
        let mut tally = Tally::default();
        for entry in chunk {
            match self.value(entry) {
                Ok((valuation, pnl)) => {
                    if valuation.is_past() {
                        tally.past(entry.id());
                    }
                    rows.push(entry, Ok(&valuation));
                    if self.wants_pnl {
                        rows.push_pnl(entry, self.scenarios, &pnl);
                    }
                }
                Err(fault) => {
                    tally.failed(entry.id(), &fault);
                    rows.push(entry, Err(&fault));
                }
            }
        }
        (rows, tally)
    }

    /// What `entry` is worth, and its P&L vector; or why it has no value.
    fn value(&self, entry: &Entry) -> Result<(Valuation, Box<[f64]>), String> {
        match entry {
            Entry::Valid(trade) => value(trade, self.market)
                .and_then(|valuation| {
                    let pnl = profit_and_loss(trade, &valuation, self.scenarios)?;
                    Ok((valuation, pnl))
                })
                .map_err(|fault| fault.message),
            Entry::Rejected(rejected) => Err(rejected.fault.clone()),
        }
    }
}
