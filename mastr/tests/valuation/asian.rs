//! Asian options: what they may be, their fixings, and how they are simulated.

use mastr::aggregation::{Amount, Figures};
use mastr::market::{Fixings, Market, Quotes};
use mastr::portfolio::{Averaging, Currency, Portfolio, Product, Simulation, Trade};
use mastr::valuation::{Valuation, explain, value};

use super::command::{Folder, mastr, stderr, stdout};
use super::market_text::portfolio as file;
use super::table::AS_OF;

const MARKET: &str = "\
20260615 FX/RATE/EUR/USD 1.25
20260615 ZERO/RATE/USD/USD1D/A365F/1Y 0.04
20260615 EQUITY/PRICE/SP5/USD 2147.56
20260615 EQUITY_DIVIDEND/RATE/SP5/USD/1Y 0.01
20260615 EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM 0.2
";

const ASIAN: &str = r#"{"id":"AS1","TradeType":"EquityAsianOption","EquityAsianOptionData":{"OptionData":{"LongShort":"Long","OptionType":"Call","PayoffType":"Asian","ExerciseDates":["2027-06-15"]},"Underlying":{"Type":"Equity","Name":"SP5"},"StrikeData":{"Value":2100,"Currency":"USD"},"Currency":"USD","Quantity":10,"ObservationDates":{"Rules":{"StartDate":"2026-07-15","EndDate":"2027-06-15","Tenor":"1M","Calendar":"US","Convention":"F"}}}}"#;

fn faults(trade: &str) -> Vec<String> {
    let portfolio = Portfolio::parse(file(&[trade.to_owned()]).as_bytes()).unwrap();
    portfolio.faults().iter().map(ToString::to_string).collect()
}

/// A trade of which the texts at the left are replaced.
fn trade(replaced: &[(&str, &str)]) -> Trade {
    let mut text = ASIAN.to_owned();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let portfolio = Portfolio::parse(file(&[text]).as_bytes()).unwrap();
    portfolio
        .without_faults()
        .unwrap()
        .trades()
        .next()
        .unwrap()
        .clone()
}

fn market(fixings: &str) -> Market {
    let quotes = Quotes::parse(MARKET.as_bytes(), AS_OF.parse().unwrap()).unwrap();
    let fixings = Fixings::parse(fixings.as_bytes()).unwrap();
    Market::with_fixings(&quotes, Currency::EUR, fixings)
}

fn valued(trade: &Trade, fixings: &str) -> Valuation {
    value(trade, &market(fixings)).unwrap()
}

#[test]
fn the_one_of_the_specification_is_valid_and_others_have_faults() {
    assert_eq!(faults(ASIAN), Vec::<String>::new());
    for (from, to) in [
        (
            "\"PayoffType\"",
            "\"Style\":\"European\",\"PayoffType2\":\"Geometric\",\"PayoffType\"",
        ),
        (
            "\"Quantity\":10",
            "\"Quantity\":10,\"Settlement\":\"2027-06-17\"",
        ),
        (
            "\"StrikeData\":{\"Value\":2100,\"Currency\":\"USD\"}",
            "\"Strike\":2100",
        ),
        ("2026-07-15", "2025-07-15"),
    ] {
        assert_ne!(ASIAN.replace(from, to), ASIAN, "{from}");
        assert_eq!(
            faults(&ASIAN.replace(from, to)),
            Vec::<String>::new(),
            "{to}"
        );
    }
    for (from, to, pointer, part) in [
        (
            "\"Asian\"",
            "\"AverageStrike\"",
            "/OptionData/PayoffType",
            "only Asian is supported",
        ),
        (
            "\"PayoffType\":\"Asian\",",
            "",
            "/OptionData/PayoffType",
            "only Asian is supported",
        ),
        (
            "\"PayoffType\"",
            "\"Style\":\"American\",\"PayoffType\"",
            "/OptionData/Style",
            "the style American is not supported",
        ),
        (
            "\"PayoffType\"",
            "\"PayoffType2\":\"Harmonic\",\"PayoffType\"",
            "/OptionData/PayoffType2",
            "one of Arithmetic, Geometric is needed",
        ),
        (
            "\"Quantity\":10",
            "\"Quantity\":10,\"Settlement\":\"2027-06-14\"",
            "/Settlement",
            "2027-06-14 is before the exercise date 2027-06-15",
        ),
        (
            "\"EndDate\":\"2027-06-15\"",
            "\"EndDate\":\"2027-07-15\"",
            "/ObservationDates",
            "the last date is 2027-07-15, after the option is paid on 2027-06-15",
        ),
        (
            "\"Tenor\":\"1M\",",
            "",
            "/ObservationDates/Rules",
            "\"Tenor\" is missing",
        ),
        (
            "\"ObservationDates\"",
            "\"Dates\"",
            "",
            "\"ObservationDates\" is missing",
        ),
    ] {
        let trade = ASIAN.replacen(from, to, 1);
        assert_ne!(trade, ASIAN, "{from}");
        let found = faults(&trade);
        let place = format!("/Portfolio/0/EquityAsianOptionData{pointer}: ");
        let is_told = |fault: &String| fault.contains(&place) && fault.contains(part);
        assert!(found.iter().any(is_told), "{to}: {found:?}");
    }
}

#[test]
fn the_portfolio_says_how_it_is_simulated() {
    let simulation = |parameters: &str| {
        let text = file(&[ASIAN.to_owned()]);
        // After the trades, as keys of JSON have no order.
        let engines = format!(
            r#"],"PricingEngines":[{{"Product":"EquityAsianOptionArithmeticPrice","Model":"BlackScholesMerton","Engine":"MonteCarlo","EngineParameters":{{{parameters}}}}}]}}"#
        );
        let text = text.replacen("\n]}", &engines, 1);
        let portfolio = Portfolio::parse(text.as_bytes()).map_err(|faults| faults.to_string())?;
        let trade = portfolio.trades().next().unwrap();
        let Product::EquityAsianOption(option) = &trade.product else {
            panic!("{trade:?}");
        };
        let Averaging::Arithmetic(simulation) = option.averaging else {
            panic!("{option:?}");
        };
        Ok::<_, String>(simulation)
    };
    let of = |paths, seed| Ok(Simulation { paths, seed });
    assert_eq!(simulation(""), of(100_000, 42));
    assert_eq!(
        simulation(r#""RequiredSamples":5000,"Seed":"7""#),
        of(5000, 7)
    );
    for (parameter, name) in [
        ("0", "RequiredSamples"),
        ("-1", "Seed"),
        ("1.5", "RequiredSamples"),
    ] {
        let fault = simulation(&format!("\"{name}\":{parameter}")).unwrap_err();
        let place = format!("/PricingEngines/0/EngineParameters/{name}: found {parameter}: ");
        assert!(fault.contains(&place), "{fault}");
    }
}

#[test]
fn past_prices_are_fixings_and_a_missing_one_is_named() {
    let seasoned = trade(&[("2026-07-15", "2026-04-15")]);
    let (april, may) = ("20260415 EQ-SP5 2000\n", "20260515 EQ-SP5 2050\n");
    let fault = value(&seasoned, &market(april)).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "trade \"AS1\": the fixing of EQ-SP5 on 2026-05-15 is not known: \
         add 20260515 EQ-SP5 VALUE to the fixings"
    );
    let both = format!("{april}{may}");
    // Today's price is one of them: the spot, unless there is a fixing.
    let by_spot = valued(&seasoned, &both);
    let same = valued(&seasoned, &format!("{both}20260615 EQ-SP5 2147.56\n"));
    let higher = valued(&seasoned, &format!("{both}20260615 EQ-SP5 2300\n"));
    assert!(
        (by_spot.npv / same.npv - 1.0).abs() < 1e-3,
        "{} {}",
        by_spot.npv,
        same.npv
    );
    assert!(higher.npv > same.npv);
    // What is known does not move with the spot.
    let delta = |valuation: &Valuation| valuation.sensitivities[0].value;
    assert!(delta(&same) < delta(&by_spot));
    let fault = value(&seasoned, &market(&format!("{april}20260515 EQ-SP5 -1\n"))).unwrap_err();
    assert!(
        fault
            .message
            .ends_with("is -1: a price that is not negative is needed")
    );
}

#[test]
fn once_all_is_known_it_is_worth_what_will_be_paid() {
    let known = trade(&[
        ("2026-07-15", "2026-05-15"),
        ("\"EndDate\":\"2027-06-15\"", "\"EndDate\":\"2026-06-12\""),
        (
            "\"Quantity\":10",
            "\"Quantity\":10,\"Settlement\":\"2027-06-17\"",
        ),
    ]);
    let got = valued(&known, "20260515 EQ-SP5 2200\n20260612 EQ-SP5 2300\n");
    let want = 10.0 * 150.0 * libm::exp(-0.04 * 367.0 / 365.0);
    assert!((got.npv / want - 1.0).abs() < 1e-14);
    assert_eq!(got.standard_error, 0.0);
    assert_eq!(got.maturity.to_string(), "2027-06-15");
    let past = trade(&[("2027-06-15", "2026-06-15"), ("2026-07-15", "2026-05-15")]);
    assert!(valued(&past, "").is_past());
}

#[test]
fn the_value_follows_from_seed_and_id_alone() {
    let (one, other) = (trade(&[]), trade(&[("AS1", "AS2")]));
    let (first, again) = (valued(&one, ""), valued(&one, ""));
    assert_eq!(first, again);
    let second = valued(&other, "");
    assert_ne!(first.npv, second.npv);
    let allowed = 5.0 * (first.standard_error + second.standard_error);
    assert!((first.npv - second.npv).abs() < allowed);
    assert!(first.standard_error > 0.0 && first.standard_error < 1e-3 * first.npv);
    // In euro, and squared, so that it can be added up.
    assert_eq!(first.standard_error_base, first.standard_error * 0.8);
    let variance = Figures::from(&first).get(Amount::Variance);
    assert_eq!(
        variance,
        Some(first.standard_error_base * first.standard_error_base)
    );
    let geometric = trade(&[(
        "\"PayoffType\"",
        "\"PayoffType2\":\"Geometric\",\"PayoffType\"",
    )]);
    let geometric = valued(&geometric, "");
    assert_eq!(Figures::from(&geometric).get(Amount::Variance), None);
    assert!(
        geometric.npv < first.npv,
        "the mean is never below the root of the product"
    );
    let lines = explain(&one, &market("")).unwrap().to_string();
    for part in [
        "Monte Carlo, geometric control variate",
        "100000  seed 42",
        "\nstandard error",
    ] {
        assert!(lines.contains(part), "{lines}");
    }
}

#[test]
fn threads_change_no_bit() {
    let folder = Folder::new();
    let trades: Vec<_> = (1..=5000)
        .map(|n| ASIAN.replace("AS1", &format!("AS{n}")))
        .collect();
    let engines = r#""PricingEngines":[{"Product":"EquityAsianOptionArithmeticPrice","Model":"BlackScholesMerton","Engine":"MonteCarlo","EngineParameters":{"RequiredSamples":70}}],"Portfolio""#;
    let text = file(&trades).replacen("\"Portfolio\"", engines, 1);
    let portfolio = folder.write("portfolio.json", &text);
    let market = folder.write("market.txt", MARKET);
    let priced = |threads: &str| {
        let output = mastr()
            .args(["price", "--portfolio", &portfolio, "--market", &market])
            .args(["--threads", threads])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).to_owned()
    };
    let one = priced("1");
    assert_eq!(one.lines().count(), 5001);
    assert_eq!(one, priced("3"));
}
