//! Every row of the reference tables, through the `mastr price` command.

use std::collections::HashMap;

use mastr::market::Market;
use mastr::portfolio::{Currency, OptionKind, Portfolio};
use mastr::valuation::{BlackScholes, value};

use super::command::{Folder, mastr};
use super::market_text::{self, MarketText, currency};
use super::table::{AS_OF, Comparison, Row, rows};

/// NPV by trade id, as `mastr price` prints it.
fn npvs(trades: &[String], market: &MarketText) -> HashMap<String, f64> {
    let folder = Folder::new();
    let portfolio = folder.write("portfolio.json", &market_text::portfolio(trades));
    let market = folder.write("market.txt", &market.0);
    let output = mastr()
        .args(["price", "--portfolio", &portfolio, "--market", &market])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let npvs: HashMap<_, _> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0].to_owned(), fields[4].parse().unwrap())
        })
        .collect();
    assert_eq!(npvs.len(), trades.len());
    npvs
}

#[test]
fn european_options() {
    options(
        "european.csv",
        |id, currency, row| market_text::option_trade(id, currency, "European", row),
        Comparison::new("mastr price, european", 1e-10, 1e-12),
    );
}

#[test]
fn american_options() {
    options(
        "american.csv",
        |id, currency, row| market_text::option_trade(id, currency, "American", row),
        Comparison::new("mastr price, american", 2e-6, 1e-8),
    );
}

#[test]
fn barrier_options() {
    options(
        "barrier.csv",
        market_text::barrier_trade,
        Comparison::new("mastr price, barrier", 1e-8, 1e-10),
    );
}

#[test]
fn asian_options() {
    let rows = rows("asian.csv");
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let currency = currency('X', index);
        market_text::option_market(&mut market, &currency, row);
        for average in ["Arithmetic", "Geometric"] {
            let id = format!("{average} {index}");
            trades.push(market_text::asian_trade(&id, &currency, average, row));
        }
    }
    let npvs = npvs(&trades, &market);
    let as_of = AS_OF.parse().unwrap();
    let parsed = Market::parse(market.0.as_bytes(), as_of, Currency::EUR).unwrap();
    let mut geometric = Comparison::new("mastr price, asian, geometric", 1e-10, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let id = format!("Geometric {index}");
        geometric.hold(&id, npvs[&id], row.number("geometric_npv"));
        // The command does not tell standard errors, the library does.
        let id = format!("Arithmetic {index}");
        let portfolio = market_text::portfolio(&trades[2 * index..][..1]);
        let portfolio = Portfolio::parse(portfolio.as_bytes()).unwrap();
        let own = value(portfolio.trades().next().unwrap(), &parsed).unwrap();
        assert_eq!(own.npv, npvs[&id]);
        let theirs = row.number("arithmetic_standard_error");
        let combined = (own.standard_error * own.standard_error + theirs * theirs).sqrt();
        let allowed = 4.0 * combined + 1e-6;
        let mut arithmetic = Comparison::new("mastr price, asian, arithmetic", 0.0, allowed);
        arithmetic.hold(&id, npvs[&id], row.number("arithmetic_npv"));
        arithmetic.finish(1);
    }
    geometric.finish(rows.len());
}

fn options(table: &str, trade: impl Fn(&str, &str, &Row) -> String, mut comparison: Comparison) {
    let rows = rows(table);
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let currency = currency('X', index);
        market_text::option_market(&mut market, &currency, row);
        let id = index.to_string();
        trades.push(trade(&id, &currency, row));
    }
    let npvs = npvs(&trades, &market);
    for (index, row) in rows.iter().enumerate() {
        let id = index.to_string();
        comparison.hold(&id, npvs[&id], row.number("npv"));
    }
    comparison.finish(rows.len());
}

#[test]
fn fx_forwards() {
    let rows = rows("fx_forward.csv");
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let (bought, sold) = (currency('B', index), currency('S', index));
        market_text::fx_forward_market(&mut market, &bought, &sold, row);
        trades.push(market_text::fx_forward_trade(
            &index.to_string(),
            &bought,
            &sold,
            row,
        ));
    }
    let npvs = npvs(&trades, &market);
    let mut comparison = Comparison::new("mastr price, fx_forward", 1e-9, 1e-6);
    for (index, row) in rows.iter().enumerate() {
        let id = index.to_string();
        comparison.hold(&id, npvs[&id], row.number("npv_domestic"));
    }
    comparison.finish(rows.len());
}

#[test]
fn fx_options() {
    let rows = rows("fx_option.csv");
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let (bought, sold) = (currency('B', index), currency('S', index));
        market_text::fx_option_market(&mut market, &bought, &sold, row);
        trades.push(market_text::fx_option_trade(
            &index.to_string(),
            &bought,
            &sold,
            row,
        ));
    }
    let npvs = npvs(&trades, &market);
    let mut comparison = Comparison::new("mastr price, fx_option", 1e-9, 1e-6);
    for (index, row) in rows.iter().enumerate() {
        let id = index.to_string();
        comparison.hold(&id, npvs[&id], row.number("npv_sold_currency"));
    }
    comparison.finish(rows.len());
}

#[test]
fn curves() {
    let rows = rows("curve.csv");
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let currency = currency('X', index);
        market.curve(&currency, row);
        market.quote(&format!("FX/RATE/EUR/{currency}"), 1.0);
        market.quote(&format!("EQUITY/PRICE/NOTHING/{currency}"), 0.0);
        let maturity = row.day("query_days");
        let id = index.to_string();
        trades.push(market_text::discount_trade(
            &id, "NOTHING", &currency, &maturity,
        ));
    }
    let npvs = npvs(&trades, &market);
    let mut comparison = Comparison::new("mastr price, curve", 1e-12, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let id = index.to_string();
        comparison.hold(&id, -npvs[&id], row.number("discount_factor"));
    }
    comparison.finish(rows.len());
}

/// A volatility shows in a price: that of a call at the row's volatility, rates being zero.
#[test]
fn surfaces() {
    let rows = rows("surface.csv");
    let (mut market, mut trades) = (MarketText::new(), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let currency = currency('X', index);
        market.currency(&currency, 0.0);
        let (expiry, strike) = (row.day("query_days"), row.number("query_strike"));
        // At the money, where a price shows the volatility best.
        market.quote(&format!("EQUITY/PRICE/{currency}/{currency}"), strike);
        market.surface(&currency, &currency, row);
        trades.push(market_text::call(
            &index.to_string(),
            &currency,
            &expiry,
            strike,
        ));
    }
    let npvs = npvs(&trades, &market);
    let mut comparison = Comparison::new("mastr price, surface", 1e-12, 1e-12);
    for (index, row) in rows.iter().enumerate() {
        let id = index.to_string();
        let call = BlackScholes {
            kind: OptionKind::Call,
            spot: row.number("query_strike"),
            strike: row.number("query_strike"),
            time: row.number("query_days") / 365.0,
            log_discount: 0.0,
            log_yield: 0.0,
            volatility: row.number("vol"),
        }
        .closed_form();
        let implied = row.number("vol") + (npvs[&id] - call.value) / call.vega;
        comparison.hold(&id, implied, row.number("vol"));
    }
    comparison.finish(rows.len());
}
