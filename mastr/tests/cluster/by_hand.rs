//! A cluster that somebody starts process by process.

use std::process::Command;

use mastr::sample;

use crate::process::{
    Folder, Process, SIGKILL, assert_same, free_endpoint, mastr, signal, wait_until_gone,
};

const SIGTERM: u32 = 15;

/// The four roles, with one worker each.
struct Cluster {
    aggregation: String,
    valuation: String,
    roles: Vec<Process>,
}

fn role(arguments: &[&str]) -> Process {
    Process::start_role(mastr().args(arguments))
}

impl Cluster {
    fn start() -> Self {
        let (bind, other) = (free_endpoint(), free_endpoint());
        let mut aggregation_master =
            role(&["aggregation-master", "--bind", &bind, "--aggregators", "1"]);
        let aggregation = aggregation_master.wait_for(|_| true);
        let mut valuation_master =
            role(&["valuation-master", "--bind", &other, "--next", &aggregation]);
        let valuation = valuation_master.wait_for(|_| true);
        let worker = role(&["valuation-worker", "--connect", &valuation]);
        let aggregator = role(&["aggregation-worker", "--connect", &aggregation]);
        Self {
            aggregation,
            valuation,
            roles: vec![aggregation_master, valuation_master, worker, aggregator],
        }
    }

    fn value(&self) -> Command {
        let mut command = mastr();
        command.args(["value", "--connect", &self.valuation]);
        command.args(["--aggregation", &self.aggregation]);
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
    let submitted = stdout(&valued);
    let said = submitted.strip_prefix("submitted 240 trades in ").unwrap();
    let (assignments, said) = said.split_once(' ').unwrap();
    let expected = "assignments: 240 valued, 0 failed; first results after ";
    assert!(said.starts_with(expected), "{submitted}");
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
    assert_eq!(did[1], format!("passed on {assignments} assignments"));
    assert_eq!(
        did[2],
        format!("valued 240 trades in {assignments} assignments")
    );
    assert!(
        did[3].starts_with("held 240 trades: 240 valued, 0 failed; answered "),
        "{did:?}"
    );
}

#[test]
fn a_fault_at_the_end_of_a_large_file_leaves_nothing_behind() {
    let folder = Folder::new();
    let cluster = Cluster::start();
    let files = folder.generate(20_000);
    let portfolio = folder.read("portfolio.json");
    let (start, last) = portfolio.rsplit_once("\"id\":").unwrap();
    let (_, after) = last.split_once(',').unwrap();
    let first = portfolio.split_once("\"id\":").unwrap().1;
    let (first, _) = first.split_once(',').unwrap();
    for (end, told) in [
        (
            format!("\"Id\":{last}"),
            "/Portfolio/19999/Id: unknown field \"Id\"",
        ),
        (
            format!("\"id\":{first},{after}"),
            "/Portfolio/19999/id: the id is already that of /Portfolio/0",
        ),
        (format!("\"id\":{last},"), "not JSON: trailing characters"),
    ] {
        std::fs::write(folder.path("portfolio.json"), format!("{start}{end}")).unwrap();
        let mut value = cluster.value();
        value
            .args(&files)
            .arg("--output")
            .arg(folder.path("valued"));
        let refused = value.output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let says = String::from_utf8(refused.stderr.clone()).unwrap();
        assert!(says.contains(told), "{says}");
        assert_eq!(stdout(&refused), "");
        let left = std::fs::read_dir(folder.path("valued")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
        let asked = cluster.aggregate().output().unwrap();
        assert!(
            stdout(&asked).contains("nothing is submitted yet"),
            "{asked:?}"
        );
    }
    // What is mended is valued, whatever has been valued before.
    std::fs::write(folder.path("portfolio.json"), &portfolio).unwrap();
    let valued = cluster.value().args(&files).output().unwrap();
    assert_eq!(valued.status.code(), Some(0), "{valued:?}");
    let asked = cluster.aggregate().output().unwrap();
    assert!(
        stdout(&asked).contains("complete: 20,000 of 20,000 valued"),
        "{asked:?}"
    );
    cluster.end();
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
fn a_market_that_died_with_its_master_is_asked_for() {
    let mut cluster = Cluster::start();
    let [_, master, worker, _] = &cluster.roles[..] else {
        panic!("four roles are expected");
    };
    let (master, worker) = (master.id(), worker.id());
    signal(SIGKILL, worker);
    wait_until_gone(&[worker]);
    let value = Process::start(&mut cluster.value());
    // The aggregation hears of a portfolio once the valuation master has its market.
    let mut watching = Process::start(cluster.aggregate().arg("--watch"));
    watching.wait_for(|line| line.contains("240 pending"));
    signal(SIGKILL, master);
    wait_until_gone(&[master]);
    let (bind, next) = (cluster.valuation.clone(), cluster.aggregation.clone());
    let master = role(&["valuation-master", "--bind", &bind, "--next", &next]);
    cluster.roles[1] = master;
    cluster.roles[1].wait_for(|_| true);
    cluster.roles[2] = role(&["valuation-worker", "--connect", &bind]);
    let value = value.finish();
    assert_eq!(value.status.code(), Some(1), "{:?}", value.told);
    let told = value.told.last().unwrap();
    assert!(
        told.contains("the valuation master has been started anew")
            && told.ends_with("submit the portfolio again"),
        "{told}"
    );
    let again = cluster.value().output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    // Whoever has a market needs no master that has it too.
    let master = cluster.roles[1].id();
    signal(SIGKILL, master);
    wait_until_gone(&[master]);
    cluster.roles[1] = role(&["valuation-master", "--bind", &bind, "--next", &next]);
    cluster.roles[1].wait_for(|_| true);
    let once_more = cluster.value().output().unwrap();
    assert_eq!(once_more.status.code(), Some(0), "{once_more:?}");
    let watched = watching.finish();
    assert!(
        watched.rest.contains("complete: 240 of 240 valued"),
        "{}",
        watched.rest
    );
    cluster.end();
}

#[test]
fn workers_and_clients_may_come_before_their_masters() {
    let (aggregation, valuation) = (free_endpoint(), free_endpoint());
    let value = Process::start(mastr().args([
        "value",
        "--connect",
        &valuation,
        "--aggregation",
        &aggregation,
    ]));
    let _aggregator = role(&["aggregation-worker", "--connect", &aggregation]);
    let _worker = role(&["valuation-worker", "--connect", &valuation]);
    let mut valuation_master = role(&[
        "valuation-master",
        "--bind",
        &valuation,
        "--next",
        &aggregation,
    ]);
    assert_eq!(valuation_master.wait_for(|_| true), valuation);
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
