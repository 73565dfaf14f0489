//! Generated trades.

use std::io::{self, Write};

use rand_chacha::ChaCha8Rng;

use super::random::{below, between, happens, one, rounded};
use super::world::World;
use super::{BASE, exotics, rates};
use crate::portfolio::choice::Style;
use crate::portfolio::record::{
    EnvelopeRecord, EquityForwardData, EquityOptionData, Fields, FxForwardData, FxOptionData,
    OptionData, Terms, TradeRecord,
};
use crate::portfolio::scalar::{Code, Day, NonNegative, One, Positive};
use crate::portfolio::{OptionKind, Position, PricingEngine};
use crate::time::Date;

/// So many paths are simulated of an average: what is left of chance is small beside a spread.
const PATHS: u32 = 1000;
/// `progress` is told after so many trades.
const STRIDE: u64 = 1 << 12;

/// Writes a portfolio of `count` trades, one a line.
pub(super) fn write(
    world: &World,
    count: u64,
    random: &mut ChaCha8Rng,
    out: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    let as_of = world.as_of;
    write!(
        out,
        "{{\"AsOfDate\":\"{as_of}\",\"BaseCurrency\":\"{BASE}\",\"PricingEngines\":"
    )?;
    serde_json::to_writer(&mut *out, &[PricingEngine::simulating(PATHS)])?;
    out.write_all(b",\"Portfolio\":[")?;
    for number in 1..=count {
        out.write_all(if number == 1 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &trade(world, number, random))?;
        if number % STRIDE == 0 {
            progress(number);
        }
    }
    progress(count);
    out.write_all(b"\n]}\n")
}

fn trade(world: &World, number: u64, random: &mut ChaCha8Rng) -> TradeRecord {
    let (prefix, desk, terms) = match below(random, 100) {
        0..27 => ("EQO", "Equity Derivatives", equity_option(world, random)),
        27..32 => (
            "EQB",
            "Exotics",
            exotics::equity_barrier_option(world, random),
        ),
        32..35 => (
            "EQA",
            "Exotics",
            exotics::equity_asian_option(world, random),
        ),
        35..42 => ("EQF", "Delta One", equity_forward(world, random)),
        42..58 => ("FXF", "FX Forwards", fx_forward(world, random)),
        58..72 => ("FXO", "FX Options", fx_option(world, random)),
        72..89 => ("SWP", "Rates", rates::swap(world, random)),
        _ => ("BND", "Bonds", rates::bond(world, random)),
    };
    TradeRecord {
        id: format!("{prefix}-{number:07}"),
        version: None,
        envelope: Some(envelope(desk, random)),
        actions: None,
        terms,
    }
}

fn envelope(desk: &str, random: &mut ChaCha8Rng) -> EnvelopeRecord {
    const COUNTERPARTIES: [&str; 12] = [
        "CPTY_A", "CPTY_B", "CPTY_C", "CPTY_D", "CPTY_E", "CPTY_F", "CPTY_G", "CPTY_H", "CPTY_I",
        "CPTY_J", "CPTY_K", "CPTY_L",
    ];
    const PLACES: [&str; 3] = ["London", "Frankfurt", "New York"];
    let counterparty = *one(random, &COUNTERPARTIES);
    // Some trades stand alone; some counterparties have a second netting set.
    let netting_set = match below(random, 10) {
        0 => None,
        1 | 2 => Some(counterparty.replace("CPTY", "NS") + "_2"),
        _ => Some(counterparty.replace("CPTY", "NS")),
    };
    let place = one(random, &PLACES);
    let book = format!("{place} {}", 1 + below(random, 4));
    EnvelopeRecord {
        counterparty: Some(counterparty.to_owned()),
        netting_set,
        portfolio_ids: None,
        additional: Some(Fields(vec![
            ("Desk".to_owned(), desk.to_owned()),
            ("Book".to_owned(), book),
        ])),
    }
}

fn equity_option(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let equity = one(random, &world.equities);
    let moneyness = between(random, 0.75, 1.25);
    Terms::EquityOption {
        data: EquityOptionData {
            option: OptionData {
                style: Some(*one(
                    random,
                    &[Style::European, Style::European, Style::American],
                )),
                ..option(world.as_of, random)
            },
            name: Some(equity.name.to_owned()),
            underlying: None,
            currency: Code(equity.currency),
            strike: Some(NonNegative(rounded(equity.spot * moneyness, 2))),
            strike_data: None,
            strike_currency: None,
            quantity: NonNegative(quantity(equity.spot, random)),
        },
    }
}

fn equity_forward(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let equity = one(random, &world.equities);
    let moneyness = between(random, 0.95, 1.05);
    Terms::EquityForward {
        data: EquityForwardData {
            position: position(random),
            maturity: later(world.as_of, random),
            name: Some(equity.name.to_owned()),
            underlying: None,
            currency: Code(equity.currency),
            strike: NonNegative(rounded(equity.spot * moneyness, 2)),
            strike_currency: None,
            quantity: NonNegative(quantity(equity.spot, random)),
        },
    }
}

fn fx_forward(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let pair = one(random, &world.exchanges);
    let foreign_amount = amount(random);
    let moneyness = between(random, 0.96, 1.04);
    let domestic_amount = rounded(foreign_amount * pair.spot * moneyness, 0);
    let foreign = (Code(pair.foreign), NonNegative(foreign_amount));
    let domestic = (Code(pair.domestic), NonNegative(domestic_amount));
    let (bought, sold) = if happens(random, 50) {
        (foreign, domestic)
    } else {
        (domestic, foreign)
    };
    Terms::FxForward {
        data: FxForwardData {
            value_date: later(world.as_of, random),
            bought: bought.0,
            bought_amount: bought.1,
            sold: sold.0,
            sold_amount: sold.1,
        },
    }
}

fn fx_option(world: &World, random: &mut ChaCha8Rng) -> Terms {
    let pair = one(random, &world.exchanges);
    let foreign_amount = amount(random);
    let moneyness = between(random, 0.9, 1.1);
    let domestic_amount = rounded(foreign_amount * pair.spot * moneyness, 0);
    // A fifth buys the domestic currency, so that the volatility is read at the inverse strike.
    let ((bought, bought_amount), (sold, sold_amount)) = {
        let foreign = (pair.foreign, foreign_amount);
        let domestic = (pair.domestic, domestic_amount);
        if happens(random, 20) {
            (domestic, foreign)
        } else {
            (foreign, domestic)
        }
    };
    Terms::FxOption {
        data: FxOptionData {
            option: option(world.as_of, random),
            bought: Code(bought),
            bought_amount: Positive(bought_amount),
            sold: Code(sold),
            sold_amount: NonNegative(sold_amount),
        },
    }
}

pub(super) fn option(as_of: Date, random: &mut ChaCha8Rng) -> OptionData {
    OptionData {
        position: position(random),
        kind: *one(random, &[OptionKind::Call, OptionKind::Put]),
        style: Some(Style::European),
        payoff_type: None,
        payoff_type_2: None,
        exercise_dates: One::new(later(as_of, random)),
        settlement: None,
        pay_off_at_expiry: None,
    }
}

fn position(random: &mut ChaCha8Rng) -> Position {
    *one(random, &[Position::Long, Position::Short])
}

/// A weekday from a week to about five years from now, the near ones more often.
fn later(as_of: Date, random: &mut ChaCha8Rng) -> Day {
    let nearness = between(random, 0.0, 1.0);
    let days = 7 + (1820.0 * nearness * nearness) as i32;
    let date = (days..days + 3)
        .filter_map(|days| as_of.plus_days(days))
        .find(|date| !date.is_weekend());
    Day(date.unwrap_or(as_of))
}

/// Units worth some ten thousand to some million.
pub(super) fn quantity(spot: f64, random: &mut ChaCha8Rng) -> f64 {
    let value = between(random, 2e4, 2e6);
    (value / spot).round().max(1.0)
}

/// A round amount of some hundred thousand to ten million.
fn amount(random: &mut ChaCha8Rng) -> f64 {
    (between(random, 100.0, 10_000.0)).round() * 1000.0
}
