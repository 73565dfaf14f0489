//! Every row of the reference tables, through the library.

use mastr::market::Market;
use mastr::portfolio::{Currency, Portfolio, Trade};
use mastr::time::DayCount;
use mastr::valuation::{Greek, Valuation, value};

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
        market_text::european_market(&mut market, "XXX", row);
        let got = valuation(&market, &market_text::european_trade("EU", "XXX", row));
        comparison.hold(&format!("npv of row {index}"), got.npv, row.number("npv"));
        for (column, greek) in columns {
            let got = got.sensitivity(greek).unwrap().value;
            comparison.hold(&format!("{column} of row {index}"), got, row.number(column));
        }
    }
    comparison.finish(rows.len() * 7);
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
