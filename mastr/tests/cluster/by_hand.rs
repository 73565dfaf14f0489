//! A cluster that somebody starts process by process.

use std::process::Command;

use mastr::sample;

use crate::process::{Folder, Process, assert_same, mastr, signal};

const SIGTERM: u32 = 15;

/// The four roles, with one worker each.
struct Cluster {
    aggregation: String,
    valuation: String,
    markets: String,
    roles: Vec<Process>,
}

fn role(arguments: &[&str]) -> Process {
    Process::start_role(mastr().args(arguments))
}

impl Cluster {
    fn start() -> Self {
        let any = "tcp://127.0.0.1:*";
        let mut aggregation_master =
            role(&["aggregation-master", "--bind", any, "--aggregators", "1"]);
        let aggregation = aggregation_master.wait_for(|_| true);
        let mut valuation_master = role(&[
            "valuation-master",
            "--bind",
            any,
            "--markets",
            any,
            "--next",
            &aggregation,
        ]);
        let addresses = valuation_master.wait_for(|_| true);
        let (valuation, markets) = addresses.split_once(' ').unwrap();
        let (valuation, markets) = (valuation.to_owned(), markets.to_owned());
        let worker = role(&[
            "valuation-worker",
            "--connect",
            &valuation,
            "--markets",
            &markets,
        ]);
        let aggregator = role(&["aggregation-worker", "--connect", &aggregation]);
        Self {
            aggregation,
            valuation,
            markets,
            roles: vec![aggregation_master, valuation_master, worker, aggregator],
        }
    }

    fn value(&self) -> Command {
        let mut command = mastr();
        command.args(["value", "--connect", &self.valuation]).args([
            "--aggregation",
            &self.aggregation,
            "--markets",
            &self.markets,
        ]);
        command
    }

    fn aggregate(&self) -> Command {
        let mut command = mastr();
        command.args(["aggregate", "--connect", &self.aggregation]);
        command
    }

    /// Ends all roles; gives back the last line that each has said.
    fn end(self) -> Vec<String> {
        let end = |role: Process| {
            signal(SIGTERM, role.id());
            let ended = role.finish();
            assert_eq!(ended.status.code(), Some(0), "{}", ended.rest);
            ended.told.last().unwrap().clone()
        };
        self.roles.into_iter().map(end).collect()
    }
}

fn stdout(output: &std::process::Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_roles_value_what_one_client_submits_and_answer_what_another_asks() {
    let folder = Folder::new();
    let cluster = Cluster::start();
    let before = cluster.aggregate().output().unwrap();
    assert_eq!(before.status.code(), Some(0));
    assert!(stdout(&before).contains("nothing is submitted yet"));

    let watching = Process::start(
        cluster
            .aggregate()
            .args(["--watch", "--by", "Currency", "--output"])
            .arg(folder.path("watched")),
    );
    let valued = cluster
        .value()
        .arg("--output")
        .arg(folder.path("valued"))
        .output()
        .unwrap();
    assert_eq!(valued.status.code(), Some(0), "{valued:?}");
    assert_eq!(
        stdout(&valued),
        "submitted 240 trades in 60 assignments: 240 valued, 0 failed\n"
    );
    let watched = watching.finish();
    assert_eq!(watched.status.code(), Some(0), "{:?}", watched.told);
    assert!(watched.rest.starts_with("Currency "), "{}", watched.rest);
    assert!(watched.rest.contains("\ncomplete: 240 of 240 valued"));
    assert!(watched.told.last().unwrap().starts_with("100 % 240 valued"));

    let run = mastr()
        .args(["run", "--by", "Currency", "--output"])
        .arg(folder.path("run"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0));
    let files = ["npv.csv", "sensitivity.csv", "failed.csv"];
    assert_same(&folder.path("valued"), &folder.path("run"), &files);
    assert_same(
        &folder.path("watched"),
        &folder.path("run"),
        &["aggregate.csv"],
    );

    let did = cluster.end();
    assert_eq!(did[1], "passed on 60 assignments");
    assert_eq!(did[2], "valued 240 trades in 60 assignments");
    assert!(
        did[3].starts_with("held 240 trades: 240 valued, 0 failed; answered "),
        "{did:?}"
    );
}

#[test]
fn figures_of_two_markets_do_not_mix() {
    let folder = Folder::new();
    let cluster = Cluster::start();
    let spot = sample::MARKET
        .lines()
        .find(|line| line.contains(" EQUITY/PRICE/"))
        .unwrap();
    let (key, value) = spot.rsplit_once(' ').unwrap();
    let other = format!("{key} {}", value.parse::<f64>().unwrap() * 1.1);
    std::fs::write(
        folder.path("market.txt"),
        sample::MARKET.replace(spot, &other),
    )
    .unwrap();

    assert!(cluster.value().output().unwrap().status.success());
    let alone = cluster.aggregate().output().unwrap();
    let market = folder.path("market.txt");
    let shocked = cluster
        .value()
        .arg("--market")
        .arg(&market)
        .output()
        .unwrap();
    assert_eq!(shocked.status.code(), Some(0), "{shocked:?}");
    // The same again is no second portfolio.
    assert!(
        cluster
            .value()
            .arg("--market")
            .arg(&market)
            .output()
            .unwrap()
            .status
            .success()
    );

    let both = cluster.aggregate().output().unwrap();
    assert_eq!(both.status.code(), Some(2));
    let told = String::from_utf8(both.stderr).unwrap();
    let (_, names) = told.split_once("name one of them: ").unwrap();
    let names: Vec<&str> = names.trim().split(", ").collect();
    assert_eq!(names.len(), 2, "{told}");
    let tables: Vec<String> = names
        .iter()
        .map(|name| {
            stdout(
                &cluster
                    .aggregate()
                    .args(["--market", name])
                    .output()
                    .unwrap(),
            )
        })
        .collect();
    assert!(tables.contains(&stdout(&alone)), "{tables:?}");
    assert_ne!(tables[0], tables[1]);
    for table in tables {
        assert!(table.contains("complete: 240 of 240 valued"), "{table}");
    }
    cluster.end();
}

#[test]
fn workers_and_clients_may_come_before_their_masters() {
    // Ports that were free a moment ago; masters that come later are bound to them.
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("tcp://{}", listener.local_addr().unwrap())
    };
    let (aggregation, valuation, markets) = (free(), free(), free());
    let value = Process::start(mastr().args([
        "value",
        "--connect",
        &valuation,
        "--aggregation",
        &aggregation,
        "--markets",
        &markets,
    ]));
    let _aggregator = role(&["aggregation-worker", "--connect", &aggregation]);
    let _worker = role(&[
        "valuation-worker",
        "--connect",
        &valuation,
        "--markets",
        &markets,
    ]);
    let mut valuation_master = role(&[
        "valuation-master",
        "--bind",
        &valuation,
        "--markets",
        &markets,
        "--next",
        &aggregation,
    ]);
    assert_eq!(
        valuation_master.wait_for(|_| true),
        format!("{valuation} {markets}")
    );
    let _aggregation_master = role(&[
        "aggregation-master",
        "--bind",
        &aggregation,
        "--aggregators",
        "1",
    ]);
    let value = value.finish();
    assert_eq!(value.status.code(), Some(0), "{:?}", value.told);
    assert!(
        value.rest.contains("240 valued, 0 failed"),
        "{}",
        value.rest
    );
}
