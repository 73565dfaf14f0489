//! Files as they come from anywhere: what is accepted and what is refused, with one line.

use mastr::market::{Fixings, Market, Scenarios};
use mastr::portfolio::{Currency, Portfolio};
use mastr::sample;
use proptest::prelude::*;

use super::command::{Folder, mastr, stderr, stdout};
use super::table::AS_OF;

/// The four kinds of files, each with one thing in it.
const FILES: [(&str, &str); 4] = [
    (
        "--portfolio",
        r#"{"AsOfDate":"2026-06-15","BaseCurrency":"EUR","Portfolio":[
{"id":"F","TradeType":"EquityForward","EquityForwardData":{"LongShort":"Long",
"Maturity":"2027-06-15","Name":"SAP","Currency":"EUR","Strike":200.0,"Quantity":3}}
]}
"#,
    ),
    (
        "--market",
        "20260615 ZERO/RATE/EUR/EUR1D/A365F/1Y 0.02\n20260615 EQUITY/PRICE/SAP/EUR 210.0\n",
    ),
    ("--fixings", "20260612 EQ-SAP 209.0\n"),
    ("--scenarios", "Scenario,EQUITY/PRICE/SAP/EUR\nfall,*0.9\n"),
];

/// Prices with these files, of which one is replaced.
fn price(folder: &Folder, replaced: &str, by: &str) -> std::process::Output {
    let mut price = mastr();
    price.arg("price");
    for (kind, text) in FILES {
        let text = if kind == replaced { by } else { text };
        price.args([kind, &folder.write(kind, text)]);
    }
    price.output().unwrap()
}

/// That the command is refused with one line that names the file and says this.
fn refused(output: &std::process::Output, kind: &str, says: &str) {
    let told = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{kind}: {told}");
    assert_eq!(stdout(output), "", "{kind}");
    assert_eq!(told.lines().count(), 1, "{kind}: {told}");
    assert!(
        told.contains(&format!("{kind}: ")) && told.contains(says),
        "{told}"
    );
}

#[test]
fn byte_order_marks_and_windows_line_ends_change_nothing() {
    let folder = Folder::new();
    let plain = price(&folder, "", "");
    assert_eq!(plain.status.code(), Some(0), "{}", stderr(&plain));
    for (kind, text) in FILES {
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let output = price(&folder, kind, &windows);
        assert_eq!(output.status.code(), Some(0), "{kind}: {}", stderr(&output));
        assert_eq!(output.stdout, plain.stdout, "{kind}");
    }
}

#[test]
fn numbers_are_finite() {
    let folder = Folder::new();
    for (number, json) in [
        ("NaN", "not JSON: "),
        ("-inf", "not JSON: "),
        ("1e999", "1e999"),
        ("-1e999", "1e999"),
    ] {
        for (kind, text) in FILES {
            let text = match kind {
                "--scenarios" => text.replace("*0.9", number),
                _ => ["200.0", "210.0", "209.0"]
                    .iter()
                    .fold(text.to_owned(), |text, old| text.replace(old, number)),
            };
            let says = if kind == "--portfolio" {
                json
            } else {
                "not finite"
            };
            refused(&price(&folder, kind, &text), kind, says);
        }
    }
}

#[test]
fn what_stands_twice_is_told() {
    let folder = Folder::new();
    let [(_, portfolio), (_, market), (_, fixings), (_, scenarios)] = FILES;
    for (kind, text, says) in [
        (
            "--portfolio",
            portfolio.replace("\"Quantity\":3", "\"Quantity\":3,\"Quantity\":4"),
            "trade \"F\" at /Portfolio/0/EquityForwardData/Quantity: ",
        ),
        (
            "--portfolio",
            portfolio.replace(
                "\"BaseCurrency\"",
                "\"BaseCurrency\":\"EUR\",\"BaseCurrency\"",
            ),
            "/BaseCurrency: ",
        ),
        (
            "--market",
            format!("{market}{}", market.replace("210.0", "211.0")),
            "line 4: EQUITY/PRICE/SAP/EUR is 211, but line 2 says",
        ),
        (
            "--fixings",
            format!("{fixings}{}", fixings.replace("209.0", "208.0")),
            "line 2: EQ-SAP of 2026-06-12 is 208, but line 1 says 209: leave one",
        ),
        (
            "--scenarios",
            format!("{scenarios}fall,*0.8\n"),
            "line 3, column 1: the name \"fall\" stands in line 2 already",
        ),
        (
            "--scenarios",
            "Scenario,EQUITY/PRICE/SAP/EUR,EQUITY/PRICE/SAP/EUR\nfall,*0.9,\n".to_owned(),
            "line 1, column 3: EQUITY/PRICE/SAP/EUR is about the same as column 2: leave one",
        ),
    ] {
        refused(&price(&folder, kind, &text), kind, says);
    }
}

#[test]
fn nesting_has_an_end() {
    let folder = Folder::new();
    let [(_, portfolio), ..] = FILES;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let whole = price(&folder, "--portfolio", &deep);
        assert_eq!(whole.status.code(), Some(2), "{}", stderr(&whole));
        let field = portfolio.replace("200.0", &deep);
        refused(
            &price(&folder, "--portfolio", &field),
            "--portfolio",
            "trade \"F\" at /Portfolio/0/EquityForwardData/Strike: found an",
        );
    }
}

#[test]
fn two_gibibytes_are_refused_before_they_are_read() {
    let folder = Folder::new();
    for (kind, _) in FILES {
        let mut price = mastr();
        price.arg("price");
        for (other, text) in FILES {
            let path = folder.write(other, text);
            if other == kind {
                // Of nothing but holes, so that the disk need not be as large.
                let file = std::fs::File::options().write(true).open(&path).unwrap();
                file.set_len(2 << 30).unwrap();
            }
            price.args([other, &path]);
        }
        refused(
            &price.output().unwrap(),
            kind,
            "MiB, the most that is read: split it",
        );
    }
}

#[test]
fn what_is_past_is_worth_zero_whatever_the_market_is_like() {
    let folder = Folder::new();
    let [(_, portfolio), ..] = FILES;
    for day in [AS_OF, "2026-06-14", "1999-12-31"] {
        let past = portfolio.replace("2027-06-15", day);
        let output = price(&folder, "--portfolio", &past);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(
            stderr(&output),
            "mastr: 1 trades are past on 2026-06-15 and worth zero: F\n"
        );
        let row = stdout(&output).lines().nth(1).unwrap();
        assert!(row.starts_with(&format!("F,EquityForward,{day},")), "{row}");
        assert!(row.contains(",0,EUR,0,EUR,"), "{row}");
    }
}

/// A line of a file in three fields, more or less.
fn line() -> impl Strategy<Value = String> {
    let day = prop::sample::select(&["20260615", "2026-06-12", "20260631", "", "#"][..]);
    let key = prop::sample::select(
        &[
            "EQ-SAP",
            "EQUITY/PRICE/SAP/EUR",
            "FX/RATE/EUR/USD",
            "FX/RATE/EUR/EUR",
            "é",
            "/",
        ][..],
    );
    let value = prop::sample::select(&["1", "-0.5", "+1", "1e999", "NaN", "1 2", "", "# 1"][..]);
    let end = prop::sample::select(&["\n", "\r\n", "\r", " \n", "\u{0}\n"][..]);
    (day, key, value, end).prop_map(|(day, key, value, end)| format!("{day} {key} {value}{end}"))
}

proptest! {
    #[test]
    fn lines_of_any_fields_are_read_or_told(lines in prop::collection::vec(line(), 0..8)) {
        let text = lines.concat();
        let as_of = AS_OF.parse().unwrap();
        let market = Market::parse(text.as_bytes(), as_of, Currency::EUR);
        for faults in [market.err(), Fixings::parse(text.as_bytes()).err()].into_iter().flatten() {
            prop_assert!(faults.count() > 0 && !faults.to_string().is_empty());
        }
    }

    #[test]
    fn cut_and_altered_scenarios_are_read_or_told(
        start in any::<prop::sample::Index>(),
        length in 0_usize..2000,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let market = sample::market();
        let (head, rest) = sample::SCENARIOS.split_once('\n').unwrap();
        let start = start.index(rest.len());
        let end = (start + length).min(rest.len());
        let mut file = [head.as_bytes(), b"\n", &rest.as_bytes()[start..end]].concat();
        let at = at.index(file.len());
        file[at] = byte;
        match Scenarios::parse(&file, &market) {
            Ok(scenarios) => prop_assert!(!scenarios.is_empty()),
            Err(faults) => prop_assert!(!faults.to_string().is_empty()),
        }
    }
}

#[test]
fn the_files_are_what_they_should_be() {
    let [(_, portfolio), (_, market), (_, fixings), (_, scenarios)] = FILES;
    let portfolio = Portfolio::parse(portfolio.as_bytes()).unwrap();
    assert!(portfolio.faults().is_empty());
    let market = Market::parse(market.as_bytes(), portfolio.as_of(), portfolio.base()).unwrap();
    assert_eq!(Fixings::parse(fixings.as_bytes()).unwrap().len(), 1);
    assert_eq!(
        Scenarios::parse(scenarios.as_bytes(), &market)
            .unwrap()
            .len(),
        1
    );
}
