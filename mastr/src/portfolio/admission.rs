//! From what stands in the file to what can be valued.

use std::sync::Arc;

use super::choice::{PayoffType, PayoffType2, Style};
use super::cursor::Cursor;
use super::names::Names;
use super::record::{
    EnvelopeRecord, EquityAsianOptionData, EquityBarrierOptionData, EquityForwardData,
    EquityOptionData, FxForwardData, FxOptionData, OptionData, StrikeData, Terms, TradeRecord,
    Underlying,
};
use super::scalar::{Code, NonNegative};
use super::{
    Averaging, Currency, Envelope, EquityAsianOption, EquityBarrierOption, EquityForward,
    EquityOption, Exercise, FxForward, FxOption, Product, Simulation, Trade,
};
use crate::time::Date;

/// The trade that `record` describes. What no field shows alone is a fault that `at` is told.
pub(super) fn admit(record: TradeRecord, names: &mut Names, at: &mut Cursor) -> Option<Trade> {
    let product = match record.terms {
        Terms::EquityOption { data } => at.field("EquityOptionData", |at| {
            Product::EquityOption(equity_option(data, names, at))
        }),
        Terms::EquityBarrierOption { data } => at.field("EquityBarrierOptionData", |at| {
            Product::EquityBarrierOption(equity_barrier_option(data, names, at))
        }),
        Terms::EquityAsianOption { data } => at.field("EquityAsianOptionData", |at| {
            let option = equity_asian_option(data, names, at)?;
            Some(Product::EquityAsianOption(Box::new(option)))
        })?,
        Terms::EquityForward { data } => at.field("EquityForwardData", |at| {
            Product::EquityForward(equity_forward(data, names, at))
        }),
        Terms::FxForward { data } => at.field("FxForwardData", |at| {
            Product::FxForward(fx_forward(&data, at))
        }),
        Terms::FxOption { data } => {
            at.field("FxOptionData", |at| Product::FxOption(fx_option(&data, at)))
        }
        Terms::Swap { data } => {
            let swap = at.field("SwapData", |at| data.swap(names, at))?;
            Product::Swap(Box::new(swap))
        }
        Terms::Bond { data } => {
            let bond = at.field("BondData", |at| data.bond(names, at))?;
            Product::Bond(Box::new(bond))
        }
    };
    Some(Trade {
        id: record.id.into_boxed_str(),
        version: record.version.map_or(1, |version| version.0),
        envelope: envelope(record.envelope.unwrap_or_default(), names),
        product,
    })
}

/// The envelope that `record` describes.
pub(super) fn envelope(record: EnvelopeRecord, names: &mut Names) -> Arc<Envelope> {
    let additional = record.additional.unwrap_or_default().0;
    let envelope = Envelope {
        counterparty: names.string(&record.counterparty.unwrap_or_default()),
        netting_set: names.string(&record.netting_set.unwrap_or_default()),
        additional: additional
            .iter()
            .map(|(name, value)| (names.string(name), names.string(value)))
            .collect(),
    };
    names.envelope(envelope)
}

fn equity_option(data: EquityOptionData, names: &mut Names, at: &mut Cursor) -> EquityOption {
    let (exercise, expiry) = vanilla(&data.option, at);
    let currency = data.currency.0;
    same_currency("StrikeCurrency", data.strike_currency, currency, at);
    EquityOption {
        position: data.option.position,
        kind: data.option.kind,
        exercise,
        expiry,
        name: equity(data.name, data.underlying, names),
        currency,
        strike: strike(data.strike, data.strike_data, currency, at),
        quantity: data.quantity.0,
    }
}

fn equity_barrier_option(
    data: EquityBarrierOptionData,
    names: &mut Names,
    at: &mut Cursor,
) -> EquityBarrierOption {
    let expiry = european_expiry(&data.option, at);
    let currency = data.currency.0;
    same_currency("StrikeCurrency", data.strike_currency, currency, at);
    EquityBarrierOption {
        option: EquityOption {
            position: data.option.position,
            kind: data.option.kind,
            exercise: Exercise::European,
            expiry,
            name: equity(data.name, data.underlying, names),
            currency,
            strike: strike(data.strike, data.strike_data, currency, at),
            quantity: data.quantity.0,
        },
        barrier: data.barrier.kind,
        level: data.barrier.levels.get().0,
        rebate: data.barrier.rebate.map_or(0.0, |rebate| rebate.0),
    }
}

fn equity_asian_option(
    data: EquityAsianOptionData,
    names: &mut Names,
    at: &mut Cursor,
) -> Option<EquityAsianOption> {
    let option = data.option;
    at.field("OptionData", |at| {
        if option.payoff_type != Some(PayoffType::Asian) {
            at.fault_in("PayoffType", "only Asian is supported for this trade type");
        }
        if let Some(found) = option.style.filter(|found| *found != Style::European) {
            style(found, "European", at);
        }
    });
    let expiry = option.exercise_dates.get().0;
    let payment = data.settlement.map_or(expiry, |day| day.0);
    if payment < expiry {
        let message = format!("{payment} is before the exercise date {expiry}");
        at.fault_in("Settlement", message);
    }
    let currency = data.currency.0;
    same_currency("StrikeCurrency", data.strike_currency, currency, at);
    let strike = strike(data.strike, data.strike_data, currency, at);
    let observations = at.field("ObservationDates", |at| {
        let (observations, dates) = data.observations.schedule(at)?;
        let last = *dates.last()?;
        if last > payment {
            at.fault(format!(
                "the last date is {last}, after the option is paid on {payment}"
            ));
        }
        Some(observations)
    })?;
    Some(EquityAsianOption {
        option: EquityOption {
            position: option.position,
            kind: option.kind,
            exercise: Exercise::European,
            expiry,
            name: equity(data.name, data.underlying, names),
            currency,
            strike,
            quantity: data.quantity.0,
        },
        averaging: match option.payoff_type_2 {
            Some(PayoffType2::Geometric) => Averaging::Geometric,
            // The portfolio may ask for another simulation.
            Some(PayoffType2::Arithmetic) | None => Averaging::Arithmetic(Simulation::default()),
        },
        observations,
        payment,
    })
}

fn equity_forward(data: EquityForwardData, names: &mut Names, at: &mut Cursor) -> EquityForward {
    let currency = data.currency.0;
    same_currency("StrikeCurrency", data.strike_currency, currency, at);
    EquityForward {
        position: data.position,
        maturity: data.maturity.0,
        name: equity(data.name, data.underlying, names),
        currency,
        strike: data.strike.0,
        quantity: data.quantity.0,
    }
}

fn fx_forward(data: &FxForwardData, at: &mut Cursor) -> FxForward {
    two_currencies(data.bought, data.sold, at);
    FxForward {
        value_date: data.value_date.0,
        bought: data.bought.0,
        bought_amount: data.bought_amount.0,
        sold: data.sold.0,
        sold_amount: data.sold_amount.0,
    }
}

fn fx_option(data: &FxOptionData, at: &mut Cursor) -> FxOption {
    two_currencies(data.bought, data.sold, at);
    FxOption {
        position: data.option.position,
        kind: data.option.kind,
        expiry: european_expiry(&data.option, at),
        bought: data.bought.0,
        bought_amount: data.bought_amount.0,
        sold: data.sold.0,
        sold_amount: data.sold_amount.0,
    }
}

/// The one exercise date of an option that has to be European and plain.
fn european_expiry(option: &OptionData, at: &mut Cursor) -> Date {
    let (exercise, expiry) = vanilla(option, at);
    if exercise == Exercise::American {
        at.field("OptionData", |at| style(Style::American, "European", at));
    }
    expiry
}

/// How and until when an option can be exercised that has to be plain.
fn vanilla(option: &OptionData, at: &mut Cursor) -> (Exercise, Date) {
    let exercise = at.field("OptionData", |at| {
        if !matches!(option.payoff_type, None | Some(PayoffType::Vanilla)) {
            at.fault_in(
                "PayoffType",
                "only Vanilla is supported for this trade type",
            );
        }
        if option.payoff_type_2.is_some() {
            at.fault_in("PayoffType2", "this trade type takes no average: remove it");
        }
        match option.style {
            None => {
                at.fault("the field \"Style\" is missing");
                Exercise::European
            }
            Some(Style::European) => Exercise::European,
            Some(Style::American) => {
                if option.pay_off_at_expiry == Some(true) {
                    at.fault_in(
                        "PayOffAtExpiry",
                        "an American option that pays at expiry is not supported: it pays when it \
                         is exercised",
                    );
                }
                Exercise::American
            }
            Some(Style::Bermudan) => {
                style(Style::Bermudan, "European or American", at);
                Exercise::European
            }
        }
    });
    (exercise, option.exercise_dates.get().0)
}

/// Tells that the style is not among those that are supported.
fn style(found: Style, supported: &str, at: &mut Cursor) {
    at.fault_in(
        "Style",
        format!("the style {found:?} is not supported for this trade type: {supported} is"),
    );
}

fn equity(name: Option<String>, underlying: Option<Underlying>, names: &mut Names) -> Arc<str> {
    // Invariant: the record holds either a name or an underlying.
    let name = name.or(underlying.map(|underlying| underlying.name));
    names.string(&name.unwrap_or_default())
}

/// The strike, which stands in one of two places, and in the trade's currency.
fn strike(
    alone: Option<NonNegative>,
    data: Option<StrikeData>,
    trade: Currency,
    at: &mut Cursor,
) -> f64 {
    // Invariant: the record holds either a strike or strike data.
    match (alone, data) {
        (_, Some(strike)) => {
            at.field("StrikeData", |at| {
                same_currency("Currency", strike.currency, trade, at);
            });
            strike.value.0
        }
        (strike, None) => strike.map_or(0.0, |strike| strike.0),
    }
}

fn same_currency(key: &str, found: Option<Code>, trade: Currency, at: &mut Cursor) {
    if let Some(Code(found)) = found
        && found != trade
    {
        at.fault_in(
            key,
            format!("found {found}, the trade's Currency {trade} is needed"),
        );
    }
}

fn two_currencies(bought: Code, sold: Code, at: &mut Cursor) {
    if bought == sold {
        at.fault_in(
            "SoldCurrency",
            format!("{} is bought and sold: two currencies are needed", sold.0),
        );
    }
}
