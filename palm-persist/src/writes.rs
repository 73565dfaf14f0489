use std::collections::BTreeMap;

use sled::Tree;

use crate::failure::Failure;
use crate::key;
use crate::seal::Seal;

/// What a batch writes into the tree and deletes from it: the last of what it does to each key.
#[derive(Debug, Default)]
pub(crate) struct Writes(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Writes {
    pub(crate) fn insert(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    pub(crate) fn remove(&mut self, key: impl Into<Vec<u8>>) {
        self.0.insert(key.into(), None);
    }

    /// The batch of sled that writes all of it, and the seal with it that the tree has then; `seal`
    /// is the one that it has now.
    pub(crate) fn seal(self, tree: &Tree, mut seal: Seal) -> Result<(sled::Batch, Seal), Failure> {
        let mut batch = sled::Batch::default();
        for (key, value) in self.0 {
            if let Some(old) = tree.get(&key)? {
                seal.removed(&key, &old);
            }
            match value {
                Some(value) => {
                    seal.inserted(&key, &value);
                    batch.insert(key, value);
                }
                None => batch.remove(key),
            }
        }
        seal.number += 1;
        batch.insert(key::SEAL, &seal.to_bytes());
        Ok((batch, seal))
    }
}
