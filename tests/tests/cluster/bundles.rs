//! Messages that travel as one, as brief functions of a serial server take them.

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::{Call, Client, Failure, FailureKind, Running, chained, standalone};
use std::time::Duration;
use tests::cluster::Cluster;
use tests::gate::Gate;
use tests::work::encoded;

const MESSAGES: u64 = 20_000;

/// The client learns that the server takes bundles, and the server how brief its functions are.
fn warm_up(client: &Client, function: &str) {
    let mut job = client.job(function).unwrap();
    for _ in 0..200 {
        job.submit(encoded(&0u64)).unwrap();
    }
    for ending in job {
        ending.result.unwrap();
    }
}

fn decoded(payload: &Bytes) -> u64 {
    codec::decode(payload).unwrap()
}

fn number(call: &Call) -> u64 {
    decoded(call.payload())
}

/// A client that sends to one server and hears from another.
fn client_through(cluster: &Cluster, entry: &Running, exit: &Running) -> Client {
    let (entry, exit) = (entry.address(), Some(exit.address()));
    Client::start(entry, exit, cluster.config()).unwrap()
}

#[test]
fn each_message_ends_by_itself() {
    Cluster::on_each(|cluster| {
        let config = || cluster.config();
        let last = chained::LastServer::new("last")
            .function("double", |call: &Call| {
                Ok::<_, Failure>(encoded(&(2 * number(call))))
            })
            .config(config())
            .bind(&cluster.endpoint())
            .unwrap();
        let first = chained::Server::new("first")
            .function("look", |call: &Call| match number(call) {
                n if n % 97 == 13 => Err(Failure::new(format!("{n} is refused"))),
                n if n % 89 == 7 => panic!("{n}"),
                n if n % 83 == 5 => {
                    call.give(encoded(&(n + 1)));
                    Ok(encoded(&(n + 2)))
                }
                n if n % 79 == 3 => {
                    call.submit("third", encoded(&(n / 3)));
                    call.then("sum");
                    Ok(Bytes::new())
                }
                n if n % 73 == 2 => {
                    call.route("last.double");
                    Ok(encoded(&(n + 3)))
                }
                n => Ok(encoded(&n)),
            })
            .function("third", |call: &Call| {
                Ok::<_, Failure>(call.payload().clone())
            })
            .function("sum", |call: &Call| {
                let pieces = call.pieces()?;
                let each = pieces.results()?;
                Ok::<_, Failure>(each[0].clone())
            })
            .next("last.double", last.address())
            .config(config())
            .bind(&cluster.endpoint())
            .unwrap();
        let client = client_through(cluster, &first, &last);
        warm_up(&client, "first.look");
        let mut job = client.job("first.look").unwrap();
        for number in 0..MESSAGES {
            job.submit(encoded(&number)).unwrap();
        }
        let mut branches = 0;
        for _ in 0..MESSAGES {
            let ending = job.next_timeout(cluster.time_left()).unwrap();
            let n = ending.index;
            branches += ending.branches.len();
            match ending.result {
                Err(failure) if n % 97 == 13 => {
                    assert_eq!(failure.kind, FailureKind::Function);
                    assert_eq!(failure.message, format!("{n} is refused"));
                }
                Err(failure) => {
                    assert_eq!((failure.kind, n % 89), (FailureKind::Panic, 7), "{n}");
                }
                Ok(result) => {
                    let input = match n {
                        n if n % 83 == 5 => n + 1,
                        n if n % 79 == 3 => n / 3,
                        n if n % 73 == 2 => n + 3,
                        n => n,
                    };
                    assert_eq!(decoded(&result), 2 * input, "message {n}");
                }
            }
        }
        assert!(job.next().is_none());
        assert!(branches > 400, "{branches}");
    });
}

#[test]
fn a_tee_takes_bundles_apart_only_for_its_filters() {
    Cluster::on_each(|cluster| {
        let echo = |call: &Call| Ok::<_, Failure>(call.payload().clone());
        let config = || cluster.config();
        let sink = chained::Sink::new("sink").function("echo", echo);
        let sink = sink.config(config()).bind(&cluster.endpoint()).unwrap();
        let half = |name: &str| {
            let server = chained::Server::new(name).function("echo", echo);
            let server = server.next("sink.echo", sink.address()).config(config());
            server.bind(&cluster.endpoint()).unwrap()
        };
        let (left, right) = (half("left"), half("right"));
        let tee = |name: &str, filtered: bool| -> Running {
            let server = chained::Server::new(name)
                .function("echo", echo)
                .config(config());
            let server = match filtered {
                true => server
                    .next_if("left.echo", left.address(), |n| n[0] % 2 == 0)
                    .next_if("right.echo", right.address(), |n| n[0] % 2 == 1),
                false => server
                    .next("left.echo", left.address())
                    .next("right.echo", right.address()),
            };
            server.bind(&cluster.endpoint()).unwrap()
        };
        for (tee, branches) in [(tee("both", false), 2), (tee("one", true), 0)] {
            let client = client_through(cluster, &tee, &sink);
            let mut job = client.job("echo").unwrap();
            // The first ones are single messages.
            for number in 0..MESSAGES {
                job.submit(encoded(&number)).unwrap();
            }
            for _ in 0..MESSAGES {
                let ending = job.next_timeout(cluster.time_left()).unwrap();
                assert_eq!(ending.result, Ok(encoded(&ending.index)));
                assert_eq!(ending.branches.len(), branches);
            }
        }
    });
}

/// A server whose function `wait` lets all pass but one message, which waits at the gate.
fn gated(cluster: &Cluster, gate: &Gate, waits: u64, lease: Duration) -> Running {
    let gate = gate.clone();
    let wait = move |call: &Call| {
        if number(call) == waits {
            gate.pass();
        }
        Ok::<_, Failure>(call.payload().clone())
    };
    let server = standalone::Server::new("server").function("wait", wait);
    let server = server.lease("wait", lease).config(cluster.config());
    server.bind(&cluster.endpoint()).unwrap()
}

const LEASE: Duration = Duration::from_secs(30);

#[test]
fn what_ends_before_one_that_takes_long_is_given_out_before() {
    Cluster::on_each(|cluster| {
        let gate = Gate::default();
        let server = gated(cluster, &gate, 40, LEASE);
        let client = cluster.client(server.address());
        warm_up(&client, "server.wait");
        let mut job = client.job("server.wait").unwrap();
        for number in 0..60u64 {
            job.submit(encoded(&number)).unwrap();
        }
        let mut taken = cluster.take(&mut job, 40);
        assert!(taken.iter().all(|(index, _)| *index < 40));
        gate.open();
        taken.extend(cluster.take(&mut job, 20));
        cluster.check(job, taken, |index| Ok(encoded(&index)));
    });
}

#[test]
fn one_that_hangs_ends_alone() {
    Cluster::on_each(|cluster| {
        let gate = Gate::default();
        let server = gated(cluster, &gate, 40, Duration::from_millis(300));
        let client = cluster.client(server.address());
        warm_up(&client, "server.wait");
        let mut job = client.job("server.wait").unwrap();
        for number in 0..200u64 {
            job.submit(encoded(&number)).unwrap();
        }
        let taken = cluster.take(&mut job, 200);
        gate.open();
        let kind = |result: Result<Bytes, Failure>| result.map_err(|failure| failure.kind);
        for (index, result) in taken {
            match index {
                40 => assert_eq!(kind(result), Err(FailureKind::Lease)),
                _ => assert_eq!(result, Ok(encoded(&index))),
            }
        }
    });
}

#[test]
fn those_of_one_job_are_cancelled() {
    Cluster::on_each(|cluster| {
        let gate = Gate::default();
        let server = gated(cluster, &gate, 40, LEASE);
        let client = cluster.client(server.address());
        warm_up(&client, "server.wait");
        let mut job = client.job("server.wait").unwrap();
        let mut other = client.job("server.wait").unwrap();
        for number in 0..1000u64 {
            job.submit(encoded(&number)).unwrap();
            if number % 50 == 0 {
                other.submit(encoded(&(1000 + number))).unwrap();
            }
        }
        let mut taken = cluster.take(&mut job, 40);
        job.cancel();
        taken.extend(cluster.take(&mut job, 960));
        gate.open();
        for (index, result) in taken {
            match index {
                0..40 => assert_eq!(result, Ok(encoded(&index))),
                _ => assert_eq!(result.unwrap_err().kind, FailureKind::Cancelled),
            }
        }
        cluster.check(other, Vec::new(), |index| Ok(encoded(&(1000 + 50 * index))));
    });
}
