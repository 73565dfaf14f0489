//! `mastr price`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;

use super::output::Listener;
use super::tally::Tally;
use super::{ALL_VALUED, CommandError, SOME_FAILED, input, output};
use crate::market::Market;
use crate::portfolio::{Entry, Portfolio};
use crate::results::{Folder, NPV_HEADER, Rows};
use crate::valuation::{explain, value};

/// So many trades are valued by a thread before it hands its rows over.
const CHUNK: usize = 4096;

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
    /// Threads that value
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
    /// Folder for npv.csv, sensitivity.csv and failed.csv; created if need be
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
        let market = input::market(&self.market, &portfolio)?;
        if let Some(fixings) = &self.fixings {
            input::fixings(fixings)?;
        }
        let entries = self.chosen(&portfolio)?;
        let mut folder = match &self.output {
            Some(folder) => Some(Folder::create(folder).map_err(CommandError::Unwritable)?),
            None => None,
        };
        let mut tally = Tally::default();
        // Once the reader of standard output has seen enough, the folder is still completed.
        let mut listener = Listener::new(folder.is_some());
        listener.write(NPV_HEADER.as_bytes())?;
        for batch in entries.chunks(self.threads.get().saturating_mul(CHUNK)) {
            for (rows, of_chunk) in price(batch, &market, &portfolio) {
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
        if self.explain {
            tell_explanation(entries[0], &market);
        }
        tally.tell(&portfolio);
        Ok(if tally.failed == 0 {
            ALL_VALUED
        } else {
            SOME_FAILED
        })
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

/// Values a batch, chunk by chunk, each on a thread of its own; rows come in the batch's order.
fn price(batch: &[&Entry], market: &Market, portfolio: &Portfolio) -> Vec<(Rows, Tally)> {
    let rows = || Rows::new(portfolio.as_of(), portfolio.base());
    if batch.len() <= CHUNK {
        return vec![price_chunk(batch, market, rows())];
    }
    thread::scope(|scope| {
        let chunks: Vec<_> = batch
            .chunks(CHUNK)
            .map(|chunk| (chunk, rows()))
            .map(|(chunk, rows)| scope.spawn(move || price_chunk(chunk, market, rows)))
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

fn price_chunk(chunk: &[&Entry], market: &Market, mut rows: Rows) -> (Rows, Tally) {
    let mut tally = Tally::default();
    for entry in chunk {
        match entry {
            Entry::Valid(trade) => match value(trade, market) {
                Ok(valuation) => {
                    if valuation.is_past() {
                        tally.past(&trade.id);
                    }
                    rows.push(entry, Ok(&valuation));
                }
                Err(fault) => {
                    tally.failed += 1;
                    rows.push(entry, Err(&fault.message));
                }
            },
            Entry::Rejected(rejected) => {
                tally.failed += 1;
                rows.push(entry, Err(&rejected.fault));
            }
        }
    }
    (rows, tally)
}

fn tell_explanation(entry: &Entry, market: &Market) {
    match entry {
        Entry::Valid(trade) => match explain(trade, market) {
            Ok(explanation) => output::show(&explanation),
            Err(fault) => output::tell(&fault),
        },
        Entry::Rejected(rejected) => output::tell(&rejected.fault),
    }
}
