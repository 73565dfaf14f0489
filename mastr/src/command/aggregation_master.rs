//! `mastr aggregation-master`.

use std::num::NonZeroU32;

use clap::Args;

use super::lifeline::{self, Supervision};
use super::report::Report;
use super::{ALL_VALUED, CommandError, address};
use crate::client::count;
use crate::cluster::aggregation_master;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where clients, aggregation workers and the valuation master find it; port `*` takes a free
    /// one
    #[arg(long, value_name = "ENDPOINT", default_value = address::AGGREGATION)]
    bind: String,
    /// How many aggregation workers share the trades; it waits for all of them
    #[arg(long, value_name = "N", default_value = "2")]
    aggregators: NonZeroU32,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let master = aggregation_master::bind(&self.bind, self.aggregators)?;
        let address = master.address().to_owned();
        let handle = master.stop_handle();
        lifeline::hold(self.supervision, move || handle.stop())?;
        self.supervision.report(&Report::Bound(address));
        let counts = master.join()?;
        let mut did = format!(
            "gave {} messages to the owners of {} partitions",
            count(counts.succeeded),
            self.aggregators
        );
        if counts.failed > 0 {
            did += &format!(", {} more failed", count(counts.failed));
        }
        self.supervision.did(did);
        Ok(ALL_VALUED)
    }
}
