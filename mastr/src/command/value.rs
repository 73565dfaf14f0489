//! `mastr value`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::input::Source;
use super::lifeline::{self, Supervision};
use super::report::Report;
use super::tally::Tally;
use super::{ALL_VALUED, CommandError, SOME_FAILED, address};
use crate::client::count;
use crate::cluster::{MarketText, Servers, Submission, Summary};
use crate::portfolio::Portfolio;
use crate::results::{Folder, Rows};

/// So many bytes of rows are gathered before they are written.
const CHUNK: usize = 1 << 20;

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
    /// The market server, which runs with the valuation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::MARKETS)]
    markets: String,
    /// Folder for npv.csv, sensitivity.csv and failed.csv; created if need be
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let stop = lifeline::hold(self.supervision, || ())?;
        let (portfolio, market) = self.source.read()?;
        let mut results = Results::create(&portfolio, self.output.as_deref())?;
        self.supervision.report(&Report::Submitting);
        let summary = self.submit(&portfolio, &market, &mut results, &stop)?;
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

    fn submit(
        &self,
        portfolio: &Portfolio,
        market: &MarketText,
        results: &mut Results,
        stop: &AtomicBool,
    ) -> Result<Summary, CommandError> {
        let submission = Submission {
            portfolio,
            market,
            wants_valuations: self.output.is_some(),
        };
        let servers = Servers {
            valuation: self.connect.clone(),
            aggregation: self.aggregation.clone(),
            markets: self.markets.clone(),
        };
        let as_of = portfolio.as_of();
        let summary = submission.run(&servers, stop, &mut |entry, fate| {
            match (&fate, entry.trade()) {
                (Err(_), _) => results.tally.failed += 1,
                (Ok(_), Some(trade)) if trade.product.maturity() <= as_of => {
                    results.tally.past(&trade.id);
                }
                _ => {}
            }
            if let (Some(folder), Some(fate)) = (&mut results.folder, fate.transpose()) {
                results.rows.push(entry, fate);
                if results.rows.npv.len() + results.rows.sensitivity.len() > CHUNK {
                    folder.write(&results.rows)?;
                    results.rows.clear();
                }
            }
            Ok(())
        })?;
        Ok(summary)
    }
}

/// What is kept of the results.
struct Results {
    tally: Tally,
    rows: Rows,
    folder: Option<Folder>,
}

impl Results {
    fn create(
        portfolio: &Portfolio,
        output: Option<&std::path::Path>,
    ) -> Result<Self, CommandError> {
        let folder = output.map(Folder::create).transpose();
        Ok(Self {
            tally: Tally::default(),
            rows: Rows::new(portfolio.as_of(), portfolio.base()),
            folder: folder.map_err(CommandError::Unwritable)?,
        })
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
