//! Swaps and bonds as they stand in a portfolio file.

use super::cursor::Cursor;
use super::index::curve_of;
use super::json::{FromJson, Members};
use super::leg_data::LegData;
use super::named::Named;
use super::names::Names;
use super::record::record;
use super::scalar::{Code, Day, Days, List, NonNegative};
use super::value::Value;
use super::{Bond, Swap};
use crate::time::Calendar;
use schemars::JsonSchema;
use serde::Serialize;

record! {
    /// `SwapData`.
    pub struct SwapData {
        /// The legs, all of one currency.
        "LegData" legs: List<LegData>,
    }
}

record! {
    /// `BondData`.
    pub struct BondData {
        /// Who issued it.
        "IssuerId" issuer: String,
        /// Its identification.
        "SecurityId" security: String,
        /// The index whose curve it is discounted on, or the name of a curve of its currency.
        "ReferenceCurveId" curve: String,
        /// So many business days after a trade it is settled.
        "SettlementDays" settlement_days: Days,
        /// Business days of settlement.
        "Calendar" calendar: Named<Calendar>,
        /// The first day on which it is settled.
        "IssueDate" issue_date: Day,
        /// So many bonds; by default one.
        #[serde(skip_serializing_if = "Option::is_none")]
        "BondNotional" factor: Option<NonNegative>,
        /// Its interest. The notional is repaid with the last of it.
        "LegData" leg: LegData,
    }
}

impl SwapData {
    /// The swap; else faults that `at` is told.
    pub(super) fn swap(&self, names: &mut Names, at: &mut Cursor) -> Option<Swap> {
        let mut legs = Some(Vec::new());
        let mut currency = None;
        let mut maturity = None;
        at.field("LegData", |at| {
            for (index, data) in self.legs.0.iter().enumerate() {
                at.element(index, |at| {
                    one_currency(*currency.get_or_insert(data.currency), data.currency, at);
                    let leg = data.leg(names, at);
                    maturity = maturity.max(leg.as_ref().map(|(_, last)| *last));
                    legs = legs.take().zip(leg).map(|(mut legs, (leg, _))| {
                        legs.push(leg);
                        legs
                    });
                });
            }
        });
        Some(Swap {
            currency: currency?.0,
            legs: legs?.into(),
            maturity: maturity?,
        })
    }
}

fn one_currency(first: Code, found: Code, at: &mut Cursor) {
    if first != found {
        let message = format!(
            "found {}, the first leg is in {}: a swap of two currencies is not supported",
            found.0, first.0
        );
        at.fault_in("Currency", message);
    }
}

impl BondData {
    /// The bond; else faults that `at` is told.
    pub(super) fn bond(&self, names: &mut Names, at: &mut Cursor) -> Option<Bond> {
        let currency = self.leg.currency.0;
        let (of_curve, curve) = curve_of(&self.curve);
        if let Some(of_curve) = of_curve.filter(|of_curve| *of_curve != currency) {
            let message = format!("found an index of {of_curve}, the bond is in {currency}");
            at.fault_in("ReferenceCurveId", message);
        }
        let (leg, maturity) = at.field("LegData", |at| self.leg.leg(names, at))?;
        Some(Bond {
            currency,
            curve: names.string(&curve),
            leg,
            factor: self.factor.map_or(1.0, |factor| factor.0),
            issue_date: self.issue_date.0,
            settlement_days: self.settlement_days.0,
            calendar: self.calendar.0,
            maturity,
        })
    }
}
