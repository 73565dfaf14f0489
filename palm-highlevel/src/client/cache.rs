use super::Client;
use crate::engine::{CACHE, CacheOrder};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::codec;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The values that a server keeps by key, for all of its clients and functions.
///
/// It is for what many messages need and each would otherwise carry. With a store the server keeps
/// it on the disk. All that it holds is in memory too, and bounded by
/// [`Config::cache_bytes`](crate::Config::cache_bytes).
///
/// Every call waits for the server's answer, as long as it takes unless there is a
/// [`timeout`](Self::timeout); nothing that is queued there holds it up.
///
/// ```
/// use palm_highlevel::{Call, Client, Failure, standalone};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = standalone::Server::new("prices")
///     .function("in_euros", |call: &Call| {
///         let rate = call.cache()?.get("USD")?;
///         rate.ok_or_else(|| Failure::new("there is no rate for USD"))
///     })
///     .bind("tcp://127.0.0.1:*")?;
/// let client = Client::connect(server.address())?;
/// let cache = client.cache("prices");
///
/// cache.set("USD", "0.92")?;
/// assert_eq!(client.call("prices.in_euros", "")?, "0.92");
/// assert_eq!(cache.keys("U")?, ["USD"]);
/// assert!(cache.delete("USD")?);
/// assert_eq!(cache.get("USD")?, None);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Cache<'a> {
    client: &'a Client,
    function: String,
    timeout: Option<Duration>,
}

impl Cache<'_> {
    /// The same, of which each call waits for so long at most and then fails with
    /// [`FailureKind::Expired`]. What it was to do may have been done.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// Keeps `value` under `key`, in place of any before.
    ///
    /// # Errors
    ///
    /// [`FailureKind::TooLarge`](crate::FailureKind::TooLarge) if the key has more than 1,000 bytes,
    /// or the cache would grow beyond its limit; then all is as it was. And how a
    /// [`call`](Client::call) fails.
    pub fn set(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<(), Failure> {
        self.order(&CacheOrder::Set(key.into(), value.into()))
    }

    /// The value under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// How a [`call`](Client::call) fails.
    pub fn get(&self, key: impl Into<Bytes>) -> Result<Option<Bytes>, Failure> {
        self.order(&CacheOrder::Get(key.into()))
    }

    /// Forgets the value under `key`; whether there was one.
    ///
    /// # Errors
    ///
    /// How a [`call`](Client::call) fails.
    pub fn delete(&self, key: impl Into<Bytes>) -> Result<bool, Failure> {
        self.order(&CacheOrder::Delete(key.into()))
    }

    /// The keys that begin with `prefix`, in byte order.
    ///
    /// # Errors
    ///
    /// How a [`call`](Client::call) fails.
    pub fn keys(&self, prefix: impl Into<Bytes>) -> Result<Vec<Bytes>, Failure> {
        self.order(&CacheOrder::List(prefix.into()))
    }

    fn order<T: DeserializeOwned>(&self, order: &CacheOrder) -> Result<T, Failure> {
        let order = codec::encode(order)?;
        let answer = match self.timeout {
            None => self.client.call(&self.function, order)?,
            Some(timeout) => {
                let answer = self.client.call_timeout(&self.function, order, timeout)?;
                answer.ok_or_else(|| {
                    let why = format!("the cache has not answered within {timeout:?}");
                    Failure::of(FailureKind::Expired, why)
                })?
            }
        };
        Ok(codec::decode(&answer)?)
    }
}

impl Client {
    /// The cache of the server called `server`, which is the one that this client sends to.
    pub fn cache(&self, server: &str) -> Cache<'_> {
        Cache {
            client: self,
            function: format!("{server}.{CACHE}"),
            timeout: None,
        }
    }

    /// The cache of the server that this client sends to, whatever its name.
    pub(crate) fn own_cache(&self) -> Cache<'_> {
        Cache {
            client: self,
            function: CACHE.to_owned(),
            timeout: None,
        }
    }
}
