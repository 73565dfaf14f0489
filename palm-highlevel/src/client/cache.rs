use super::Client;
use crate::engine::{CACHE, CacheOrder};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::{Incarnation, codec};
use serde::de::DeserializeOwned;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_128;

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
    /// What its keys begin with at the server.
    prefix: String,
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

    /// The part whose keys are those of that session.
    pub(crate) fn of(self, session: Incarnation) -> Self {
        let prefix = format!("@{session}/");
        Cache { prefix, ..self }
    }

    /// Keeps `value` under `key`, in place of any before.
    ///
    /// # Errors
    ///
    /// [`FailureKind::TooLarge`](crate::FailureKind::TooLarge) if the key has more than 1,000 bytes
    /// (18 less for a session's), or the cache would grow beyond its limit; then all is as it was. And
    /// how a [`call`](Client::call) fails.
    pub fn set(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<(), Failure> {
        self.order(&CacheOrder::Set(self.key(key), value.into()))
    }

    /// Keeps `value` under a key that follows from its content, and gives that key back. Functions
    /// fetch it with [`Call::content`](crate::Call::content): a large model, which all messages need,
    /// so travels once to each worker.
    ///
    /// ```
    /// use palm_highlevel::{Call, Client, Failure, standalone};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let master = standalone::Master::new("models").bind("tcp://127.0.0.1:*")?;
    /// let worker = standalone::Worker::new("one")
    ///     .function("length", |call: &Call| {
    ///         let model = call.content(call.payload().clone())?;
    ///         Ok::<_, Failure>(model.len().to_string())
    ///     })
    ///     .connect(master.address())?;
    /// let client = Client::connect(master.address())?;
    /// let key = client.cache("models").put(vec![0; 1_000_000])?;
    /// assert_eq!(client.call("models.length", key)?, "1000000");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn put(&self, value: impl Into<Bytes>) -> Result<Bytes, Failure> {
        let value = value.into();
        let key = content_key(&value);
        self.set(key.clone(), value)?;
        Ok(key)
    }

    /// The value under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// How a [`call`](Client::call) fails.
    pub fn get(&self, key: impl Into<Bytes>) -> Result<Option<Bytes>, Failure> {
        self.order(&CacheOrder::Get(self.key(key)))
    }

    /// Forgets the value under `key`; whether there was one.
    ///
    /// # Errors
    ///
    /// How a [`call`](Client::call) fails.
    pub fn delete(&self, key: impl Into<Bytes>) -> Result<bool, Failure> {
        self.order(&CacheOrder::Delete(self.key(key)))
    }

    /// The keys that begin with `prefix`, in byte order; those of sessions only their own
    /// [cache](Client::session_cache) lists.
    ///
    /// # Errors
    ///
    /// How a [`call`](Client::call) fails.
    pub fn keys(&self, prefix: impl Into<Bytes>) -> Result<Vec<Bytes>, Failure> {
        let keys: Vec<Bytes> = self.order(&CacheOrder::List(self.key(prefix)))?;
        let shared = self.prefix.is_empty();
        let own = keys
            .into_iter()
            .filter(|key| !(shared && key.starts_with(SESSION)));
        Ok(own.map(|key| key.slice(self.prefix.len()..)).collect())
    }

    fn key(&self, key: impl Into<Bytes>) -> Bytes {
        let key = key.into();
        match self.prefix.is_empty() {
            true => key,
            false => [self.prefix.as_bytes(), &key].concat().into(),
        }
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

/// What the keys of sessions begin with.
const SESSION: &[u8] = b"@";

/// The key of a value that is kept under its content. The hash tells values apart, it does not
/// protect them from a forger.
pub(crate) fn content_key(value: &[u8]) -> Bytes {
    format!("#{:032x}", xxh3_128(value)).into()
}

impl Client {
    /// The cache of the server called `server`, which is the one that this client sends to. Keys that
    /// begin with `@` are those of sessions.
    pub fn cache(&self, server: &str) -> Cache<'_> {
        Cache {
            client: self,
            function: format!("{server}.{CACHE}"),
            timeout: None,
            prefix: String::new(),
        }
    }

    /// The part of that cache whose keys are this session's own: every process of the session has the
    /// same values, and under the same keys others have theirs. Functions that are called for the
    /// session have it as [`Call::session_cache`](crate::Call::session_cache). Its values stay until
    /// they are deleted.
    ///
    /// # Errors
    ///
    /// [`FailureKind::Refused`] if the client has no [`session`](crate::Config::session).
    pub fn session_cache(&self, server: &str) -> Result<Cache<'_>, Failure> {
        match self.shared.has_session {
            true => Ok(self.cache(server).of(self.shared.id)),
            false => Err(Failure::of(
                FailureKind::Refused,
                "the client has no session whose keys could be its own, see `Config`",
            )),
        }
    }

    /// The cache of the server that this client sends to, whatever its name.
    pub(crate) fn own_cache(&self) -> Cache<'_> {
        Cache {
            client: self,
            function: CACHE.to_owned(),
            timeout: None,
            prefix: String::new(),
        }
    }
}
