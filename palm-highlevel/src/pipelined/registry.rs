use super::names::{Announcement, Names};
use crate::store::Store;
use crate::{Config, Result, Running, standalone, typed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Knows the servers by name: where they are and what they offer. It is an ordinary server; what is
/// connected goes on without it.
#[derive(Default)]
pub struct Registry {
    store: Option<Box<dyn Store>>,
    config: Config,
}

impl Registry {
    /// A registry that forgets names with its process; servers announce theirs each second.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Keeps names in `store`, so that the next process knows them before they are announced again.
    pub fn store(mut self, store: impl Store + 'static) -> Registry {
        self.store = Some(Box::new(store));
        self
    }

    /// Replaces the settings.
    pub fn config(mut self, config: Config) -> Registry {
        self.config = config;
        self
    }

    /// Binds `endpoint` and starts to serve.
    ///
    /// # Errors
    ///
    /// If a setting or the endpoint is not as it should be, or can't be bound, or the store can't be
    /// read.
    pub fn bind(self, endpoint: &str) -> Result<Running> {
        let started = Instant::now();
        let names = match self.store {
            Some(store) => Names::restored(started.elapsed(), store)?,
            None => Names::default(),
        };
        let names = Arc::new(Mutex::new(names));
        let (announced, looked, found) = (names.clone(), names.clone(), names.clone());
        let listed = names.clone();
        let announce = move |said: Announcement| lock(&announced).announce(started.elapsed(), said);
        let look = move |name: String| lock(&looked).look(started.elapsed(), &name);
        let all = move |name: String| lock(&listed).all(started.elapsed(), &name);
        let find = move |name: String| lock(&found).find(started.elapsed(), &name);
        let leave = move |said: Announcement| lock(&names).leave(&said);
        standalone::Server::new("registry")
            .function("announce", typed(announce))
            .function("look", typed(look))
            .function("all", typed(all))
            .function("find", typed(find))
            .function("leave", typed(leave))
            .config(self.config)
            .bind(endpoint)
    }
}

fn lock(names: &Mutex<Names>) -> MutexGuard<'_, Names> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}
