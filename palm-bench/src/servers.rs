//! What stands behind a client while it measures: a broker and its workers.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::contender::{Addresses, Contender};
use crate::error::{Attempt, Error, Result};
use crate::process::Process;
use crate::role::Role;

/// How long a process may take beyond the time it measures before it counts as hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The broker of a contender and its workers, in processes that are killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    broker: Process,
    addresses: Addresses,
    _workers: Vec<Process>,
    // Deleted here, after the broker, which is killed and can't do it.
    folder: TempDir,
}

impl Servers {
    /// Starts them, the broker with a new folder for what it keeps.
    pub(crate) fn start(contender: &dyn Contender, workers: usize) -> Result<Self> {
        let name = contender.name();
        let folder = TempDir::new().attempt(|| "cannot make a folder for the broker".to_owned())?;
        let role = Role::Broker {
            workers,
            folder: folder.path().to_owned(),
        };
        let mut broker = Process::start(name, &role)?;
        let line = broker.line(PATIENCE)?;
        let Some((client, worker)) = line.split_once(' ') else {
            return Err(Error::new(format!("the broker's addresses are {line:?}")));
        };
        let addresses = Addresses {
            client: client.to_owned(),
            worker: worker.to_owned(),
        };
        let workers = (0..workers).map(|_| {
            let address = addresses.worker.clone();
            Process::start(name, &Role::Worker { address })
        });
        Ok(Self {
            _workers: workers.collect::<Result<_>>()?,
            broker,
            addresses,
            folder,
        })
    }

    /// The address for clients.
    pub(crate) fn address(&self) -> &str {
        &self.addresses.client
    }

    /// The process id of the broker.
    pub(crate) fn broker(&self) -> u32 {
        self.broker.id()
    }

    /// The folder of the broker.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
