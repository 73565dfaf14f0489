//! Scenario files, and what they make of markets and trades.

use std::collections::BTreeMap;

use mastr::market::{Market, Scenarios};
use mastr::portfolio::Currency;
use mastr::sample;
use mastr::valuation::{profit_and_loss, value};
use proptest::prelude::*;

use super::command::{Folder, mastr, stderr, stdout};
use super::table::AS_OF;

const QUOTES: &str = "20260615 FX/RATE/EUR/USD 1.25
20260615 ZERO/RATE/EUR/EUR1D/A365F/1Y 0.02
20260615 DISCOUNT/RATE/USD/USD1D/2Y 0.9
20260615 EQUITY/PRICE/SAP/EUR 200
20260615 EQUITY/PRICE/SP5/USD 5000
";

fn market() -> Market {
    Market::parse(QUOTES.as_bytes(), AS_OF.parse().unwrap(), Currency::EUR).unwrap()
}

fn faults(file: &str) -> Vec<String> {
    let faults = Scenarios::parse(file.as_bytes(), &market()).unwrap_err();
    faults.to_string().lines().map(str::to_owned).collect()
}

/// What the quote of a price is in each scenario.
fn spots(file: &str) -> Vec<(String, f64)> {
    let scenarios = Scenarios::parse(file.as_bytes(), &market()).unwrap();
    scenarios
        .iter()
        .map(|scenario| {
            let spot = scenario.market.spot("SAP", Currency::EUR).unwrap();
            (scenario.name.to_string(), spot)
        })
        .collect()
}

#[test]
fn a_cell_is_a_value_a_shift_a_factor_or_nothing() {
    let file = "name,EQUITY/PRICE/SAP/EUR\na,180\nb,+5\nc,+-5\nd,*1.5\ne,\nf,*0\ng,1e2\n";
    let want = [
        ("a", 180.0),
        ("b", 205.0),
        ("c", 195.0),
        ("d", 300.0),
        ("e", 200.0),
        ("f", 0.0),
        ("g", 100.0),
    ];
    let want: Vec<_> = want.map(|(name, spot)| (name.to_owned(), spot)).into();
    assert_eq!(spots(file), want);
    // As other programs write it.
    let windows = format!("\u{feff}{}\r\n", file.replace('\n', "\r\n"));
    assert_eq!(spots(&windows), want);
    let quoted = "\"name\",\"EQUITY/PRICE/SAP/EUR\"\n\"a, b\",\"+5\"\n";
    assert_eq!(spots(quoted), [("a, b".to_owned(), 205.0)]);
}

#[test]
fn a_key_may_be_of_many_quotes_or_be_spelled_differently() {
    let file = "name,EQUITY/PRICE/*,EQUITY/PRICE/SAP/EUR,ZERO/RATE/EUR/EUR1D/A365F/2027-06-15\n\
                a,*0.5,+1,+0.01\nb,,300,\nc,+10,,0.05\n";
    let want = [("a", 101.0), ("b", 300.0), ("c", 210.0)];
    let want: Vec<_> = want.map(|(name, spot)| (name.to_owned(), spot)).into();
    assert_eq!(spots(file), want);
    let scenarios = Scenarios::parse(file.as_bytes(), &market()).unwrap();
    let rates = scenarios.iter().map(|scenario| {
        let curve = scenario.market.discount_curve(Currency::EUR).unwrap();
        curve.zero_rate(1.0)
    });
    assert_eq!(rates.collect::<Vec<_>>(), [0.03, 0.02, 0.05]);
}

#[test]
fn every_fault_is_told_with_line_and_column() {
    let file = "name,FX/RATE/EUR/GBP,EQUITY/PRICE/SAP,EQUITY/PRICE/SAP/EUR,EQUITY/PRICE/SAP/EUR,\
                ZERO/RATE/USD/USD1D/A365F/2Y,FX/RATE/GBP/*,,EQUITY/PRICE/*,EQUITY/PRICE/SP5/USD\n\
                a,,,abc,,,,,100,NaN\n\
                ,,,,,,,,,\n\
                a,,,,,,,,,*-inf\n\
                b,,\n\
                c,,,,,,,,+1e308,*1e308\n\
                d,,,,,,,,*,+\n\
                e,,,,,,,,++1,**2\n";
    let told = faults(file);
    let want = [
        "line 1, column 2: the market has no quote FX/RATE/EUR/GBP",
        "line 1, column 3: EQUITY/PRICE/SAP is no key that is known: FX/RATE/CCY1/CCY2, ",
        "line 1, column 5: EQUITY/PRICE/SAP/EUR is about the same as column 4: leave one",
        "line 1, column 6: the market quotes DISCOUNT/RATE/USD/USD1D/2Y instead of ZERO/",
        "line 1, column 7: the market has no quote FX/RATE/GBP/…",
        "line 1, column 8: a key is missing",
        "line 2, column 4: EQUITY/PRICE/SAP/EUR is \"abc\": a number, or +x or *x to shift the quote, is needed",
        "line 2, column 9: EQUITY/PRICE/* is \"100\", and several quotes can be shifted only: by +x or *x",
        "line 2, column 10: EQUITY/PRICE/SP5/USD is NaN, which is not finite",
        "line 3, column 1: a scenario without a name",
        "line 4, column 1: the name \"a\" stands in line 2 already",
        "line 4, column 10: EQUITY/PRICE/SP5/USD is *-inf, which is not finite",
        "line 5: found 3 cells: the first line has 10",
        "line 6, column 10: \"*1e308\" makes EQUITY/PRICE/SP5/USD inf, which is not finite",
        "line 7, column 9: EQUITY/PRICE/* is \"*\": a number",
        "line 7, column 10: EQUITY/PRICE/SP5/USD is \"+\": a number",
        "line 8, column 9: EQUITY/PRICE/* is \"++1\": a number",
        "line 8, column 10: EQUITY/PRICE/SP5/USD is \"**2\": a number",
    ];
    assert_eq!(told.len(), want.len(), "{told:#?}");
    for (told, want) in told.iter().zip(want) {
        assert!(told.starts_with(want), "{told}");
    }
    for file in ["", "\u{feff}", "name,EQUITY/PRICE/*\n", "\n\n"] {
        let told = faults(file);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("no scenario: "), "{}", told[0]);
    }
    let semicolons = faults("name;EQUITY/PRICE/SAP/EUR\na;*0.9\n");
    assert_eq!(
        semicolons,
        [
            "line 1: found no key: after the first cell, one for each column is needed, with commas \
          between them"
        ]
    );
    let latin = Scenarios::parse(b"name,FX/RATE/*\nf\xfcnf,*\xb2\n", &market()).unwrap_err();
    assert_eq!(latin.count(), 2);
    assert!(latin.to_string().starts_with("line 2, column 1: not UTF-8"));
}

/// The sample's market file with other values: the places of quotes, and what each is multiplied by.
fn moved(factors: &BTreeMap<usize, f64>) -> String {
    let mut quotes = 0..;
    let lines = sample::MARKET.lines().map(|line| {
        let factor = match line.starts_with("2026") {
            true => quotes.next().and_then(|place| factors.get(&place)),
            false => None,
        };
        match (factor, line.rsplit_once(' ')) {
            (Some(factor), Some((key, value))) => {
                format!("{key} {}\n", value.parse::<f64>().unwrap() * factor)
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

fn keys() -> Vec<&'static str> {
    let quotes = sample::MARKET
        .lines()
        .filter(|line| line.starts_with("2026"));
    quotes.map(|line| line.split(' ').nth(1).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A scenario is the market file with the values replaced, for every trade and to the bit: one
    /// that moves quotes, one that moves nothing, one that moves only some of them.
    #[test]
    fn a_scenario_is_what_its_market_file_would_be(
        moves in prop::collection::vec((any::<prop::sample::Index>(), 0.9..1.1), 1..12),
    ) {
        let keys = keys();
        let moves: BTreeMap<usize, f64> = moves
            .into_iter()
            .map(|(index, factor)| (index.index(keys.len()), factor))
            .collect();
        let some: BTreeMap<usize, f64> = moves.iter().skip(1).map(|(&k, &v)| (k, v)).collect();
        let all = [moves.clone(), BTreeMap::new(), some];
        let mut file = String::from("name");
        for place in moves.keys() {
            file += &format!(",{}", keys[*place]);
        }
        for (number, scenario) in all.iter().enumerate() {
            file += &format!("\n{number}");
            for place in moves.keys() {
                let factor = scenario.get(place).map(|factor| format!("*{factor}"));
                file += &format!(",{}", factor.unwrap_or_default());
            }
        }
        let (portfolio, today) = (sample::portfolio(), sample::market());
        let scenarios = Scenarios::parse(file.as_bytes(), &today).unwrap();
        let markets = all.map(|scenario| sample::market_of(&moved(&scenario)).unwrap());
        for trade in portfolio.trades() {
            let before = value(trade, &today).unwrap();
            let pnl = profit_and_loss(trade, &before, &scenarios).unwrap();
            let want = markets.each_ref().map(|market| {
                value(trade, market).unwrap().npv_base - before.npv_base
            });
            prop_assert_eq!(&*pnl, &want, "{}", trade.id);
        }
    }

    #[test]
    fn any_bytes_are_scenarios_or_faults(
        head in prop::sample::select(&["", "n,EQUITY/PRICE/*\n", "n,FX/RATE/EUR/USD,EQUITY/PRICE/*\n"][..]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "[a-z,+*.0-9\"\n\r/-]{0,80}",
    ) {
        let market = market();
        for tail in [&bytes[..], text.as_bytes()] {
            let file = [head.as_bytes(), tail].concat();
            match Scenarios::parse(&file, &market) {
                Ok(scenarios) => prop_assert!(!scenarios.is_empty()),
                Err(faults) => prop_assert!(!faults.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn a_scenario_in_which_a_trade_has_no_value_fails_it_and_names_itself() {
    let folder = Folder::new();
    let mut price = mastr();
    price
        .arg("price")
        .args(folder.sample())
        .arg("--output")
        .arg(folder.path("results"))
        .arg("--scenarios")
        .arg(folder.write(
            "scenarios.csv",
            "name,EQUITY/PRICE/SAP/EUR\nfall,*0.5\nbankrupt,0\nimpossible,-1\n",
        ));
    let output = price.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let failed = folder.read("results/failed.csv");
    let failed: Vec<&str> = failed.lines().skip(1).collect();
    let trades = sample::portfolio();
    let about_sap = |id: &str| {
        let json: String = sample::PORTFOLIO
            .lines()
            .filter(|line| line.contains(&format!("\"{id}\"")))
            .collect();
        json.contains("\"Name\":\"SAP\"")
    };
    let want = trades.trades().filter(|trade| about_sap(&trade.id)).count();
    assert_eq!(failed.len(), want);
    for line in failed {
        let (id, fault) = line.split_once(',').unwrap();
        assert!(about_sap(id), "{line}");
        assert_eq!(
            fault,
            "\"scenario \"\"impossible\"\": EQUITY/PRICE/SAP/EUR is -1: a price that is not negative is needed\""
        );
    }
    let pnl = folder.read("results/pnl.csv");
    assert!(pnl.starts_with("TradeId,Scenario,PnL(Base)\n"));
    assert_eq!(pnl.lines().count(), 1 + 3 * (240 - want));
}

#[test]
fn a_file_with_faults_is_refused_and_named() {
    let folder = Folder::new();
    let scenarios = folder.write("scenarios.csv", "name,EQUITY/PRICE/ABC/EUR\na,1x\n");
    let mut price = mastr();
    price
        .arg("price")
        .args(folder.sample())
        .args(["--scenarios", &scenarios]);
    let output = price.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    let told: Vec<&str> = stderr(&output).lines().collect();
    assert_eq!(
        told,
        [
            format!(
                "mastr: {scenarios}: line 1, column 2: the market has no quote EQUITY/PRICE/ABC/EUR: \
                 scenarios move what it quotes"
            ),
            format!(
                "mastr: {scenarios}: line 2, column 2: EQUITY/PRICE/ABC/EUR is \"1x\": a number, \
                 or +x or *x to shift the quote, is needed"
            ),
        ]
    );
}
