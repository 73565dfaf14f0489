//! Every row of the reference tables, through the library.

use mastr::market::Market;
use mastr::portfolio::{Currency, OptionKind, Portfolio, Trade};
use mastr::time::DayCount;
use mastr::valuation::{BlackScholes, Greek, Valuation, value};

use super::market_text::{self, MarketText};
use super::table::{AS_OF, Comparison, after, rows};

fn valuation(market: &MarketText, trade: &str) -> Valuation {
    let market = Market::parse(market.0.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
    value(&trade_of(trade), &market).unwrap()
}

fn trade_of(trade: &str) -> Trade {
    let file = market_text::portfolio(&[trade.to_owned()]);
    let portfolio = Portfolio::parse(file.as_bytes()).unwrap();
    portfolio
        .without_faults()
        .unwrap()
        .trades()
        .next()
        .unwrap()
        .clone()
}

#[test]
fn european_options_and_their_greeks() {
    let rows = rows("european.csv");
    let columns = [
        ("delta", Greek::Delta),
        ("gamma", Greek::Gamma),
        ("vega", Greek::Vega),
        ("theta_per_year", Greek::Theta),
        ("rho", Greek::Rho),
        ("dividend_rho", Greek::DividendRho),
    ];
    let mut comparison = Comparison::new("european", 1e-10, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market_text::option_market(&mut market, "XXX", row);
        let trade = market_text::option_trade("EU", "XXX", "European", row);
        let got = valuation(&market, &trade);
        comparison.hold(&format!("npv of row {index}"), got.npv, row.number("npv"));
        for (column, greek) in columns {
            let got = got.sensitivity(greek).unwrap().value;
            comparison.hold(&format!("{column} of row {index}"), got, row.number(column));
        }
    }
    comparison.finish(rows.len() * 7);
}

/// The table is by the method of Andersen, Lake and Offengenden at its usual precision, which is 1e-6
/// where the drift is large; [`american_options_to_the_digit`] holds such rows closer.
#[test]
fn american_options() {
    let rows = rows("american.csv");
    let mut comparison = Comparison::new("american", 2e-6, 1e-8);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market_text::option_market(&mut market, "XXX", row);
        let trade = market_text::option_trade("AM", "XXX", "American", row);
        let got = valuation(&market, &trade);
        comparison.hold(&format!("row {index}"), got.npv, row.number("npv"));
    }
    comparison.finish(rows.len());
}

/// By QuantLib 1.44, `QdFpTanhSinhIterationScheme(100, 80, 1e-12)`: with eight times the points of
/// the table, it has converged to some 1e-8.
#[test]
fn american_options_to_the_digit() {
    let mut comparison = Comparison::new("american, converged", 1e-7, 1e-12);
    for (kind, spot, strike, days, rate, dividend, volatility, want) in [
        (
            OptionKind::Put,
            100.0,
            100.0,
            365.0,
            0.05,
            0.05,
            0.25,
            9.569_445_298_914_953,
        ),
        (
            OptionKind::Put,
            60.22,
            61.52,
            3650.0,
            0.0764,
            0.0046,
            0.088,
            1.762_380_427_898_411_7,
        ),
        (
            OptionKind::Call,
            179.41,
            178.59,
            3650.0,
            0.0101,
            0.0691,
            0.197,
            17.436_507_903_048_206,
        ),
        (
            OptionKind::Put,
            116.85,
            103.66,
            730.0,
            0.0878,
            0.0081,
            0.09,
            0.119_590_531_554_947_68,
        ),
    ] {
        let time: f64 = days / 365.0;
        let option = BlackScholes {
            kind,
            spot,
            strike,
            time,
            log_discount: -rate * time,
            log_yield: -dividend * time,
            volatility,
        };
        comparison.hold(
            &format!("{option:?}"),
            option.american_value().unwrap(),
            want,
        );
    }
    comparison.finish(4);
}

#[test]
fn barrier_options() {
    let rows = rows("barrier.csv");
    let mut comparison = Comparison::new("barrier", 1e-8, 1e-10);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market_text::option_market(&mut market, "XXX", row);
        let got = valuation(&market, &market_text::barrier_trade("BA", "XXX", row));
        comparison.hold(&format!("row {index}"), got.npv, row.number("npv"));
    }
    comparison.finish(rows.len());
}

#[test]
fn asian_options() {
    let rows = rows("asian.csv");
    let mut geometric = Comparison::new("asian, geometric", 1e-10, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market_text::option_market(&mut market, "XXX", row);
        let trade = |average| market_text::asian_trade("AS", "XXX", average, row);
        let got = valuation(&market, &trade("Geometric"));
        geometric.hold(
            &format!("row {index}"),
            got.npv,
            row.number("geometric_npv"),
        );
        assert_eq!(got.standard_error, 0.0);

        let got = valuation(&market, &trade("Arithmetic"));
        let theirs = row.number("arithmetic_standard_error");
        assert!(got.standard_error > 0.0, "row {index}");
        let combined = (got.standard_error * got.standard_error + theirs * theirs).sqrt();
        let mut arithmetic = Comparison::new("asian, arithmetic", 0.0, 4.0 * combined + 1e-6);
        arithmetic.hold(
            &format!("row {index}"),
            got.npv,
            row.number("arithmetic_npv"),
        );
        arithmetic.finish(1);
    }
    geometric.finish(rows.len());
}

#[test]
fn fx_forwards() {
    let rows = rows("fx_forward.csv");
    let mut comparison = Comparison::new("fx_forward", 1e-9, 1e-6);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market_text::fx_forward_market(&mut market, "FOR", "DOM", row);
        let got = valuation(
            &market,
            &market_text::fx_forward_trade("FX", "FOR", "DOM", row),
        );
        comparison.hold(&format!("row {index}"), got.npv, row.number("npv_domestic"));
    }
    comparison.finish(rows.len());
}

#[test]
fn fx_options() {
    let rows = rows("fx_option.csv");
    let mut comparison = Comparison::new("fx_option", 1e-9, 1e-6);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market_text::fx_option_market(&mut market, "BOU", "SOL", row);
        let got = valuation(
            &market,
            &market_text::fx_option_trade("FO", "BOU", "SOL", row),
        );
        let want = row.number("npv_sold_currency");
        comparison.hold(&format!("row {index}"), got.npv, want);
    }
    comparison.finish(rows.len());
}

#[test]
fn curves() {
    let rows = rows("curve.csv");
    let mut comparison = Comparison::new("curve", 1e-12, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market.curve("EUR", row);
        let market =
            Market::parse(market.0.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
        let time = market.time(row.day("query_days").parse().unwrap());
        let got = market.discount_curve(Currency::EUR).unwrap().discount(time);
        comparison.hold(&format!("row {index}"), got, row.number("discount_factor"));
    }
    comparison.finish(rows.len());
}

#[test]
fn surfaces() {
    let rows = rows("surface.csv");
    let mut comparison = Comparison::new("surface", 1e-12, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let mut market = MarketText::new();
        market.surface("SP5", "USD", row);
        let market =
            Market::parse(market.0.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
        let time = market.time(after(row.number("query_days")).parse().unwrap());
        let surface = market.equity_volatility("SP5", Currency::USD).unwrap();
        let got = surface.volatility(time, row.number("query_strike"));
        comparison.hold(&format!("row {index}"), got, row.number("vol"));
    }
    comparison.finish(rows.len());
}

#[test]
fn year_fractions_and_days() {
    let rows = rows("day_count.csv");
    let mut comparison = Comparison::new("day_count", 1e-14, 1e-14);
    for (index, row) in rows.iter().enumerate() {
        let count: DayCount = row.text("day_counter").parse().unwrap();
        let (start, end) = (row.date("start"), row.date("end"));
        assert_eq!(
            count.days(start, end).to_string(),
            row.text("days"),
            "row {index}"
        );
        let got = count.years(start, end);
        comparison.hold(&format!("row {index}"), got, row.number("year_fraction"));
    }
    comparison.finish(rows.len());
}
