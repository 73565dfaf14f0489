//! The process that holds the contributions of the trades of one partition, and their sums.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use palm_core::{StopHandle, codec};
use palm_highlevel::{Call, Failure, PartitionId, Running, standalone};

use super::appraisal;
use crate::aggregation::{Completeness, Partition, Query};

/// A running aggregation worker.
#[derive(Debug)]
pub struct AggregationWorker {
    running: Running,
    owner: Arc<Owner>,
}

/// What an aggregation worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The trades that it holds, over all markets.
    pub held: Completeness,
    /// Queries that it answered.
    pub queries: u64,
}

/// Connects to the aggregation master at `master`, which may start later, and owns a partition
/// from then on.
///
/// # Errors
///
/// If the endpoint is none.
pub fn connect(master: &str) -> palm_highlevel::Result<AggregationWorker> {
    let owner = Arc::new(Owner::default());
    let (ingesting, asked) = (owner.clone(), owner.clone());
    let name = format!("aggregation-worker-{}", std::process::id());
    let running = standalone::Worker::new(name)
        .function("ingest", move |call: &Call| ingesting.ingest(call))
        .function("query", move |call: &Call| asked.query(call))
        .function("partition", |call: &Call| {
            Ok::<_, Failure>(codec::encode(&owned(call)?)?)
        })
        .connect(master)?;
    Ok(AggregationWorker { running, owner })
}

impl AggregationWorker {
    /// A handle that stops it from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.running.stop_handle()
    }

    /// Waits until it has been stopped.
    ///
    /// # Errors
    ///
    /// What made it end, if nobody stopped it.
    pub fn join(self) -> palm_highlevel::Result<Ledger> {
        self.running.join()?;
        Ok(Ledger {
            held: self.owner.partition().completeness(),
            queries: self.owner.queries.load(Ordering::Relaxed),
        })
    }
}

/// The state of the partition.
#[derive(Debug, Default)]
struct Owner {
    partition: Mutex<Partition>,
    queries: AtomicU64,
}

impl Owner {
    fn partition(&self) -> MutexGuard<'_, Partition> {
        self.partition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes contributions; what came with them for the client is the answer.
    fn ingest(&self, call: &Call) -> Result<Bytes, Failure> {
        let arrived = appraisal::unpack(call.payload())?;
        check(arrived.partition, owned(call)?)?;
        let Some(batch) = arrived.batch else {
            return Ok(arrived.returns);
        };
        let ingested = self
            .partition()
            .ingest(&batch)
            .map_err(|error| Failure::new(error.to_string()))?;
        for alarm in ingested.alarms {
            log::error!("{alarm}");
        }
        Ok(arrived.returns)
    }

    fn query(&self, call: &Call) -> Result<Vec<u8>, Failure> {
        let (to, query): (PartitionId, Query) = codec::decode(call.payload())?;
        check(to, owned(call)?)?;
        self.queries.fetch_add(1, Ordering::Relaxed);
        let answer = self
            .partition()
            .query(&query)
            .map_err(|error| Failure::new(error.to_string()))?;
        Ok(codec::encode(&answer)?)
    }
}

/// The partition that the worker of this call owns.
fn owned(call: &Call) -> Result<PartitionId, Failure> {
    call.partition()
        .ok_or_else(|| Failure::new("this aggregation worker owns no partition"))
}

/// Whether a client and the cluster mean the same partition.
fn check(meant: PartitionId, owned: PartitionId) -> Result<(), Failure> {
    if meant == owned {
        return Ok(());
    }
    Err(Failure::new(format!(
        "this is for partition {} of {}, and came to {} of {}: the aggregation master has been \
         started anew with another number of workers; submit the portfolio again",
        meant.number, meant.of, owned.number, owned.of
    )))
}
