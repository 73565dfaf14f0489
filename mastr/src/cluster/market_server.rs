//! The server that keeps the texts of markets for the workers.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::{Call, Failure, Running, standalone};

use super::MarketText;

/// So many markets are kept: those that were asked for last.
const KEPT: usize = 8;

/// Binds a server to which clients bring markets and from which workers fetch them.
pub(super) fn bind(endpoint: &str) -> palm_highlevel::Result<Running> {
    let shelf = std::sync::Arc::new(Shelf::default());
    let filled = shelf.clone();
    standalone::Server::new("markets")
        .function("put", move |call: &Call| filled.put(call.payload()))
        .function("get", move |call: &Call| shelf.get(call.payload()))
        .bind(endpoint)
}

/// Names and encoded texts, the latest used last.
#[derive(Debug, Default)]
struct Shelf(Mutex<Vec<(String, Bytes)>>);

impl Shelf {
    /// Keeps a market; its name is the answer.
    fn put(&self, encoded: &Bytes) -> Result<Bytes, Failure> {
        let text: MarketText = codec::decode(encoded)?;
        let id = text.id();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known != id);
        if kept.len() == KEPT {
            let (dropped, _) = kept.remove(0);
            log::info!("the market {dropped} makes room for {id}");
        }
        // A copy, as what was received shares its memory with the frame that it came in.
        kept.push((id.clone(), Bytes::copy_from_slice(encoded)));
        Ok(id.into())
    }

    /// The encoded text of the market of that name.
    fn get(&self, id: &Bytes) -> Result<Bytes, Failure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(known, _)| *known.as_bytes() == **id);
        let Some(place) = place else {
            return Err(Failure::new(format!(
                "the market {} is not here: the valuation master has been started anew or has \
                 seen {KEPT} others since; submit the portfolio again",
                String::from_utf8_lossy(id)
            )));
        };
        let found = kept.remove(place);
        let text = found.1.clone();
        kept.push(found);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(quotes: &str) -> MarketText {
        let portfolio = crate::sample::portfolio();
        MarketText::new(
            portfolio.as_of(),
            portfolio.base(),
            quotes.to_owned(),
            String::new(),
        )
    }

    #[test]
    fn the_markets_that_nobody_asks_for_go_first() {
        let shelf = Shelf::default();
        let put = |number: usize| {
            let encoded = codec::encode(&text(&format!("# {number}"))).unwrap();
            shelf.put(&encoded.into()).unwrap()
        };
        let ids: Vec<_> = (0..KEPT).map(put).collect();
        assert!(shelf.get(&ids[0]).is_ok());
        put(KEPT);
        let encoded = shelf.get(&ids[0]).unwrap();
        assert_eq!(codec::decode::<MarketText>(&encoded).unwrap(), text("# 0"));
        let failure = shelf.get(&ids[1]).unwrap_err().to_string();
        assert!(failure.contains("submit the portfolio again"), "{failure}");
    }

    #[test]
    fn a_market_that_comes_again_is_kept_once() {
        let shelf = Shelf::default();
        let encoded: Bytes = codec::encode(&text("")).unwrap().into();
        assert_eq!(shelf.put(&encoded), shelf.put(&encoded));
        assert_eq!(shelf.0.lock().unwrap().len(), 1);
        assert!(shelf.put(&encoded.slice(1..)).is_err());
    }
}
