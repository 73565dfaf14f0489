//! The servers of a pipeline, which find each other by name.

use bytes::Bytes;
use palm_highlevel::{Call, Config, Failure, Running, pipelined};
use palm_persist::SledStore;
use std::error::Error;
use std::path::PathBuf;

/// A server of a pipeline, or one of several that share its name.
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) endpoint: String,
    /// Where the registry is.
    pub(super) registry: String,
    /// Whether it has workers, and executes nothing by itself.
    pub(super) hub: bool,
    /// Whether others have its name.
    pub(super) shared: bool,
    pub(super) store: Option<PathBuf>,
    pub(super) config: Config,
}

impl Stage {
    /// Starts it, with that function unless it is a hub.
    pub(super) fn start(
        self,
        run: impl Fn(&Call) -> Result<Bytes, Failure> + Send + Sync + 'static,
    ) -> Result<Running, Box<dyn Error>> {
        let store = self.store.map(SledStore::open).transpose()?.into_iter();
        if self.hub {
            let hub = pipelined::Master::new(self.name).config(self.config);
            let hub = store.fold(hub, pipelined::Master::store);
            return Ok(hub.bind(&self.endpoint, &self.registry)?);
        }
        let server = pipelined::Server::new(self.name)
            .function("run", run)
            .config(self.config);
        let server = store.fold(server, pipelined::Server::store);
        let server = match self.shared {
            true => server.shared(),
            false => server,
        };
        Ok(server.bind(&self.endpoint, &self.registry)?)
    }
}

/// Starts the registry.
pub(super) fn registry(
    endpoint: &str,
    store: Option<PathBuf>,
    config: Config,
) -> Result<Running, Box<dyn Error>> {
    let store = store.map(SledStore::open).transpose()?.into_iter();
    let registry = pipelined::Registry::new().config(config);
    let registry = store.fold(registry, pipelined::Registry::store);
    Ok(registry.bind(endpoint)?)
}
