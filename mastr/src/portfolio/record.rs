//! Trades as they stand in a portfolio file: ORE's names, one to one.
//!
//! Each record is defined once. From the definition come the reading (with every fault), the
//! writing, and the JSON Schema.

use std::collections::HashSet;

use super::choice::{PayoffType, PayoffType2, Settlement, Style, UnderlyingType};
use super::cursor::Cursor;
use super::json::{FromJson, Members, shown, text};
use super::scalar::{Code, Day, Ignored, NonNegative, One, Positive, Version};
use super::schedule_data::ScheduleData;
use super::swap_data::{BondData, SwapData};
use super::value::Value;
use super::{BarrierType, OptionKind, Position, TradeType};
use schemars::JsonSchema;
use serde::Serialize;

/// Defines a record: its fields by the keys they have in JSON, and pairs of keys of which exactly
/// one is given.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $key:literal $field:ident: $type:ty, )*
        }
        $( exactly one of { $( $a:literal or $b:literal, )+ } )?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[schemars(extend("allOf" = [
            $( {"oneOf": [{"required": [$a]}, {"required": [$b]}]} ),+
        ]))])?
        pub struct $name {
            $( $(#[$field_meta])* #[serde(rename = $key)] pub $field: $type, )*
        }

        impl FromJson for $name {
            fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
                let mut members = Members::of(value, at)?;
                $($( members.one_of($a, $b, at); )+)?
                $( let $field = members.field::<$type>($key, at); )*
                members.finish(&[$($key),*], at);
                Some(Self { $( $field: $field?, )* })
            }
        }
    };
}
pub(super) use record;

record! {
    /// `Envelope`: what the trade is filed under.
    #[derive(Default)]
    pub struct EnvelopeRecord {
        /// Who the trade is with.
        #[serde(skip_serializing_if = "Option::is_none")]
        "CounterParty" counterparty: Option<String>,
        /// What it is netted with; a trade without stands alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        "NettingSetId" netting_set: Option<String>,
        /// Accepted and ignored.
        #[serde(skip_serializing)]
        "PortfolioIds" portfolio_ids: Option<Ignored>,
        /// Further dimensions to aggregate by.
        #[serde(skip_serializing_if = "Option::is_none")]
        "AdditionalFields" additional: Option<Fields>,
    }
}

record! {
    /// `OptionData`: side, right and exercise of an option.
    pub struct OptionData {
        /// Long or short.
        "LongShort" position: Position,
        /// Call or put.
        "OptionType" kind: OptionKind,
        /// When it can be exercised.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Style" style: Option<Style>,
        /// Of an Asian option `Asian`, of all others `Vanilla`, which is the default.
        #[serde(skip_serializing_if = "Option::is_none")]
        "PayoffType" payoff_type: Option<PayoffType>,
        /// How an Asian option averages.
        #[serde(skip_serializing_if = "Option::is_none")]
        "PayoffType2" payoff_type_2: Option<PayoffType2>,
        /// The last day of exercise.
        "ExerciseDates" exercise_dates: One<Day>,
        /// Cash or physical; the price is the same.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Settlement" settlement: Option<Settlement>,
        /// Without effect on a European option; of an American one `false`.
        #[serde(skip_serializing_if = "Option::is_none")]
        "PayOffAtExpiry" pay_off_at_expiry: Option<bool>,
    }
}

record! {
    /// `Underlying`, in the place of `Name`.
    pub struct Underlying {
        /// Its kind.
        "Type" kind: UnderlyingType,
        /// Its name in the market.
        "Name" name: String,
    }
}

record! {
    /// `StrikeData`, in the place of `Strike`.
    pub struct StrikeData {
        /// The strike.
        "Value" value: NonNegative,
        /// Its currency, the trade's.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Currency" currency: Option<Code>,
    }
}

record! {
    /// `EquityOptionData`.
    pub struct EquityOptionData {
        /// Side, right and exercise.
        "OptionData" option: OptionData,
        /// The equity's name in the market.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Name" name: Option<String>,
        /// The equity, in the place of its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Underlying" underlying: Option<Underlying>,
        /// Currency of strike, spot and value.
        "Currency" currency: Code,
        /// Price of one unit at exercise.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Strike" strike: Option<NonNegative>,
        /// The strike with its currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeData" strike_data: Option<StrikeData>,
        /// The trade's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeCurrency" strike_currency: Option<Code>,
        /// Units.
        "Quantity" quantity: NonNegative,
    }
    exactly one of {
        "Name" or "Underlying",
        "Strike" or "StrikeData",
    }
}

record! {
    /// `BarrierData`: where a barrier lies and what it does.
    pub struct BarrierData {
        /// On which side of the price it lies, and what happens there.
        "Type" kind: BarrierType,
        /// The price of the underlying that counts.
        "Levels" levels: One<Positive>,
        /// Paid in total when the option is knocked out, or at expiry when it has not been knocked
        /// in.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Rebate" rebate: Option<NonNegative>,
    }
}

record! {
    /// `EquityBarrierOptionData`.
    pub struct EquityBarrierOptionData {
        /// Side, right and exercise.
        "OptionData" option: OptionData,
        /// The barrier, watched at every moment from the as-of date.
        "BarrierData" barrier: BarrierData,
        /// The equity's name in the market.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Name" name: Option<String>,
        /// The equity, in the place of its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Underlying" underlying: Option<Underlying>,
        /// Currency of strike, spot, level, rebate and value.
        "Currency" currency: Code,
        /// Price of one unit at exercise.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Strike" strike: Option<NonNegative>,
        /// The strike with its currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeData" strike_data: Option<StrikeData>,
        /// The trade's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeCurrency" strike_currency: Option<Code>,
        /// Units.
        "Quantity" quantity: NonNegative,
    }
    exactly one of {
        "Name" or "Underlying",
        "Strike" or "StrikeData",
    }
}

record! {
    /// `EquityAsianOptionData`.
    pub struct EquityAsianOptionData {
        /// Side, right and exercise.
        "OptionData" option: OptionData,
        /// The equity's name in the market.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Name" name: Option<String>,
        /// The equity, in the place of its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Underlying" underlying: Option<Underlying>,
        /// Currency of strike, spot and value.
        "Currency" currency: Code,
        /// What the average is compared with.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Strike" strike: Option<NonNegative>,
        /// The strike with its currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeData" strike_data: Option<StrikeData>,
        /// The trade's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeCurrency" strike_currency: Option<Code>,
        /// Units.
        "Quantity" quantity: NonNegative,
        /// When it is paid; by default when it expires.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Settlement" settlement: Option<Day>,
        /// When the price is observed.
        "ObservationDates" observations: ScheduleData,
    }
    exactly one of {
        "Name" or "Underlying",
        "Strike" or "StrikeData",
    }
}

record! {
    /// `EquityForwardData`.
    pub struct EquityForwardData {
        /// Long buys, short sells.
        "LongShort" position: Position,
        /// The day of delivery.
        "Maturity" maturity: Day,
        /// The equity's name in the market.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Name" name: Option<String>,
        /// The equity, in the place of its name.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Underlying" underlying: Option<Underlying>,
        /// Currency of strike, spot and value.
        "Currency" currency: Code,
        /// Price agreed for one unit.
        "Strike" strike: NonNegative,
        /// The trade's currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        "StrikeCurrency" strike_currency: Option<Code>,
        /// Units.
        "Quantity" quantity: NonNegative,
    }
    exactly one of {
        "Name" or "Underlying",
    }
}

record! {
    /// `FxForwardData`.
    pub struct FxForwardData {
        /// The day of both flows.
        "ValueDate" value_date: Day,
        /// Currency received.
        "BoughtCurrency" bought: Code,
        /// Amount received.
        "BoughtAmount" bought_amount: NonNegative,
        /// Currency paid.
        "SoldCurrency" sold: Code,
        /// Amount paid.
        "SoldAmount" sold_amount: NonNegative,
    }
}

record! {
    /// `FxOptionData`.
    pub struct FxOptionData {
        /// Side, right and exercise.
        "OptionData" option: OptionData,
        /// Currency that a call buys and a put sells.
        "BoughtCurrency" bought: Code,
        /// Amount of it.
        "BoughtAmount" bought_amount: Positive,
        /// Currency that a call pays and a put receives.
        "SoldCurrency" sold: Code,
        /// Amount of it; the strike is this over the amount bought.
        "SoldAmount" sold_amount: NonNegative,
    }
}

/// One element of `Portfolio`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TradeRecord {
    /// Unique within the portfolio.
    pub id: String,
    /// A later version of a trade replaces an earlier one.
    #[serde(rename = "Version", skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// What it is filed under.
    #[serde(rename = "Envelope", skip_serializing_if = "Option::is_none")]
    pub envelope: Option<EnvelopeRecord>,
    /// Accepted and ignored.
    #[serde(rename = "TradeActions", skip_serializing)]
    pub actions: Option<Ignored>,
    /// What was agreed.
    #[serde(flatten)]
    pub terms: Terms,
}

/// The trade type and the data that belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "TradeType")]
pub enum Terms {
    /// An option on an equity.
    EquityOption {
        /// Its terms.
        #[serde(rename = "EquityOptionData")]
        data: EquityOptionData,
    },
    /// A European option on an equity that a barrier brings to life or ends.
    EquityBarrierOption {
        /// Its terms.
        #[serde(rename = "EquityBarrierOptionData")]
        data: EquityBarrierOptionData,
    },
    /// A European option on an average of an equity's prices.
    EquityAsianOption {
        /// Its terms.
        #[serde(rename = "EquityAsianOptionData")]
        data: EquityAsianOptionData,
    },
    /// A forward on an equity.
    EquityForward {
        /// Its terms.
        #[serde(rename = "EquityForwardData")]
        data: EquityForwardData,
    },
    /// Two amounts exchanged on one day.
    FxForward {
        /// Its terms.
        #[serde(rename = "FxForwardData")]
        data: FxForwardData,
    },
    /// A European option to exchange two amounts.
    FxOption {
        /// Its terms.
        #[serde(rename = "FxOptionData")]
        data: FxOptionData,
    },
    /// Interest exchanged for interest.
    Swap {
        /// Its terms.
        #[serde(rename = "SwapData")]
        data: SwapData,
    },
    /// Interest and the repayment of a loan.
    Bond {
        /// Its terms.
        #[serde(rename = "BondData")]
        data: BondData,
    },
}

impl FromJson for TradeRecord {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let mut members = Members::of(value, at)?;
        let id = members.field("id", at);
        let version = members.field("Version", at);
        let envelope = members.field("Envelope", at);
        let actions = members.field("TradeActions", at);
        let terms = terms(&mut members, at);
        members.finish(
            &["id", "TradeType", "Version", "Envelope", "TradeActions"],
            at,
        );
        Some(Self {
            id: id?,
            version: version?,
            envelope: envelope?,
            actions: actions?,
            terms: terms?,
        })
    }
}

fn terms(members: &mut Members<'_>, at: &mut Cursor) -> Option<Terms> {
    let Some(value) = members.take("TradeType") else {
        at.fault("the field \"TradeType\" is missing");
        return None;
    };
    let name = at.field("TradeType", |at| text(value, at))?;
    let Some(trade_type) = TradeType::from_name(&name) else {
        let supported = TradeType::ALL.map(TradeType::name).join(", ");
        at.field("TradeType", |at| {
            at.fault(format!(
                "the trade type {} is not supported: {supported} are",
                shown(value)
            ));
        });
        // Its data cannot be judged.
        members.take(&format!("{name}Data"));
        return None;
    };
    Some(match trade_type {
        TradeType::EquityOption => Terms::EquityOption {
            data: members.field("EquityOptionData", at)?,
        },
        TradeType::EquityBarrierOption => Terms::EquityBarrierOption {
            data: members.field("EquityBarrierOptionData", at)?,
        },
        TradeType::EquityAsianOption => Terms::EquityAsianOption {
            data: members.field("EquityAsianOptionData", at)?,
        },
        TradeType::EquityForward => Terms::EquityForward {
            data: members.field("EquityForwardData", at)?,
        },
        TradeType::FxForward => Terms::FxForward {
            data: members.field("FxForwardData", at)?,
        },
        TradeType::FxOption => Terms::FxOption {
            data: members.field("FxOptionData", at)?,
        },
        TradeType::Swap => Terms::Swap {
            data: members.field("SwapData", at)?,
        },
        TradeType::Bond => Terms::Bond {
            data: members.field("BondData", at)?,
        },
    })
}

/// Fields of any name, each a string; written in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl FromJson for Fields {
    fn from_json(value: Value<'_>, at: &mut Cursor) -> Option<Self> {
        let mut fields = Vec::new();
        let mut seen = HashSet::new();
        let mut complete = true;
        for (name, value) in Members::of(value, at)?.into_all() {
            if !seen.insert(name.clone()) {
                at.fault_in(&name, "the field is given twice: leave one");
                complete = false;
            } else if value.get() == "null" {
                // Absent.
            } else if let Some(text) = at.named_field(&name, |at| String::from_json(value, at)) {
                fields.push((name.into_owned(), text));
            } else {
                complete = false;
            }
        }
        complete.then_some(Self(fields))
    }
}

impl Serialize for Fields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl JsonSchema for Fields {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fields".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "object", "additionalProperties": {"type": "string"}})
    }
}
