//! `mastr aggregate`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use super::lifeline::{self, Supervision};
use super::question::Question;
use super::report::Report;
use super::{ALL_VALUED, CommandError, SOME_FAILED, address};
use crate::aggregation::Aggregate;
use crate::client::{Display, count};
use crate::cluster::Inquiry;
use crate::results::TableFile;

/// Between an answer and the next question is at least this time …
const INTERVAL: Duration = Duration::from_millis(100);
/// … and, where answers take long, as much as they take, up to this.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The aggregation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::AGGREGATION)]
    connect: String,
    #[command(flatten)]
    question: Question,
    /// The market whose figures are asked for, as the table's last line calls it; needed only
    /// where there are several
    #[arg(long, value_name = "NAME")]
    market: Option<String>,
    /// Ask again and again until everything that was submitted is valued or has failed
    #[arg(long)]
    watch: bool,
    /// Folder for aggregate.csv; created if need be
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let mut query = self.question.query()?;
        query.market = self.market.clone();
        let stop = lifeline::hold(self.supervision, || ())?;
        let file = self.output.as_deref().map(TableFile::create).transpose();
        let file = file.map_err(CommandError::Unwritable)?;
        let mut inquiry = Inquiry::open(&self.connect, query, &stop)?;
        let (table, asked) = if self.watch {
            self.watch(&mut inquiry, &stop)?
        } else {
            let table = inquiry.ask(&stop)?;
            Display::new(Instant::now())
                .table(&table)
                .map_err(CommandError::Unwritable)?;
            (table, 1)
        };
        if let Some(file) = file {
            file.write(&table).map_err(CommandError::Unwritable)?;
        }
        if self.supervision.supervised {
            let did = format!("asked all partitions {} times", count(asked));
            self.supervision.did(did);
        }
        let completeness = table.total.completeness;
        let some_failed = completeness.is_complete() && completeness.failed > 0;
        Ok(if some_failed { SOME_FAILED } else { ALL_VALUED })
    }

    /// Asks until everything has ended; gives back the last answer and how often it asked.
    fn watch(
        &self,
        inquiry: &mut Inquiry,
        stop: &AtomicBool,
    ) -> Result<(Aggregate, u64), CommandError> {
        let mut display = Display::new(Instant::now());
        let mut last: Option<Aggregate> = None;
        for asked in 1.. {
            let start = Instant::now();
            let table = inquiry.ask(stop)?;
            let took = start.elapsed();
            let progress = table.total.completeness;
            let is_over = table.market.is_some() && progress.is_complete();
            if self.supervision.supervised {
                if last.as_ref() != Some(&table) {
                    self.supervision.report(&Report::Table(table.clone()));
                }
            } else if is_over {
                display
                    .finish(Instant::now(), progress, &table)
                    .map_err(CommandError::Unwritable)?;
            } else {
                display
                    .update(Instant::now(), progress, Some(&table))
                    .map_err(CommandError::Unwritable)?;
            }
            if is_over {
                return Ok((table, asked));
            }
            last = Some(table);
            let next = Instant::now() + took.clamp(INTERVAL, LONGEST_INTERVAL);
            while Instant::now() < next {
                if stop.load(Ordering::Relaxed) {
                    return Err(CommandError::Interrupted);
                }
                let left = next.saturating_duration_since(Instant::now());
                thread::sleep(left.min(INTERVAL));
            }
        }
        Err(CommandError::Interrupted)
    }
}
