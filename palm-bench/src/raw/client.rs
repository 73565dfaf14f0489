//! The client: keeps tasks in flight, or one at a time.

use std::hint::black_box;
use std::time::Instant;

use zmq::Socket;

use super::{DRAIN, connect, take, uninterrupted};
use crate::contender::{Client, Count, OUTSTANDING};
use crate::error::{Attempt, Error, Result};

/// A DEALER connected to the broker.
pub(super) struct RawClient(Socket);

impl RawClient {
    pub(super) fn connect(address: &str) -> Result<Self> {
        Ok(Self(connect(address)?))
    }

    fn submit(&self, payload: &[u8]) -> Result<()> {
        self.0
            .send(payload, 0)
            .attempt(|| "cannot send a task".to_owned())
    }

    /// Takes the results that are there, up to [`DRAIN`].
    fn results(&self, size: usize) -> Result<usize> {
        for taken in 0..DRAIN {
            match take(&self.0).attempt(|| "cannot receive a result".to_owned())? {
                Some(result) => check(&result, size)?,
                None => return Ok(taken),
            }
        }
        Ok(DRAIN)
    }
}

impl Client for RawClient {
    fn throughput(&mut self, size: usize, count: &mut Count<'_>) -> Result<()> {
        let payload = black_box(vec![7; size]);
        for _ in 0..OUTSTANDING {
            self.submit(&payload)?;
        }
        loop {
            uninterrupted(|| self.0.poll(zmq::POLLIN, -1))
                .attempt(|| "cannot wait for results".to_owned())?;
            let results = self.results(size)?;
            if !count(results, Instant::now()) {
                return Ok(());
            }
            for _ in 0..results {
                self.submit(&payload)?;
            }
        }
    }

    fn round_trip(&mut self, payload: &[u8]) -> Result<()> {
        self.submit(payload)?;
        let result = uninterrupted(|| self.0.recv_msg(0))
            .attempt(|| "cannot receive a result".to_owned())?;
        check(&result, payload.len())
    }
}

/// Makes sure that a result is a task's payload.
pub(super) fn check(result: &[u8], size: usize) -> Result<()> {
    if result.len() == size {
        return Ok(());
    }
    let length = result.len();
    Err(Error::new(format!(
        "a result has {length} bytes instead of {size}"
    )))
}
