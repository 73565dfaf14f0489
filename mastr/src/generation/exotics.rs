//! Generated options on what a price does on its way.

use rand_chacha::ChaCha8Rng;

use super::random::{below, between, happens, one, rounded};
use super::trades::{option, quantity};
use super::world::{Equity, World};
use crate::portfolio::BarrierType;
use crate::portfolio::choice::{PayoffType, PayoffType2};
use crate::portfolio::named::Named;
use crate::portfolio::record::{
    BarrierData, EquityAsianOptionData, EquityBarrierOptionData, OptionData, Terms,
};
use crate::portfolio::scalar::{Code, Day, NonNegative, One, Positive};
use crate::portfolio::schedule_data::{RulesData, ScheduleData};
use crate::time::{BusinessDayConvention, Date, Tenor};

/// So many months back an average may begin.
pub(super) const SEASON: i32 = 3;

pub(super) fn equity_barrier_option(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let equity = one(random, &world.equities);
    let moneyness = between(random, 0.85, 1.15);
    let kinds = [
        BarrierType::UpAndOut,
        BarrierType::UpAndIn,
        BarrierType::DownAndOut,
        BarrierType::DownAndIn,
    ];
    let kind = *one(random, &kinds);
    let distance = if kind.is_up() {
        between(random, 1.1, 1.4)
    } else {
        between(random, 0.65, 0.9)
    };
    let quantity = quantity(equity.spot, random);
    // A third of them pay some two per cent of what they are about.
    let rebate = happens(random, 33).then(|| {
        NonNegative(rounded(
            0.02 * equity.spot * quantity * between(random, 0.5, 1.5),
            0,
        ))
    });
    Terms::EquityBarrierOption {
        data: EquityBarrierOptionData {
            option: option(world.as_of, random),
            barrier: BarrierData {
                kind,
                levels: One::new(Positive(rounded(equity.spot * distance, 2))),
                rebate,
            },
            name: Some(equity.name.to_owned()),
            underlying: None,
            currency: Code(equity.currency),
            strike: Some(NonNegative(rounded(equity.spot * moneyness, 2))),
            strike_data: None,
            strike_currency: None,
            quantity: NonNegative(quantity),
        },
    }
}

/// An option on the average of monthly prices over one to two years, of which some are known.
pub(super) fn equity_asian_option(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let equity = one(random, &world.equities);
    let first = if happens(random, 30) {
        -1 - below(random, SEASON as usize) as i32
    } else {
        1 + below(random, 6) as i32
    };
    let months = 6 + below(random, 18) as i32;
    let last = observed(world, equity, first + months);
    let average = if happens(random, 50) {
        PayoffType2::Geometric
    } else {
        PayoffType2::Arithmetic
    };
    let moneyness = between(random, 0.9, 1.1);
    Terms::EquityAsianOption {
        data: EquityAsianOptionData {
            option: OptionData {
                style: None,
                payoff_type: Some(PayoffType::Asian),
                payoff_type_2: Some(average),
                exercise_dates: One::new(Day(last)),
                ..option(world.as_of, random)
            },
            name: Some(equity.name.to_owned()),
            underlying: None,
            currency: Code(equity.currency),
            strike: Some(NonNegative(rounded(equity.spot * moneyness, 2))),
            strike_data: None,
            strike_currency: None,
            quantity: NonNegative(quantity(equity.spot, random)),
            settlement: None,
            observations: ScheduleData {
                rules: Some(RulesData {
                    start: Day(monthly(world, first)),
                    end: Day(monthly(world, first + months)),
                    tenor: Named(Tenor::months(1)),
                    calendar: Named(equity.calendar()),
                    convention: Named(BusinessDayConvention::Following),
                    term_convention: None,
                    rule: None,
                    end_of_month: None,
                    first: None,
                    last: None,
                }),
                dates: None,
            },
        },
    }
}

/// The day on which averages look at the price of an equity so many months from the as-of date.
pub(super) fn observed(world: &World, equity: &Equity, months: i32) -> Date {
    let date = monthly(world, months);
    let adjusted = equity
        .calendar()
        .adjust(date, BusinessDayConvention::Following);
    adjusted.unwrap_or(date)
}

fn monthly(world: &World, months: i32) -> Date {
    world.as_of.plus_months(months).unwrap_or(world.as_of)
}
