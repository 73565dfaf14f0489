//! What is measured: a way to get tasks from a client through a broker to workers and back.

use crate::error::{Error, Result};
use crate::meter::Meter;
use crate::palm::Palm;
use crate::raw::Raw;

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

    /// Runs the broker: listens on loopback at free ports, gives the addresses to `announce`, and
    /// takes tasks from clients once `workers` workers have come.
    fn broker(
        &self,
        workers: usize,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()>;

    /// Runs a worker that echoes each task's payload.
    fn worker(&self, address: &str) -> Result<()>;

    /// Connects a client.
    fn client(&self, address: &str) -> Result<Box<dyn Client>>;
}

/// The client of a contender, in its own process.
pub(crate) trait Client {
    /// Sends tasks of `size` bytes, [`OUTSTANDING`] at a time, and counts their results on the
    /// meter until it has enough.
    fn throughput(&mut self, size: usize, meter: &mut Meter) -> Result<()>;

    /// Sends one task with this payload and waits for its result.
    fn round_trip(&mut self, payload: &[u8]) -> Result<()>;
}

/// All contenders. The first is the baseline that the ratios of the others refer to.
pub(crate) fn all() -> Vec<Box<dyn Contender>> {
    vec![Box::new(Raw), Box::new(Palm)]
}

/// Finds a contender by its name.
pub(crate) fn by_name(name: &str) -> Result<Box<dyn Contender>> {
    all()
        .into_iter()
        .find(|contender| contender.name() == name)
        .ok_or_else(|| Error::new(format!("there is no contender named {name}")))
}
