//! Scenarios on a cluster: the same risk, however many share the work and whoever dies.

use std::collections::BTreeMap;
use std::path::Path;

use crate::process::{Folder, Process, RESULTS, assert_same, mastr, price, valued_by_workers};

const QUESTION: [&str; 4] = [
    "--by",
    "TradeType",
    "--measures",
    "npv,var:0.99,es:0.975,quantile:0.5,count",
];

/// A portfolio of so many trades with its market and 250 scenarios, as arguments.
fn generate(folder: &Folder, trades: u32) -> Vec<String> {
    let mut files = folder.generate(trades);
    files.push("--scenarios".to_owned());
    files.push(folder.path("scenarios.csv").display().to_string());
    files
}

fn run(files: &[String], workers: &str, output: &Path) -> Process {
    let mut run = mastr();
    run.args(["run", "--workers", workers, "--aggregators", workers])
        .args(QUESTION)
        .args(files)
        .arg("--output")
        .arg(output);
    Process::start(&mut run)
}

#[test]
fn any_number_of_workers_gives_the_same_risk() {
    let folder = Folder::new();
    let files = generate(&folder, 1000);
    for workers in ["1", "2", "5"] {
        let output = folder.path(workers);
        let run = run(&files, workers, &output).finish();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
        assert_same(&output, &folder.path("1"), &RESULTS);
    }
    price(&files, &folder.path("priced"));
    assert_same(&folder.path("priced"), &folder.path("1"), &RESULTS[..3]);
    assert_eq!(
        risks(&folder.read("1/aggregate.csv")),
        risks_of_vectors(
            &folder.read("priced/npv.csv"),
            &folder.read("priced/pnl.csv")
        )
    );
}

/// The measures of scenarios that a table has, rounded to cents, by trade type and measure.
fn risks(aggregate: &str) -> BTreeMap<(String, String), i64> {
    let lines = aggregate.lines().skip(1).map(|line| line.split(','));
    lines
        .map(|line| line.collect::<Vec<_>>())
        .filter(|line| line[1].contains(':'))
        .map(|line| {
            let value: f64 = line[2].parse().unwrap();
            ((line[0].to_owned(), line[1].to_owned()), cents(value))
        })
        .collect()
}

/// The same from every trade's P&L vector.
fn risks_of_vectors(npv: &str, pnl: &str) -> BTreeMap<(String, String), i64> {
    let types: BTreeMap<&str, &str> = npv
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|line| (line[0], line[1]))
        .collect();
    let mut sums: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for line in pnl.lines().skip(1) {
        let line: Vec<&str> = line.split(',').collect();
        let of_type = sums.entry(types[line[0]]).or_default();
        *of_type.entry(line[1]).or_default() += line[2].parse::<f64>().unwrap();
    }
    let mut risks = BTreeMap::new();
    for (trade_type, pnl) in sums {
        let mut pnl: Vec<f64> = pnl.into_values().collect();
        assert_eq!(pnl.len(), 250);
        pnl.sort_by(f64::total_cmp);
        // 2.5 scenarios lie beyond 99 %, 6.25 beyond 97.5 %.
        for (measure, value) in [
            ("var:0.99", -pnl[2]),
            ("es:0.975", -pnl[..7].iter().sum::<f64>() / 7.0),
            ("quantile:0.5", pnl[124]),
        ] {
            risks.insert((trade_type.to_owned(), measure.to_owned()), cents(value));
        }
    }
    risks
}

fn cents(value: f64) -> i64 {
    (value * 100.0).round() as i64
}

#[test]
fn a_valuation_worker_is_killed_and_the_risk_is_the_same() {
    let trades = 5000;
    let folder = Folder::new();
    let files = generate(&folder, trades);
    let undisturbed = run(&files, "2", &folder.path("undisturbed")).finish();
    assert_eq!(undisturbed.status.code(), Some(0), "{:?}", undisturbed.told);

    let mut run = run(&files, "2", &folder.path("disturbed"));
    run.kill_valuation_worker();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
    assert_same(
        &folder.path("disturbed"),
        &folder.path("undisturbed"),
        &RESULTS,
    );
    let valued = valued_by_workers(&run.rest);
    assert_eq!(valued.len(), 3, "{}", run.rest);
    assert_eq!(valued.iter().sum::<u64>(), u64::from(trades));
}

#[test]
fn the_sample_has_scenarios_and_other_portfolios_need_a_file() {
    let sample = mastr().args(["run"]).args(QUESTION).output().unwrap();
    assert_eq!(sample.status.code(), Some(0), "{sample:?}");
    let table = String::from_utf8(sample.stdout).unwrap();
    let header = table.lines().next().unwrap();
    for measure in ["var:0.99", "es:0.975", "quantile:0.5"] {
        assert!(header.contains(measure), "{table}");
    }
    let folder = Folder::new();
    let files = folder.generate(10);
    let without = mastr()
        .arg("run")
        .args(QUESTION)
        .args(&files)
        .output()
        .unwrap();
    assert_eq!(without.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(without.stderr).unwrap(),
        "mastr: `var:0.99` is of scenarios, and the portfolio is valued without: see --scenarios\n"
    );
}
