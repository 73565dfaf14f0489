//! Where the texts of markets are kept for the workers: in the valuation master's cache, each under its
//! name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use palm_core::codec;
use palm_highlevel::{Call, Client, Failure, FailureKind};

use super::{ClusterError, MarketText, PATIENCE, broken, valuation_master};

/// What the keys of markets begin with. A name follows, which begins with the as-of date.
const MARKETS: &str = "market/";
/// How long an answer is waited for before one looks whether to stop.
const GLANCE: Duration = Duration::from_millis(500);
/// So long the master may take to give or to take a whole market.
const WHOLE: Duration = Duration::from_secs(20);

/// Brings `market` to the valuation master that `client` is connected to, at `endpoint`, unless it is
/// there. Waits for the master, unless the process is to `stop`.
pub(super) fn put(
    client: &Client,
    endpoint: &str,
    market: &MarketText,
    stop: &AtomicBool,
) -> Result<(), ClusterError> {
    let name = key(&market.id());
    if is_there(client, endpoint, &name, stop)? {
        return Ok(());
    }
    let encoded = codec::encode(market).map_err(broken)?;
    set(client, &name, encoded.into()).map_err(ClusterError::Failed)
}

fn key(id: &str) -> String {
    format!("{MARKETS}{id}")
}

fn is_there(
    client: &Client,
    endpoint: &str,
    name: &str,
    stop: &AtomicBool,
) -> Result<bool, ClusterError> {
    let cache = client.cache(valuation_master::NAME).timeout(GLANCE);
    let (start, mut told) = (Instant::now(), false);
    loop {
        match cache.keys(name.to_owned()) {
            Ok(keys) => return Ok(keys.iter().any(|key| key == name)),
            Err(failure) if failure.kind == FailureKind::Expired => {}
            Err(failure) => return Err(ClusterError::Failed(failure)),
        }
        if stop.load(Ordering::Relaxed) {
            return Err(ClusterError::Stopped);
        }
        if !told && start.elapsed() > PATIENCE {
            log::warn!("nobody takes the market at {endpoint} yet: waiting");
            told = true;
        }
    }
}

/// Keeps a market; where there is no room, those of the earliest days make some.
fn set(client: &Client, name: &str, encoded: bytes::Bytes) -> Result<(), Failure> {
    let cache = client.cache(valuation_master::NAME).timeout(WHOLE);
    loop {
        let failure = match cache.set(name.to_owned(), encoded.clone()) {
            Err(failure) if failure.kind == FailureKind::TooLarge => failure,
            done => return done,
        };
        let others = cache.keys(MARKETS)?;
        let Some(earliest) = others.into_iter().find(|other| other != name) else {
            return Err(failure);
        };
        log::info!(
            "the market {} makes room for {name}",
            String::from_utf8_lossy(&earliest)
        );
        cache.delete(earliest)?;
    }
}

/// Fetches the market of that name from the master that `call` came from.
pub(super) fn get(call: &Call, id: &str) -> Result<MarketText, Failure> {
    let encoded = call.cache()?.timeout(WHOLE).get(key(id))?.ok_or_else(|| {
        Failure::new(format!(
            "the market {id} is not here: the valuation master has been started anew or has had no \
             room for it; submit the portfolio again"
        ))
    })?;
    let text: MarketText = codec::decode(&encoded)?;
    if text.id() != id {
        let message = format!(
            "the valuation master gave {} for the market {id}",
            text.id()
        );
        return Err(Failure::new(message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use palm_highlevel::{Config, standalone};

    use super::*;

    fn text(day: &str) -> MarketText {
        let portfolio = crate::sample::portfolio();
        let quotes = "# as long as any other".to_owned();
        MarketText::new(
            day.parse().unwrap(),
            portfolio.base(),
            quotes,
            String::new(),
        )
    }

    #[test]
    fn markets_of_earlier_days_make_room_and_what_is_missing_is_told() {
        let size = codec::encode(&text("2026-06-15")).unwrap().len() as u64;
        // Room for two of them and their names.
        let config = Config {
            cache_bytes: 2 * size + 100,
            ..Config::default()
        };
        let master = standalone::Server::new(valuation_master::NAME)
            .config(config)
            .function("text", |call: &Call| {
                let id = String::from_utf8_lossy(call.payload()).into_owned();
                Ok::<_, Failure>(codec::encode(&get(call, &id)?)?)
            })
            .bind("tcp://127.0.0.1:*")
            .unwrap();
        let client = Client::connect(master.address()).unwrap();
        let (endpoint, never) = (master.address(), AtomicBool::new(false));
        let fetch = |day: &str| {
            let fetched = client.call("valuation.text", text(day).id())?;
            Ok::<MarketText, Failure>(codec::decode(&fetched)?)
        };
        for day in ["2026-06-15", "2026-06-12", "2026-06-15", "2026-06-16"] {
            put(&client, endpoint, &text(day), &never).unwrap();
        }
        for day in ["2026-06-15", "2026-06-16"] {
            assert_eq!(fetch(day).unwrap(), text(day));
        }
        let failure = fetch("2026-06-12").unwrap_err().to_string();
        assert!(failure.contains("submit the portfolio again"), "{failure}");
        let huge = text("2026-06-17").with_scenarios("x".repeat(1_000));
        let failure = put(&client, endpoint, &huge, &never).unwrap_err();
        assert!(
            failure.to_string().contains("Config::cache_bytes"),
            "{failure}"
        );
    }

    #[test]
    fn who_waits_for_a_master_can_be_stopped() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mute = format!("tcp://{}", listener.local_addr().unwrap());
        let client = Client::connect(&mute).unwrap();
        let stop = AtomicBool::new(true);
        let stopped = put(&client, &mute, &text("2026-06-15"), &stop);
        assert!(matches!(stopped, Err(ClusterError::Stopped)));
    }
}
