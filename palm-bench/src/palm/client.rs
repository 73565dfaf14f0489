//! The client: a job with tasks in flight, or one call at a time.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use palm_highlevel::{Client as Connection, Ending};

use super::FUNCTION;
use crate::contender::{Client, Count, OUTSTANDING};
use crate::error::{Attempt, Error, Result};

/// A connection to the master.
pub(super) struct PalmClient(Connection);

impl PalmClient {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let connection =
            Connection::connect(address).attempt(|| format!("cannot connect to {address}"))?;
        Ok(Self(connection))
    }

    pub(super) fn connect_through(entry: &str, exit: &str) -> Result<Self> {
        let connection = Connection::connect_through(entry, exit)
            .attempt(|| format!("cannot connect to {entry} and {exit}"))?;
        Ok(Self(connection))
    }
}

impl Client for PalmClient {
    fn throughput(&mut self, size: usize, count: &mut Count<'_>) -> Result<()> {
        // Like the baseline's, all tasks have the same buffer.
        let payload = Bytes::from(black_box(vec![7; size]));
        let mut job = self
            .0
            .job(FUNCTION)
            .attempt(|| "cannot begin a job".to_owned())?;
        for _ in 0..OUTSTANDING {
            job.submit(payload.clone())
                .attempt(|| "cannot send a task".to_owned())?;
        }
        loop {
            let ending = job.next();
            check(ending, size)?;
            let mut results = 1;
            while let Some(ending) = job.try_next() {
                check(Some(ending), size)?;
                results += 1;
            }
            if !count(results, Instant::now()) {
                return Ok(());
            }
            for _ in 0..results {
                job.submit(payload.clone())
                    .attempt(|| "cannot send a task".to_owned())?;
            }
        }
    }

    fn round_trip(&mut self, payload: &[u8]) -> Result<()> {
        let result = self
            .0
            .call(FUNCTION, payload.to_vec())
            .attempt(|| "a task failed".to_owned())?;
        check_length(result.len(), payload.len())
    }
}

/// Makes sure that a result is a task's payload.
fn check(ending: Option<Ending>, size: usize) -> Result<()> {
    let ending = ending.ok_or_else(|| Error::new("a job ended before its tasks"))?;
    let result = ending.result.attempt(|| "a task failed".to_owned())?;
    check_length(result.len(), size)
}

fn check_length(length: usize, size: usize) -> Result<()> {
    if length == size {
        return Ok(());
    }
    Err(Error::new(format!(
        "a result has {length} bytes instead of {size}"
    )))
}
