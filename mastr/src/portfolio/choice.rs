//! Words of a portfolio that are one of a few.

use super::cursor::Cursor;
use super::json::{FromJson, shown, text};
use super::value::Value;
use super::{BarrierType, OptionKind, Position};
use schemars::JsonSchema;
use serde::Serialize;

/// Reads enumerations whose variants are written as they are named.
macro_rules! choices {
    ($($name:ident { $($variant:ident),* })*) => {$(
        impl FromJson for $name {
            fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
                match &*text(value, at)? {
                    $(stringify!($variant) => Some(Self::$variant),)*
                    _ => {
                        let names = [$(stringify!($variant)),*].join(", ");
                        at.fault(format!("found {}: one of {names} is needed", shown(value)));
                        None
                    }
                }
            }
        }
    )*};
}

/// When an option can be exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Style {
    /// On its last day.
    European,
    /// On any day until its last.
    American,
    /// On the days listed.
    Bermudan,
}

/// What an option pays on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum PayoffType {
    /// The price at exercise.
    Vanilla,
    /// An average of prices.
    Asian,
    /// The price at exercise, against an average.
    AverageStrike,
}

/// How an average is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum PayoffType2 {
    /// The sum over the count.
    Arithmetic,
    /// The root of the product.
    Geometric,
}

/// How an exercise is settled; the price is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Settlement {
    /// In money.
    Cash,
    /// By delivery.
    Physical,
}

/// The kind of an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum UnderlyingType {
    /// A share or an index of shares.
    Equity,
}

/// Whether the rate of a leg is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum LegType {
    /// It is agreed.
    Fixed,
    /// It is that of an index.
    Floating,
}

choices! {
    Position { Long, Short }
    OptionKind { Call, Put }
    BarrierType { UpAndOut, UpAndIn, DownAndOut, DownAndIn }
    Style { European, American, Bermudan }
    PayoffType { Vanilla, Asian, AverageStrike }
    PayoffType2 { Arithmetic, Geometric }
    Settlement { Cash, Physical }
    UnderlyingType { Equity }
    LegType { Fixed, Floating }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_names_its_alternatives() {
        let mut at = Cursor::default();
        let read =
            |text, at: &mut Cursor| Position::from_json(serde_json::from_str(text).unwrap(), at);
        assert_eq!(read("\"Long\"", &mut at), Some(Position::Long));
        assert_eq!(read("\"long\"", &mut at), None);
        let (found, _) = at.into_faults();
        assert_eq!(
            found[0].message,
            "found \"long\": one of Long, Short is needed"
        );
    }
}
