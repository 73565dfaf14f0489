//! Options on averages of an equity's prices: geometric ones in closed form, arithmetic ones by
//! simulation.

use std::borrow::Cow;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::average::{Average, Observation};
use super::engine::Priced;
use super::paths::{self, BLOCK, Block, State, Sums};
use super::{PathSums, equity_option};
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::{Averaging, EquityAsianOption, Simulation};
use crate::results::Shortest;
use crate::time::Date;

/// Values an option that is not past. `id` is the trade's, which random numbers follow from; `sums`
/// are those of its [states](Average::states), where somebody else has simulated them.
pub(super) fn price(
    id: &str,
    option: &EquityAsianOption,
    market: &Market,
    sums: Option<&[Sums]>,
) -> Result<Priced, Unavailable> {
    let inputs = equity_option::inputs(&option.option, market)?;
    let average = average(option, &dates(option, market)?, market)?;
    let scale = equity_option::scale(&option.option);
    let Averaging::Arithmetic(simulation) = option.averaging else {
        return Ok(Priced::option(inputs, average.geometric(), scale));
    };
    if let Some(form) = average.certain() {
        return Ok(Priced::option(inputs, form, scale));
    }
    let states = average.states();
    let sums = match sums.filter(|sums| sums.len() == states.len()) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(simulate_all(id, simulation, &average.times(), &states)),
    };
    let simulated = average.arithmetic(simulation.paths, &sums);
    Ok(Priced {
        standard_error: scale.abs() * simulated.standard_error,
        ..Priced::option(inputs, simulated.form, scale)
    })
}

/// Its value alone.
pub(super) fn npv(
    id: &str,
    option: &EquityAsianOption,
    market: &Market,
) -> Result<f64, Unavailable> {
    let average = average(option, &dates(option, market)?, market)?;
    Ok(values(id, option, &[Some(average)], None)[0])
}

/// The same in each scenario; not a number where it has to be asked there why not. The `sums` are
/// those of the scenarios.
pub(super) fn npvs(
    id: &str,
    option: &EquityAsianOption,
    scenarios: &Scenarios,
    sums: Option<&[Sums]>,
) -> Vec<f64> {
    values(id, option, &averages(option, scenarios), sums)
}

/// Simulates a block of paths, today and in each scenario.
pub(super) fn simulate(
    id: &str,
    option: &EquityAsianOption,
    market: &Market,
    scenarios: &Scenarios,
    number: u64,
) -> PathSums {
    let Averaging::Arithmetic(simulation) = option.averaging else {
        return PathSums::default();
    };
    let today = dates(option, market)
        .and_then(|dates| average(option, &dates, market))
        .ok();
    let in_scenarios = averages(option, scenarios);
    let mut averages = today.iter().chain(in_scenarios.iter().flatten());
    let times = averages.next().map(Average::times).unwrap_or_default();
    let mut states = today.map(|average| average.states()).unwrap_or_default();
    let of_today = states.len();
    states.extend(in_scenarios.iter().flatten().map(Average::state));
    let mut today = paths::sums(block(id, simulation, number), &times, &states);
    let simulated = today.split_off(of_today);
    PathSums {
        today,
        scenarios: spread(&in_scenarios, simulated),
    }
}

/// The value by each of these averages, of which all have the same prices to come; not a number where
/// there is none.
fn values(
    id: &str,
    option: &EquityAsianOption,
    averages: &[Option<Average>],
    sums: Option<&[Sums]>,
) -> Vec<f64> {
    let scale = equity_option::scale(&option.option);
    let Averaging::Arithmetic(simulation) = option.averaging else {
        let value = |average: &Option<Average>| match average {
            Some(average) => scale * average.geometric_value(),
            None => f64::NAN,
        };
        return averages.iter().map(value).collect();
    };
    let sums = match sums.filter(|sums| sums.len() == averages.len()) {
        Some(known) => Cow::Borrowed(known),
        None => {
            let there = || averages.iter().flatten();
            let times = there().next().map(Average::times).unwrap_or_default();
            let states: Vec<State> = there().map(Average::state).collect();
            Cow::Owned(spread(
                averages,
                simulate_all(id, simulation, &times, &states),
            ))
        }
    };
    let value = |(average, sums): (&Option<Average>, &Sums)| match average {
        Some(average) => {
            scale
                * match average.certain() {
                    Some(form) => form.value,
                    None => average.arithmetic_value(simulation.paths, sums),
                }
        }
        None => f64::NAN,
    };
    averages.iter().zip(&*sums).map(value).collect()
}

/// The sums of those averages that there are, in the places of all.
fn spread(averages: &[Option<Average>], sums: Vec<Sums>) -> Vec<Sums> {
    let mut sums = sums.into_iter();
    let sum = |average: &Option<Average>| average.as_ref().and_then(|_| sums.next());
    averages
        .iter()
        .map(sum)
        .map(Option::unwrap_or_default)
        .collect()
}

/// What all paths add up to in each state.
fn simulate_all(id: &str, simulation: Simulation, times: &[f64], states: &[State]) -> Vec<Sums> {
    let mut all = vec![Sums::default(); states.len()];
    for number in 0..simulation.paths.div_ceil(BLOCK) {
        let of_block = paths::sums(block(id, simulation, number.into()), times, states);
        for (sums, next) in all.iter_mut().zip(&of_block) {
            sums.add(next);
        }
    }
    all
}

fn block(id: &str, simulation: Simulation, number: u64) -> Block {
    let before = number * u64::from(BLOCK);
    Block {
        key: xxh3_64_with_seed(id.as_bytes(), simulation.seed),
        number,
        paths: u64::from(simulation.paths)
            .saturating_sub(before)
            .min(BLOCK.into()),
    }
}

/// The days on which the price is observed.
fn dates(option: &EquityAsianOption, market: &Market) -> Result<Arc<[Date]>, Unavailable> {
    market.dates(&option.observations)
}

/// The average as it stands in each scenario, where it can be told.
fn averages(option: &EquityAsianOption, scenarios: &Scenarios) -> Vec<Option<Average>> {
    let first = scenarios.first().map(|scenario| &scenario.market);
    let dates = first.and_then(|market| dates(option, market).ok());
    let average = |market| average(option, dates.as_deref()?, market).ok();
    scenarios
        .iter()
        .map(|scenario| average(&scenario.market))
        .collect()
}

/// The average as it stands in a market.
fn average(
    option: &EquityAsianOption,
    dates: &[Date],
    market: &Market,
) -> Result<Average, Unavailable> {
    let EquityAsianOption {
        option, payment, ..
    } = option;
    let inputs = equity_option::inputs(option, market)?;
    let discounts = market.discount_curve(option.currency)?;
    let yields = market.dividends(&option.name, option.currency);
    let (mut known, mut includes_spot, mut to_come) = (Vec::new(), false, Vec::new());
    for date in dates {
        if *date > market.as_of() {
            let time = market.time(*date);
            let growth = yields.log_discount(time) - discounts.log_discount(time);
            to_come.push(Observation { time, growth });
        } else {
            match fixing(&option.name, *date, market)? {
                Some(price) => known.push(price),
                None => includes_spot = true,
            }
        }
    }
    let time = market.time(*payment);
    Ok(Average {
        kind: option.kind,
        strike: option.strike,
        spot: inputs.spot,
        known,
        includes_spot,
        to_come,
        volatility: inputs.volatility.unwrap_or(f64::NAN),
        time,
        log_discount: discounts.log_discount(time),
    })
}

/// A price of an average, as it counts today.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub(super) date: Date,
    pub(super) price: f64,
    /// What the price is: known, or what is expected.
    pub(super) source: &'static str,
}

/// The prices that make up the average, in their order.
pub(super) fn observed(
    option: &EquityAsianOption,
    market: &Market,
) -> Result<Vec<Observed>, Unavailable> {
    let dates = dates(option, market)?;
    let average = average(option, &dates, market)?;
    let mut known = average.known.iter();
    let mut to_come = average.to_come.iter();
    let observed = dates.iter().map(|&date| {
        let (price, source) = if date > market.as_of() {
            let growth = to_come.next().map_or(f64::NAN, |to_come| to_come.growth);
            (average.spot * libm::exp(growth), "forward")
        } else {
            match known.next() {
                Some(price) => (*price, "fixing"),
                None => (average.spot, "spot"),
            }
        };
        Observed {
            date,
            price,
            source,
        }
    });
    Ok(observed.collect())
}

/// What an option on one unit of the geometric average is worth.
pub(super) fn geometric(option: &EquityAsianOption, market: &Market) -> Result<f64, Unavailable> {
    Ok(average(option, &dates(option, market)?, market)?.geometric_value())
}

/// What the price was on a past day, which has to be known, or today, if it is known.
fn fixing(name: &str, date: Date, market: &Market) -> Result<Option<f64>, Unavailable> {
    let index = format!("EQ-{name}");
    match market.fixing(&index, date) {
        None if date < market.as_of() => {
            let day = date.to_string().replace('-', "");
            Err(Unavailable(format!(
                "the fixing of {index} on {date} is not known: add {day} {index} VALUE to the fixings"
            )))
        }
        Some(price) if price < 0.0 => Err(Unavailable(format!(
            "the fixing of {index} on {date} is {}: a price that is not negative is needed",
            Shortest(price)
        ))),
        known => Ok(known),
    }
}
