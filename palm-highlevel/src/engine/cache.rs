use super::intake::ending;
use super::ledger::FunctionId;
use super::stored;
use super::{Engine, Origin, Taken};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::wire::Outcome;
use palm_core::{Route, codec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;

/// The function of every server that obeys [`CacheOrder`]s.
pub(crate) const CACHE: &str = "@cache";

/// What is to be done with a server's cache: the payload of a message to [`CACHE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CacheOrder {
    /// Keeps a value under a key, in place of any before. Gives back nothing.
    Set(Bytes, Bytes),
    /// Gives back the value under a key, if there is one.
    Get(Bytes),
    /// Forgets the value under a key. Gives back whether there was one.
    Delete(Bytes),
    /// Gives back the keys that begin with these bytes, in byte order.
    List(Bytes),
}

/// The longest key, in bytes.
const MAX_KEY: usize = 1_000;

/// Values by key that a server keeps for its clients and functions.
///
/// The loop itself obeys an order, as soon as it is taken in: nothing that is queued holds it up.
#[derive(Debug)]
pub(super) struct Cache {
    values: BTreeMap<Bytes, Bytes>,
    /// How many bytes keys and values have, and how many they may have.
    size: u64,
    limit: u64,
    /// The number of [`CACHE`].
    pub(super) function: FunctionId,
}

impl Cache {
    pub(super) fn new(limit: u64, function: FunctionId) -> Cache {
        Cache {
            values: BTreeMap::new(),
            size: 0,
            limit,
            function,
        }
    }

    /// Keeps a value; a store that was written under a larger limit is not held to the new one.
    pub(super) fn insert(&mut self, key: Bytes, value: Bytes) {
        self.size += weight(&key, &value);
        if let Some(old) = self.values.insert(key.clone(), value) {
            self.size -= weight(&key, &old);
        }
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        let Some((key, old)) = self.values.remove_entry(key) else {
            return false;
        };
        self.size -= weight(&key, &old);
        true
    }

    /// Why a value can't be kept, if it can't.
    fn objection(&self, key: &Bytes, value: &Bytes) -> Option<String> {
        if key.len() > MAX_KEY {
            let length = key.len();
            return Some(format!(
                "a key of the cache has {length} bytes, the longest may have {MAX_KEY}"
            ));
        }
        let old = self.values.get(key).map_or(0, |old| weight(key, old));
        let (others, new) = (self.size - old, weight(key, value));
        (others + new > self.limit).then(|| {
            let limit = self.limit;
            format!(
                "the cache has {others} bytes and no room for {new} more: its limit is {limit}, \
                 see Config::cache_bytes"
            )
        })
    }

    fn list(&self, prefix: &[u8]) -> Vec<&Bytes> {
        let from = self.values.range::<[u8], _>((Included(prefix), Unbounded));
        let keys = from.map(|(key, _)| key);
        keys.take_while(|key| key.starts_with(prefix)).collect()
    }
}

fn weight(key: &Bytes, value: &Bytes) -> u64 {
    (key.len() + value.len()) as u64
}

impl Engine {
    /// Does what an order says, and answers the client, whatever comes next on the route.
    pub(super) fn obey(&mut self, origin: Origin, route: Arc<Route>, taken: Taken) {
        let weight = taken.record.weight();
        let answer = codec::decode(&taken.payload)
            .map_err(Failure::from)
            .and_then(|order| self.obey_order(order));
        let mut parcel = ending(origin, route, taken);
        (parcel.outcome, parcel.payload) = match answer {
            Ok(payload) => (Outcome::Success, payload.into()),
            Err(failure) => (Outcome::Failure, failure.encode()),
        };
        self.answer(parcel, weight);
    }

    fn obey_order(&mut self, order: CacheOrder) -> Result<Vec<u8>, Failure> {
        let answer = match order {
            CacheOrder::Set(key, value) => {
                if let Some(why) = self.cache.objection(&key, &value) {
                    return Err(Failure::of(FailureKind::TooLarge, why));
                }
                // Not a part of the frame that it came in, which it would keep alive.
                let value = Bytes::copy_from_slice(&value);
                if let Some(journal) = &mut self.journal {
                    journal.keep_value(&key, Some(&value));
                }
                self.cache.insert(Bytes::copy_from_slice(&key), value);
                codec::encode(&())
            }
            CacheOrder::Get(key) => codec::encode(&self.cache.values.get(&key)),
            CacheOrder::Delete(key) => {
                let there = self.cache.remove(&key);
                if let (Some(journal), true) = (&mut self.journal, there) {
                    journal.keep_value(&key, None);
                }
                codec::encode(&there)
            }
            CacheOrder::List(prefix) => codec::encode(&self.cache.list(&prefix)),
        };
        Ok(answer?)
    }

    /// The value of an entry of the store.
    pub(super) fn restore_value(&mut self, key: &[u8], value: Bytes) {
        if let Some(key) = key.strip_prefix(stored::VALUES) {
            self.cache.insert(Bytes::copy_from_slice(key), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_holds_stays_within_its_limit() {
        let mut cache = Cache::new(10, FunctionId(0));
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(cache.objection(&bytes("a"), &bytes("123456789")), None);
        cache.insert(bytes("a"), bytes("123456789"));
        let more = cache.objection(&bytes("b"), &bytes(""));
        assert_eq!(
            more.as_deref(),
            Some(
                "the cache has 10 bytes and no room for 1 more: its limit is 10, see \
                 Config::cache_bytes"
            )
        );
        assert_eq!(
            cache.objection(&bytes("a"), &bytes("1234")),
            None,
            "in its place"
        );
        cache.insert(bytes("a"), bytes("1234"));
        cache.insert(bytes("b"), bytes("12"));
        assert_eq!(cache.size, 8);
        assert_eq!(cache.list(b""), [&bytes("a"), &bytes("b")]);
        assert_eq!(cache.list(b"b"), [&bytes("b")]);
        assert!(cache.remove(b"a") && !cache.remove(b"a"));
        assert_eq!(cache.size, 3);
        let long = Bytes::from(vec![0; MAX_KEY + 1]);
        assert!(cache.objection(&long, &bytes("")).is_some());
    }
}
