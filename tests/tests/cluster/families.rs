//! Messages that make messages: scattered and gathered, submitted by functions, given in parts, and
//! sent where functions say.

use bytes::Bytes;
use palm_highlevel::{
    Call, Client, Config, Failure, FailureKind, Piece, Retry, Running, chained, standalone,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tests::cluster::Cluster;
use tests::gate::Gate;

fn through(cluster: &Cluster, entry: &Running, exit: &Running) -> Client {
    Client::start(entry.address(), Some(exit.address()), cluster.config()).unwrap()
}

/// The numbers below that of the payload.
fn below(call: &Call) -> Result<Vec<Bytes>, Failure> {
    let count = number(call.payload())?;
    Ok((0..count).map(|piece| piece.to_string().into()).collect())
}

fn number(text: &[u8]) -> Result<u64, Failure> {
    let text = String::from_utf8_lossy(text);
    text.parse()
        .map_err(|_| Failure::new(format!("`{text}` is no number")))
}

fn square(call: &Call) -> Result<Bytes, Failure> {
    let number = number(call.payload())?;
    match number {
        13 => Err(Failure::new("thirteen is not squared")),
        number => Ok((number * number).to_string().into()),
    }
}

fn sum(pieces: &[Piece]) -> Result<Bytes, Failure> {
    let mut sum = 0;
    for piece in pieces {
        sum += number(piece.result.as_ref().map_err(Failure::clone)?)?;
    }
    Ok(sum.to_string().into())
}

fn squares(cluster: &Cluster) -> standalone::Master {
    standalone::Master::new("m").config(cluster.config())
}

fn worker(cluster: &Cluster, name: &str, address: &str) -> Running {
    standalone::Worker::new(name)
        .function("square", square)
        .config(cluster.config())
        .connect(address)
        .unwrap()
}

#[test]
fn a_message_is_scattered_among_the_workers_and_gathered() {
    Cluster::on_each(|cluster| {
        let master = squares(cluster)
            .scatter("squares", "square", below)
            .gather("squares", |_: &Call, pieces| sum(&pieces.pieces))
            .bind(&cluster.endpoint())
            .unwrap();
        let _workers = ["a", "b"].map(|name| worker(cluster, name, master.address()));
        let client = cluster.client(master.address());
        let mut job = client.job("m.squares").unwrap();
        for count in [3, 0, 1000, 14, 10] {
            job.submit(count.to_string()).unwrap();
        }
        let endings: Vec<_> = job.in_order().map(|ending| ending.result).collect();
        let ok = |text: &'static str| Ok(Bytes::from(text));
        assert_eq!(
            endings[..3],
            [
                ok("5"),
                ok("0"),
                Err(Failure::new("thirteen is not squared"))
            ]
        );
        assert_eq!(endings[3], Err(Failure::new("thirteen is not squared")));
        assert_eq!(endings[4], ok("285"));
    });
}

#[test]
fn pieces_that_nothing_gathers_are_the_results() {
    Cluster::on_each(|cluster| {
        let master = squares(cluster)
            .scatter("squares", "square", below)
            .bind(&cluster.endpoint())
            .unwrap();
        let _worker = worker(cluster, "a", master.address());
        let client = cluster.client(master.address());
        let mut job = client.job("m.squares").unwrap();
        job.submit("4").unwrap();
        let ending = job.next().unwrap();
        assert_eq!(ending.branches, ["0", "1", "4", "9"]);
        job.submit("0").unwrap();
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(
            failure.message,
            "it was scattered into nothing, and m gathers nothing that could be its result"
        );
        job.submit("x").unwrap();
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.message, "`x` is no number");
    });
}

#[test]
fn what_is_gathered_piece_by_piece_has_a_state_of_its_message() {
    Cluster::on_each(|cluster| {
        let master = squares(cluster)
            .scatter("even", "square", below)
            .gather_each(
                "even",
                || 0u64,
                |sum, call: &Call, piece| {
                    let square = piece.result?;
                    *sum += number(&square)?;
                    if *sum > 1_000_000 {
                        panic!("too much");
                    }
                    if number(&square)? % 2 == 0 {
                        call.give(square);
                    }
                    Ok::<_, Failure>(())
                },
                |sum, _: &Call| Ok(sum.to_string()),
            )
            .threads(2)
            .bind(&cluster.endpoint())
            .unwrap();
        let _workers = ["a", "b"].map(|name| worker(cluster, name, master.address()));
        let client = cluster.client(master.address());
        let mut job = client.job("m.even").unwrap().in_order();
        for count in ["6", "0", "20", "5"] {
            job.submit(count).unwrap();
        }
        let six = job.next().unwrap();
        assert_eq!(six.branches, ["0", "4", "16", "55"]);
        assert_eq!(job.next().unwrap().result.unwrap(), "0");
        // Its thirteenth piece fails, and so does the function that is told of it.
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.message, "thirteen is not squared");
        assert_eq!(job.next().unwrap().branches, ["0", "4", "16", "30"]);
    });
}

#[test]
fn a_panic_poisons_what_is_gathered_of_one_message_alone() {
    Cluster::on_each(|cluster| {
        let master = squares(cluster)
            .scatter("sum", "square", below)
            .gather_each(
                "sum",
                || 0,
                |sum, _: &Call, piece| {
                    *sum += number(&piece.result?)?;
                    assert!(*sum < 100, "{sum} is too much");
                    Ok::<_, Failure>(())
                },
                |sum, _: &Call| Ok(sum.to_string()),
            )
            .bind(&cluster.endpoint())
            .unwrap();
        let _worker = worker(cluster, "a", master.address());
        let client = cluster.client(master.address());
        let failure = client.call("m.sum", "9").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Panic);
        assert_eq!(client.call("m.sum", "4").unwrap(), "14");
    });
}

/// What `m.sum` of a master that tries twice says of 0 + 1 + 4 + 9, where the function that ends it gives
/// `first` the first time that it is called.
fn sum_at_second_try(cluster: &Cluster, first: fn() -> Result<String, Failure>) -> Failure {
    let is_first = AtomicBool::new(true);
    let master = squares(cluster)
        .scatter("sum", "square", below)
        .gather_each(
            "sum",
            || 0,
            |sum, _: &Call, piece| {
                *sum += number(&piece.result?)?;
                Ok::<_, Failure>(())
            },
            move |sum: u64, _: &Call| match is_first.swap(false, Ordering::SeqCst) {
                true => first(),
                false => Ok(sum.to_string()),
            },
        )
        .retry(Retry::new(2))
        .bind(&cluster.endpoint())
        .unwrap();
    let _worker = worker(cluster, "a", master.address());
    let client = cluster.client(master.address());
    let failure = client.call("m.sum", "4").unwrap_err();
    assert_eq!(client.call("m.sum", "4").unwrap(), "14");
    failure
}

#[test]
fn what_was_gathered_is_not_taken_for_nothing_when_it_is_tried_again() {
    Cluster::on_each(|cluster| {
        let failure = sum_at_second_try(cluster, || Err("busy".into()));
        assert_eq!(failure.kind, FailureKind::Function);
        assert_eq!(
            failure.message,
            "what was gathered of it went with an attempt that failed: busy"
        );
        let failure = sum_at_second_try(cluster, || panic!("busy"));
        assert_eq!(failure.kind, FailureKind::Panic);
        assert_eq!(
            failure.message,
            "what was gathered of it was lost in a panic of the function that gathers"
        );
    });
}

#[test]
fn a_server_answers_while_a_state_is_made_that_nobody_waits_for() {
    Cluster::on_each(|cluster| {
        let gate = Gate::default();
        let slow = gate.clone();
        let master = squares(cluster)
            .scatter("sum", "square", below)
            .gather_each(
                "sum",
                move || {
                    slow.pass();
                    0
                },
                |_: &mut u64, _: &Call, _| Ok::<_, Failure>(()),
                |sum, _: &Call| Ok(sum.to_string()),
            )
            .bind(&cluster.endpoint())
            .unwrap();
        let _worker = worker(cluster, "a", master.address());
        let client = cluster.client(master.address());
        let mut job = client.job("m.sum").unwrap();
        job.submit("1").unwrap();
        cluster.until("it is made", || (gate.waiting() == 1).then_some(()));
        job.cancel();
        let answer = client.call_timeout("m.square", "5", cluster.time_left() / 2);
        gate.open();
        assert_eq!(answer.unwrap().unwrap(), "25");
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled);
        assert_eq!(client.call("m.sum", "2").unwrap(), "0");
    });
}

#[test]
fn what_was_gathered_may_panic_when_it_is_forgotten() {
    /// It panics where it is dropped, but for where it has been ended.
    struct Fragile(bool);
    impl Drop for Fragile {
        fn drop(&mut self) {
            assert!(self.0, "it is dropped, though it was not ended");
        }
    }
    Cluster::on_each(|cluster| {
        let gate = Gate::default();
        let (gathered, gathers) = mpsc::channel();
        let master = squares(cluster)
            .scatter("all", "wait", below)
            .gather_each(
                "all",
                || Fragile(false),
                move |_, _: &Call, _| gathered.send(()).map_err(|error| error.to_string()),
                |mut fragile, _: &Call| {
                    fragile.0 = true;
                    Ok("ended")
                },
            )
            .bind(&cluster.endpoint())
            .unwrap();
        let waits = gate.clone();
        let _worker = standalone::Worker::new("a")
            .function("wait", move |call: &Call| {
                if number(call.payload())? > 0 {
                    waits.pass();
                }
                Ok::<_, Failure>("")
            })
            .config(cluster.config())
            .connect(master.address())
            .unwrap();
        let client = cluster.client(master.address());
        let mut job = client.job("m.all").unwrap();
        job.submit("2").unwrap();
        cluster.until("one piece waits", || (gate.waiting() == 1).then_some(()));
        gathers.recv_timeout(cluster.time_left()).unwrap();
        job.cancel();
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled);
        gate.open();
        assert_eq!(client.call("m.all", "2").unwrap(), "ended");
    });
}

/// A tree of two children each; it counts its leaves.
fn fork(call: &Call) -> Result<Bytes, Failure> {
    match number(call.payload())? {
        0 => Ok("1".into()),
        depth => {
            for _ in 0..2 {
                call.submit("fork", (depth - 1).to_string());
            }
            call.then("join");
            Ok(Bytes::from("state"))
        }
    }
}

fn join(call: &Call) -> Result<Bytes, Failure> {
    let pieces = call.pieces()?;
    assert_eq!(pieces.state, "state");
    sum(&pieces.pieces)
}

#[test]
fn tasks_make_tasks() {
    Cluster::on_each(|cluster| {
        let master = squares(cluster).bind(&cluster.endpoint()).unwrap();
        let ids = Arc::new(Mutex::new(BTreeSet::new()));
        let worker = |name: &str| {
            let ids = ids.clone();
            standalone::Worker::new(name)
                .function("fork", move |call: &Call| {
                    ids.lock().unwrap().insert(call.id().clone());
                    fork(call)
                })
                .function("join", join)
                .config(cluster.config())
                .connect(master.address())
                .unwrap()
        };
        let _workers = ["a", "b", "c"].map(worker);
        let client = cluster.client(master.address());
        assert_eq!(client.call("m.fork", "10").unwrap(), "1024");
        assert_eq!(
            ids.lock().unwrap().len(),
            2047,
            "each task has an id of its own"
        );
        assert_eq!(client.call("m.fork", "0").unwrap(), "1");
        let failure = client.call("m.join", "10").unwrap_err();
        assert_eq!(
            failure.message,
            "`join` goes on where another function has submitted messages, and can't be called \
             otherwise"
        );
    });
}

#[test]
fn a_serial_server_makes_tasks_for_itself() {
    Cluster::on_each(|cluster| {
        let server = standalone::Server::new("s")
            .function("fork", fork)
            .function("join", join)
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let client = cluster.client(server.address());
        assert_eq!(client.call("s.fork", "6").unwrap(), "64");
    });
}

#[test]
fn tasks_without_end_are_stopped_by_the_budget() {
    Cluster::on_each(|cluster| {
        let config = Config {
            descendants: 100,
            ..cluster.config()
        };
        let server = standalone::Server::new("s")
            .function("on", |call: &Call| {
                call.submit("on", "");
                call.submit("on", "");
                Ok::<_, Failure>("")
            })
            .function("deep", |call: &Call| {
                call.submit("deep", "");
                Ok::<_, Failure>("")
            })
            .function("fork", fork)
            .function("join", join)
            .config(config)
            .bind(&cluster.endpoint())
            .unwrap();
        let client = cluster.client(server.address());
        for endless in ["s.on", "s.deep"] {
            let failure = client.call(endless, "").unwrap_err();
            assert_eq!(failure.kind, FailureKind::TooLarge);
            assert_eq!(
                failure.message,
                "more than 100 messages came of it at s: see Config::descendants"
            );
        }
        assert_eq!(client.call("s.fork", "5").unwrap(), "32");
        assert_eq!(server.counts().unfinished, 0);
    });
}

#[test]
fn a_continuation_may_fail_or_be_missing() {
    Cluster::on_each(|cluster| {
        let submit = |then: &'static str| {
            move |call: &Call| {
                call.submit("square", "3");
                call.then(then);
                Ok::<_, Failure>("")
            }
        };
        let server = standalone::Server::new("s")
            .function("square", square)
            .function("fails", submit("fail"))
            .function("misses", submit("nothing"))
            .function("fail", |call: &Call| {
                let squares = call.pieces()?;
                Err::<Bytes, _>(Failure::new(format!("{:?} won't do", squares.results()?)))
            })
            .function("both", |call: &Call| {
                call.submit("square", "3");
                call.submit("square", "13");
                Ok::<_, Failure>("both are done")
            })
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let client = cluster.client(server.address());
        let failure = client.call("s.fails", "").unwrap_err();
        assert_eq!(failure.message, "[b\"9\"] won't do");
        let failure = client.call("s.misses", "").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unknown);
        assert!(
            failure
                .message
                .starts_with("s has no function `nothing`; it has ")
        );
        let failure = client.call("s.both", "").unwrap_err();
        assert_eq!(failure.message, "thirteen is not squared");
    });
}

#[test]
fn pieces_that_never_come_end_with_the_deadline_of_the_message() {
    Cluster::on_each(|cluster| {
        let gate = Gate::default();
        let master = squares(cluster)
            .scatter("squares", "wait", below)
            .gather("squares", |_: &Call, pieces| sum(&pieces.pieces))
            .bind(&cluster.endpoint())
            .unwrap();
        let started = Arc::new(AtomicU32::new(0));
        let waits = {
            let (gate, started) = (gate.clone(), started.clone());
            move |_: &Call| {
                started.fetch_add(1, Ordering::Relaxed);
                gate.pass();
                Ok::<_, Failure>("0")
            }
        };
        let _worker = standalone::Worker::new("a")
            .function("wait", waits)
            .config(cluster.config())
            .connect(master.address())
            .unwrap();
        let client = cluster.client(master.address());
        let mut job = client.job("m.squares").unwrap();
        job.set_deadline(Some(Duration::from_millis(300)));
        job.submit("5").unwrap();
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Expired);
        gate.open();
        cluster.until("nothing is left of it", || {
            (master.counts().unfinished == 0).then_some(())
        });
        // One ran, and the next one was ready; nobody waits for the others.
        assert!(started.load(Ordering::Relaxed) <= 2);
    });
}

#[test]
fn results_given_in_parts_go_on_one_by_one() {
    Cluster::on_each(|cluster| {
        let last = chained::LastServer::new("last")
            .function("square", square)
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let first = chained::Server::new("first")
            .function("split", |call: &Call| {
                let mut pieces = below(call)?;
                let last = pieces.pop().ok_or("nothing to split")?;
                pieces.into_iter().for_each(|piece| call.give(piece));
                Ok::<_, Failure>(last)
            })
            .next("last.square", last.address())
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let client = through(cluster, &first, &last);
        let mut job = client.job("first.split").unwrap().in_order();
        for count in ["300", "1", "4", "0"] {
            job.submit(count).unwrap();
        }
        // One of its parts fails.
        assert!(job.next().unwrap().result.is_err());
        assert_eq!(job.next().unwrap().result.unwrap(), "0");
        assert_eq!(job.next().unwrap().branches, ["0", "1", "4", "9"]);
        assert_eq!(
            job.next().unwrap().result.unwrap_err().message,
            "nothing to split"
        );
        cluster.until("all is settled", || {
            (first.counts().unfinished == 0).then_some(())
        });
    });
}

#[test]
fn functions_choose_where_their_results_go() {
    Cluster::on_each(|cluster| {
        let mark = |mark: &'static str| {
            move |call: &Call| Ok::<_, Failure>([call.payload(), mark.as_bytes()].concat())
        };
        let last = chained::LastServer::new("last")
            .function("end", mark("!"))
            .function("ask", mark("?"))
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let middle = chained::Server::new("middle")
            .function("pass", mark("-"))
            .next("last.end", last.address())
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let first = chained::Server::new("first")
            .function("go", |call: &Call| {
                let text = String::from_utf8_lossy(call.payload()).into_owned();
                call.route(&text);
                Ok::<_, Failure>("x")
            })
            .next("middle.pass", middle.address())
            .next_if("last.end", last.address(), |_| false)
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let client = through(cluster, &first, &last);
        let call = |route: &'static str| client.call("first.go", route);
        assert_eq!(call("middle.pass").unwrap(), "x-!");
        assert_eq!(call("middle.pass last.ask").unwrap(), "x-?");
        assert_eq!(call("last.ask").unwrap(), "x?");
        assert_eq!(
            call("nobody.ask").unwrap_err().message,
            "a function chose `nobody.ask` as the next step, but next to first are middle, last"
        );
        assert_eq!(
            call("last.").unwrap_err().message,
            "`last.` names no function: write `server.function`"
        );
    });
}
