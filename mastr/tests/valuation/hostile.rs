//! Every product as somebody has it who means no good: whatever stands anywhere is valued, or told with
//! trade, place and reason.

use mastr::fault::Fault;
use mastr::market::{Fixings, Market, Quotes, Scenarios};
use mastr::portfolio::{Currency, Portfolio, Trade};
use mastr::valuation::{explain, profit_and_loss, value};
use serde_json::Value;

use super::command::{Folder, mastr, stderr, stdout};
use super::table::AS_OF;

/// One trade of each kind, as the specification has them.
const PORTFOLIO: &str = include_str!("../reference/portfolio.json");

/// Key and value of all that they need.
const QUOTES: [(&str, &str); 8] = [
    ("FX/RATE/EUR/USD", "1.1"),
    ("ZERO/RATE/EUR/EUR1D/A365F/1Y", "0.02"),
    ("ZERO/RATE/EUR/EUR6M/A365F/1Y", "0.025"),
    ("ZERO/RATE/USD/USD1D/A365F/1Y", "0.04"),
    ("EQUITY/PRICE/SP5/USD", "2147.56"),
    ("EQUITY_DIVIDEND/RATE/SP5/USD/1Y", "0.01"),
    ("EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM", "0.2"),
    ("FX_OPTION/RATE_LNVOL/EUR/USD/1Y/ATMF", "0.1"),
];

/// The trades, and an Asian option on the geometric average. Those that are simulated have few paths.
fn document() -> Value {
    let text = PORTFOLIO.replace("100000", "200");
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let trades = document["Portfolio"].as_array_mut().unwrap();
    let asian = trades.iter().find(|trade| trade["id"] == "AS1").unwrap();
    let mut geometric = asian.clone();
    geometric["id"] = "AG1".into();
    geometric["EquityAsianOptionData"]["OptionData"]["PayoffType2"] = "Geometric".into();
    trades.push(geometric);
    document
}

fn quotes_with(key: &str, value: &str) -> String {
    let quotes = QUOTES.iter().map(|&(known, as_quoted)| {
        let value = if known == key { value } else { as_quoted };
        format!("20260615 {known} {value}\n")
    });
    quotes.collect()
}

fn market_with(key: &str, value: &str) -> Market {
    let text = quotes_with(key, value);
    let quotes = Quotes::parse(text.as_bytes(), AS_OF.parse().unwrap()).unwrap();
    let fixings = Fixings::parse(b"20260202 EUR-EURIBOR-6M 0.021\n").unwrap();
    Market::with_fixings(&quotes, Currency::EUR, fixings)
}

fn trades() -> Vec<Trade> {
    let portfolio = Portfolio::parse(document().to_string().as_bytes()).unwrap();
    assert_eq!(portfolio.faults().to_string(), "");
    portfolio.trades().cloned().collect()
}

/// Holds that exactly these fail, with this reason; all others have values.
fn fail(
    what: &str,
    outcomes: impl Iterator<Item = (Box<str>, Result<f64, Fault>)>,
    failing: &[&str],
    reason: &str,
) {
    let mut failed = Vec::new();
    for (id, outcome) in outcomes {
        match outcome {
            Ok(npv) => assert!(npv.is_finite(), "{what}: {id}"),
            Err(fault) => {
                assert_eq!(*fault.trade, *id, "{what}");
                assert_eq!(fault.message, reason, "{what}: {id}");
                failed.push(id);
            }
        }
    }
    let failed: Vec<&str> = failed.iter().map(|id| &**id).collect();
    assert_eq!(failed, failing, "{what}");
}

const OPTIONS: [&str; 5] = ["EU1", "AM1", "BA1", "AS1", "AG1"];
const OF_EQUITY: [&str; 6] = ["EU1", "AM1", "BA1", "AS1", "EF1", "AG1"];
const IN_DOLLARS: [&str; 8] = ["EU1", "AM1", "BA1", "AS1", "EF1", "FX1", "FO1", "AG1"];

/// What a quote is, which trades then fail, and why.
const IMPOSSIBLE: [(&str, &str, &[&str], &str); 7] = [
    (
        "EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM",
        "-0.2",
        &OPTIONS,
        "EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM is -0.2: a volatility that is not negative is needed",
    ),
    (
        "FX_OPTION/RATE_LNVOL/EUR/USD/1Y/ATMF",
        "-1e-9",
        &["FO1"],
        "FX_OPTION/RATE_LNVOL/EUR/USD/1Y/ATMF is -1e-9: a volatility that is not negative is needed",
    ),
    (
        "EQUITY/PRICE/SP5/USD",
        "-1e308",
        &OF_EQUITY,
        "EQUITY/PRICE/SP5/USD is -1e308: a price that is not negative is needed",
    ),
    (
        "FX/RATE/EUR/USD",
        "0",
        &IN_DOLLARS,
        "FX/RATE/EUR/USD is 0: an exchange rate greater than zero is needed",
    ),
    (
        "FX/RATE/EUR/USD",
        "-1.1",
        &IN_DOLLARS,
        "FX/RATE/EUR/USD is -1.1: an exchange rate greater than zero is needed",
    ),
    ("EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM", "0", &[], ""),
    ("EQUITY/PRICE/SP5/USD", "0", &[], ""),
];

#[test]
fn an_impossible_quote_fails_every_trade_that_needs_it() {
    let trades = trades();
    for (key, quote, failing, reason) in IMPOSSIBLE {
        let market = market_with(key, quote);
        let outcomes = trades.iter().map(|trade| {
            let npv = value(trade, &market).map(|valuation| valuation.npv);
            (trade.id.clone(), npv)
        });
        fail(&format!("{key} {quote}"), outcomes, failing, reason);
    }
}

#[test]
fn an_impossible_scenario_fails_every_trade_that_needs_it() {
    let (trades, market) = (trades(), market_with("", ""));
    for (key, quote, failing, reason) in IMPOSSIBLE {
        let file = format!("name,{key}\nas it is,\nthe end,{quote}\n");
        let scenarios = Scenarios::parse(file.as_bytes(), &market).unwrap();
        let outcomes = trades.iter().map(|trade| {
            let valuation = value(trade, &market).unwrap();
            let pnl = profit_and_loss(trade, &valuation, &scenarios).map(|pnl| pnl[1]);
            (trade.id.clone(), pnl)
        });
        let reason = format!("scenario \"the end\": {reason}");
        fail(&format!("{key} {quote}"), outcomes, failing, &reason);
    }
}

#[test]
fn what_ended_today_or_before_is_worth_zero_by_any_market() {
    let quotes = Quotes::parse(b"20260615 FX/RATE/EUR/USD 1.1\n", AS_OF.parse().unwrap());
    let market = Market::new(&quotes.unwrap(), Currency::EUR);
    for day in [AS_OF, "2026-06-12", "1999-12-30"] {
        let text = document()
            .to_string()
            .replace("2027-06-15", day)
            .replace("2036-07-01", day)
            .replace("2031-02-03", day)
            // Schedules begin before they end.
            .replace("2026-07-15", "1998-06-15")
            .replace("2026-07-01", "1998-06-15")
            .replace("2026-02-03", "1998-06-15");
        let portfolio = Portfolio::parse(text.as_bytes()).unwrap();
        assert_eq!(portfolio.faults().to_string(), "", "{day}");
        assert_eq!(portfolio.trades().count(), 10);
        for trade in portfolio.trades() {
            let valuation = value(trade, &market).unwrap();
            assert!(valuation.is_past(), "{day}: {}", trade.id);
            assert_eq!(valuation.npv, 0.0, "{day}: {}", trade.id);
            let explanation = explain(trade, &market).unwrap().to_string();
            assert!(
                explanation.ends_with(" 0  past: all was due on or before the as-of date\n"),
                "{explanation}"
            );
        }
    }
}

#[test]
fn a_schedule_without_a_period_is_told() {
    let rules = |from: &str, to: &str, tenor: &str| {
        format!(
            r#"{{"Rules":{{"StartDate":"{from}","EndDate":"{to}","Tenor":"{tenor}","Calendar":"TARGET","Convention":"F"}}}}"#
        )
    };
    let dates = |dates: &str| format!(r#"{{"Dates":{{"Dates":{dates}}}}}"#);
    let cases = [
        (
            rules("2026-07-01", "2026-07-01", "1Y"),
            "/Rules/EndDate: the schedule ends on 2026-07-01, which is not after its start 2026-07-01",
        ),
        (
            rules("2026-07-04", "2026-07-05", "1Y"),
            "/Rules/EndDate: the schedule has no period: once it starts on a business day, 2026-07-04, \
             it has ended",
        ),
        (
            rules("2026-07-01", "2027-06-01", "0D"),
            "/Rules/Tenor: a tenor longer than nothing is needed, or the rule Zero",
        ),
        (
            rules("2026-07-01", "9999-12-31", "1D"),
            "/Rules/Tenor: the schedule has more than 16384 dates: give it a longer tenor",
        ),
        (dates("[]"), "/Dates: the field \"Dates\" is missing"),
        (
            dates(r#"["2027-01-04"]"#),
            ": found one date, two are needed for a period",
        ),
        (
            dates(r#"["2027-01-04","2027-01-04"]"#),
            "/Dates/Dates: 2027-01-04 comes after 2027-01-04: dates are needed in their order",
        ),
    ];
    for (id, place) in [
        ("SW1", "SwapData/LegData/1/ScheduleData"),
        ("BO1", "BondData/LegData/ScheduleData"),
        ("AS1", "EquityAsianOptionData/ObservationDates"),
    ] {
        for (schedule, fault) in &cases {
            let trade = trade_with(id, place, schedule);
            let found = Portfolio::parse(trade.as_bytes()).unwrap();
            let found = found.faults().to_string();
            if id == "AS1" && fault.contains("one date") {
                assert_eq!(found, "", "an average of one price is one");
                continue;
            }
            let want = format!("trade \"{id}\" at /Portfolio/0/{place}{fault}");
            assert_eq!(found, want);
        }
    }
}

/// A portfolio of one trade, in which this JSON stands at that place.
fn trade_with(id: &str, place: &str, json: &str) -> String {
    let mut document = document();
    let trades = document["Portfolio"].as_array_mut().unwrap();
    trades.retain(|trade| trade["id"] == id);
    *trades[0].pointer_mut(&format!("/{place}")).unwrap() = "@".into();
    document.to_string().replace("\"@\"", json)
}

/// The pointers to all that stands in a value.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    let within: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(elements) => (0..)
            .zip(elements)
            .map(|(index, value): (usize, _)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in within {
        let place = if place.is_empty() {
            key
        } else {
            format!("{place}/{key}")
        };
        found.push(place.clone());
        places(value, &place, found);
    }
}

#[test]
fn whatever_stands_at_any_place_is_valued_or_told() {
    let long = format!("\"{}\"", "é\\n".repeat(2_000));
    let values = [
        "-1",
        "-0",
        "0",
        "1e-320",
        "1e308",
        "-1e308",
        "1e999",
        "-1e999",
        "1.5",
        "true",
        "null",
        "[]",
        "{}",
        "[[]]",
        "\"\"",
        "\"NaN\"",
        "\"\\u0000\\u001b[2J\"",
        "\"2026-06-15\"",
        "\"2026-02-30\"",
        "\"9999-12-31\"",
        "\"0001-01-01\"",
        "[1e999,\"x\"]",
        &long,
    ];
    let market = market_with("", "");
    let mut told = 0;
    for trade in document()["Portfolio"].as_array().unwrap() {
        let mut found = Vec::new();
        places(trade, "", &mut found);
        for place in &found {
            for json in values {
                let text = trade_with(trade["id"].as_str().unwrap(), place, json);
                let portfolio = Portfolio::parse(text.as_bytes()).unwrap();
                for fault in portfolio.faults().iter() {
                    let fault = fault.to_string();
                    assert!(fault.contains("/Portfolio/0"), "{fault}");
                    assert!(!fault.contains(char::is_control), "{fault:?}");
                    assert!(fault.len() < 5_000, "{fault}");
                    told += 1;
                }
                for trade in portfolio.trades() {
                    match explain(trade, &market) {
                        Ok(explanation) => {
                            assert!(explanation.valuation().npv.is_finite());
                            let text = explanation.to_string();
                            // The first line has the id, which may be anything.
                            let figures = text.split_once('\n').unwrap().1;
                            assert!(!figures.contains("NaN"), "{text}");
                        }
                        Err(fault) => assert!(!fault.message.is_empty()),
                    }
                }
            }
        }
    }
    assert!(told > 1_000, "{told}");
}

#[test]
fn the_command_tells_why_trades_failed() {
    let folder = Folder::new();
    let (key, quote, failing, reason) = IMPOSSIBLE[0];
    let portfolio = folder.write("portfolio.json", &document().to_string());
    let market = folder.write("market.txt", &quotes_with(key, quote));
    let mut price = mastr();
    price.args(["price", "--portfolio", &portfolio, "--market", &market]);
    let output = price.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let without = |line: &&str| line.contains(",#N/A,");
    assert_eq!(stdout(&output).lines().filter(without).count(), 5);
    let mut want: Vec<_> = failing
        .iter()
        .map(|id| format!("mastr: trade \"{id}\": {reason}"))
        .collect();
    want.sort_unstable();
    want.push(
        "mastr: 5 of 10 trades failed: npv.csv has #N/A for them, failed.csv all reasons (--output)"
            .to_owned(),
    );
    assert_eq!(stderr(&output).lines().collect::<Vec<_>>(), want);
    let output = price
        .args(["--trade", "AM1", "--explain"])
        .output()
        .unwrap();
    let told: Vec<_> = stderr(&output).lines().collect();
    assert_eq!(told[0], format!("mastr: trade \"AM1\": {reason}"));
    assert_eq!(told.len(), 2, "{told:?}");
}
