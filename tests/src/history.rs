//! A history of batches, each a function of its number alone. Whatever a store holds after a crash
//! can so be compared with what some beginning of the history makes of an empty one.

use palm_highlevel::store::{Batch, LogId, MemoryStore, Store, StoreError};

const SMALL: LogId = LogId(1);
const LARGE: LogId = LogId(2);
const PASSING: LogId = LogId(3);

/// How many messages each step appends to the small log.
const GROUP: u64 = 5;

/// The batch of a step; the first has number 1. It appends and marks, and now and then trims,
/// forgets, deletes and stores what takes several pieces.
pub fn step(number: u64) -> Batch {
    let mut chance = Chance(number);
    let mut batch = Batch::new();
    batch.put("step", number.to_be_bytes().to_vec());
    let end = number * GROUP;
    batch.append(SMALL, end - GROUP + 1, GROUP as u32, number.to_string());
    for _ in 0..GROUP {
        batch.mark(SMALL, end - chance.below(end.min(12 * GROUP)));
    }
    if number.is_multiple_of(3) {
        let bytes = vec![number as u8; chance.below(20_000) as usize];
        batch.append(LARGE, number / 3, 1, bytes);
        batch.mark(LARGE, 1 + chance.below(number / 3));
    }
    if number.is_multiple_of(20) {
        batch.trim(SMALL, end - 7 * GROUP - chance.below(GROUP));
        batch.trim(LARGE, number / 6);
    }
    match number % 10 {
        4 => batch.append(PASSING, 1, 3, "passing").mark(PASSING, 2),
        7 => batch.forget(PASSING),
        _ => &mut batch,
    };
    let key = format!("key {}", chance.below(9));
    match chance.below(3) {
        0 => batch.delete(key),
        _ => batch.put(key, vec![number as u8; chance.below(12_000) as usize]),
    };
    batch
}

/// The number of the last step that a store holds, 0 if it is empty.
///
/// # Errors
///
/// Those of [`Store::get`].
pub fn reached(store: &dyn Store) -> Result<u64, StoreError> {
    let number = store.get(b"step")?;
    Ok(number.map_or(0, |bytes| {
        bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
    }))
}

/// Takes a store that holds the steps up to `from` on to those up to `to`.
///
/// # Errors
///
/// Those of [`Store::write`].
pub fn advance(store: &mut MemoryStore, from: u64, to: u64) -> Result<(), StoreError> {
    (from + 1..=to).try_for_each(|number| store.write(&step(number)))
}

/// Numbers that look random and are a function of the seed (the SplitMix64 generator: Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 to below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
