//! The quotes of one day, as they stand in a market file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::key::{self, Quotation, Slot};
use super::line;
use crate::fault::{Fault, Faults, Place};
use crate::results::Shortest;
use crate::time::Date;

/// The quotes of one as-of date.
///
/// ```
/// use mastr::market::Quotes;
///
/// let as_of = "2026-06-15".parse().unwrap();
/// let text = b"# spots\n20260615 FX/RATE/EUR/USD 1.1\n20260615 FX/RATE/EUR/USD 1.2\n";
/// let faults = Quotes::parse(text, as_of).unwrap_err();
/// assert_eq!(
///     faults.to_string(),
///     "line 3: FX/RATE/EUR/USD is 1.2, but line 2 says FX/RATE/EUR/USD is 1.1: leave one"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Quotes {
    as_of: Date,
    quotes: BTreeMap<Slot, Quote>,
    skipped: u64,
}

/// A quote: its key as it stands in the file, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// The key as it stands in the file.
    pub key: Box<str>,
    /// A finite number.
    pub value: f64,
    /// Line of the file, from 1.
    pub line: u64,
    pub(super) quotation: Quotation,
}

impl Quotes {
    /// Reads a market file: lines of `DATE KEY VALUE` in UTF-8, `#` starts a comment. Quotes of
    /// other days than `as_of` are skipped and counted.
    ///
    /// # Errors
    /// Every line that is none, key that is unknown, and key with two values; also when there are
    /// quotes, but none of `as_of`.
    pub fn parse(file: &[u8], as_of: Date) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut quotes = Self {
            as_of,
            quotes: BTreeMap::new(),
            skipped: 0,
        };
        line::read(file, &mut faults, |line, faults| {
            if let Err(message) = quotes.add(&line) {
                faults.push(Fault::new(Place::Line(line.number), message));
            }
        });
        if faults.is_empty() && quotes.quotes.is_empty() && quotes.skipped > 0 {
            let message = format!(
                "no quote of the as-of date {as_of}: all {} are of other days",
                quotes.skipped
            );
            faults.push(Fault::new(Place::Whole, message));
        }
        faults.or(quotes)
    }

    fn add(&mut self, line: &line::Line<'_>) -> Result<(), String> {
        if line.date != self.as_of {
            self.skipped += 1;
            return Ok(());
        }
        let (slot, quotation) = key::parse(line.key, self.as_of)?;
        let quote = Quote {
            key: Box::from(line.key),
            value: line.value,
            line: line.number,
            quotation,
        };
        match self.quotes.entry(slot) {
            Entry::Vacant(vacant) => {
                vacant.insert(quote);
                Ok(())
            }
            Entry::Occupied(first) => {
                let first = first.get();
                if (first.value, first.quotation) == (quote.value, quote.quotation) {
                    return Ok(());
                }
                Err(format!(
                    "{} is {}, but line {} says {} is {}: leave one",
                    quote.key,
                    Shortest(quote.value),
                    first.line,
                    first.key,
                    Shortest(first.value)
                ))
            }
        }
    }

    /// The day the quotes are of.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Every quote, in the order of what it is about.
    pub fn iter(&self) -> impl Iterator<Item = &Quote> {
        self.quotes.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.quotes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.quotes.is_empty()
    }

    /// How many quotes of other days the file holds.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = (&Slot, &Quote)> {
        self.quotes.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Quotes, String> {
        let as_of = Date::new(2026, 6, 15).unwrap();
        Quotes::parse(text.as_bytes(), as_of).map_err(|faults| faults.to_string())
    }

    #[test]
    fn marks_line_ends_comments_and_other_days_are_no_trouble() {
        let quotes = parse(
            "\u{feff}# spots\r\n\r\n2026-06-15\tEQUITY/PRICE/SP5/USD  2147.56 # closing\r\n\
             20260614 EQUITY/PRICE/SP5/USD 2140.1\r\n20260615 EQUITY/PRICE/SP5/USD 2147.560",
        )
        .unwrap();
        assert_eq!((quotes.len(), quotes.skipped()), (1, 1));
        assert_eq!(quotes.iter().next().unwrap().value, 2147.56);
    }

    #[test]
    fn every_faulty_line_is_told() {
        let faults = parse(
            "20260615 FX/RATE/EUR/USD\n\
             20260631 FX/RATE/EUR/USD 1.1\n\
             20260615 FX/RATE/EUR/USD NaN\n\
             20260615 FX/RATE/EUR/USD one\n\
             20260615 FX/RATE/EUR/EUR 1\n\
             20260615 EQUITY/SPOT/SP5/USD 1\n\
             20260615 ZERO/RATE/EUR/EUR1D/A366/1Y 0.02\n\
             20260615 ZERO/RATE/EUR/EUR1D/A365F/0D 0.02\n\
             20260615 ZERO/RATE/EUR/EUR1D/A365F/soon 0.02\n\
             20260615 EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/-5 0.2\n\
             20260615 EQUITY/PRICE//USD 1\n\
             20260615 EQUITY/PRICE/SP5/usd 1",
        )
        .unwrap_err();
        assert_eq!(faults.lines().count(), 12);
        for (line, text) in (1..).zip(faults.lines()) {
            assert!(text.starts_with(&format!("line {line}: ")), "{text}");
        }
    }

    #[test]
    fn a_day_counter_may_have_a_slash() {
        let quotes = parse("20260615 ZERO/RATE/EUR/EUR1D/30/360/1Y 0.02").unwrap();
        assert_eq!(quotes.len(), 1);
        for key in ["EUR1D/1Y", "EUR1D/30/360/A365F/1Y", "EUR1D/360/1Y"] {
            assert!(parse(&format!("20260615 ZERO/RATE/EUR/{key} 0.02")).is_err());
        }
    }

    #[test]
    fn two_keys_of_one_pillar_are_one_key() {
        let faults = parse(
            "20260615 ZERO/RATE/EUR/EUR1D/A365F/1Y 0.02\n\
             20260615 DISCOUNT/RATE/EUR/EUR1D/2027-06-15 0.98\n",
        )
        .unwrap_err();
        assert!(
            faults.starts_with("line 2: DISCOUNT/RATE/EUR/EUR1D/2027-06-15 is 0.98, but line 1")
        );
    }

    #[test]
    fn a_market_of_another_day_is_refused() {
        let faults = parse("20250615 FX/RATE/EUR/USD 1.1").unwrap_err();
        assert!(
            faults.contains("no quote of the as-of date 2026-06-15"),
            "{faults}"
        );
        assert!(parse("").unwrap().is_empty());
    }
}
