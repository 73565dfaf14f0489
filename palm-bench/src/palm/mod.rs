//! PALM through its public API at its defaults, with all its rules on.

mod client;

use std::thread;

use palm_highlevel::{Call, Failure, standalone};

use crate::contender::{Addresses, Client, Contender};
use crate::error::{Attempt, Result};

/// The route of every task.
const FUNCTION: &str = "bench.echo";

/// A master, its workers and a client.
pub(crate) struct Palm;

impl Contender for Palm {
    fn name(&self) -> &'static str {
        "palm"
    }

    fn broker(
        &self,
        _workers: usize,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()> {
        let master = standalone::Master::new("bench")
            .bind("tcp://127.0.0.1:*")
            .attempt(|| "cannot start a master".to_owned())?;
        // Clients and workers come to the same address.
        announce(&Addresses {
            client: master.address().to_owned(),
            worker: master.address().to_owned(),
        })?;
        master
            .join()
            .attempt(|| "the master ended".to_owned())
            .map(drop)
    }

    fn worker(&self, address: &str) -> Result<()> {
        let worker = standalone::Worker::new(format!("worker-{}", std::process::id()))
            .function("echo", |call: &Call| {
                Ok::<_, Failure>(call.payload().clone())
            })
            .connect(address)
            .attempt(|| "cannot start a worker".to_owned())?;
        while !worker.is_finished() {
            thread::park();
        }
        Ok(())
    }

    fn client(&self, address: &str) -> Result<Box<dyn Client>> {
        Ok(Box::new(client::PalmClient::connect(address)?))
    }
}
