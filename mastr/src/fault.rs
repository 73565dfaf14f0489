//! What is wrong with an input, and where.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

/// Where in an input a fault lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The input as a whole, or a place that the message itself names.
    Whole,
    /// A line, counted from 1.
    Line(u64),
    /// A line and a column, both counted from 1.
    Column(u64, u64),
    /// A JSON pointer (RFC 6901).
    Pointer(String),
}

/// One thing that is wrong with an input: the trade, the place, what was found and what to do.
///
/// Displays as `trade "EU1" at /Portfolio/0/…/Quantity: found -5, which is negative: …`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Id of the trade at fault; empty when it is no trade, or one without an id.
    pub trade: String,
    /// Where it lies.
    pub place: Place,
    /// What was found and what to do, in lower case and without a full stop.
    pub message: String,
}

impl Fault {
    /// A fault that belongs to no trade.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            trade: String::new(),
            place,
            message: message.into(),
        }
    }

    /// A fault of the trade `id` as a whole: what its valuation could not do.
    pub fn of_trade(id: &str, message: impl Into<String>) -> Self {
        Self {
            trade: id.to_owned(),
            place: Place::Whole,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.trade.is_empty() {
            write!(f, "trade {}", Shown(&format!("{:?}", self.trade)))?;
            f.write_str(match self.place {
                Place::Whole => ": ",
                _ => " at ",
            })?;
        }
        match &self.place {
            Place::Whole => {}
            Place::Line(line) => write!(f, "line {line}: ")?,
            Place::Column(line, column) => write!(f, "line {line}, column {column}: ")?,
            Place::Pointer(pointer) => write!(f, "{}: ", Shown(pointer))?,
        }
        Shown(&self.message).fmt(f)
    }
}

/// Text that may come from anywhere, on one line: without control characters, which would be obeyed by a
/// terminal, and without the middle of a long one.
struct Shown<'a>(&'a str);

impl Shown<'_> {
    /// So many characters are shown at the beginning …
    const HEAD: usize = 800;
    /// … and at the end, where it says what to do.
    const TAIL: usize = 200;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = Self::HEAD..self.0.chars().count().saturating_sub(Self::TAIL);
        for (place, character) in self.0.chars().enumerate() {
            if left_out.contains(&place) {
                if place == left_out.start {
                    f.write_char('…')?;
                }
            } else if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// All faults of one input, of which the first [`Faults::SHOWN`] are kept and the rest counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    count: u64,
}

impl Faults {
    /// So many faults are kept to be shown.
    pub const SHOWN: usize = 50;

    /// No fault yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `fault`, and keeps it if there is still room.
    pub fn push(&mut self, fault: Fault) {
        self.count += 1;
        if self.kept.len() < Self::SHOWN {
            self.kept.push(fault);
        }
    }

    /// Counts `more` faults that are not to be shown.
    pub fn count_more(&mut self, more: u64) {
        self.count += more;
    }

    /// Counts and keeps the faults of `other` as if they had been pushed here.
    pub fn append(&mut self, other: Self) {
        let room = Self::SHOWN - self.kept.len();
        self.count += other.count;
        self.kept.extend(other.kept.into_iter().take(room));
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first of them, at most [`Faults::SHOWN`].
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.kept.iter()
    }

    /// `value`, if there was no fault.
    ///
    /// # Errors
    /// These faults, if there was one.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        let mut faults = Self::new();
        faults.push(fault);
        faults
    }
}

/// A line for each fault that was kept, and one that tells how many more there were.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.kept.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        match self.count - self.kept.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more faults, {} in all", self.count),
        }
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_are_shown_and_all_are_counted() {
        let mut faults = Faults::new();
        for line in 1..=60 {
            faults.push(Fault::new(Place::Line(line), "no quote"));
        }
        let mut more = Faults::from(Fault::of_trade("T1", "no curve"));
        more.append(faults);
        assert_eq!(more.count(), 61);
        assert_eq!(more.iter().count(), Faults::SHOWN);
        let text = more.to_string();
        assert!(text.starts_with("trade \"T1\": no curve\nline 1: no quote\n"));
        assert!(text.ends_with("line 49: no quote\n… and 11 more faults, 61 in all"));
    }

    #[test]
    fn what_comes_from_a_file_stays_on_one_line_of_bounded_length() {
        let fault = Fault {
            trade: "a\nb".to_owned(),
            place: Place::Pointer("/x\u{1b}[2J".to_owned()),
            message: format!("{}: mend it", "é\r".repeat(1_000)),
        };
        let text = fault.to_string();
        assert!(
            text.starts_with(r#"trade "a\nb" at /x\u{1b}[2J: é\ré"#),
            "{text}"
        );
        assert!(text.ends_with(r"é\r: mend it"), "{text}");
        assert!(text.contains('…') && text.chars().count() < 2_000, "{text}");
    }

    #[test]
    fn no_fault_gives_the_value() {
        assert_eq!(Faults::new().or(7), Ok(7));
    }
}
