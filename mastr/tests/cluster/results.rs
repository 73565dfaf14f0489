//! What a run gives: the table, the files, a line for each process.

use mastr::sample;

use crate::process::{Folder, Process, RESULTS, assert_same, mastr, price, valued_by_workers};

#[test]
fn the_sample_is_valued_and_each_process_says_what_it_did() {
    let run = Process::start(mastr().arg("run")).finish();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
    let lines: Vec<&str> = run.rest.lines().collect();
    assert!(lines[0].starts_with("Desk "), "{}", run.rest);
    let total = lines
        .iter()
        .find(|line| line.starts_with("total "))
        .unwrap();
    assert!(total.ends_with("240 of 240"), "{total}");
    assert!(
        run.rest
            .contains("\ncomplete: 240 of 240 valued · market 2026-06-15-EUR-")
    );
    assert_eq!(valued_by_workers(&run.rest).iter().sum::<u64>(), 240);
    let roles = lines.iter().skip_while(|line| !line.starts_with("run "));
    let roles: Vec<_> = roles.map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        roles,
        [
            "run",
            "valuation-master",
            "valuation-worker",
            "valuation-worker",
            "aggregation-master",
            "aggregation-worker",
            "aggregation-worker",
            "value",
            "aggregate",
        ]
    );
    for line in lines
        .iter()
        .filter(|line| line.starts_with("aggregation-worker "))
    {
        assert!(line.contains(" 0 failed; answered "), "{line}");
    }
}

#[test]
fn any_number_of_workers_gives_the_same_bytes_as_no_cluster() {
    let folder = Folder::new();
    let mut files = folder.generate(20_000);
    price(&files, &folder.path("priced"));
    files.extend(
        [
            "--by",
            "Book,Currency",
            "--measures",
            "npv,gamma,theta,count",
        ]
        .map(str::to_owned),
    );
    for workers in ["1", "2", "5"] {
        let output = folder.path(workers);
        let run = Process::start(
            mastr()
                .args(["run", "--workers", workers, "--aggregators", workers])
                .args(&files)
                .arg("--output")
                .arg(&output),
        )
        .finish();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
        let valued = valued_by_workers(&run.rest);
        assert_eq!(valued.len().to_string(), workers);
        assert_eq!(valued.iter().sum::<u64>(), 20_000, "{}", run.rest);
        assert_same(&output, &folder.path("1"), &RESULTS);
        assert_same(&output, &folder.path("priced"), &RESULTS[..3]);
    }
    let table = folder.read("5/aggregate.csv");
    assert!(table.starts_with("Book,Currency,Measure,Value,Valued,Failed,Pending\n"));
    assert!(
        table.lines().skip(1).all(|line| line.ends_with(",0,0")),
        "{table}"
    );
}

#[test]
fn trades_that_cannot_be_valued_count_as_failed_everywhere() {
    let folder = Folder::new();
    // One trade with a fault of its own, and a market without one of the equities' prices.
    let portfolio = sample::PORTFOLIO.replacen("\"Quantity\":", "\"Quantity\":-", 1);
    std::fs::write(folder.path("portfolio.json"), portfolio).unwrap();
    let spots: Vec<&str> = sample::MARKET
        .lines()
        .filter(|line| line.contains("EQUITY/PRICE/"))
        .collect();
    let market = sample::MARKET.replace(spots[0], "");
    std::fs::write(folder.path("market.txt"), market).unwrap();
    std::fs::write(folder.path("fixings.txt"), sample::FIXINGS).unwrap();

    let refused = Process::start(mastr().arg("run").args(folder.files())).finish();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(refused.rest, "", "nothing was sent");
    assert_eq!(refused.told.len(), 1, "{:?}", refused.told);
    assert!(
        refused.told[0].contains("/Quantity: found -"),
        "{:?}",
        refused.told
    );

    let skipping = |command: &str| {
        let mut process = mastr();
        process
            .args([command, "--skip-invalid"])
            .args(folder.files())
            .arg("--output")
            .arg(folder.path(command));
        process
    };
    assert_eq!(skipping("price").output().unwrap().status.code(), Some(3));
    let run = Process::start(&mut skipping("run")).finish();
    assert_eq!(run.status.code(), Some(3), "{:?}", run.told);
    assert_same(&folder.path("run"), &folder.path("price"), &RESULTS[..3]);
    let failed = folder.read("run/failed.csv").lines().count() - 1;
    assert!(failed > 1, "the fault, and the equity that has no price");
    let valued = 240 - failed;
    let label = format!("\ncomplete: {valued} of 240 valued, {failed} failed · market ");
    assert!(run.rest.contains(&label), "{}", run.rest);
    let said = format!("mastr: {failed} of 240 trades failed: npv.csv has #N/A for them");
    assert!(
        run.told.iter().any(|line| line.starts_with(&said)),
        "{:?}",
        run.told
    );
    // The workers have valued, or tried to, all but the one that is no trade.
    assert_eq!(valued_by_workers(&run.rest).iter().sum::<u64>(), 239);
    let aggregate = folder.read("run/aggregate.csv");
    let counts = aggregate.lines().filter(|line| line.contains(",npv,"));
    let sum = |column: usize| {
        counts
            .clone()
            .map(|line| {
                line.split(',')
                    .nth(column)
                    .unwrap()
                    .parse::<usize>()
                    .unwrap()
            })
            .sum::<usize>()
    };
    assert_eq!((sum(3), sum(4), sum(5)), (valued, failed, 0));
}

#[test]
fn a_portfolio_without_trades_is_valued_at_once() {
    let folder = Folder::new();
    let portfolio = r#"{"AsOfDate":"2026-06-15","BaseCurrency":"EUR","Portfolio":[]}"#;
    std::fs::write(folder.path("portfolio.json"), portfolio).unwrap();
    std::fs::write(folder.path("market.txt"), sample::MARKET).unwrap();
    std::fs::write(folder.path("fixings.txt"), sample::FIXINGS).unwrap();
    let run = Process::start(mastr().args(["run", "--by", ""]).args(folder.files())).finish();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.told);
    assert!(run.rest.contains("complete: 0 of 0 valued"), "{}", run.rest);
}
