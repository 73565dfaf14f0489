//! The markets that a valuation worker has built.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use palm_core::codec;
use palm_highlevel::{Client, Failure};

use super::MarketText;
use crate::market::{Market, Scenarios};

/// So many markets are kept: those that were needed last.
const KEPT: usize = 4;
/// So long the market server may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A market, and as it is in each of its scenarios.
pub(super) type Built = (Market, Scenarios);

/// Markets by name, each fetched and built once.
#[derive(Debug)]
pub(super) struct MarketCache {
    server: Client,
    /// The latest used last.
    built: Mutex<Vec<(String, Arc<Built>)>>,
}

impl MarketCache {
    /// Of markets that the server at `endpoint` keeps.
    pub(super) fn new(endpoint: &str) -> palm_highlevel::Result<Self> {
        Ok(Self {
            server: Client::connect(endpoint)?,
            built: Mutex::new(Vec::new()),
        })
    }

    /// The market of that name. Whoever needs one that is just being fetched waits for it.
    pub(super) fn get(&self, id: &str) -> Result<Arc<Built>, Failure> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = built.iter().position(|(known, _)| known == id) {
            let found = built.remove(place);
            let market = found.1.clone();
            built.push(found);
            return Ok(market);
        }
        let market = Arc::new(self.fetch(id)?);
        if built.len() == KEPT {
            built.remove(0);
        }
        built.push((id.to_owned(), market.clone()));
        Ok(market)
    }

    fn fetch(&self, id: &str) -> Result<Built, Failure> {
        log::info!("fetching the market {id}");
        let encoded = self
            .server
            .call_timeout("markets.get", id.to_owned(), PATIENCE)?
            .ok_or_else(|| Failure::new("the market server does not answer"))?;
        let text: MarketText = codec::decode(&encoded)?;
        if text.id() != id {
            return Err(Failure::new(format!(
                "the market server gave {} for the market {id}",
                text.id()
            )));
        }
        text.build()
            .map_err(|faults| Failure::new(format!("the market {id}: {faults}")))
    }
}
