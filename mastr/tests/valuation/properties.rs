//! What holds for any input.

use mastr::fault::Faults;
use mastr::market::{Fixings, Market, Quotes};
use mastr::portfolio::{Currency, OptionKind, Portfolio, Trade};
use mastr::sample;
use mastr::valuation::{BlackScholes, Valuation, value};
use proptest::prelude::*;

use super::table::AS_OF;

fn option() -> impl Strategy<Value = BlackScholes> {
    let kind = prop_oneof![Just(OptionKind::Call), Just(OptionKind::Put)];
    (
        kind,
        50.0..200.0,
        50.0..200.0,
        0.02..10.0,
        -0.02..0.1,
        -0.02..0.1,
        0.02..0.8,
    )
        .prop_map(
            |(kind, spot, strike, time, rate, dividend, volatility): (
                _,
                _,
                _,
                f64,
                f64,
                f64,
                _,
            )| {
                BlackScholes {
                    kind,
                    spot,
                    strike,
                    time,
                    log_discount: -rate * time,
                    log_yield: -dividend * time,
                    volatility,
                }
            },
        )
}

/// The slope of the value as `shift` moves an input by `step` to either side.
fn slope(option: BlackScholes, step: f64, shift: impl Fn(&mut BlackScholes, f64)) -> f64 {
    slope_of(|moved| moved.closed_form().value, option, step, shift)
}

/// The slope of `worth` as `shift` moves an input by `step` to either side.
fn slope_of(
    worth: impl Fn(&BlackScholes) -> f64,
    option: BlackScholes,
    step: f64,
    shift: impl Fn(&mut BlackScholes, f64),
) -> f64 {
    let at = |step| {
        let mut moved = option;
        shift(&mut moved, step);
        worth(&moved)
    };
    (at(step) - at(-step)) / (2.0 * step)
}

/// A central difference is right to the square of its step, and to the digits that cancel.
fn near(closed: f64, bumped: f64) -> bool {
    (closed - bumped).abs() <= 2e-5 * closed.abs().max(1.0)
}

proptest! {
    #[test]
    fn a_call_less_a_put_is_a_forward(option in option()) {
        let worth = |kind| BlackScholes { kind, ..option }.closed_form().value;
        let forward = option.spot * libm::exp(option.log_yield)
            - option.strike * libm::exp(option.log_discount);
        let parity = worth(OptionKind::Call) - worth(OptionKind::Put);
        prop_assert!((parity - forward).abs() <= 1e-12 * (option.spot + option.strike));
    }

    #[test]
    fn greeks_are_the_slopes_of_the_value(option in option()) {
        let closed = option.closed_form();
        let delta = slope(option, option.spot * 1e-4, |o, step| o.spot += step);
        prop_assert!(near(closed.delta, delta), "delta {} {delta}", closed.delta);
        let vega = slope(option, 1e-5, |o, step| o.volatility += step);
        prop_assert!(near(closed.vega, vega), "vega {} {vega}", closed.vega);
        let rho = slope(option, 1e-5, |o, step| o.log_discount -= step * o.time);
        prop_assert!(near(closed.rho, rho), "rho {} {rho}", closed.rho);
        let dividend_rho = slope(option, 1e-5, |o, step| o.log_yield -= step * o.time);
        prop_assert!(near(closed.dividend_rho, dividend_rho));
        // Time at constant rates.
        let theta = -slope(option, option.time * 1e-5, |o, step| {
            let longer = (o.time + step) / o.time;
            o.log_discount *= longer;
            o.log_yield *= longer;
            o.time += step;
        });
        prop_assert!(near(closed.theta, theta), "theta {} {theta}", closed.theta);
        let step = option.spot * 1e-4;
        let delta_at = |spot| BlackScholes { spot, ..option }.closed_form().delta;
        let gamma = (delta_at(option.spot + step) - delta_at(option.spot - step)) / (2.0 * step);
        prop_assert!(near(closed.gamma, gamma), "gamma {} {gamma}", closed.gamma);
    }

    #[test]
    fn an_option_is_worth_at_least_its_intrinsic_value(option in option()) {
        let forward = option.spot * libm::exp(option.log_yield)
            - option.strike * libm::exp(option.log_discount);
        let intrinsic = (option.kind.sign() * forward).max(0.0);
        prop_assert!(option.closed_form().value >= intrinsic - 1e-12 * option.spot);
    }

    #[test]
    fn an_american_option_is_worth_more_than_what_it_may_become(option in option()) {
        let Ok(american) = option.american() else {
            // Two boundaries, which need what it earns when exercised to be negative.
            let earns = match option.kind {
                OptionKind::Put => option.log_discount,
                OptionKind::Call => option.log_yield,
            };
            prop_assert!(earns > 0.0);
            return Ok(());
        };
        let value = american.form.value;
        prop_assert_eq!(option.american_value().unwrap(), value);
        prop_assert!(value >= option.kind.sign() * (option.spot - option.strike));
        // Forty deviations out of the money, digits are lost below the smallest normal number.
        prop_assert!(value >= option.closed_form().value * (1.0 - 1e-7) - f64::MIN_POSITIVE);
        // The asset and the cash exchanged, and call for put.
        let other = BlackScholes {
            kind: match option.kind {
                OptionKind::Put => OptionKind::Call,
                OptionKind::Call => OptionKind::Put,
            },
            spot: option.strike,
            strike: option.spot,
            log_discount: option.log_yield,
            log_yield: option.log_discount,
            ..option
        };
        prop_assert!((other.american_value().unwrap() - value).abs() <= 1e-12 * option.spot);
    }

    #[test]
    fn greeks_of_american_options_are_slopes(option in option()) {
        let Ok(american) = option.american() else { return Ok(()) };
        let form = american.form;
        // At the boundary the second derivatives jump, and a rate that moves moves it along.
        let rates = [option.log_discount, option.log_yield].map(|log| (log / option.time).abs());
        // Where one is about zero, a central difference is of two kinds of options.
        prop_assume!(rates.iter().all(|rate| *rate > 0.01));
        let moves: f64 = rates.iter().map(|rate| 2e-4 / rate).sum();
        let far = |boundary: f64| (option.spot / boundary - 1.0).abs() > 0.01 + moves;
        prop_assume!(american.boundary.is_none_or(far));
        let worth = |option: &BlackScholes| option.american_value().unwrap_or(f64::NAN);
        let within = |closed: f64, slope: f64, scale: f64| {
            // A rate of another sign may make an option that has two boundaries.
            slope.is_nan() || (closed - slope).abs() <= 1e-4 * closed.abs().max(scale)
        };
        // What is not per unit of spot is as large as spot is.
        let near = |closed, slope| within(closed, slope, option.spot / 50.0);
        let delta = slope_of(worth, option, option.spot * 1e-4, |o, step| o.spot += step);
        prop_assert!(within(form.delta, delta, 1.0), "delta {} {delta}", form.delta);
        let vega = slope_of(worth, option, 1e-4, |o, step| o.volatility += step);
        prop_assert!(near(form.vega, vega), "vega {} {vega}", form.vega);
        let rho = slope_of(worth, option, 1e-4, |o, step| o.log_discount -= step * o.time);
        // In rates the value bends sharply where the volatility is small.
        let roughly = |closed, slope| within(closed, slope, 100.0 * f64::abs(closed) + option.spot / 50.0);
        prop_assert!(roughly(form.rho, rho), "rho {} {rho}", form.rho);
        let dividend_rho = slope_of(worth, option, 1e-4, |o, step| o.log_yield -= step * o.time);
        prop_assert!(roughly(form.dividend_rho, dividend_rho), "{} {dividend_rho}", form.dividend_rho);
        let theta = -slope_of(worth, option, option.time * 1e-4, |o, step| {
            let longer = (o.time + step) / o.time;
            o.log_discount *= longer;
            o.log_yield *= longer;
            o.time += step;
        });
        prop_assert!(near(form.theta, theta), "theta {} {theta}", form.theta);
        let delta_at = |option: &BlackScholes| option.american().map_or(f64::NAN, |a| a.form.delta);
        let gamma = slope_of(delta_at, option, option.spot * 1e-4, |o, step| o.spot += step);
        prop_assert!(within(form.gamma, gamma, 1.0), "gamma {} {gamma}", form.gamma);
    }

    #[test]
    fn any_bytes_are_a_portfolio_or_faults(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        told(Portfolio::parse(&bytes).err());
    }

    #[test]
    fn any_bytes_are_a_market_or_faults(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let as_of = AS_OF.parse().unwrap();
        told(Market::parse(&bytes, as_of, Currency::EUR).err());
        told(Fixings::parse(&bytes).err());
    }

    #[test]
    fn a_mutated_portfolio_is_valued_or_has_faults(mutations in mutations()) {
        let text = mutated(head(sample::PORTFOLIO, 6, ",\n]}"), &mutations);
        let market = sample::market();
        match Portfolio::parse(&text) {
            Ok(portfolio) => {
                prop_assert_eq!(portfolio.faults().is_empty(), portfolio.rejected().count() == 0);
                for trade in portfolio.trades() {
                    drop(value(trade, &market));
                }
            }
            Err(faults) => told(Some(faults)),
        }
    }

    #[test]
    fn a_mutated_market_values_or_says_why_not(mutations in mutations()) {
        let portfolio = sample::portfolio();
        let text = mutated(sample::MARKET.to_owned(), &mutations);
        match Quotes::parse(&text, portfolio.as_of()) {
            Ok(quotes) => {
                let market = Market::new(&quotes, portfolio.base());
                for trade in portfolio.trades().take(40) {
                    match value(trade, &market) {
                        Ok(valuation) => prop_assert!(valuation.npv_base.is_finite()),
                        Err(fault) => prop_assert!(!fault.message.is_empty()),
                    }
                }
            }
            Err(faults) => told(Some(faults)),
        }
    }
}

fn told(faults: Option<Faults>) {
    if let Some(faults) = faults {
        assert!(!faults.is_empty() && !faults.to_string().is_empty());
    }
}

/// The first lines of `text`, without the last one's end, and then `end`.
fn head(text: &str, lines: usize, end: &str) -> String {
    let lines: Vec<&str> = text.lines().take(lines).collect();
    lines.join("\n").trim_end_matches(',').to_owned() + end.trim_start_matches(',')
}

/// Where, what to put there, and how many bytes to take away.
type Mutation = (prop::sample::Index, &'static str, usize);

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    const PIECES: [&str; 20] = [
        "", "0", "-", "1e999", "-0", "null", "\"\"", "[", "]", "{", "}", ",", ":", "\"", "\\ud800",
        "\u{0}", "\r\n", "NaN", "/", "é",
    ];
    let mutation = (
        any::<prop::sample::Index>(),
        prop::sample::select(&PIECES[..]),
        0_usize..5,
    );
    prop::collection::vec(mutation, 1..4)
}

fn mutated(text: String, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    for (place, piece, removed) in mutations {
        let start = place.index(bytes.len() + 1);
        let end = (start + removed).min(bytes.len());
        bytes.splice(start..end, piece.bytes());
    }
    bytes
}

#[test]
fn the_head_of_the_sample_is_a_portfolio() {
    let portfolio = Portfolio::parse(head(sample::PORTFOLIO, 6, ",\n]}").as_bytes()).unwrap();
    assert_eq!(portfolio.without_faults().unwrap().trades().count(), 5);
}

/// Greeks in the market as it is: every quote of a kind moved, and the trade valued anew.
#[test]
fn greeks_are_what_moving_the_quotes_makes() {
    let portfolio = sample::portfolio();
    let base = sample::market();
    let moved = |kind: &str, currency: &str, add: f64| {
        let lines = sample::MARKET.lines().map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            match fields[..] {
                [day, key, value] if key.starts_with(kind) && key.contains(currency) => {
                    let value: f64 = value.parse().unwrap();
                    format!("{day} {key} {}\n", value + add)
                }
                _ => format!("{line}\n"),
            }
        });
        let text: String = lines.collect();
        sample::market_of(&text).unwrap()
    };
    let npv = |trade: &Trade, market: &Market| value(trade, market).unwrap().npv;
    let greek = |valuation: &Valuation, name: &str| {
        let greek = mastr::valuation::Greek::from_name(name).unwrap();
        valuation
            .sensitivity(greek)
            .map(|sensitivity| sensitivity.value)
    };
    const STEP: f64 = 1e-6;
    let dollar_up = moved("ZERO/RATE", "/USD1D/", STEP);
    let dollar_down = moved("ZERO/RATE", "/USD1D/", -STEP);
    let yields_up = moved("EQUITY_DIVIDEND", "/USD/", STEP);
    let yields_down = moved("EQUITY_DIVIDEND", "/USD/", -STEP);
    let volatility_up = moved("EQUITY_OPTION", "/USD/", STEP);
    let volatility_down = moved("EQUITY_OPTION", "/USD/", -STEP);
    let mut compared = 0;
    for trade in portfolio.trades() {
        let equity = trade.dimension("TradeType").starts_with("Equity");
        if trade.dimension("Currency") != "USD" || !equity {
            continue;
        }
        let valuation = value(trade, &base).unwrap();
        for (name, up, down) in [
            ("rho", &dollar_up, &dollar_down),
            ("dividend_rho", &yields_up, &yields_down),
            ("vega", &volatility_up, &volatility_down),
        ] {
            let Some(want) = greek(&valuation, name) else {
                continue;
            };
            let got = (npv(trade, up) - npv(trade, down)) / (2.0 * STEP);
            let scale = want.abs().max(valuation.notional * 1e-3);
            // A shift of all volatilities is not one of the total variance between expiries.
            let allowed = if name == "vega" { 1e-3 } else { 1e-6 };
            assert!(
                (got - want).abs() <= allowed * scale,
                "{}: {name} {got} {want}",
                trade.id
            );
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
}
