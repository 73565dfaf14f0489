//! `mastr aggregation-worker`.

use clap::Args;

use super::lifeline::{self, Supervision};
use super::{ALL_VALUED, CommandError, address};
use crate::client::count;
use crate::cluster::aggregation_worker;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The aggregation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::AGGREGATION)]
    connect: String,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let worker = aggregation_worker::connect(&self.connect)?;
        let handle = worker.stop_handle();
        lifeline::hold(self.supervision, move || handle.stop())?;
        let ledger = worker.join()?;
        self.supervision.did(format!(
            "held {} trades: {} valued, {} failed; answered {} queries",
            count(ledger.held.of()),
            count(ledger.held.valued),
            count(ledger.held.failed),
            count(ledger.queries)
        ));
        Ok(ALL_VALUED)
    }
}
