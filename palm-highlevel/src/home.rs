use crate::client::content_key;
use crate::states::States;
use crate::{Client, Config, Failure, FailureKind};
use bytes::Bytes;
use palm_core::Endpoint;
use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Where functions find the server whose messages they execute: a client of it, which is started
/// when a function asks for it first.
#[derive(Debug)]
pub(crate) struct Home {
    endpoint: Endpoint,
    config: Config,
    client: OnceLock<Client>,
    contents: Mutex<Contents>,
    pub(crate) states: States,
}

/// What functions have fetched under content keys, the latest last.
#[derive(Debug, Default)]
struct Contents {
    values: VecDeque<(Bytes, Bytes)>,
    size: u64,
}

impl Home {
    pub(crate) fn new(endpoint: Endpoint, config: Config) -> Home {
        Home {
            endpoint,
            config,
            client: OnceLock::new(),
            contents: Mutex::default(),
            states: States::default(),
        }
    }

    /// Whether a function has asked for the server so far.
    pub(crate) fn is_asked(&self) -> bool {
        self.client.get().is_some()
    }

    pub(crate) fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::start(self.endpoint.as_str(), None, self.config.clone());
        let client = client.map_err(|error| {
            let why = format!("the server can't be asked: {error}");
            Failure::of(FailureKind::Refused, why)
        })?;
        // Of two that are started at once one is enough.
        Ok(self.client.get_or_init(|| client))
    }

    /// The value under a content key: fetched by whoever needs it first, and kept. Others wait
    /// meanwhile, so that it travels once.
    pub(crate) fn content(&self, key: &Bytes) -> Result<Bytes, Failure> {
        // A panic leaves nothing half done.
        let contents = self.contents.lock();
        let mut contents = contents.unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = contents.values.iter().position(|(kept, _)| kept == key) {
            let found = contents.values.remove(at);
            let value = found.as_ref().map(|(_, value)| value.clone());
            contents.values.extend(found);
            return Ok(value.unwrap_or_default());
        }
        let name = || String::from_utf8_lossy(key).into_owned();
        let value = self.client()?.own_cache().get(key.clone())?;
        let value = value.ok_or_else(|| {
            Failure::new(format!("the cache has nothing under the key {}", name()))
        })?;
        if content_key(&value) != key {
            let why = format!("what the cache has under {} is not of that content", name());
            return Err(Failure::new(why));
        }
        contents.size += value.len() as u64;
        contents.values.push_back((key.clone(), value.clone()));
        while contents.size > self.config.cache_bytes
            && let Some((_, oldest)) = contents.values.pop_front()
        {
            contents.size -= oldest.len() as u64;
        }
        Ok(value)
    }
}
