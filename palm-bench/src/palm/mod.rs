//! PALM through its public API at its defaults, with all its rules on; with a store on disk and
//! without.

mod client;
mod shape;

pub(crate) use shape::PalmShape;

use std::path::Path;
use std::thread;

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::{Call, Failure, standalone};
use palm_persist::SledStore;

use crate::contender::{Addresses, Client, Contender};
use crate::error::{Attempt, Result};

/// The route of every task.
pub(crate) const FUNCTION: &str = "bench.echo";

/// The route of a message that is scattered, into how many pieces, of how many bytes.
pub(crate) const SCATTER: &str = "bench.scatter";
pub(crate) const PIECES: usize = 1_000;
pub(crate) const SIZE: usize = 100;

/// A master, its workers and a client.
pub(crate) struct Palm {
    /// Whether the master has a store on disk.
    durable: bool,
}

impl Palm {
    pub(crate) const IN_MEMORY: Palm = Palm { durable: false };
    pub(crate) const DURABLE: Palm = Palm { durable: true };
}

impl Contender for Palm {
    fn name(&self) -> &'static str {
        if self.durable { "palm-durable" } else { "palm" }
    }

    fn beside(&self) -> Option<&'static str> {
        self.durable.then_some(Self::IN_MEMORY.name())
    }

    fn broker(
        &self,
        _workers: usize,
        folder: &Path,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()> {
        let mut master = standalone::Master::new("bench")
            .scatter("scatter", "echo", |_: &Call| {
                let piece = Bytes::from(vec![7; SIZE]);
                Ok::<_, Failure>(vec![piece; PIECES])
            })
            .gather("scatter", |_: &Call, pieces| {
                let bytes: usize = pieces.results()?.iter().map(|piece| piece.len()).sum();
                codec::encode(&bytes).map_err(Failure::from)
            });
        if self.durable {
            let store = SledStore::open(folder);
            master = master.store(store.attempt(|| "cannot open a store".to_owned())?);
        }
        let master = master
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
