//! Servers whose output goes to the next server.
//!
//! A message's route names a function at each of them, as in `valuation.value totals.add`; its
//! client listens at the last one.

use crate::engine::Output;
use crate::store::Store;
use crate::{Config, Result, Retry, Running, standalone};
use palm_core::Message;

/// A parallel server whose results go on to the next server, each as soon as it is there.
pub struct Master(standalone::Master);

impl Master {
    /// A master with the name that routes call it by.
    pub fn new(name: impl Into<String>) -> Master {
        Master(standalone::Master::new(name))
    }

    /// A master whose workers own partitions; see [`standalone::Master::partitioned`].
    pub fn partitioned(
        name: impl Into<String>,
        partitions: u32,
        key: impl Fn(&Message) -> u64 + Send + 'static,
    ) -> Master {
        Master(standalone::Master::partitioned(name, partitions, key))
    }

    /// Tries messages again whose function has failed; see [`standalone::Master::retry`].
    pub fn retry(self, retry: Retry) -> Master {
        Master(self.0.retry(retry))
    }

    /// Keeps what the server holds in `store` as well; see [`standalone::Master::store`].
    pub fn store(self, store: impl Store + 'static) -> Master {
        Master(self.0.store(store))
    }

    /// Replaces the settings.
    pub fn config(self, config: Config) -> Master {
        Master(self.0.config(config))
    }

    /// Binds `endpoint` and sends what comes of its messages to the server at `next`, which may
    /// start later.
    ///
    /// # Errors
    ///
    /// If a name, a setting or an endpoint is not as it should be, or can't be bound.
    pub fn bind(self, endpoint: &str, next: &str) -> Result<Running> {
        self.0.start(endpoint, Output::Next, Some(next.to_owned()))
    }
}
