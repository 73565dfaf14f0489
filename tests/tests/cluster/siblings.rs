//! Messages that one function submits in a row, which workers are given as one: whatever becomes of
//! one of them, the others are as if they had been alone.

use bytes::Bytes;
use palm_highlevel::{Call, Config, ErrorKind, Failure, FailureKind, Pieces, Running, standalone};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::cluster::Cluster;
use tests::gate::Gate;

const PIECES: u64 = 1_000;

fn number(call: &Call) -> u64 {
    let text = String::from_utf8_lossy(call.payload());
    text.parse().unwrap()
}

/// A master whose function `all` has its workers do `each` for the numbers below [`PIECES`], and
/// gives back how these have ended, one a line.
fn master(cluster: &Cluster) -> Running {
    standalone::Master::new("m")
        .config(cluster.config())
        .scatter("all", "each", |_: &Call| {
            Ok::<_, Failure>((0..PIECES).map(|piece| piece.to_string()))
        })
        .gather("all", |_: &Call, Pieces { pieces, .. }| {
            let lines = pieces.into_iter().map(|piece| match piece.result {
                Ok(result) => String::from_utf8_lossy(&result).into_owned(),
                Err(failure) => failure.message,
            });
            Ok::<_, Failure>(lines.collect::<Vec<_>>().join("\n"))
        })
        .bind(&cluster.endpoint())
        .unwrap()
}

fn worker(
    cluster: &Cluster,
    name: &str,
    each: impl Fn(&Call) -> Result<Bytes, Failure> + Send + Sync + 'static,
) -> standalone::Worker {
    standalone::Worker::new(name)
        .config(cluster.config())
        .function("each", each)
}

fn lines(result: &Bytes) -> Vec<String> {
    let text = String::from_utf8_lossy(result);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn each_of_them_ends_in_its_own_way() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let each = |call: &Call| match number(call) {
            piece if piece % 97 == 1 => panic!("{piece}"),
            piece if piece % 31 == 1 => Err(Failure::new(format!("not {piece}"))),
            piece if piece % 23 == 1 => {
                call.submit("twice", piece.to_string());
                call.submit("twice", format!("1{piece}"));
                call.then("both");
                Ok(Bytes::new())
            }
            piece => Ok(format!("{} {piece}", call.id().path).into()),
        };
        let workers = ["a", "b"].map(|name| {
            worker(cluster, name, each)
                .function("twice", |call: &Call| {
                    Ok::<_, Failure>((2 * number(call)).to_string())
                })
                .function("both", |call: &Call| {
                    let pieces = call.pieces()?;
                    let both: Vec<_> = pieces.results()?.into_iter().map(|of| &of[..]).collect();
                    Ok::<_, Failure>(both.join(&b"+"[..]))
                })
                .connect(master.address())
                .unwrap()
        });
        let client = cluster.client(master.address());
        for _ in 0..3 {
            let ended = lines(&client.call("m.all", "").unwrap());
            assert_eq!(ended.len() as u64, PIECES);
            for (piece, ended) in (0..PIECES).zip(ended) {
                let expected = match piece {
                    piece if piece % 97 == 1 => {
                        format!("the function `each` panicked: {piece}")
                    }
                    piece if piece % 31 == 1 => format!("not {piece}"),
                    piece if piece % 23 == 1 => {
                        format!(
                            "{}+{}",
                            2 * piece,
                            2 * format!("1{piece}").parse::<u64>().unwrap()
                        )
                    }
                    piece => format!(".{piece} {piece}"),
                };
                assert_eq!(ended, expected, "{piece}");
            }
        }
        let received: u64 = workers.iter().map(|worker| worker.counts().received).sum();
        assert!(
            received < 3 * PIECES,
            "each has travelled alone: {received}"
        );
    });
}

#[test]
fn none_is_executed_twice_if_some_take_long() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let executed = Arc::new(AtomicU64::new(0));
        let each = {
            let executed = executed.clone();
            move |call: &Call| {
                executed.fetch_add(1, SeqCst);
                if number(call) % 50 == 49 {
                    // Longer than siblings may take in all.
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(call.payload().clone())
            }
        };
        let _workers = ["a", "b"].map(|name| {
            let worker = worker(cluster, name, each.clone());
            worker.connect(master.address()).unwrap()
        });
        let client = cluster.client(master.address());
        for round in 1..=3 {
            let ended = lines(&client.call("m.all", "").unwrap());
            let expected: Vec<_> = (0..PIECES).map(|piece| piece.to_string()).collect();
            assert_eq!(ended, expected);
            assert_eq!(executed.load(SeqCst), round * PIECES);
        }
    });
}

#[test]
fn those_behind_one_that_nobody_waits_for_are_not_executed() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let (gate, executed) = (Gate::default(), Arc::new(AtomicU64::new(0)));
        let waits = Arc::new(Mutex::new(None));
        let each = {
            let (gate, executed, waits) = (gate.clone(), executed.clone(), waits.clone());
            move |call: &Call| {
                executed.fetch_add(1, SeqCst);
                if waits.lock().unwrap().as_deref() == Some(&call.payload()[..]) {
                    gate.pass();
                    while !call.is_cancelled() {
                        std::thread::yield_now();
                    }
                }
                Ok(call.payload().clone())
            }
        };
        let worker = worker(cluster, "a", each);
        let _worker = worker.connect(master.address()).unwrap();
        let client = cluster.client(master.address());
        // Its pace is known from now on.
        client.call("m.all", "").unwrap();
        executed.store(0, SeqCst);
        *waits.lock().unwrap() = Some(b"0".to_vec());
        let mut job = client.job("m.all").unwrap();
        job.submit("").unwrap();
        cluster.until("the first one has begun", || {
            (gate.waiting() == 1).then_some(())
        });
        job.cancel();
        let failure = job.next().unwrap().result.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Cancelled);
        gate.open();
        *waits.lock().unwrap() = None;
        assert_eq!(
            lines(&client.call("m.all", "").unwrap()).len() as u64,
            PIECES
        );
        // Those that are ready for the thread when it is told are executed all the same.
        let executed = executed.load(SeqCst) - PIECES;
        assert!((1..PIECES).contains(&executed), "{executed}");
    });
}

#[test]
fn one_that_workers_hang_on_is_a_dead_letter_and_no_other() {
    Cluster::on_each(|cluster| {
        let master = master(cluster);
        let (gate, hangs) = (Gate::default(), Arc::new(AtomicU64::new(u64::MAX)));
        let config = Config {
            drain: Duration::from_millis(10),
            ..cluster.config()
        };
        let hire = |name: String| {
            let (gate, hangs) = (gate.clone(), hangs.clone());
            let each = move |call: &Call| {
                if hangs.load(SeqCst) == number(call) {
                    gate.pass();
                }
                Ok(call.payload().clone())
            };
            worker(cluster, &name, each)
                .lease("each", Duration::from_millis(200))
                .config(config.clone())
                .connect(master.address())
                .unwrap()
        };
        let client = cluster.client(master.address());
        let mut worker = hire("w0".to_owned());
        client.call("m.all", "").unwrap();
        hangs.store(150, SeqCst);
        let mut job = client.job("m.all").unwrap();
        job.submit("").unwrap();
        let mut workers = 1;
        let result = loop {
            if let Some(ending) = job.next_timeout(Duration::from_millis(10)) {
                break ending.result.unwrap();
            }
            if worker.is_finished() {
                let next = hire(format!("w{workers}"));
                let error = std::mem::replace(&mut worker, next).join().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Lease);
                workers += 1;
            }
        };
        gate.open();
        for (piece, ended) in lines(&result).into_iter().enumerate() {
            match piece {
                150 => assert!(ended.contains("given up after"), "{ended}"),
                piece => assert_eq!(ended, piece.to_string()),
            }
        }
        let letters = master.dead_letters();
        let payloads: Vec<_> = letters.iter().map(|letter| &letter.payload[..]).collect();
        assert_eq!(payloads, [b"150"]);
    });
}
