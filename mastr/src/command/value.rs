//! `mastr value`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, Builder};

use clap::Args;

use super::input::Source;
use super::lifeline::{self, Supervision};
use super::report::Report;
use super::tally::Tally;
use super::{ALL_VALUED, CommandError, SOME_FAILED, address};
use crate::aggregation::{Query, QueryError};
use crate::client::count;
use crate::cluster::{Fate, Servers, Submission, Summary};
use crate::portfolio::{Entry, Portfolio};
use crate::results::{Folder, Rows};
use crate::time::Date;

/// So many bytes of rows are gathered before they are written.
const CHUNK: usize = 1 << 20;
/// So many windows of trades wait to be written.
const WINDOWS: usize = 64;

/// What became of some trades.
type Window<'p> = Vec<(&'p Entry, Fate)>;

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
        let stop = lifeline::hold(self.supervision, || ())?;
        let (portfolio, market, scenarios) = self.source.read()?;
        self.check_dimensions(&portfolio)?;
        let mut results = Results::create(&portfolio, self.output.as_deref())?;
        self.supervision.report(&Report::Submitting);
        let submission = Submission {
            portfolio: &portfolio,
            market: &market,
            scenarios,
            wants_valuations: self.output.is_some(),
        };
        let summary = self.submit(&submission, &mut results, &stop)?;
        results.finish()?.tell(&portfolio);
        let Summary {
            valued,
            failed,
            assignments,
            workers,
        } = summary;
        self.supervision
            .report(&Report::Valued(workers.into_iter().collect()));
        self.supervision.report(&Report::Did(format!(
            "submitted {} trades in {} assignments: {} valued, {} failed",
            count(valued + failed),
            count(assignments),
            count(valued),
            count(failed)
        )));
        Ok(if failed == 0 { ALL_VALUED } else { SOME_FAILED })
    }

    /// Whether every dimension that is going to be asked for is one of the portfolio: before it is
    /// valued for nothing.
    fn check_dimensions(&self, portfolio: &Portfolio) -> Result<(), CommandError> {
        let query = Query::parse(&self.by, "")?;
        let has = |name: &str| {
            let mut entries = portfolio.entries().iter();
            entries.any(|entry| !entry.dimension(name).is_empty())
        };
        let Some(name) = query.by.into_iter().find(|name| !has(name)) else {
            return Ok(());
        };
        let there = portfolio.dimensions().into_iter().map(str::to_owned);
        Err(QueryError::UnknownDimension {
            name,
            there: there.collect(),
        })?
    }

    fn submit(
        &self,
        submission: &Submission<'_>,
        results: &mut Results,
        stop: &AtomicBool,
    ) -> Result<Summary, CommandError> {
        let servers = Servers {
            valuation: self.connect.clone(),
            aggregation: self.aggregation.clone(),
        };
        // Writing takes about as long as the cluster takes, so it has a thread of its own.
        let (sender, receiver) = sync_channel(WINDOWS);
        thread::scope(|scope| {
            let writer = Builder::new()
                .name("results".to_owned())
                .spawn_scoped(scope, || results.take_all(receiver))
                .map_err(CommandError::Unwritable)?;
            let summary = submission.run(&servers, stop, &mut |window| {
                let gone = |_| io::ErrorKind::BrokenPipe.into();
                sender.send(window).map_err(gone)
            });
            drop(sender);
            match writer.join() {
                // It is what the submission ended of, if it did.
                Ok(written) => written.map_err(CommandError::Unwritable)?,
                // A bug: end as it would have ended without threads.
                Err(panic) => std::panic::resume_unwind(panic),
            }
            Ok(summary?)
        })
    }
}

/// What is kept of the results.
struct Results {
    as_of: Date,
    tally: Tally,
    rows: Rows,
    folder: Option<Folder>,
}

impl Results {
    fn create(portfolio: &Portfolio, output: Option<&Path>) -> Result<Self, CommandError> {
        let folder = output
            .map(|folder| Folder::create(folder, false))
            .transpose();
        Ok(Self {
            as_of: portfolio.as_of(),
            tally: Tally::default(),
            rows: Rows::new(portfolio.as_of(), portfolio.base()),
            folder: folder.map_err(CommandError::Unwritable)?,
        })
    }

    /// Takes in what became of all trades.
    fn take_all(&mut self, windows: Receiver<Window<'_>>) -> io::Result<()> {
        for (entry, fate) in windows.into_iter().flatten() {
            self.take(entry, fate)?;
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry, fate: Fate) -> io::Result<()> {
        match (&fate, entry.trade()) {
            (Err(reason), _) => self.tally.failed(entry.id(), reason),
            (Ok(_), Some(trade)) if trade.product.maturity() <= self.as_of => {
                self.tally.past(&trade.id);
            }
            _ => {}
        }
        if let (Some(folder), Some(fate)) = (&mut self.folder, fate.transpose()) {
            let outcome = fate.as_ref().map_err(|reason| &**reason);
            self.rows.push(entry, outcome);
            if self.rows.npv.len() + self.rows.sensitivity.len() > CHUNK {
                folder.write(&self.rows)?;
                self.rows.clear();
            }
        }
        Ok(())
    }

    /// Completes the files.
    fn finish(self) -> Result<Tally, CommandError> {
        if let Some(mut folder) = self.folder {
            folder
                .write(&self.rows)
                .and_then(|()| folder.finish())
                .map_err(CommandError::Unwritable)?;
        }
        Ok(self.tally)
    }
}
