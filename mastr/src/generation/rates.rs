//! Generated swaps and bonds.

use rand_chacha::ChaCha8Rng;

use super::random::{below, between, happens, one, rounded};
use super::world::{IndexRates, World};
use crate::portfolio::choice::LegType;
use crate::portfolio::leg_data::{FixedLegData, FloatingLegData, LegData};
use crate::portfolio::named::Named;
use crate::portfolio::record::Terms;
use crate::portfolio::scalar::{Code, Day, Days, List, NonNegative};
use crate::portfolio::schedule_data::{RulesData, ScheduleData};
use crate::portfolio::swap_data::{BondData, SwapData};
use crate::portfolio::{Currency, Index};
use crate::time::{BusinessDayConvention, Calendar, Date, DayCount, Rule, Tenor};

/// What is usual in the market of a currency.
struct Usage {
    calendar: Calendar,
    /// How often a fixed leg pays, and how its years are counted.
    months: i32,
    day_count: DayCount,
    /// How often a bond pays, and how its years are counted.
    bond_months: i32,
    bond_day_count: DayCount,
}

impl Usage {
    fn of(currency: Currency) -> Self {
        match currency {
            Currency::GBP => Self {
                calendar: Calendar::UK,
                months: 6,
                day_count: DayCount::Actual365Fixed,
                bond_months: 6,
                bond_day_count: DayCount::Actual365Fixed,
            },
            Currency::USD => Self {
                calendar: Calendar::US,
                months: 6,
                day_count: DayCount::Thirty360Us,
                bond_months: 6,
                bond_day_count: DayCount::Thirty360Us,
            },
            _ => Self {
                calendar: Calendar::TARGET,
                months: 12,
                day_count: DayCount::Thirty360Us,
                bond_months: 12,
                bond_day_count: DayCount::ActualActualIsda,
            },
        }
    }
}

/// From when to when a trade runs, and how its dates are counted.
struct Life {
    start: Date,
    end: Date,
    years: i32,
    rule: Rule,
}

/// A swap of fixed for floating interest; sometimes of two floating ones.
pub(super) fn swap(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let of_index = one(random, &world.indices);
    let currency = of_index.index.currency();
    let years = *one(random, &[2, 3, 5, 5, 7, 10, 10, 15, 20, 30]);
    let life = life(world.as_of, years, random);
    let notional = notional(random);
    let payer = happens(random, 50);
    let first = if happens(random, 12) {
        let other = world
            .indices
            .iter()
            .find(|other| other.index != of_index.index && other.index.currency() == currency);
        let other = other.unwrap_or(of_index);
        let spread = rounded(between(random, -0.001, 0.001), 5);
        floating_leg(other, payer, spread, &life)
    } else {
        let usage = Usage::of(currency);
        let rate = rounded(near_par(world, currency, random), 5);
        let (months, day_count) = (usage.months, usage.day_count);
        fixed_leg(currency, payer, rate, months, day_count, &life)
    };
    let spread = match below(random, 5) {
        0 => rounded(between(random, 0.0, 0.004), 5),
        _ => 0.0,
    };
    let second = floating_leg(of_index, !payer, spread, &life);
    // A notional that falls year by year needs periods that divide the years.
    let falls = life.rule == Rule::Forward && happens(random, 15);
    let legs = [first, second].map(|(mut leg, months)| {
        let periods = if falls { life.years * 12 / months } else { 1 };
        let of_year = |period: i32| f64::from(period * months / 12) / f64::from(life.years);
        let notionals = (0..periods).map(|period| notional * (1.0 - of_year(period)));
        leg.notionals = List(notionals.map(|one| NonNegative(rounded(one, 0))).collect());
        leg
    });
    Terms::Swap {
        data: SwapData {
            legs: List(legs.into()),
        },
    }
}

/// A bond with fixed interest; sometimes with floating interest.
pub(super) fn bond(world: &World, random: &mut ChaCha8Rng) -> Terms {
    const ISSUERS: [&str; 8] = [
        "ALPINE_RAIL",
        "BALTIC_WIND",
        "CITY_WATER",
        "DELTA_BANK",
        "EASTERN_GRID",
        "FIRST_HOMES",
        "GULF_PORTS",
        "HARBOUR_TRUST",
    ];
    let of_index = one(random, &world.indices);
    let currency = of_index.index.currency();
    let usage = Usage::of(currency);
    let years = *one(random, &[3, 5, 5, 7, 10, 10, 15]);
    let mut life = life(world.as_of, years, random);
    // It has been issued.
    if life.start > world.as_of {
        life.start = world.as_of;
    }
    let payer = happens(random, 15);
    let (mut leg, _) = if happens(random, 20) {
        let spread = rounded(between(random, 0.001, 0.02), 4);
        floating_leg(of_index, payer, spread, &life)
    } else {
        let rate = rounded(
            near_par(world, currency, random) + between(random, 0.0, 0.02),
            4,
        );
        let (months, day_count) = (usage.bond_months, usage.bond_day_count);
        fixed_leg(currency, payer, rate, months, day_count, &life)
    };
    leg.payment_convention = Named(BusinessDayConvention::Following);
    leg.notionals = List(vec![NonNegative(notional(random))]);
    let issuer = *one(random, &ISSUERS);
    Terms::Bond {
        data: BondData {
            issuer: issuer.to_owned(),
            security: format!("{issuer}_{}", life.end.year()),
            curve: of_index.index.name().to_owned(),
            settlement_days: Days(2),
            calendar: Named(usage.calendar),
            issue_date: Day(life.start),
            factor: None,
            leg,
        },
    }
}

/// Most trades are under way, some start in two days or within a year; a fifth counts its dates
/// from the end, so that its first period may be short.
fn life(as_of: Date, years: i32, random: &mut ChaCha8Rng) -> Life {
    let elapsed = match below(random, 10) {
        0 => -between(random, 2.0, 365.0),
        1 | 2 => -2.0,
        _ => between(random, 0.0, 330.0 * f64::from(years)),
    };
    let start = as_of.plus_days(-elapsed as i32).unwrap_or(as_of);
    let end = start.plus_months(12 * years).unwrap_or(Date::MAX);
    if happens(random, 20) {
        let stub = below(random, 170) as i32;
        Life {
            start: start.plus_days(-stub).unwrap_or(start),
            end,
            years,
            rule: Rule::Backward,
        }
    } else {
        Life {
            start,
            end,
            years,
            rule: Rule::Forward,
        }
    }
}

/// A rate that somebody may have agreed on in the last years.
fn near_par(world: &World, currency: Currency, random: &mut ChaCha8Rng) -> f64 {
    let rates = world.rates_of(currency);
    between(random, rates.short, rates.long) + between(random, -0.008, 0.008)
}

/// The leg, without its notional, and the months between its payments.
fn fixed_leg(
    currency: Currency,
    payer: bool,
    rate: f64,
    months: i32,
    day_count: DayCount,
    life: &Life,
) -> (LegData, i32) {
    let mut leg = leg(currency, LegType::Fixed, payer, day_count, months, life);
    leg.fixed = Some(FixedLegData {
        rates: List(vec![rate]),
    });
    (leg, months)
}

/// The leg, without its notional, and the months between its payments.
fn floating_leg(of_index: &IndexRates, payer: bool, spread: f64, life: &Life) -> (LegData, i32) {
    let index = of_index.index;
    let months = match index {
        Index::Euribor3M | Index::GbpLibor3M | Index::UsdLibor3M => 3,
        Index::Euribor6M | Index::GbpLibor6M | Index::UsdLibor6M => 6,
    };
    let (kind, day_count) = (LegType::Floating, index.day_count());
    let mut leg = leg(index.currency(), kind, payer, day_count, months, life);
    leg.floating = Some(FloatingLegData {
        index: Named(index),
        spreads: Some(List(vec![spread])),
        fixing_days: None,
        in_arrears: None,
    });
    (leg, months)
}

fn leg(
    currency: Currency,
    kind: LegType,
    payer: bool,
    day_count: DayCount,
    months: i32,
    life: &Life,
) -> LegData {
    let convention = Named(BusinessDayConvention::ModifiedFollowing);
    LegData {
        kind,
        payer,
        currency: Code(currency),
        notionals: List(Vec::new()),
        day_count: Named(day_count),
        payment_convention: convention,
        payment_calendar: None,
        fixed: None,
        floating: None,
        schedule: ScheduleData {
            rules: Some(RulesData {
                start: Day(life.start),
                end: Day(life.end),
                tenor: Named(Tenor::months(months)),
                calendar: Named(Usage::of(currency).calendar),
                convention,
                term_convention: None,
                rule: Some(Named(life.rule)),
                end_of_month: None,
                first: None,
                last: None,
            }),
            dates: None,
        },
    }
}

/// A round amount of one to fifty million.
fn notional(random: &mut ChaCha8Rng) -> f64 {
    between(random, 10.0, 500.0).round() * 1e5
}
