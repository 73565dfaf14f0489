//! Values that ORE has names for.

use std::fmt;
use std::str::FromStr;

use super::Index;
use super::cursor::Cursor;
use super::json::{FromJson, shown, text};
use super::value::Value;
use crate::time::{BusinessDayConvention, Calendar, DayCount, Rule, Tenor};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A value in JSON, by one of the names that ORE has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<T>(pub T);

/// What names stand for.
pub trait Vocabulary: FromStr + fmt::Display {
    /// What is needed where another word was found.
    const NEEDED: &'static str;
}

impl Vocabulary for Calendar {
    const NEEDED: &'static str =
        "TARGET, US, US-NYSE or UK is needed, or several of them with commas between them";
}

impl Vocabulary for BusinessDayConvention {
    const NEEDED: &'static str = "one of U, F, MF, P, MP, HMMF, NEAREST is needed";
}

impl Vocabulary for DayCount {
    const NEEDED: &'static str = "one of A360, A365F, ActActISDA, 30/360, 30E/360 is needed";
}

impl Vocabulary for Rule {
    const NEEDED: &'static str = "one of Forward, Backward, Zero is needed";
}

impl Vocabulary for Index {
    const NEEDED: &'static str = "one of EUR-EURIBOR-3M, EUR-EURIBOR-6M, GBP-LIBOR-3M, \
        GBP-LIBOR-6M, USD-LIBOR-3M, USD-LIBOR-6M is needed";
}

impl Vocabulary for Tenor {
    const NEEDED: &'static str = "a tenor is needed, whole numbers with D, W, M or Y, such as 3M";
}

impl<T: Vocabulary> FromJson for Named<T> {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        match text(value, at)?.parse() {
            Ok(known) => Some(Self(known)),
            Err(_) => {
                at.fault(format!("found {}: {}", shown(value), T::NEEDED));
                None
            }
        }
    }
}

impl<T: Vocabulary> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<T: Vocabulary> JsonSchema for Named<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Vocabulary>(name: &str) -> Result<T, String> {
        let mut at = Cursor::default();
        let json = serde_json::to_string(name).unwrap();
        let value = Named::from_json(serde_json::from_str(&json).unwrap(), &mut at);
        value
            .map(|Named(value)| value)
            .ok_or_else(|| at.into_faults().0.remove(0).message)
    }

    #[test]
    fn a_name_reads_back_and_another_is_answered_with_those_there_are() {
        for name in ["U", "F", "MF", "P", "MP", "HMMF", "NEAREST"] {
            let convention = read::<BusinessDayConvention>(name).unwrap();
            assert_eq!(convention.to_string(), name);
        }
        for name in [
            "A360",
            "A365F",
            "ActActISDA",
            "30/360",
            "30/360 (Bond Basis)",
            "30E/360",
        ] {
            assert_eq!(read::<DayCount>(name).unwrap().to_string(), name);
        }
        for name in ["Forward", "Backward", "Zero"] {
            assert_eq!(read::<Rule>(name).unwrap().to_string(), name);
        }
        assert_eq!(
            read::<Calendar>("TARGET,JP").unwrap_err(),
            "found \"TARGET,JP\": TARGET, US, US-NYSE or UK is needed, or several of them with \
             commas between them"
        );
        assert!(
            read::<Tenor>("3 months")
                .unwrap_err()
                .contains("such as 3M")
        );
    }
}
