//! Input and usage that are refused: one line, exit status 2.

use std::net::TcpListener;

use mastr::sample;

use crate::process::{Folder, mastr};

/// Runs the command and holds that it is refused with one line that says this.
fn refused(arguments: &[&str], says: &str) {
    let output = mastr().args(arguments).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert_eq!(told.lines().count(), 1, "{arguments:?}: {told}");
    assert!(told.starts_with("mastr: ") && told.contains(says), "{told}");
}

#[test]
fn files_that_are_none() {
    let folder = Folder::new();
    let there = folder.path("there").display().to_string();
    std::fs::write(&there, "{").unwrap();
    let missing = folder.path("missing").display().to_string();
    let a_folder = folder.path("").display().to_string();
    let run = |portfolio: &str, market: &str, says: &str| {
        refused(&["run", "--portfolio", portfolio, "--market", market], says);
    };
    run(&missing, &there, "missing: no such file or directory");
    run(&there, &missing, "missing: no such file or directory");
    run(&a_folder, &there, "is a directory");
    run(&there, &a_folder, "is a directory");
    run(&there, &there, "there: line 1, column 1: not JSON");
    refused(&["run", "--output", &there], "there: not a directory");
    refused(
        &["value", "--portfolio", &missing, "--market", &there],
        "no such file",
    );
}

#[test]
fn questions_that_have_no_answer() {
    refused(
        &["run", "--measures", "npv,vegas"],
        "there is no measure `vegas`",
    );
    refused(&["run", "--by", "Desk,Desk"], "`Desk` is asked for twice");
    refused(&["aggregate", "--measures", "x"], "there is no measure `x`");
    refused(&["run", "--measures", "var:99"], "`var:99` needs a level");
    // Before anything is sent.
    refused(
        &["run", "--by", "Dask"],
        "no trade has a dimension `Dask`: Book, CounterParty, Currency, Desk, ",
    );
}

#[test]
fn endpoints_that_are_none() {
    for role in ["valuation-master", "aggregation-master"] {
        refused(&[role, "--bind", "localhost"], "`localhost` is no endpoint");
    }
    for role in [
        "valuation-worker",
        "aggregation-worker",
        "value",
        "aggregate",
    ] {
        refused(
            &[role, "--connect", "tcp://here"],
            "`tcp://here` is no endpoint",
        );
    }
    refused(
        &[
            "valuation-master",
            "--bind",
            "tcp://127.0.0.1:*",
            "--next",
            "x",
        ],
        "`x` is no endpoint",
    );
    refused(&["value", "--aggregation", "x"], "`x` is no endpoint");
}

#[test]
fn ports_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let used = format!("tcp://{}", listener.local_addr().unwrap());
    let says = format!("{used} can't be bound");
    refused(&["aggregation-master", "--bind", &used], &says);
    refused(&["valuation-master", "--bind", &used], &says);
}

#[test]
fn usage() {
    let folder = Folder::new();
    std::fs::write(folder.path("portfolio.json"), sample::PORTFOLIO).unwrap();
    let portfolio = folder.path("portfolio.json").display().to_string();
    for arguments in [
        // A portfolio of one's own would be valued by the sample's market.
        &["run", "--portfolio", &portfolio][..],
        &["run", "--workers", "0"],
        &["aggregation-master", "--aggregators", "0"],
        &["run", "--what"],
    ] {
        let output = mastr().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("error: "), "{told}");
    }
}
