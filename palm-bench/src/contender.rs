//! What is measured: a way to get tasks from a client through a broker to workers and back.

use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::palm::Palm;
use crate::raw::Raw;
use crate::shape;

/// Tasks that a client keeps in flight when throughput is measured.
pub(crate) const OUTSTANDING: usize = 1_000;

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// The endpoint for clients.
    pub(crate) client: String,
    /// The endpoint for workers.
    pub(crate) worker: String,
}

/// The three roles of a contender. Each runs in a process of its own, which is ended from outside.
pub(crate) trait Contender {
    /// The first word of its lines in the report.
    fn name(&self) -> &'static str;

    /// The name of the contender that its figures are also given as a ratio to, beside the baseline.
    fn beside(&self) -> Option<&'static str> {
        None
    }

    /// Runs the broker: listens on loopback at free ports, gives the addresses to `announce`, and
    /// takes tasks from clients once `workers` workers have come. What it keeps on disk is in
    /// `folder`, which is its own.
    fn broker(
        &self,
        workers: usize,
        folder: &Path,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()>;

    /// Runs a worker that echoes each task's payload.
    fn worker(&self, address: &str) -> Result<()>;

    /// Connects a client.
    fn client(&self, address: &str) -> Result<Box<dyn Client>>;
}

/// The client of a contender, in its own process.
pub(crate) trait Client {
    /// Sends tasks of `size` bytes, [`OUTSTANDING`] at a time, and tells `count` how many results
    /// have come, and when, until it wants no more.
    fn throughput(&mut self, size: usize, count: &mut Count<'_>) -> Result<()>;

    /// Sends one task with this payload and waits for its result.
    fn round_trip(&mut self, payload: &[u8]) -> Result<()>;
}

/// Takes the number of results that came last and the time; tells whether more are wanted.
pub(crate) type Count<'a> = dyn FnMut(usize, Instant) -> bool + 'a;

/// All contenders. The first is the baseline that the ratios of the others refer to.
pub(crate) fn all() -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(Raw),
        Box::new(Palm::IN_MEMORY),
        Box::new(Palm::DURABLE),
    ]
}

/// Finds a contender by its name.
pub(crate) fn by_name(name: &str) -> Result<Box<dyn Contender>> {
    all()
        .into_iter()
        .chain(shape::contenders())
        .find(|contender| contender.name() == name)
        .ok_or_else(|| Error::new(format!("there is no contender named {name}")))
}
