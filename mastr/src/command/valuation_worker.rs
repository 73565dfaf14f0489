//! `mastr valuation-worker`.

use std::num::NonZeroU32;

use clap::Args;

use super::lifeline::{self, Supervision};
use super::report::Report;
use super::{ALL_VALUED, CommandError, address};
use crate::client::count;
use crate::cluster::valuation_worker;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The valuation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::VALUATION)]
    connect: String,
    /// Threads that value
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroU32,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let worker = valuation_worker::connect(&self.connect, self.threads)?;
        let handle = worker.stop_handle();
        lifeline::hold(self.supervision, move || handle.stop())?;
        let (trades, assignments) = worker.join()?;
        self.supervision.report(&Report::Worked(trades));
        self.supervision.did(format!(
            "valued {} trades in {} assignments",
            count(trades),
            count(assignments)
        ));
        Ok(ALL_VALUED)
    }
}
