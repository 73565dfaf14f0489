//! Bad input: every fault is told, with trade, place and what to do; nothing panics.

use mastr::market::Market;
use mastr::portfolio::{Currency, Entry, Portfolio};
use mastr::valuation::value;

use super::command::{Folder, mastr, stderr, stdout};
use super::market_text::portfolio as file;
use super::table::AS_OF;

const MARKET: &str = "\
20260615 FX/RATE/EUR/USD 1.1
20260615 ZERO/RATE/EUR/EUR1D/A365F/1Y 0.02
20260615 ZERO/RATE/USD/USD1D/A365F/1Y 0.04
20260615 EQUITY/PRICE/SP5/USD 2147.56
20260615 EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM 0.2
20260615 FX_OPTION/RATE_LNVOL/EUR/USD/1Y/ATMF 0.1
";

const OPTION: &str = r#"{"id":"EU1","TradeType":"EquityOption","Envelope":{"CounterParty":"CPTY_A","NettingSetId":"NS_A","AdditionalFields":{"Desk":"EQ","Book":"EQ1"}},"EquityOptionData":{"OptionData":{"LongShort":"Long","OptionType":"Call","Style":"European","ExerciseDates":["2027-06-15"]},"Name":"SP5","Currency":"USD","Strike":2147.56,"Quantity":775}}"#;
const FORWARD: &str = r#"{"id":"EF1","TradeType":"EquityForward","EquityForwardData":{"LongShort":"Short","Maturity":"2027-06-15","Name":"SP5","Currency":"USD","Strike":2147.56,"Quantity":775}}"#;
const FX_FORWARD: &str = r#"{"id":"FX1","TradeType":"FxForward","FxForwardData":{"ValueDate":"2027-06-15","BoughtCurrency":"EUR","BoughtAmount":1e6,"SoldCurrency":"USD","SoldAmount":1.1e6}}"#;
const FX_OPTION: &str = r#"{"id":"FO1","TradeType":"FxOption","FxOptionData":{"OptionData":{"LongShort":"Long","OptionType":"Call","Style":"European","ExerciseDates":["2027-06-15"]},"BoughtCurrency":"EUR","BoughtAmount":1e6,"SoldCurrency":"USD","SoldAmount":1.1e6}}"#;

fn parse(text: &str) -> Result<Portfolio, String> {
    Portfolio::parse(text.as_bytes()).map_err(|faults| faults.to_string())
}

/// The faults of a portfolio of one trade.
fn faults(trade: &str) -> Vec<String> {
    let portfolio = parse(&file(&[trade.to_owned()])).unwrap();
    portfolio.faults().iter().map(ToString::to_string).collect()
}

#[test]
fn the_four_types_of_the_specification_are_valid() {
    for trade in [OPTION, FORWARD, FX_FORWARD, FX_OPTION] {
        assert_eq!(faults(trade), Vec::<String>::new());
    }
}

#[test]
fn each_fault_has_its_pointer_and_says_what_was_found() {
    let data = "/Portfolio/0/EquityOptionData";
    let cases: [(&str, &str, &str, &str); 30] = [
        // From, to, pointer, and a part of the message.
        (
            "\"Strike\":2147.56",
            "\"Strike\":\"2147.56\"",
            "/Strike",
            "found \"2147.56\", a number is needed",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":-1",
            "/Strike",
            "found -1, which is negative",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":1e400",
            "/Strike",
            "1e400 is beyond the range",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":-1e400",
            "/Strike",
            "-1e400 is beyond the range",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":\"NaN\"",
            "/Strike",
            "found \"NaN\"",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":true",
            "/Strike",
            "found true",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":[1]",
            "/Strike",
            "found an array",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":null",
            "",
            "\"Strike\" is missing",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":1,\"Strike\":2",
            "/Strike",
            "given twice",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":1,\"StrikeData\":{\"Value\":1}",
            "",
            "both \"Strike\" and \"StrikeData\"",
        ),
        (
            "\"Strike\":2147.56",
            "\"StrikeData\":{\"Value\":1,\"Currency\":\"EUR\"}",
            "/StrikeData/Currency",
            "found EUR, the trade's Currency USD",
        ),
        (
            "\"Strike\":2147.56",
            "\"StrikeData\":7",
            "/StrikeData",
            "found 7, an object is needed",
        ),
        (
            "\"Strike\"",
            "\"StrikeCurrency\":\"EUR\",\"Strike\"",
            "/StrikeCurrency",
            "found EUR, the trade's Currency USD",
        ),
        (
            "\"Strike\"",
            "\"Strke\"",
            "/Strke",
            "unknown field \"Strke\"",
        ),
        (
            "\"Quantity\":775",
            "\"Quantity\":-775",
            "/Quantity",
            "found -775, which is negative",
        ),
        (",\"Quantity\":775", "", "", "\"Quantity\" is missing"),
        ("\"USD\"", "\"usd\"", "/Currency", "\"usd\" is no currency"),
        (
            "\"Name\":\"SP5\"",
            "\"Name\":5",
            "/Name",
            "found 5, a string is needed",
        ),
        (
            "\"Name\":\"SP5\"",
            "\"Name\":\"\"",
            "",
            "\"Name\" is missing",
        ),
        (
            "\"Name\":\"SP5\"",
            "\"Underlying\":{\"Type\":\"Bond\",\"Name\":\"SP5\"}",
            "/Underlying/Type",
            "one of Equity",
        ),
        (
            "\"Long\"",
            "\"long\"",
            "/OptionData/LongShort",
            "one of Long, Short is needed",
        ),
        (
            "\"Call\"",
            "\"Straddle\"",
            "/OptionData/OptionType",
            "one of Call, Put is needed",
        ),
        (
            "\"European\"",
            "\"Bermudan\"",
            "/OptionData/Style",
            "the style Bermudan is not supported for this trade type: European or American is",
        ),
        (
            "\"European\"",
            "\"European\",\"PayoffType\":\"Asian\"",
            "/OptionData/PayoffType",
            "only Vanilla",
        ),
        (
            "\"European\"",
            "\"European\",\"PayOffAtExpiry\":1",
            "/OptionData/PayOffAtExpiry",
            "true or false",
        ),
        (
            "\"European\"",
            "\"European\",\"Premiums\":[{\"Amount\":1}]",
            "/OptionData/Premiums",
            "\"Premiums\" is not supported and would change the price",
        ),
        (
            "\"2027-06-15\"",
            "\"2027-06-31\"",
            "/OptionData/ExerciseDates/0",
            "\"2027-06-31\" is no date",
        ),
        (
            "\"2027-06-15\"",
            "\"2027-06-15\",\"2027-07-15\"",
            "/OptionData/ExerciseDates",
            "found 2 elements",
        ),
        (
            "[\"2027-06-15\"]",
            "[]",
            "/OptionData",
            "\"ExerciseDates\" is missing",
        ),
        (
            "[\"2027-06-15\"]",
            "\"2027-06-15\"",
            "/OptionData/ExerciseDates",
            "an array is needed",
        ),
    ];
    for (from, to, pointer, message) in cases {
        let trade = OPTION.replacen(from, to, 1);
        assert_ne!(trade, OPTION, "{from}");
        let found = faults(&trade);
        let place = format!("trade \"EU1\" at {data}{pointer}: ");
        let told = found
            .iter()
            .any(|fault| fault.starts_with(&place) && fault.contains(message));
        assert!(told, "{to}: {found:?}");
    }
}

#[test]
fn faults_of_a_trade_as_a_whole() {
    let cases: [(&str, &str, &str); 12] = [
        (
            "\"id\":\"EU1\",",
            "",
            "/Portfolio/0: the field \"id\" is missing",
        ),
        (
            "\"id\":\"EU1\"",
            "\"id\":\"\"",
            "/Portfolio/0: the field \"id\" is missing",
        ),
        (
            "\"id\":\"EU1\"",
            "\"id\":7",
            "/Portfolio/0/id: found 7, a string is needed",
        ),
        (
            "\"TradeType\":\"EquityOption\",",
            "",
            "at /Portfolio/0: the field \"TradeType\" is missing",
        ),
        (
            "\"TradeType\":\"EquityOption\"",
            "\"TradeType\":\"Swaption\"",
            "at /Portfolio/0/TradeType: the trade type \"Swaption\" is not supported",
        ),
        (
            "\"TradeType\":\"EquityOption\"",
            "\"TradeType\":\"FxOption\"",
            "at /Portfolio/0: the field \"FxOptionData\" is missing",
        ),
        (
            "\"TradeType\":\"EquityOption\"",
            "\"TradeType\":\"FxOption\"",
            "at /Portfolio/0/EquityOptionData: unknown field",
        ),
        (
            "\"id\":\"EU1\"",
            "\"id\":\"EU1\",\"Version\":0",
            "at /Portfolio/0/Version: found 0",
        ),
        (
            "\"id\":\"EU1\"",
            "\"id\":\"EU1\",\"Version\":1.5",
            "at /Portfolio/0/Version: found 1.5",
        ),
        (
            "\"CounterParty\":\"CPTY_A\"",
            "\"CounterParty\":[]",
            "unreached",
        ),
        (
            "\"CounterParty\":\"CPTY_A\"",
            "\"Counterparty\":\"CPTY_A\"",
            "at /Portfolio/0/Envelope/Counterparty: unknown field",
        ),
        (
            "\"Desk\":\"EQ\"",
            "\"De~/sk\":{\"a\":1}",
            "at /Portfolio/0/Envelope/AdditionalFields/De~0~1sk: found an object",
        ),
    ];
    for (from, to, fault) in cases {
        let trade = OPTION.replacen(from, to, 1);
        assert_ne!(trade, OPTION, "{from}");
        let found = faults(&trade);
        if fault == "unreached" {
            // An empty value is absent.
            assert_eq!(found, Vec::<String>::new());
        } else {
            assert!(
                found.iter().any(|found| found.contains(fault)),
                "{to}: {found:?}"
            );
        }
    }
    for not_an_object in ["7", "null", "[]", "\"EU1\""] {
        let found = faults(not_an_object);
        assert!(found[0].starts_with("/Portfolio/0: found "), "{found:?}");
    }
}

#[test]
fn trade_types_of_ore_that_are_not_supported_are_named() {
    for trade_type in ["EquityVarianceSwap", "FxBarrierOption"] {
        let trade =
            format!(r#"{{"id":"X","TradeType":"{trade_type}","{trade_type}Data":{{"a":[1]}}}}"#);
        let found = faults(&trade);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(&format!("the trade type \"{trade_type}\" is not supported")));
    }
}

#[test]
fn faults_of_exchange_trades() {
    let cases = [
        (
            FX_FORWARD,
            "\"SoldCurrency\":\"USD\"",
            "\"SoldCurrency\":\"EUR\"",
            "/FxForwardData/SoldCurrency: EUR is bought and sold",
        ),
        (
            FX_FORWARD,
            "1.1e6",
            "-1.1e6",
            "/FxForwardData/SoldAmount: found -1100000, which is negative",
        ),
        (
            FX_FORWARD,
            "2027-06-15",
            "soon",
            "/FxForwardData/ValueDate: \"soon\" is no date",
        ),
        (
            FX_OPTION,
            ":1e6",
            ":0",
            "/FxOptionData/BoughtAmount: found 0, a number greater than zero",
        ),
        (
            FX_OPTION,
            "European",
            "Bermudan",
            "/FxOptionData/OptionData/Style: the style Bermudan",
        ),
        (
            FORWARD,
            "\"Maturity\":\"2027-06-15\",",
            "",
            "/EquityForwardData: the field \"Maturity\" is missing",
        ),
        (
            FORWARD,
            "\"Strike\":2147.56",
            "\"SettlementData\":{\"Currency\":\"EUR\"},\"Strike\":1",
            "/EquityForwardData/SettlementData: \"SettlementData\" is not supported",
        ),
    ];
    for (trade, from, to, fault) in cases {
        let changed = trade.replacen(from, to, 1);
        assert_ne!(changed, trade, "{from}");
        let found = faults(&changed);
        assert!(
            found.iter().any(|found| found.contains(fault)),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn all_faults_of_one_trade_are_told_at_once() {
    let trade = OPTION
        .replace("\"Long\"", "\"Lang\"")
        .replace("2027-06-15", "2027-02-30")
        .replace("\"Name\":\"SP5\",", "")
        .replace("775", "-775,\"Colour\":\"red\"");
    let found = faults(&trade);
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn alternatives_and_empty_values_are_accepted() {
    for (from, to) in [
        (
            "\"Name\":\"SP5\"",
            "\"Underlying\":{\"Type\":\"Equity\",\"Name\":\"SP5\"}",
        ),
        (
            "\"Strike\":2147.56",
            "\"StrikeData\":{\"Value\":2147.56,\"Currency\":\"USD\"}",
        ),
        (
            "\"Strike\":2147.56",
            "\"Strike\":2147.56,\"StrikeCurrency\":\"USD\"",
        ),
        (
            "\"European\"",
            "\"European\",\"Settlement\":\"Cash\",\"PayOffAtExpiry\":false",
        ),
        (
            "\"European\"",
            "\"European\",\"Premiums\":[ ],\"PayoffType\":\"Vanilla\"",
        ),
        ("\"2027-06-15\"", "\"20270615\""),
        (
            "\"CounterParty\":\"CPTY_A\"",
            "\"CounterParty\":\"CPTY_A\",\"PortfolioIds\":[\"P1\"]",
        ),
        (
            "\"id\":\"EU1\"",
            "\"TradeActions\":{\"a\":[1]},\"id\":\"EU1\"",
        ),
    ] {
        let trade = OPTION.replacen(from, to, 1);
        assert_ne!(trade, OPTION, "{from}");
        let portfolio = parse(&file(&[trade, FORWARD.to_owned()])).unwrap();
        assert_eq!(portfolio.faults().to_string(), "", "{to}");
        let original = parse(&file(&[OPTION.to_owned()])).unwrap();
        let product = |portfolio: &Portfolio| portfolio.trades().next().unwrap().product.clone();
        assert_eq!(product(&portfolio), product(&original), "{to}");
    }
}

#[test]
fn a_trade_of_nothing_but_faults_is_told_in_bounds() {
    let unknown: String = (0..200_000).map(|i| format!("\"x{i}\":0,")).collect();
    let trade = OPTION.replace("\"Strike\"", &format!("{unknown}\"Strike\""));
    let portfolio = parse(&file(&[trade])).unwrap();
    assert_eq!(portfolio.faults().count(), 200_000);
    assert_eq!(portfolio.faults().iter().count(), 50);
    let rejected = portfolio.rejected().next().unwrap();
    assert!(rejected.fault.ends_with("; and 199950 more faults"));
}

#[test]
fn many_fields_are_no_trouble() {
    let fields: String = (0..200_000).map(|i| format!("\"x{i}\":\"\",")).collect();
    let trade = OPTION.replace("\"Desk\"", &format!("{fields}\"Desk\""));
    assert_eq!(faults(&trade), Vec::<String>::new());
    let found = faults(&OPTION.replace("\"Desk\"", "\"Book\":\"1\",\"Desk\""));
    assert!(found[0].contains("/Envelope/AdditionalFields/Book: the field is given twice"));
}

#[test]
fn header_faults_and_trade_faults_are_told_together() {
    let text = file(&[OPTION.replace("775", "-775")])
        .replace("2026-06-15\",\"Base", "2026-06-31\",\"Colour\":1,\"Base")
        .replace("\"EUR\",\"Portfolio\"", "\"euro\",\"Portfolio\"");
    let faults = parse(&text).unwrap_err();
    for fault in [
        "/AsOfDate: \"2026-06-31\" is no date",
        "/Colour: unknown field",
        "/BaseCurrency: \"euro\" is no currency",
        "trade \"EU1\" at /Portfolio/0/EquityOptionData/Quantity",
    ] {
        assert!(faults.contains(fault), "{faults}");
    }
    let faults = parse("{}").unwrap_err();
    assert_eq!(faults.lines().count(), 3, "{faults}");
}

#[test]
fn pricing_engines_that_are_not_there_are_named() {
    let with = |engine: &str| {
        file(&[]).replace(
            "\"Portfolio\"",
            &format!("\"PricingEngines\":[{engine}],\"Portfolio\""),
        )
    };
    let usual = r#"{"Product":"EquityOption","Model":"BlackScholesMerton","Engine":"AnalyticEuropeanEngine"}"#;
    let later = r#"{"Product":"EquityAsianOptionArithmeticPrice","Model":"BlackScholesMerton","Engine":"MonteCarlo","EngineParameters":{"RequiredSamples":100000,"Seed":42}}"#;
    let portfolio = parse(&with(&format!("{usual},{later}"))).unwrap();
    assert_eq!(portfolio.engines().len(), 2);
    let faults = parse(&with(&usual.replace("AnalyticEuropeanEngine", "Heston"))).unwrap_err();
    assert!(
        faults.starts_with("/PricingEngines/0: EquityOption with model"),
        "{faults}"
    );
}

#[test]
fn what_is_not_json_is_one_fault_with_its_position() {
    let deep = format!("{{\"Portfolio\":{}", "[".repeat(5_000_000));
    let deep_trade = file(&[format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))]);
    for (text, place) in [
        ("", "line 1, column 1: not JSON: "),
        ("not json", "line 1, column 2: not JSON: "),
        (
            "{\"AsOfDate\":\"2026-06-15\",\r\n \"Portfolio\":[{\"id\":NaN}]}",
            "line 2, column 21: not JSON: ",
        ),
        (
            "{\"Portfolio\":[]} trailing",
            "line 1, column 18: not JSON: ",
        ),
        ("[1]", "line 1, column 1: no portfolio: "),
        (&deep, "line 1, column 5000013: not JSON: "),
    ] {
        let faults = parse(text).unwrap_err();
        assert!(faults.starts_with(place), "{faults}");
        assert_eq!(faults.lines().count(), 1);
    }
    let found = parse(&deep_trade).unwrap();
    assert!(
        found
            .faults()
            .to_string()
            .contains("/Portfolio/0: found an array, an object is needed")
    );
    let faults = Portfolio::parse(b"{\n \"a\xff\":1}")
        .unwrap_err()
        .to_string();
    assert!(
        faults.starts_with("line 2, column 4: not UTF-8"),
        "{faults}"
    );
}

#[test]
fn a_mark_and_windows_line_ends_are_no_trouble() {
    let text = format!(
        "\u{feff}{}",
        file(&[OPTION.to_owned(), FX_OPTION.to_owned()])
    )
    .replace('\n', "\r\n");
    assert_eq!(parse(&text).unwrap().trades().count(), 2);
}

#[test]
fn of_one_id_no_trade_is_trusted() {
    let again = OPTION.replace("775", "776");
    let portfolio = parse(&file(&[
        OPTION.to_owned(),
        FX_FORWARD.to_owned(),
        again.clone(),
        again,
    ]))
    .unwrap();
    assert_eq!(portfolio.faults().count(), 2);
    let first = portfolio.faults().iter().next().unwrap().to_string();
    assert_eq!(
        first,
        "trade \"EU1\" at /Portfolio/2/id: the id is already that of /Portfolio/0: give it another"
    );
    assert_eq!(portfolio.entries().len(), 2);
    let rejected = portfolio.rejected().next().unwrap();
    assert_eq!(
        (rejected.id.as_str(), rejected.currency.as_str()),
        ("EU1", "USD")
    );
    assert!(rejected.fault.contains("/Portfolio/3/id"));
}

#[test]
fn what_is_rejected_stays_where_it_belongs() {
    let trade = OPTION.replace("775", "-775");
    let nameless = trade.replace("\"id\":\"EU1\",", "");
    let portfolio = parse(&file(&[trade, nameless])).unwrap();
    let [first, second] = portfolio.entries() else {
        panic!("two entries are expected");
    };
    for (dimension, want) in [
        ("TradeId", "EU1"),
        ("TradeType", "EquityOption"),
        ("Currency", "USD"),
        ("CounterParty", "CPTY_A"),
        ("NettingSetId", "NS_A"),
        ("Desk", "EQ"),
        ("Region", ""),
    ] {
        assert_eq!(first.dimension(dimension), want);
    }
    assert!(matches!(second, Entry::Rejected(_)));
    assert_eq!(second.id(), "/Portfolio/1");
}

#[test]
fn fifty_faults_are_shown_and_the_rest_counted() {
    let trades: Vec<String> = (0..80)
        .map(|index| {
            OPTION
                .replace("EU1", &format!("EU{index}"))
                .replace("775", "-1")
        })
        .collect();
    let folder = Folder::new();
    let portfolio = folder.write("portfolio.json", &file(&trades));
    let market = folder.write("market.txt", MARKET);
    let output = mastr()
        .args(["price", "--portfolio", &portfolio, "--market", &market])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    let lines: Vec<&str> = stderr(&output).lines().collect();
    assert_eq!(lines.len(), 51);
    assert!(
        lines[0].starts_with(&format!(
            "mastr: {portfolio}: trade \"EU0\" at /Portfolio/0/"
        )),
        "{}",
        lines[0]
    );
    assert!(
        lines[50].ends_with("… and 30 more faults, 80 in all"),
        "{}",
        lines[50]
    );
}

#[test]
fn skip_invalid_values_the_rest() {
    let folder = Folder::new();
    let bad = OPTION.replace("775", "-775").replace("EU1", "BAD,1");
    let text = file(&[FX_OPTION.to_owned(), bad, FORWARD.to_owned()]);
    let portfolio = folder.write("portfolio.json", &text);
    let market = folder.write("market.txt", MARKET);
    let output = mastr()
        .args([
            "price",
            "--skip-invalid",
            "--portfolio",
            &portfolio,
            "--market",
            &market,
        ])
        .arg("--output")
        .arg(folder.path("out"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(
        lines[1],
        "\"BAD,1\",EquityOption,#N/A,#N/A,#N/A,#N/A,#N/A,#N/A,#N/A,#N/A,#N/A,NS_A,CPTY_A"
    );
    assert!(lines[2].starts_with("EF1,EquityForward,2027-06-15,1,"));
    assert!(lines[3].starts_with("FO1,FxOption,2027-06-15,1,"));
    assert_eq!(
        folder.read("out/failed.csv"),
        "TradeId,Fault\n\"BAD,1\",\"/Portfolio/1/EquityOptionData/Quantity: found -775, which is \
         negative: zero or more is needed\"\n"
    );
    assert!(!folder.read("out/sensitivity.csv").contains("BAD"));
}

#[test]
fn what_the_market_lacks_fails_the_trade_and_is_named() {
    let trades = [OPTION, FORWARD, FX_FORWARD, FX_OPTION].map(str::to_owned);
    let portfolio = parse(&file(&trades)).unwrap();
    for (without, failing, key) in [
        ("FX/RATE", 4, "add FX/RATE/"),
        (
            "EUR1D",
            2,
            "add ZERO/RATE/EUR/EUR1D/A365F/TERM or DISCOUNT/RATE/EUR/EUR1D/TERM",
        ),
        ("USD1D", 4, "add ZERO/RATE/USD/USD1D/A365F/TERM"),
        ("EQUITY/PRICE", 2, "add EQUITY/PRICE/SP5/USD"),
        (
            "EQUITY_OPTION",
            1,
            "add EQUITY_OPTION/RATE_LNVOL/SP5/USD/EXPIRY/STRIKE",
        ),
        (
            "FX_OPTION",
            1,
            "add FX_OPTION/RATE_LNVOL/EUR/USD/EXPIRY/STRIKE",
        ),
    ] {
        let lines = MARKET.lines().filter(|line| !line.contains(without));
        let market: String = lines.map(|line| format!("{line}\n")).collect();
        let market =
            Market::parse(market.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
        let failures: Vec<_> = portfolio
            .trades()
            .filter_map(|trade| value(trade, &market).err())
            .collect();
        assert_eq!(failures.len(), failing, "{without}: {failures:?}");
        for failure in failures {
            assert!(failure.message.contains(key), "{failure}");
            assert!(!failure.trade.is_empty());
        }
    }
}

#[test]
fn impossible_quotes_fail_the_trades_that_need_them() {
    let trades = [OPTION, FORWARD, FX_FORWARD, FX_OPTION].map(str::to_owned);
    let portfolio = parse(&file(&trades)).unwrap();
    for (from, to, failing, part) in [
        (
            "SP5/USD 2147.56",
            "SP5/USD -1",
            2,
            "EQUITY/PRICE/SP5/USD is -1: a price",
        ),
        (
            "ATM 0.2",
            "ATM -0.2",
            1,
            "EQUITY_OPTION/RATE_LNVOL/SP5/USD/1Y/ATM is -0.2: a volatility",
        ),
        (
            "ATMF 0.1",
            "ATMF -0.1",
            1,
            "FX_OPTION/RATE_LNVOL/EUR/USD/1Y/ATMF is -0.1",
        ),
        (
            "EUR/USD 1.1",
            "EUR/USD 0",
            4,
            "FX/RATE/EUR/USD is 0: an exchange rate greater than zero",
        ),
        ("EUR/USD 1.1", "EUR/USD -1.1", 4, "FX/RATE/EUR/USD is -1.1"),
        (
            "ZERO/RATE/EUR/EUR1D/A365F/1Y 0.02",
            "DISCOUNT/RATE/EUR/EUR1D/1Y 0",
            2,
            "DISCOUNT/RATE/EUR/EUR1D/1Y is 0",
        ),
        ("A365F/1Y 0.04", "A365F/1Y -1e5", 4, "too large"),
        ("SP5/USD 2147.56", "SP5/USD 1e300", 2, "too large"),
    ] {
        let market = MARKET.replacen(from, to, 1);
        assert_ne!(market, MARKET, "{from}");
        let market =
            Market::parse(market.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
        let failures: Vec<_> = portfolio
            .trades()
            .filter_map(|trade| value(trade, &market).err())
            .collect();
        assert_eq!(failures.len(), failing, "{to}: {failures:?}");
        for failure in failures {
            assert!(failure.message.contains(part), "{failure}");
        }
    }
}

/// What an American option cannot be, and what only the market tells.
#[test]
fn faults_of_american_options() {
    let american = OPTION.replace("\"European\"", "\"American\"");
    assert_eq!(faults(&american), Vec::<String>::new());
    let late = american.replace("\"American\"", "\"American\",\"PayOffAtExpiry\":true");
    let found = faults(&late);
    assert!(
        found[0]
            .contains("/EquityOptionData/OptionData/PayOffAtExpiry: an American option that pays"),
        "{found:?}"
    );
    let found = faults(&FX_OPTION.replace("\"European\"", "\"American\""));
    assert!(
        found[0].contains("/FxOptionData/OptionData/Style: the style American is not supported"),
        "{found:?}"
    );
    let put = american.replace("\"Call\"", "\"Put\"");
    let market = format!("{MARKET}20260615 EQUITY_DIVIDEND/RATE/SP5/USD/1Y -0.03\n")
        .replace("A365F/1Y 0.04", "A365F/1Y -0.01");
    let market = Market::parse(market.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
    let portfolio = parse(&file(&[put])).unwrap();
    let fault = value(portfolio.trades().next().unwrap(), &market).unwrap_err();
    assert_eq!(fault.trade, "EU1");
    assert_eq!(
        fault.message,
        "two exercise boundaries are not supported: the rate of -0.01 a year is negative and above \
         the yield of -0.03"
    );
}

const BARRIER: &str = r#"{"id":"BA1","TradeType":"EquityBarrierOption","EquityBarrierOptionData":{"OptionData":{"LongShort":"Long","OptionType":"Call","Style":"European","ExerciseDates":["2027-06-15"]},"BarrierData":{"Type":"UpAndOut","Levels":[2500],"Rebate":0},"Name":"SP5","Currency":"USD","Strike":2100,"Quantity":10}}"#;

#[test]
fn faults_of_barrier_options() {
    for (from, to) in [
        ("10", "10"),
        (",\"Rebate\":0", ""),
        ("UpAndOut", "DownAndIn"),
        (
            "\"Strike\":2100",
            "\"StrikeData\":{\"Value\":2100,\"Currency\":\"USD\"}",
        ),
        (
            "\"Name\":\"SP5\"",
            "\"Underlying\":{\"Type\":\"Equity\",\"Name\":\"SP5\"}",
        ),
    ] {
        assert_eq!(
            faults(&BARRIER.replace(from, to)),
            Vec::<String>::new(),
            "{to}"
        );
    }
    for (from, to, pointer, part) in [
        (
            "UpAndOut",
            "KnockOut",
            "/BarrierData/Type",
            "one of UpAndOut, UpAndIn, DownAndOut, DownAndIn is needed",
        ),
        (
            "[2500]",
            "[2000,2500]",
            "/BarrierData/Levels",
            "found 2 elements, exactly one is supported",
        ),
        (
            "[2500]",
            "[0]",
            "/BarrierData/Levels/0",
            "a number greater than zero",
        ),
        ("[2500]", "[]", "/BarrierData", "\"Levels\" is missing"),
        (
            "\"Rebate\":0",
            "\"Rebate\":-1",
            "/BarrierData/Rebate",
            "negative",
        ),
        (
            "\"Rebate\":0",
            "\"RebatePayTime\":\"atExpiry\"",
            "/BarrierData/RebatePayTime",
            "would change the price",
        ),
        (
            "\"European\"",
            "\"American\"",
            "/OptionData/Style",
            "the style American is not supported",
        ),
        (
            "\"BarrierData\"",
            "\"Barrier\"",
            "",
            "\"BarrierData\" is missing",
        ),
        ("\"Strike\":2100,", "", "", "\"Strike\" is missing"),
        (
            "\"Quantity\":10",
            "\"Quantity\":-10",
            "/Quantity",
            "negative",
        ),
    ] {
        let trade = BARRIER.replacen(from, to, 1);
        assert_ne!(trade, BARRIER, "{from}");
        let found = faults(&trade);
        let place = format!("/Portfolio/0/EquityBarrierOptionData{pointer}: ");
        assert!(
            found
                .iter()
                .any(|fault| fault.contains(&place) && fault.contains(part)),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn limits_are_values() {
    for (from, to) in [
        ("SP5/USD 2147.56", "SP5/USD 0"),
        ("ATM 0.2", "ATM 0"),
        ("ATM 0.2", "ATM 1e6"),
        ("ATMF 0.1", "ATMF 0"),
        ("A365F/1Y 0.04", "A365F/1Y -0.04"),
    ] {
        let market = MARKET.replacen(from, to, 1);
        assert_ne!(market, MARKET, "{from}");
        let market =
            Market::parse(market.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap();
        let american = OPTION.replace("\"European\"", "\"American\"");
        let trades =
            [OPTION, &american, BARRIER, FORWARD, FX_FORWARD, FX_OPTION].map(str::to_owned);
        let zero = [("2147.56", "0"), ("775", "0"), ("1.1e6", "0")]
            .map(|(from, to)| trades.clone().map(|trade| trade.replace(from, to)));
        for trades in zero.iter().chain([&trades]) {
            for trade in parse(&file(trades)).unwrap().trades() {
                let valuation = value(trade, &market).unwrap();
                assert!(valuation.npv.is_finite(), "{to}: {trade:?}");
            }
        }
    }
}

#[test]
fn what_is_past_is_worth_zero_and_said_so() {
    let folder = Folder::new();
    let trades =
        [OPTION, FORWARD, FX_FORWARD, FX_OPTION].map(|trade| trade.replace("2027-06-15", AS_OF));
    let portfolio = folder.write("portfolio.json", &file(&trades));
    let market = folder.write("market.txt", "20260615 FX/RATE/EUR/USD 1.1\n");
    let output = mastr()
        .args(["price", "--portfolio", &portfolio, "--market", &market])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stderr(&output),
        "mastr: 4 trades are past on 2026-06-15 and worth zero: EF1, EU1, FO1, FX1\n"
    );
    for line in stdout(&output).lines().skip(1) {
        assert!(line.contains(",2026-06-15,0,0,USD,0,EUR,"), "{line}");
    }
}

#[test]
fn a_market_with_faults_is_refused_with_its_lines() {
    let folder = Folder::new();
    let portfolio = folder.write("portfolio.json", &file(&[OPTION.to_owned()]));
    let text = format!("{MARKET}20260615 FX/RATE/EUR/USD 1.2\nnonsense\n");
    let market = folder.write("market.txt", &text);
    let output = mastr()
        .args(["price", "--portfolio", &portfolio, "--market", &market])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<&str> = stderr(&output).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with(&format!(
        "mastr: {market}: line 7: FX/RATE/EUR/USD is 1.2, but line 1"
    )));
    assert!(lines[1].starts_with(&format!("mastr: {market}: line 8: found 1 fields")));
}
