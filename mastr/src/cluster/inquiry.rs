//! Questions to all partitions.

use std::sync::atomic::AtomicBool;

use palm_core::codec;
use palm_highlevel::{Client, Job, PartitionId};

use super::{ClusterError, broken, next_ending, partitions};
use crate::aggregation::{Aggregate, PartialAggregate, Query};

/// A question that can be asked again and again.
#[derive(Debug)]
pub struct Inquiry {
    query: Query,
    partitions: u32,
    job: Job,
    /// Sends what the job submits, and ends with the inquiry.
    _client: Client,
}

impl Inquiry {
    /// Connects to the aggregation master at `endpoint`, and waits until its first worker is there
    /// or the process is to `stop`.
    ///
    /// # Errors
    ///
    /// If the endpoint is none or the cluster refuses; [`ClusterError::Stopped`].
    pub fn open(endpoint: &str, query: Query, stop: &AtomicBool) -> Result<Self, ClusterError> {
        let client = Client::connect(endpoint)?;
        Ok(Self {
            query,
            partitions: partitions(&client, endpoint, stop)?,
            job: client
                .job("aggregation.query")
                .map_err(ClusterError::Failed)?,
            _client: client,
        })
    }

    /// Asks all partitions, and waits for the last one's answer.
    ///
    /// # Errors
    ///
    /// If a partition is lost, or the question has no answer; [`ClusterError::Stopped`].
    pub fn ask(&mut self, stop: &AtomicBool) -> Result<Aggregate, ClusterError> {
        for number in 0..self.partitions {
            let partition = PartitionId {
                number,
                of: self.partitions,
            };
            let payload = codec::encode(&(partition, &self.query)).map_err(broken)?;
            self.job.submit(payload).map_err(ClusterError::Failed)?;
        }
        let mut answer = PartialAggregate::empty(self.query.clone());
        for _ in 0..self.partitions {
            let part = next_ending(&mut self.job, stop)?.map_err(ClusterError::Failed)?;
            answer.merge(codec::decode(&part).map_err(broken)?)?;
        }
        Ok(answer.finish()?)
    }
}
