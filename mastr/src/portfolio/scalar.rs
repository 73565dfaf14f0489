//! The leaves of a portfolio: numbers with bounds, days, codes.

use std::fmt;

use super::Currency;
use super::cursor::Cursor;
use super::json::{FromJson, elements, shown, text};
use super::value::Value;
use crate::results::Shortest;
use crate::time::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A finite number that is not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonNegative(pub f64);

/// A finite number greater than zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Positive(pub f64);

/// A trade's version: a whole number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Version(pub u32);

/// A number of business days, from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Days(pub u8);

/// A date in JSON: `YYYY-MM-DD` or `YYYYMMDD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub Date);

/// A currency in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub Currency);

/// An array of exactly one element.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct One<T>([T; 1]);

/// An array of at least one element.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct List<T>(pub Vec<T>);

/// A value that is accepted and not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ignored;

impl<T> One<T> {
    /// The array of `element`.
    pub fn new(element: T) -> Self {
        Self([element])
    }

    /// The element.
    pub fn get(&self) -> &T {
        &self.0[0]
    }
}

impl FromJson for f64 {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let digits = value.get();
        // JSON's numbers are among those that Rust reads, and Rust rounds them correctly.
        let number = match digits.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => digits.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if f64::is_finite(number) => Some(number),
            Some(_) => {
                at.fault(format!("{} is beyond the range of a number", shown(value)));
                None
            }
            None => {
                at.fault(format!("found {}, a number is needed", shown(value)));
                None
            }
        }
    }
}

impl FromJson for NonNegative {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let number = f64::from_json(value, at)?;
        if number < 0.0 {
            at.fault(format!(
                "found {}, which is negative: zero or more is needed",
                Shortest(number)
            ));
            return None;
        }
        // Negative zero would print as such.
        Some(Self(number.abs()))
    }
}

impl FromJson for Positive {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let number = f64::from_json(value, at)?;
        if number <= 0.0 {
            at.fault(format!(
                "found {}, a number greater than zero is needed",
                Shortest(number)
            ));
            return None;
        }
        Some(Self(number))
    }
}

impl FromJson for Version {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        match value.get().parse() {
            Ok(version) if version > 0 => Some(Self(version)),
            _ => {
                at.fault(format!(
                    "found {}, a whole number from 1 to {} is needed",
                    shown(value),
                    u32::MAX
                ));
                None
            }
        }
    }
}

impl FromJson for Days {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let days = value.get().parse().ok();
        if days.is_none() {
            at.fault(format!(
                "found {}, a whole number from 0 to {} is needed",
                shown(value),
                u8::MAX
            ));
        }
        days.map(Self)
    }
}

impl FromJson for String {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        text(value, at).map(Into::into)
    }
}

impl FromJson for bool {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        match value.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                at.fault(format!("found {}, true or false is needed", shown(value)));
                None
            }
        }
    }
}

impl FromJson for Ignored {
    fn from_json(_: Value<'_>, _: &mut Cursor) -> Option<Self> {
        Some(Self)
    }
}

impl FromJson for Day {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        parsed(value, at).map(Self)
    }
}

impl FromJson for Code {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let code = text(value, at)?;
        match code.parse() {
            Ok(currency) => Some(Self(currency)),
            Err(reason) => {
                at.fault(format!("{} is {reason}", shown(value)));
                None
            }
        }
    }
}

impl<T: FromJson> FromJson for One<T> {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let (mut count, mut first) = (0, None);
        elements(value, at, |element, at| {
            let read = T::from_json(element, at);
            if count == 0 {
                first = read;
            }
            count += 1;
        })?;
        if count == 1 {
            return first.map(Self::new);
        }
        at.fault(format!("found {count} elements, exactly one is supported"));
        None
    }
}

impl<T: FromJson> FromJson for List<T> {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        // An array without elements is absent.
        let mut read = Some(Vec::new());
        elements(value, at, |element, at| {
            read = T::from_json(element, at)
                .zip(read.take())
                .map(|(element, mut read)| {
                    read.push(element);
                    read
                });
        })?;
        read.map(Self)
    }
}

/// Reads a string that has a form of its own, and tells that form's complaint.
fn parsed<T>(value: Value<'_>, at: &mut Cursor) -> Option<T>
where
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    match text(value, at)?.parse() {
        Ok(result) => Some(result),
        Err(error) => {
            at.fault(error.to_string());
            None
        }
    }
}

impl Serialize for NonNegative {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0, serializer)
    }
}

impl Serialize for Positive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0, serializer)
    }
}

/// Writes `number`, which is not negative; a whole one without a decimal point.
fn number<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number < EXACT {
        serializer.serialize_u64(number as u64)
    } else {
        serializer.serialize_f64(number)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// The schemas of types whose JSON is not what a derive would say.
macro_rules! schemas {
    ($($name:ident: $schema:tt)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

schemas! {
    NonNegative: {"type": "number", "minimum": 0}
    Positive: {"type": "number", "exclusiveMinimum": 0}
    Version: {"type": "integer", "minimum": 1, "maximum": 4294967295u32}
    Days: {"type": "integer", "minimum": 0, "maximum": 255}
    Day: {"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}-[0-9]{2}|[0-9]{4})$"}
    Code: {"type": "string", "pattern": "^[A-Z]{3}$"}
    Ignored: {}
}

impl<T: JsonSchema> JsonSchema for One<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("One{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<T>(),
            "minItems": 1,
            "maxItems": 1
        })
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("List{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<T>(),
            "minItems": 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromJson>(text: &str) -> Result<T, String> {
        let mut at = Cursor::default();
        let value = T::from_json(serde_json::from_str(text).unwrap(), &mut at);
        value.ok_or_else(|| at.into_faults().0.remove(0).message)
    }

    #[test]
    fn numbers_are_read_to_the_nearest_double() {
        assert_eq!(read("2147.56"), Ok(2147.56));
        assert_eq!(read("1e-400"), Ok(0.0));
        // serde_json's own reading is one unit in the last place off here.
        assert_eq!(read("31.245270191439438"), Ok(31.245_270_191_439_438));
        assert_eq!(
            read::<f64>("1e400").unwrap_err(),
            "1e400 is beyond the range of a number"
        );
        assert_eq!(
            read::<f64>("\"NaN\"").unwrap_err(),
            "found \"NaN\", a number is needed"
        );
    }

    #[test]
    fn bounds_are_held() {
        assert_eq!(read("-0.0").map(|NonNegative(x)| x.to_bits()), Ok(0));
        assert!(read::<NonNegative>("-5").unwrap_err().contains("negative"));
        assert!(read::<Positive>("0").is_err());
        assert_eq!(read("4294967295").map(|Version(x)| x), Ok(u32::MAX));
        assert_eq!(read("255").map(|Days(x)| x), Ok(u8::MAX));
        for text in ["-1", "1.5", "256", "\"1\"", "1e1"] {
            assert!(read::<Days>(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "1.5", "4294967296", "\"1\""] {
            assert!(read::<Version>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_element_is_one() {
        assert!(read::<One<Day>>(r#"["2027-06-15"]"#).is_ok());
        let two = read::<One<Day>>(r#"["2027-06-15","2027-07-15"]"#);
        assert_eq!(
            two.unwrap_err(),
            "found 2 elements, exactly one is supported"
        );
    }

    #[test]
    fn a_list_tells_of_every_element_that_is_none() {
        assert_eq!(
            read("[1,-2.5]").map(|List(numbers)| numbers),
            Ok(vec![1.0, -2.5])
        );
        let mut at = Cursor::default();
        let value = serde_json::from_str("[1,\"a\",2,null]").unwrap();
        assert_eq!(List::<f64>::from_json(value, &mut at), None);
        let pointers = at.into_faults().0.into_iter().map(|found| found.pointer);
        assert_eq!(pointers.collect::<Vec<_>>(), ["/1", "/3"]);
    }
}
