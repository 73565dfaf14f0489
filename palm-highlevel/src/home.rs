use crate::{Client, Config, Failure, FailureKind};
use palm_core::Endpoint;
use std::sync::OnceLock;

/// Where functions find the server whose messages they execute: a client of it, which is started
/// when a function asks for it first.
#[derive(Debug)]
pub(crate) struct Home {
    endpoint: Endpoint,
    config: Config,
    client: OnceLock<Client>,
}

impl Home {
    pub(crate) fn new(endpoint: Endpoint, config: Config) -> Home {
        Home {
            endpoint,
            config,
            client: OnceLock::new(),
        }
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
}
