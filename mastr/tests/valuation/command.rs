//! The command line: what goes where, and with which status.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use mastr::sample;

/// The binary under test.
pub(crate) fn mastr() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mastr"))
}

/// A folder that is gone after the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path, as an argument.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.argument(name)
    }

    pub(crate) fn argument(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes the built-in sample.
    pub(crate) fn sample(&self) -> [String; 6] {
        [
            "--portfolio".to_owned(),
            self.write("portfolio.json", sample::PORTFOLIO),
            "--market".to_owned(),
            self.write("market.txt", sample::MARKET),
            "--fixings".to_owned(),
            self.write("fixings.txt", sample::FIXINGS),
        ]
    }
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn price_prints_npv_and_nothing_else() {
    let folder = Folder::new();
    let output = mastr().arg("price").args(folder.sample()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 241);
    assert_eq!(
        lines[0],
        "TradeId,TradeType,Maturity,MaturityTime,NPV,NpvCurrency,NPV(Base),BaseCurrency,\
         Notional,NotionalCurrency,Notional(Base),NettingSet,CounterParty"
    );
    assert!(lines[1..].is_sorted());
}

#[test]
fn price_writes_the_same_bytes_whatever_the_threads() {
    let folder = Folder::new();
    let generated = mastr()
        .args(["generate", "--trades", "20000", "--seed", "5", "--output"])
        .arg(folder.path("generated"))
        .output()
        .unwrap();
    assert_eq!(generated.status.code(), Some(0), "{}", stderr(&generated));
    let mut printed = Vec::new();
    for threads in ["1", "3"] {
        let output = mastr()
            .args(["price", "--threads", threads, "--portfolio"])
            .arg(folder.path("generated/portfolio.json"))
            .arg("--market")
            .arg(folder.path("generated/market.txt"))
            .arg("--fixings")
            .arg(folder.path("generated/fixings.txt"))
            .arg("--output")
            .arg(folder.path(threads))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        printed.push(output.stdout);
    }
    assert_eq!(printed[0], printed[1]);
    assert_eq!(printed[0], folder.read("1/npv.csv").into_bytes());
    for file in ["npv.csv", "sensitivity.csv", "failed.csv"] {
        let read = |threads: &str| folder.read(&format!("{threads}/{file}"));
        assert_eq!(read("1"), read("3"), "{file}");
    }
    assert_eq!(folder.read("1/failed.csv"), "TradeId,Fault\n");
    let sensitivities = folder.read("1/sensitivity.csv");
    assert!(sensitivities.starts_with("TradeId,Greek,Factor,Value,Currency,Value(Base)\n"));
    assert!(sensitivities.lines().count() > 80_000);
}

#[test]
fn generate_is_determined_by_its_seed() {
    let folder = Folder::new();
    let generate = |seed: &str, name: &str| {
        let output = mastr()
            .args(["generate", "--trades", "100", "--seed", seed, "--output"])
            .arg(folder.path(name))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        let read = |file: &str| folder.read(&format!("{name}/{file}"));
        let files = [
            "portfolio.json",
            "market.txt",
            "scenarios.csv",
            "fixings.txt",
        ];
        files.map(read)
    };
    let first = generate("8", "a");
    assert_eq!(first, generate("8", "b"));
    let other = generate("9", "c");
    assert!(first.iter().zip(&other).all(|(one, other)| one != other));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let mut child = mastr()
        .arg("price")
        .args(folder.sample())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Dropping the pipe at once closes it before anything is written to it.
    drop(child.stdout.take());
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(told, "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_pipe_closed_halfway_leaves_the_folder_whole() {
    let folder = Folder::new();
    let file = |name| std::fs::File::create(folder.path(name)).unwrap();
    let mut files = mastr::generation::Files {
        portfolio: file("portfolio.json"),
        market: file("market.txt"),
        scenarios: file("scenarios.csv"),
        fixings: file("fixings.txt"),
    };
    mastr::generation::generate(20_000, 1, &mut files, |_| ()).unwrap();
    let mut child = mastr()
        .args(["price", "--portfolio"])
        .arg(folder.path("portfolio.json"))
        .arg("--market")
        .arg(folder.path("market.txt"))
        .arg("--fixings")
        .arg(folder.path("fixings.txt"))
        .arg("--output")
        .arg(folder.path("out"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("TradeId,"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(folder.read("out/npv.csv").lines().count(), 20_001);
}

#[test]
fn one_trade_is_explained_on_standard_error() {
    let folder = Folder::new();
    let portfolio = sample::portfolio();
    for prefix in ["EQO", "EQF", "FXF", "FXO"] {
        let trade = portfolio
            .trades()
            .find(|t| t.id.starts_with(prefix))
            .unwrap();
        let output = mastr()
            .arg("price")
            .args(folder.sample())
            .args(["--trade", &trade.id, "--explain"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stdout(&output).lines().count(), 2);
        let npv = stdout(&output)
            .lines()
            .nth(1)
            .unwrap()
            .split(',')
            .nth(4)
            .unwrap();
        let explanation = stderr(&output);
        let tells_npv = |line: &str| line.starts_with("npv ") && line.contains(npv);
        assert!(explanation.lines().any(tells_npv), "{explanation}");
        assert!(explanation.contains("discount factor"), "{explanation}");
        assert_eq!(
            explanation.contains("volatility"),
            prefix.ends_with('O'),
            "{explanation}"
        );
    }
}

#[test]
fn usage_errors_have_status_2() {
    let folder = Folder::new();
    let [_, portfolio, _, market, ..] = folder.sample();
    let usages: [&[&str]; 7] = [
        &[],
        &["value-at-home"],
        &["price", "--portfolio", &portfolio],
        &[
            "price",
            "--portfolio",
            &portfolio,
            "--market",
            &market,
            "--explain",
        ],
        &[
            "price",
            "--portfolio",
            &portfolio,
            "--market",
            &market,
            "--threads",
            "0",
        ],
        &[
            "price",
            "--portfolio",
            &portfolio,
            "--market",
            &market,
            "--trade",
            "NONE",
        ],
        &["generate", "--trades", "many", "--output", &portfolio],
    ];
    for usage in usages {
        let output = mastr().args(usage).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{usage:?}");
        assert_eq!(stdout(&output), "", "{usage:?}");
        assert!(!stderr(&output).contains("panicked"), "{usage:?}");
    }
}

#[test]
fn files_that_are_none_are_named_in_one_line() {
    let folder = Folder::new();
    let [_, portfolio, _, market, ..] = folder.sample();
    let missing = folder.argument("missing.json");
    let here = folder.argument("");
    let beneath_a_file = format!("{portfolio}/out");
    for (arguments, named) in [
        (
            [
                "--portfolio",
                &missing,
                "--market",
                &market,
                "--threads",
                "1",
            ],
            &missing,
        ),
        (
            ["--portfolio", &here, "--market", &market, "--threads", "1"],
            &here,
        ),
        (
            [
                "--portfolio",
                &portfolio,
                "--market",
                &here,
                "--threads",
                "1",
            ],
            &here,
        ),
        (
            [
                "--portfolio",
                &portfolio,
                "--market",
                &market,
                "--fixings",
                &missing,
            ],
            &missing,
        ),
        (
            [
                "--portfolio",
                &portfolio,
                "--market",
                &market,
                "--output",
                &portfolio,
            ],
            &portfolio,
        ),
        (
            [
                "--portfolio",
                &portfolio,
                "--market",
                &market,
                "--output",
                &beneath_a_file,
            ],
            &beneath_a_file,
        ),
    ] {
        let output = mastr().arg("price").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
        assert!(
            stderr(&output).contains(named.as_str()),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn validate_tells_what_is_there_or_everything_that_is_wrong() {
    let folder = Folder::new();
    let sample = folder.sample();
    let output = mastr().arg("validate").args(&sample[..2]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("240 trades as of 2026-06-15 in EUR\n"));
    assert!(stdout(&output).contains(" FxOption\n"));

    let output = mastr().arg("validate").args(&sample).output().unwrap();
    assert_eq!(output.status.code(), Some(0));

    let without_yen: String = sample::MARKET
        .lines()
        .filter(|line| !line.contains("JPY1D"))
        .map(|line| format!("{line}\n"))
        .collect();
    let market = folder.write("without-yen.txt", &without_yen);
    let output = mastr()
        .arg("validate")
        .args(&sample[..2])
        .args(["--market", &market])
        .args(&sample[4..])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    let first = stderr(&output).lines().next().unwrap();
    assert!(first.contains("without-yen.txt: trade \""), "{first}");
    assert!(
        first.contains("add ZERO/RATE/JPY/JPY1D/A365F/TERM"),
        "{first}"
    );
}

#[test]
fn the_schema_knows_every_field_of_the_sample() {
    let output = mastr().arg("schema").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    let text = schema.to_string();
    for trade_type in mastr::portfolio::TradeType::ALL {
        let constant = format!("\"const\":\"{}\"", trade_type.name());
        assert!(text.contains(&constant), "{constant}");
    }
    let sample: serde_json::Value = serde_json::from_str(sample::PORTFOLIO).unwrap();
    let mut keys = Vec::new();
    collect_keys(&sample, &mut keys);
    for key in keys {
        assert!(text.contains(&format!("\"{key}\":")), "{key}");
    }
}

fn collect_keys(value: &serde_json::Value, keys: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                keys.push(key.clone());
                // Their keys are names that the user chooses.
                if key != "AdditionalFields" && key != "EngineParameters" {
                    collect_keys(value, keys);
                }
            }
        }
        serde_json::Value::Array(elements) => {
            for element in elements {
                collect_keys(element, keys);
            }
        }
        _ => {}
    }
}

#[test]
fn the_sample_stands_in_the_examples() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    let read = |name| std::fs::read_to_string(data.join(name)).unwrap();
    assert_eq!(read("portfolio.json"), sample::PORTFOLIO);
    assert_eq!(read("market.txt"), sample::MARKET);
    assert_eq!(read("fixings.txt"), sample::FIXINGS);
}
