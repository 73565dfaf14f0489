//! Trades that are simulated by several workers: the same bits, whoever simulates which paths.

use std::path::Path;

use crate::process::{Folder, Process, RESULTS, assert_same, mastr, price};

/// Options that take long, one after another: a tenth of them is valued when most is still to come.
const OPTIONS: u64 = 10;

/// A portfolio of them, with so many paths each, and its market, as arguments.
fn portfolio(folder: &Folder, paths: u64) -> Vec<String> {
    let files = folder.generate(1);
    let option = |number: u64| {
        format!(
            r#"{{"id":"AS{number}","TradeType":"EquityAsianOption","Envelope":{{"AdditionalFields":{{"Desk":"Exotics"}}}},"EquityAsianOptionData":{{"OptionData":{{"LongShort":"Long","OptionType":"Call","PayoffType":"Asian","ExerciseDates":["2027-06-15"]}},"Name":"SP5","Currency":"USD","Strike":6000,"Quantity":10,"ObservationDates":{{"Rules":{{"StartDate":"2026-09-15","EndDate":"2027-06-15","Tenor":"3M","Calendar":"US","Convention":"F"}}}}}}}}"#
        )
    };
    let options: Vec<_> = (0..OPTIONS).map(option).collect();
    let text = format!(
        r#"{{"AsOfDate":"2026-06-15","BaseCurrency":"EUR","PricingEngines":[{{"Product":"EquityAsianOptionArithmeticPrice","Model":"BlackScholesMerton","Engine":"MonteCarlo","EngineParameters":{{"RequiredSamples":{paths}}}}}],"Portfolio":[{}]}}"#,
        options.join(",")
    );
    std::fs::write(folder.path("portfolio.json"), text).unwrap();
    files
}

fn run(files: &[String], workers: &str, output: &Path) -> Process {
    let mut run = mastr();
    run.args(["run", "--workers", workers, "--by", "Desk"])
        .args(["--measures", "npv,delta,stderr"])
        .args(files)
        .arg("--output")
        .arg(output);
    Process::start(&mut run)
}

/// How many paths each valuation worker has simulated, as the lines at the end of a run say.
fn simulated_by_workers(stdout: &str) -> Vec<u64> {
    let lines = stdout
        .lines()
        .filter(|line| line.starts_with("valuation-worker "));
    let number = |line: &str| {
        let (_, paths) = line.split_once("simulated ")?;
        paths.split(' ').next()?.replace(',', "").parse().ok()
    };
    lines.map(|line| number(line).unwrap_or(0)).collect()
}

#[test]
fn paths_are_shared_by_any_number_of_workers_and_give_the_same_bits() {
    let folder = Folder::new();
    let files = portfolio(&folder, 200_000);
    price(&files, &folder.path("priced"));
    for workers in ["1", "2", "5"] {
        let output = folder.path(workers);
        let run = run(&files, workers, &output).finish();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
        assert_same(&output, &folder.path("1"), &RESULTS);
        assert_same(&output, &folder.path("priced"), &RESULTS[..3]);
        let simulated = simulated_by_workers(&run.rest);
        let all = OPTIONS * 200_000;
        assert_eq!(simulated.iter().sum::<u64>(), all, "{}", run.rest);
        if workers == "2" {
            println!("simulated by two workers: {simulated:?}");
            let least = simulated.iter().min().unwrap();
            assert!(*least > all / 5, "{}", run.rest);
        }
    }
    let table = folder.read("1/aggregate.csv");
    assert!(table.contains("\nExotics,stderr,"), "{table}");
}

#[test]
fn a_valuation_worker_is_killed_and_no_path_is_lost_or_counted_twice() {
    let folder = Folder::new();
    let files = portfolio(&folder, 5_000_000);
    let mut run = run(&files, "2", &folder.path("disturbed"));
    let percent = run.kill_valuation_worker();
    println!("killed when {percent} % were valued");
    let run = run.finish();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
    price(&files, &folder.path("priced"));
    assert_same(
        &folder.path("disturbed"),
        &folder.path("priced"),
        &RESULTS[..3],
    );
    let simulated = simulated_by_workers(&run.rest);
    assert_eq!(simulated.len(), 3, "{}", run.rest);
    assert_eq!(
        simulated.iter().sum::<u64>(),
        OPTIONS * 5_000_000,
        "{}",
        run.rest
    );
}
