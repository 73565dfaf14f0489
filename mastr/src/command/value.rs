//! `mastr value`.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder};
use std::time::Instant;

use clap::Args;

use super::input::Source;
use super::lifeline::{self, Supervision};
use super::report::Report;
use super::tally::Tally;
use super::{ALL_VALUED, CommandError, SOME_FAILED, address};
use crate::aggregation::{Query, QueryError};
use crate::client::{count, seconds};
use crate::cluster::{
    ClusterError, Ended, MarketText, Recipient, Servers, Submission, Summary, Trades,
};
use crate::portfolio::Currency;
use crate::results::Spool;
use crate::time::Date;

/// The results of so many assignments wait to be written.
const WAITING: usize = 16;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The valuation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::VALUATION)]
    connect: String,
    /// The aggregation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::AGGREGATION)]
    aggregation: String,
    /// Folder for npv.csv, sensitivity.csv and failed.csv; created if need be
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Dimensions that somebody is going to ask for
    #[arg(long, hide = true, default_value = "")]
    by: String,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let start = Instant::now();
        let stop = lifeline::hold(self.supervision, || ())?;
        let (trades, market, scenarios) = self.source.open()?;
        let summary = match self.submit(trades, &market, scenarios, &stop)? {
            Some(summary) => summary,
            // Nobody has heard of it. Read as a whole it tells its faults, unless they are gone by now.
            None => {
                let trades = Trades::Read(self.source.whole()?);
                let summary = self.submit(trades, &market, scenarios, &stop)?;
                summary
                    .ok_or_else(|| CommandError::Failed("the portfolio has changed".to_owned()))?
            }
        };
        let Summary {
            valued,
            failed,
            assignments,
            first,
            workers,
            ..
        } = summary;
        self.supervision
            .report(&Report::Valued(workers.into_iter().collect()));
        let mut did = format!(
            "submitted {} trades in {} assignments: {} valued, {} failed",
            count(valued + failed),
            count(assignments),
            count(valued),
            count(failed)
        );
        if let Some(first) = first {
            did += &format!("; first results after {}", seconds(first - start));
        }
        self.supervision.did(did);
        Ok(if failed == 0 { ALL_VALUED } else { SOME_FAILED })
    }

    /// Has trades valued, and writes what becomes of them; `None` if their file turns out to have faults.
    fn submit(
        &self,
        trades: Trades,
        market: &MarketText,
        scenarios: u32,
        stop: &AtomicBool,
    ) -> Result<Option<Summary>, CommandError> {
        let servers = Servers {
            valuation: self.connect.clone(),
            aggregation: self.aggregation.clone(),
        };
        let submission = Submission {
            market,
            scenarios,
            wants_valuations: self.output.is_some(),
        };
        let (as_of, base) = (trades.as_of(), trades.base());
        let mut results = Results::create(as_of, base, self.output.as_deref())?;
        // Writing takes about as long as the cluster takes, so it has a thread of its own.
        let (sender, receiver) = sync_channel(WAITING);
        let mut outlet = Outlet {
            by: Query::parse(&self.by, "")?.by,
            supervision: self.supervision,
            results: sender,
        };
        let submitted = thread::scope(|scope| {
            let writer = Builder::new()
                .name("results".to_owned())
                .spawn_scoped(scope, || results.take_all(receiver))
                .map_err(CommandError::Unwritable)?;
            let summary = submission.run(trades, &servers, stop, &mut outlet);
            drop(outlet);
            match writer.join() {
                // It is what the submission ended of, if it did.
                Ok(written) => written.map_err(CommandError::Unwritable)?,
                // A bug: end as it would have ended without threads.
                Err(panic) => std::panic::resume_unwind(panic),
            }
            match summary {
                Err(ClusterError::Faulty) => Ok(None),
                summary => Ok::<_, CommandError>(Some(summary?)),
            }
        });
        let Some(summary) = submitted? else {
            return Ok(None);
        };
        results.finish(&summary)?;
        Ok(Some(summary))
    }
}

/// Passes on what comes of a submission.
struct Outlet {
    /// Dimensions that somebody is going to ask for.
    by: Vec<String>,
    supervision: Supervision,
    results: SyncSender<Vec<Ended>>,
}

impl Recipient for Outlet {
    fn accept(&mut self, dimensions: &BTreeSet<String>) -> Result<(), ClusterError> {
        // Of a portfolio without trades anything may be asked.
        let unknown = self.by.iter().find(|name| !dimensions.contains(*name));
        if let Some(name) = unknown {
            return Err(ClusterError::Query(QueryError::UnknownDimension {
                name: name.clone(),
                there: dimensions.iter().cloned().collect(),
            }));
        }
        self.supervision.report(&Report::Submitting);
        Ok(())
    }

    fn take(&mut self, ended: Vec<Ended>) -> io::Result<()> {
        let gone = |_| io::ErrorKind::BrokenPipe.into();
        self.results.send(ended).map_err(gone)
    }
}

/// What is kept of the results.
struct Results {
    as_of: Date,
    tally: Tally,
    spool: Option<Spool>,
}

impl Results {
    fn create(as_of: Date, base: Currency, output: Option<&Path>) -> Result<Self, CommandError> {
        let spool = output.map(|folder| Spool::create(folder, as_of, base));
        Ok(Self {
            as_of,
            tally: Tally::default(),
            spool: spool.transpose().map_err(CommandError::Unwritable)?,
        })
    }

    /// Takes in what became of all trades.
    fn take_all(&mut self, results: Receiver<Vec<Ended>>) -> io::Result<()> {
        for ended in results.into_iter().flatten() {
            self.take(ended)?;
        }
        Ok(())
    }

    fn take(&mut self, ended: Ended) -> io::Result<()> {
        let Ended { place, entry, fate } = ended;
        match (&fate, entry.trade()) {
            (Err(reason), _) => self.tally.failed(entry.id(), reason),
            (Ok(_), Some(trade)) if trade.product.maturity() <= self.as_of => {
                self.tally.past(&trade.id);
            }
            _ => {}
        }
        if let (Some(spool), Some(fate)) = (&mut self.spool, fate.transpose()) {
            let outcome = fate.as_ref().map_err(|reason| &**reason);
            spool.push(place, &entry, outcome)?;
        }
        Ok(())
    }

    /// Completes the files, and tells what there is to tell.
    fn finish(self, summary: &Summary) -> Result<(), CommandError> {
        if let Some(spool) = self.spool {
            spool
                .finish(&summary.order)
                .map_err(CommandError::Unwritable)?;
        }
        self.tally.tell(self.as_of, summary.order.len());
        Ok(())
    }
}
