//! Texts and keys that repeat, stored once and known by number.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Sequences of `T`, each stored once, numbered 0, 1, 2 … in the order in which they came.
///
/// All of them lie in one vector: a trade id costs its bytes, eight for where it ends and about
/// seven in the table, and no allocation of its own.
#[derive(Clone, Debug)]
pub(crate) struct Interner<T> {
    items: Vec<T>,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T: Copy + Eq + Hash> Interner<T> {
    pub(crate) fn new() -> Self {
        Self {
            items: Vec::new(),
            ends: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The sequence's number, which it gets if it has none yet.
    ///
    /// # Panics
    ///
    /// If there are 2³² sequences already.
    pub(crate) fn intern(&mut self, key: &[T]) -> u32 {
        let hash = self.hasher.hash_one(key);
        let (items, ends) = (&self.items, &self.ends);
        if let Some(&number) = self
            .table
            .find(hash, |&number| equal(slice(items, ends, number), key))
        {
            return number;
        }
        let number =
            u32::try_from(self.ends.len()).expect("the owner admits fewer than 2^32 sequences");
        self.items.extend_from_slice(key);
        self.ends.push(self.items.len());
        let (items, ends, hasher) = (&self.items, &self.ends, &self.hasher);
        self.table.insert_unique(hash, number, |&number| {
            hasher.hash_one(slice(items, ends, number))
        });
        number
    }

    /// The sequence's number, if it has one.
    pub(crate) fn find(&self, key: &[T]) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(key), |&number| {
                equal(self.get(number), key)
            })
            .copied()
    }

    /// The sequence that has this number.
    ///
    /// # Panics
    ///
    /// If none has.
    pub(crate) fn get(&self, number: u32) -> &[T] {
        slice(&self.items, &self.ends, number)
    }
}

impl Interner<u8> {
    /// The text that has this number.
    ///
    /// # Panics
    ///
    /// If none has.
    pub(crate) fn text(&self, number: u32) -> &str {
        std::str::from_utf8(self.get(number)).expect("only the bytes of texts are interned")
    }
}

/// Empty sequences lie at no address in particular, and comparing no bytes at an address that is not
/// mapped costs 200 ns on some processors.
fn equal<T: Eq>(one: &[T], other: &[T]) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

fn slice<'a, T>(items: &'a [T], ends: &[usize], number: u32) -> &'a [T] {
    let number = number as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &items[start..ends[number]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sequences_have_one_number() {
        let mut interner = Interner::new();
        for round in 0..2 {
            for n in 0..1000_u32 {
                let key: Vec<u32> = (0..n % 5).map(|place| n * place).chain([n]).collect();
                assert_eq!(interner.intern(&key), n, "round {round}");
                assert_eq!(interner.get(n), key);
                assert_eq!(interner.find(&key), Some(n));
            }
        }
        assert_eq!(interner.len(), 1000);
        assert_eq!(interner.find(&[7, 7, 7]), None);
    }

    #[test]
    fn the_empty_text_is_one_too() {
        let mut texts = Interner::new();
        assert_eq!(texts.find(b""), None);
        assert_eq!(texts.intern(b""), 0);
        assert_eq!(texts.intern("Zürich".as_bytes()), 1);
        assert_eq!((texts.text(0), texts.text(1)), ("", "Zürich"));
    }
}
