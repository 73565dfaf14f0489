//! From a trade and a market to what the trade is worth.

use super::engine::{Inputs, Priced};
use super::{
    Greek, Note, PathSums, Sensitivity, Valuation, bond, equity_asian_option,
    equity_barrier_option, equity_forward, equity_option, flow, fx_forward, fx_option, swap,
};
use crate::fault::Fault;
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::{Currency, EquityBarrierOption, Product, Trade};
use crate::results::Shortest;

/// Values `trade`: a function of trade and market alone, with the same bits on every machine.
///
/// A trade whose last flow is on or before the as-of date is worth zero, has no sensitivities, and
/// a [`Note::Past`].
///
/// # Errors
/// What fails this trade and no other: something that the market does not have or that is
/// impossible, with the key to add or mend; a figure that is not finite or, in base currency,
/// beyond [`Valuation::LARGEST`].
///
/// ```
/// use mastr::valuation::value;
///
/// let (portfolio, market) = (mastr::sample::portfolio(), mastr::sample::market());
/// let trade = portfolio.trades().next().unwrap();
/// let valuation = value(trade, &market).unwrap();
/// assert_eq!(valuation.currency, trade.product.currency());
/// ```
pub fn value(trade: &Trade, market: &Market) -> Result<Valuation, Fault> {
    value_simulated(trade, market, None)
}

/// The same, with what the trade's `paths` add up to where somebody else has simulated them all; to the
/// bit as if it had been simulated here.
///
/// # Errors
/// Those of [`value`].
pub fn value_simulated(
    trade: &Trade,
    market: &Market,
    paths: Option<&PathSums>,
) -> Result<Valuation, Fault> {
    evaluate(trade, market, paths)
        .map(|(valuation, _)| valuation)
        .map_err(|reason| Fault::of_trade(&trade.id, reason.0))
}

/// The valuation of `trade`, and what the market said to it; nothing when it is past.
pub(super) fn evaluate(
    trade: &Trade,
    market: &Market,
    paths: Option<&PathSums>,
) -> Result<(Valuation, Option<Inputs>), Unavailable> {
    let product = &trade.product;
    let maturity = product.maturity();
    let priced = if maturity <= market.as_of() {
        None
    } else {
        Some(price(trade, market, paths)?)
    };
    let currency = product.currency();
    let to_base = market.exchange_rate(currency, market.base())?;
    let (notional, notional_currency) = notional(product, priced.as_ref(), market)?;
    let notional_to_base = if notional_currency == currency {
        to_base
    } else {
        market.exchange_rate(notional_currency, market.base())?
    };
    let npv = priced
        .as_ref()
        .map_or(0.0, |priced| unsigned_zero(priced.npv));
    let standard_error = priced.as_ref().map_or(0.0, |priced| priced.standard_error);
    let notes = match priced {
        Some(_) => Vec::new(),
        None => vec![Note::Past],
    };
    let (inputs, mut sensitivities) = match priced {
        Some(priced) => (priced.inputs, priced.sensitivities),
        None => (None, Vec::new()),
    };
    in_base(&mut sensitivities, inputs, to_base);
    let valuation = Valuation {
        npv,
        npv_base: unsigned_zero(npv * to_base),
        standard_error,
        standard_error_base: standard_error * to_base,
        currency,
        maturity,
        notional,
        notional_currency,
        notional_base: notional * notional_to_base,
        sensitivities,
        notes,
    };
    check(&valuation)?;
    Ok((valuation, inputs))
}

/// One engine for each product.
fn price(trade: &Trade, market: &Market, paths: Option<&PathSums>) -> Result<Priced, Unavailable> {
    match &trade.product {
        Product::EquityOption(option) => equity_option::price(option, market),
        Product::EquityBarrierOption(option) => equity_barrier_option::price(option, market),
        Product::EquityAsianOption(option) => {
            let sums = paths.map(|paths| &*paths.today);
            equity_asian_option::price(&trade.id, option, market, sums)
        }
        Product::EquityForward(forward) => equity_forward::price(forward, market),
        Product::FxForward(forward) => fx_forward::price(forward, market),
        Product::FxOption(option) => fx_option::price(option, market),
        Product::Swap(swap) => swap::price(swap, market),
        Product::Bond(bond) => bond::price(bond, market),
    }
}

/// What `trade` is worth in base currency: to the bit the `npv_base` of its valuation.
pub(super) fn npv_base(trade: &Trade, market: &Market) -> Result<f64, Unavailable> {
    let product = &trade.product;
    if product.maturity() <= market.as_of() {
        return Ok(0.0);
    }
    let npv = match product {
        // Their greeks cost more than their values.
        Product::EquityOption(option) => equity_option::npv(option, market)?,
        Product::EquityBarrierOption(option) => equity_barrier_option::npv(option, market)?,
        Product::EquityAsianOption(option) => equity_asian_option::npv(&trade.id, option, market)?,
        Product::FxOption(option) => fx_option::npv(option, market)?,
        Product::EquityForward(_) | Product::FxForward(_) | Product::Swap(_) | Product::Bond(_) => {
            price(trade, market, None)?.npv
        }
    };
    let to_base = market.exchange_rate(product.currency(), market.base())?;
    Ok(unsigned_zero(npv * to_base))
}

/// The same in each scenario, if that can be told of all at once; not a number where it cannot.
pub(super) fn npvs_base(
    trade: &Trade,
    scenarios: &Scenarios,
    paths: Option<&PathSums>,
) -> Option<Vec<f64>> {
    let product = &trade.product;
    let market = &scenarios.first()?.market;
    let maturity = product.maturity();
    if maturity <= market.as_of() {
        return Some(vec![0.0; scenarios.len()]);
    }
    let time = market.time(maturity);
    let mut npvs = match product {
        Product::EquityOption(option) => equity_option::npvs(option, scenarios, time)?,
        Product::EquityBarrierOption(option) => {
            equity_barrier_option::npvs(option, scenarios, time)?
        }
        Product::EquityAsianOption(option) => {
            let sums = paths.map(|paths| &*paths.scenarios);
            equity_asian_option::npvs(&trade.id, option, scenarios, sums)
        }
        Product::EquityForward(forward) => equity_forward::npvs(forward, scenarios, time)?,
        Product::FxForward(forward) => fx_forward::npvs(forward, scenarios, time)?,
        Product::FxOption(option) => fx_option::npvs(option, scenarios, time)?,
        Product::Swap(_) | Product::Bond(_) => return None,
    };
    let to_base = scenarios.exchange_rate(product.currency(), market.base())?;
    for (scenario, npv) in npvs.iter_mut().enumerate() {
        *npv = unsigned_zero(*npv * to_base.at(scenario));
    }
    Some(npvs)
}

/// Size and currency of a trade; of a past FxForward the sold leg, of a past bond nothing.
fn notional(
    product: &Product,
    priced: Option<&Priced>,
    market: &Market,
) -> Result<(f64, Currency), Unavailable> {
    Ok(match product {
        Product::EquityOption(option)
        | Product::EquityBarrierOption(EquityBarrierOption { option, .. }) => {
            (option.strike * option.quantity, option.currency)
        }
        Product::EquityAsianOption(asian) => {
            let option = &asian.option;
            (option.strike * option.quantity, option.currency)
        }
        Product::EquityForward(forward) => (forward.strike * forward.quantity, forward.currency),
        Product::FxForward(forward) => {
            let inputs = priced.and_then(|priced| priced.inputs);
            fx_forward::notional(forward, inputs.map_or(0.0, |inputs| inputs.forward()))
        }
        Product::FxOption(option) => (option.sold_amount, option.sold),
        Product::Swap(swap) => {
            let first = swap.legs.first();
            let notional = first.map(|leg| flow::current_notional(leg, market));
            (notional.transpose()?.unwrap_or(0.0), swap.currency)
        }
        Product::Bond(bond) => {
            let notional = match priced {
                Some(_) => flow::current_notional(&bond.leg, market)?,
                None => 0.0,
            };
            (bond.factor * notional, bond.currency)
        }
    })
}

/// Tells what sensitivities are in base currency.
fn in_base(sensitivities: &mut [Sensitivity], inputs: Option<Inputs>, to_base: f64) {
    // Only products on one underlying have greeks that depend on its spot.
    let spot = inputs.map_or(0.0, |inputs| inputs.spot);
    for Sensitivity { greek, value, base } in sensitivities {
        *base = unsigned_zero(usual_move(*greek, *value, spot) * to_base);
        *value = unsigned_zero(*value);
    }
}

/// What a move of usual size makes: 1 % of spot, a volatility point, a day, a basis point.
fn usual_move(greek: Greek, value: f64, spot: f64) -> f64 {
    match greek {
        Greek::Delta => value * spot / 100.0,
        Greek::Gamma => value * spot * spot / 10_000.0,
        Greek::Vega => value / 100.0,
        Greek::Theta => value / 365.0,
        Greek::Rho | Greek::DividendRho => value / 10_000.0,
    }
}

/// Zero without a sign, every other number as it is.
fn unsigned_zero(number: f64) -> f64 {
    number + 0.0
}

fn check(valuation: &Valuation) -> Result<(), Unavailable> {
    let greeks = valuation.sensitivities.iter();
    let own = greeks.clone().map(|s| (s.greek.name(), s.value));
    let own = own.chain([
        ("NPV", valuation.npv),
        ("standard error", valuation.standard_error),
        ("notional", valuation.notional),
    ]);
    for (name, figure) in own {
        if !figure.is_finite() {
            return Err(Unavailable(format!(
                "the {name} is {}: the trade's numbers or its market's are too large",
                Shortest(figure)
            )));
        }
    }
    let base = greeks.map(|s| (s.greek.name(), s.base)).chain([
        ("NPV", valuation.npv_base),
        ("standard error", valuation.standard_error_base),
        ("notional", valuation.notional_base),
    ]);
    for (name, figure) in base {
        // Not a number is beyond the limit too.
        if figure.is_nan() || figure.abs() > Valuation::LARGEST {
            return Err(Unavailable(format!(
                "the {name} in base currency is {}, and at most 2^57 can be summed exactly: \
                 the trade's numbers or its market's are too large",
                Shortest(figure)
            )));
        }
    }
    Ok(())
}
