//! mastr on a cluster: what travels between its processes, and what each of them does.
//!
//! ```text
//! Submission ─▶ valuation master ─────────────▶ aggregation master ◀─▶ Inquiry
//!     │            │ "valuation.value"              │ "aggregation.ingest", "aggregation.query"
//!     │            ▼ any free worker                ▼ the worker that owns the partition
//!     │         valuation workers ◀─┐            aggregation workers
//!     └─ market once ──▶ the valuation master's cache
//! ```
//!
//! A [`Submission`] tells the aggregation workers which trades to expect and sends
//! [`Assignment`]s, each of trades of one partition, along the whole chain. A valuation worker
//! makes an appraisal of an assignment; the aggregation worker that owns the partition takes
//! the contributions out of it and returns the rest, the [`Returns`], to the client. An
//! [`Inquiry`] asks all partitions and merges what they answer.
//!
//! The roles stand together here, beside the stages of the flow that they call, because what one
//! of them writes the next one reads.
//!
//! Invariant: everything that is sent to an aggregation master begins with the partition it is
//! for, so that the master needs to know nothing else of it.

pub mod aggregation_master;
pub mod aggregation_worker;
mod appraisal;
mod assignment;
mod backlog;
mod error;
mod inquiry;
mod market_cache;
mod market_shelf;
mod market_text;
mod packer;
mod simulations;
mod submission;
mod under_way;
pub mod valuation_master;
pub mod valuation_worker;

pub use appraisal::Returns;
pub use assignment::Assignment;
pub use error::ClusterError;
pub use inquiry::Inquiry;
pub use market_text::MarketText;
pub use submission::{Ended, Fate, Recipient, Submission, Summary, Trades, Work};

#[cfg(test)]
mod fatal_trade;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use palm_highlevel::{Client, Failure, Job, PartitionId};

/// Where the servers of a cluster are bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// The valuation master.
    pub valuation: String,
    /// The aggregation master.
    pub aggregation: String,
}

/// How long a client waits before it looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(50);
/// How long it waits for the first answer before it says so.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits for the next ending of `job`, unless the process is to `stop`.
fn next_ending(
    job: &mut Job,
    stop: &AtomicBool,
) -> Result<Result<bytes::Bytes, Failure>, ClusterError> {
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(ClusterError::Stopped);
        }
        if let Some(ending) = job.next_timeout(GLANCE) {
            return Ok(ending.result);
        }
    }
}

/// Calls one function of one message, unless the process is to `stop`. Tells if there is nobody at
/// `endpoint` for a while: it may be the wrong one.
fn call(
    client: &Client,
    endpoint: &str,
    function: &str,
    payload: Vec<u8>,
    stop: &AtomicBool,
) -> Result<bytes::Bytes, ClusterError> {
    let mut job = client.job(function).map_err(ClusterError::Failed)?;
    job.submit(payload).map_err(ClusterError::Failed)?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if stop.load(Ordering::Relaxed) {
            return Err(ClusterError::Stopped);
        }
        if let Some(ending) = job.next_timeout(GLANCE) {
            return ending.result.map_err(ClusterError::Failed);
        }
    }
    log::warn!("nobody answers `{function}` at {endpoint} yet: waiting");
    next_ending(&mut job, stop)?.map_err(ClusterError::Failed)
}

/// How many partitions the cluster behind the aggregation master has: its first one knows.
fn partitions(client: &Client, endpoint: &str, stop: &AtomicBool) -> Result<u32, ClusterError> {
    // The owner of the first partition is asked, whatever their number.
    let anyone = PartitionId { number: 0, of: 0 };
    let payload = palm_core::codec::encode(&anyone).map_err(broken)?;
    let answer = call(client, endpoint, "aggregation.partition", payload, stop)?;
    let partition: PartitionId = palm_core::codec::decode(&answer).map_err(broken)?;
    if partition.of == 0 {
        return Err(broken("an aggregation worker says that there are none"));
    }
    Ok(partition.of)
}

/// What cannot be unless somebody runs another version of mastr.
fn broken(what: impl Display) -> ClusterError {
    ClusterError::Failed(Failure::new(what.to_string()))
}
