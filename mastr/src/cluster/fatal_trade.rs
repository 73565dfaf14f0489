//! A trade that kills whoever values it: it fails, and it alone.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, Stdio, abort};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use palm_highlevel::{Call, standalone};

use super::valuation_worker::Valuer;
use super::{Assignment, ClusterError, MarketText, Servers};
use super::{Ended, Recipient, Submission, Trades};
use super::{aggregation_master, aggregation_worker, valuation_master};
use crate::aggregation::{Completeness, Query};
use crate::sample;

/// The trade in the middle of the sample.
fn fatal() -> String {
    let portfolio = sample::portfolio();
    portfolio.by_id()[120].id().to_owned()
}

/// Starts this test program anew as a valuation worker that dies of the fatal trade.
fn start_worker(servers: &Servers) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "cluster::fatal_trade::worker"])
        .env("MASTR_TEST_VALUATION", &servers.valuation)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the process that dies; it is started by the test below"]
fn worker() {
    let Ok(master) = std::env::var("MASTR_TEST_VALUATION") else {
        return;
    };
    let (valuer, fatal) = (Valuer::default(), fatal());
    let value = move |call: &Call| {
        let assignment = Assignment::decode(call.payload())?;
        if assignment.trades.iter().any(|trade| *trade.id == *fatal) {
            abort();
        }
        valuer.value(call)
    };
    let name = format!("worker-{}", std::process::id());
    let worker = standalone::Worker::new(name).function("value", value);
    worker.connect(&master).unwrap().join().unwrap();
}

/// Starts a worker, and another whenever it dies, until the sender is gone.
fn replace_workers(servers: &Servers, is_over: Receiver<()>) {
    let mut worker = start_worker(servers);
    while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(Duration::from_millis(20)) {
        if worker.try_wait().unwrap().is_some() {
            worker = start_worker(servers);
        }
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// The trades that have failed, and why.
#[derive(Debug, Default)]
struct Failed(Vec<(String, String)>);

impl Recipient for Failed {
    fn accept(&mut self, _: &BTreeSet<String>) -> Result<(), ClusterError> {
        Ok(())
    }

    fn take(&mut self, ended: Vec<Ended>) -> io::Result<()> {
        let failed = ended
            .into_iter()
            .filter_map(|ended| Some((ended.entry.id().to_owned(), ended.fate.err()?)));
        self.0.extend(failed);
        Ok(())
    }
}

#[test]
fn it_fails_alone() {
    let any = "tcp://127.0.0.1:*";
    let aggregation = aggregation_master::bind(any, 1.try_into().unwrap()).unwrap();
    let holder = aggregation_worker::connect(aggregation.address()).unwrap();
    let valuation = valuation_master::bind(any, aggregation.address()).unwrap();
    let servers = Servers {
        valuation: valuation.address().to_owned(),
        aggregation: aggregation.address().to_owned(),
    };
    let (portfolio, fatal) = (sample::portfolio(), fatal());
    let market = MarketText::new(
        portfolio.as_of(),
        portfolio.base(),
        sample::MARKET.to_owned(),
        sample::FIXINGS.to_owned(),
    );
    let submission = Submission {
        market: &market,
        scenarios: 0,
        wants_valuations: false,
    };
    let never = AtomicBool::new(false);
    let mut failed = Failed::default();
    let summary = thread::scope(|scope| {
        let (over, is_over) = channel::<()>();
        scope.spawn(|| replace_workers(&servers, is_over));
        let trades = Trades::Read(portfolio);
        let summary = submission.run(trades, &servers, &never, &mut failed);
        drop(over);
        summary.unwrap()
    });
    assert_eq!((summary.valued, summary.failed), (239, 1));
    let [(id, reason)] = &failed.0[..] else {
        panic!("{failed:?}");
    };
    assert_eq!(*id, fatal);
    assert!(reason.starts_with("given up after "), "{reason}");

    let mut inquiry = super::Inquiry::open(
        &servers.aggregation,
        Query::parse("", "count").unwrap(),
        &never,
    )
    .unwrap();
    let table = inquiry.ask(&never).unwrap();
    let counts = Completeness {
        valued: 239,
        failed: 1,
        pending: 0,
    };
    assert_eq!(table.total.completeness, counts);
    for handle in [
        valuation.stop_handle(),
        aggregation.stop_handle(),
        holder.stop_handle(),
    ] {
        handle.stop();
    }
}
