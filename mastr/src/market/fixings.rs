//! What indices and equities were on past days.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::line;
use crate::fault::{Fault, Faults, Place};
use crate::results::Shortest;
use crate::time::Date;

/// Fixings by name and day, such as `EUR-EURIBOR-6M` or `EQ-SP5`.
///
/// ```
/// use mastr::market::Fixings;
///
/// let fixings = Fixings::parse(b"20260413 EUR-EURIBOR-6M 0.0212\n").unwrap();
/// let date = "2026-04-13".parse().unwrap();
/// assert_eq!(fixings.get("EUR-EURIBOR-6M", date), Some(0.0212));
/// assert_eq!(fixings.get("EQ-SP5", date), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fixings {
    by_name: BTreeMap<Box<str>, BTreeMap<Date, (f64, u64)>>,
}

impl Fixings {
    /// Reads a file of lines `DATE NAME VALUE` in UTF-8; `#` starts a comment.
    ///
    /// # Errors
    /// Every line that is none, and every name with two values on one day.
    pub fn parse(file: &[u8]) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut fixings = Self::default();
        line::read(file, &mut faults, |line, faults| {
            let of_name = fixings.by_name.entry(Box::from(line.key)).or_default();
            match of_name.entry(line.date) {
                Entry::Vacant(vacant) => {
                    vacant.insert((line.value, line.number));
                }
                Entry::Occupied(first) if first.get().0 == line.value => {}
                Entry::Occupied(first) => {
                    let (value, number) = first.get();
                    let message = format!(
                        "{} of {} is {}, but line {number} says {}: leave one",
                        line.key,
                        line.date,
                        Shortest(line.value),
                        Shortest(*value)
                    );
                    faults.push(Fault::new(Place::Line(line.number), message));
                }
            }
        });
        faults.or(fixings)
    }

    /// What `name` was on `date`, if that is known.
    pub fn get(&self, name: &str, date: Date) -> Option<f64> {
        self.by_name.get(name)?.get(&date).map(|(value, _)| *value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}
