//! The markets that a valuation worker has built.

use std::sync::{Arc, Mutex, PoisonError};

use palm_highlevel::{Call, Failure};

use super::market_shelf;
use crate::market::{Market, Scenarios};

/// So many markets are kept: those that were needed last.
const KEPT: usize = 4;

/// A market, and as it is in each of its scenarios.
pub(super) type Built = (Market, Scenarios);

/// Markets by name, each fetched and built once.
#[derive(Debug, Default)]
pub(super) struct MarketCache {
    /// The latest used last.
    built: Mutex<Vec<(String, Arc<Built>)>>,
}

impl MarketCache {
    /// The market of that name, from the master of `call` if it is not here. Whoever needs one that is
    /// just being fetched waits for it.
    pub(super) fn get(&self, call: &Call, id: &str) -> Result<Arc<Built>, Failure> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = built.iter().position(|(known, _)| known == id) {
            let found = built.remove(place);
            let market = found.1.clone();
            built.push(found);
            return Ok(market);
        }
        let market = Arc::new(fetch(call, id)?);
        if built.len() == KEPT {
            built.remove(0);
        }
        built.push((id.to_owned(), market.clone()));
        Ok(market)
    }
}

fn fetch(call: &Call, id: &str) -> Result<Built, Failure> {
    log::info!("fetching the market {id}");
    market_shelf::get(call, id)?
        .build()
        .map_err(|faults| Failure::new(format!("the market {id}: {faults}")))
}
