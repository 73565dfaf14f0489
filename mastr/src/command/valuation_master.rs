//! `mastr valuation-master`.

use clap::Args;

use super::lifeline::{self, Supervision};
use super::report::Report;
use super::{ALL_VALUED, CommandError, address};
use crate::client::count;
use crate::cluster::valuation_master;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where clients and valuation workers find it; port `*` takes a free one
    #[arg(long, value_name = "ENDPOINT", default_value = address::VALUATION)]
    bind: String,
    /// The aggregation master
    #[arg(long, value_name = "ENDPOINT", default_value = address::AGGREGATION)]
    next: String,
    #[command(flatten)]
    supervision: Supervision,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let master = valuation_master::bind(&self.bind, &self.next)?;
        let address = master.address().to_owned();
        let handle = master.stop_handle();
        lifeline::hold(self.supervision, move || handle.stop())?;
        self.supervision.report(&Report::Bound(address));
        let counts = master.join()?;
        let mut did = format!("passed on {} assignments", count(counts.succeeded));
        if counts.failed > 0 {
            did += &format!(", {} more failed", count(counts.failed));
        }
        if counts.requeued > 0 {
            did += &format!(", {} of them again", count(counts.requeued));
        }
        self.supervision.did(did);
        Ok(ALL_VALUED)
    }
}
