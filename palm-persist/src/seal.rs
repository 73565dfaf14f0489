use sled::Tree;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::failure::Failure;
use crate::key;

/// What a tree is known by: how many batches made it, and a sum over all that they left there.
///
/// sled checks each of its records, but reads on behind one that it can't read, and takes the end of
/// what it can read for the end of what was written. With the seal, which each batch writes anew,
/// nothing that is missing or left over from an earlier batch goes unnoticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seal {
    /// How many batches were written.
    pub(crate) number: u64,
    /// The sum, modulo 2⁶⁴, of the hashes of all keys with their values; of no use against who
    /// means harm. In a sum the order of what is added and taken away does not matter.
    sum: u64,
}

impl Seal {
    pub(crate) fn inserted(&mut self, key: &[u8], value: &[u8]) {
        self.sum = self.sum.wrapping_add(hash(key, value));
    }

    pub(crate) fn removed(&mut self, key: &[u8], value: &[u8]) {
        self.sum = self.sum.wrapping_sub(hash(key, value));
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.number) << 64 | u128::from(self.sum)).to_be_bytes()
    }

    /// The seal of a tree, once all of the tree is read and found to be what it was written as.
    pub(crate) fn read(tree: &Tree) -> Result<Seal, Failure> {
        let mut written = Seal::default();
        let mut found = Seal::default();
        for item in tree.iter() {
            let (key, value) = item?;
            if key != key::SEAL {
                found.inserted(&key, &value);
                continue;
            }
            let bytes = <[u8; 16]>::try_from(&*value);
            let bytes = bytes.map_err(|_| Failure::record(&key, "it does not have its length"))?;
            let both = u128::from_be_bytes(bytes);
            (written.number, written.sum) = ((both >> 64) as u64, both as u64);
        }
        match found.sum == written.sum {
            true => Ok(written),
            false => Err(Failure::record(
                key::SEAL,
                "the records are not those that were there when it was written",
            )),
        }
    }
}

fn hash(key: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writes::Writes;

    fn write(tree: &Tree, seal: Seal, fill: impl FnOnce(&mut Writes)) -> Seal {
        let mut writes = Writes::default();
        fill(&mut writes);
        let (batch, seal) = writes.seal(tree, seal).expect("a temporary tree reads");
        tree.apply_batch(batch)
            .expect("a temporary tree is written");
        seal
    }

    #[test]
    fn a_tree_has_the_seal_that_was_written_last() {
        let tree = sled::Config::new().temporary(true).open();
        let tree = tree.expect("a temporary tree opens");
        assert_eq!(Seal::read(&tree).expect("it is empty"), Seal::default());
        let first = write(&tree, Seal::default(), |writes| {
            writes.insert(b"a", b"1");
            writes.insert(b"b", b"2");
            writes.insert(b"a", b"3");
        });
        assert_eq!(Seal::read(&tree).expect("it is whole"), first);
        let second = write(&tree, first, |writes| {
            writes.remove(b"a");
            writes.remove(b"c");
            writes.insert(b"b", b"1");
        });
        assert_eq!(second.number, 2);
        assert_eq!(Seal::read(&tree).expect("it is whole"), second);
        let third = write(&tree, second, |writes| writes.remove(b"b"));
        assert_eq!(Seal::read(&tree).expect("it is whole"), third);
        assert_eq!(third.sum, 0, "nothing is left");
    }

    #[test]
    fn what_is_missing_or_other_than_written_breaks_the_seal() {
        let tree = sled::Config::new().temporary(true).open();
        let tree = tree.expect("a temporary tree opens");
        write(&tree, Seal::default(), |writes| {
            writes.insert(b"a", b"1");
            writes.insert(b"b", b"2");
        });
        let disturb = |key: &[u8], value: Option<&[u8]>| {
            let old = match value {
                Some(value) => tree.insert(key, value),
                None => tree.remove(key),
            };
            let broken = Seal::read(&tree).is_err();
            let undone = match old.expect("it is written") {
                Some(old) => tree.insert(key, old),
                None => tree.remove(key),
            };
            undone.expect("it is written");
            broken
        };
        assert!(disturb(b"a", None));
        assert!(disturb(b"a", Some(b"2")));
        assert!(disturb(b"c", Some(b"")));
        assert!(disturb(key::SEAL, None));
        assert!(disturb(key::SEAL, Some(b"short")));
        assert!(Seal::read(&tree).is_ok(), "all was undone");
    }
}
