use bytes::Bytes;
use palm_highlevel::{
    Call, Client, Config, ErrorKind, Failure, FailureKind, Running, chained, standalone,
};
use palm_persist::SledStore;
use std::time::Duration;
use tests::cluster::{Cluster, Transport, end};

/// A function that appends `text`, and fails for what begins with `no `.
fn append(text: &'static str) -> impl Fn(&Call) -> Result<Bytes, Failure> {
    move |call| {
        let payload = call.payload();
        match payload.strip_prefix(b"no ") {
            Some(whom) if whom == text.trim().as_bytes() => {
                Err(Failure::new(format!("{} takes nothing", text.trim())))
            }
            _ => Ok([payload, text.as_bytes()].concat().into()),
        }
    }
}

/// A serial server `name` whose function `append` appends its name, and its next ones.
fn server(cluster: &Cluster, name: &'static str, nexts: &[(&str, &str)]) -> chained::Server {
    let text: &'static str = Box::leak(format!(" {name}").into_boxed_str());
    let server = chained::Server::new(name)
        .function("append", append(text))
        .config(cluster.config());
    nexts.iter().fold(server, |server, (name, address)| {
        server.next(&format!("{name}.append"), address)
    })
}

fn sink(cluster: &Cluster) -> chained::Sink {
    let collect = |call: &Call| {
        let path = call.message().id.path.to_string();
        Ok::<_, Failure>([call.payload(), &b" sink"[..], path.as_bytes()].concat())
    };
    chained::Sink::new("sink")
        .function("append", collect)
        .config(cluster.config())
}

/// A tee in front of two servers, and a sink behind them.
struct Diamond {
    tee: Running,
    left: Running,
    right: Running,
    sink: Running,
}

impl Diamond {
    fn start(cluster: &Cluster) -> Diamond {
        let bind = |server: chained::Server| server.bind(&cluster.endpoint()).unwrap();
        let sink = sink(cluster).bind(&cluster.endpoint()).unwrap();
        let onward = [("sink", sink.address())];
        let left = bind(server(cluster, "left", &onward));
        let right = bind(server(cluster, "right", &onward));
        let nexts = [("left", left.address()), ("right", right.address())];
        Diamond {
            tee: bind(server(cluster, "tee", &nexts)),
            left,
            right,
            sink,
        }
    }

    /// Waits until the sink says that it has received so many messages, and no more.
    fn sink_has_received(&self, cluster: &Cluster, messages: u64) {
        let received = cluster.until("what the sink received", || {
            let received = self.sink.counts().received;
            (received >= messages).then_some(received)
        });
        assert_eq!(received, messages);
    }

    fn client(&self, cluster: &Cluster) -> Client {
        let exit = Some(self.sink.address());
        Client::start(self.tee.address(), exit, cluster.config()).unwrap()
    }
}

#[test]
fn three_servers_in_a_row_one_of_them_with_workers() {
    Cluster::on_each(|cluster| {
        let last = sink(cluster).bind(&cluster.endpoint()).unwrap();
        let middle = chained::Master::new("middle")
            .next("sink.append", last.address())
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let first = server(cluster, "first", &[("middle", middle.address())]);
        let first = first.bind(&cluster.endpoint()).unwrap();
        let _workers = ["one", "two"].map(|name| {
            let worker = standalone::Worker::new(name).function("append", append(" middle"));
            let worker = worker.config(cluster.config());
            worker.connect(middle.address()).unwrap()
        });
        let exit = Some(last.address());
        let client = Client::start(first.address(), exit, cluster.config()).unwrap();
        let mut job = client.job("first.append").unwrap();
        for number in 0..2_000u64 {
            job.submit(number.to_string()).unwrap();
        }
        job.submit("no first").unwrap();
        job.submit("no middle").unwrap();
        cluster.check(job, Vec::new(), |index| match index {
            2_000 => Err("first takes nothing".into()),
            // By then it begins with what the first made of it.
            2_001 => Ok("no middle first middle sink".into()),
            _ => Ok(format!("{index} first middle sink").into()),
        });
    });
}

#[test]
fn a_message_has_ended_once_all_its_branches_have() {
    Cluster::on_each(|cluster| {
        let diamond = Diamond::start(cluster);
        let client = diamond.client(cluster);
        let mut job = client.job("tee.append").unwrap();
        for number in 0..2_000u64 {
            job.submit(number.to_string()).unwrap();
        }
        let mut ended = vec![false; 2_000];
        for _ in 0..2_000 {
            let ending = job.next_timeout(cluster.time_left()).unwrap();
            let index = ending.index;
            let branch = |name, path| Bytes::from(format!("{index} tee {name} sink{path}"));
            let branches = [branch("left", ".0"), branch("right", ".1")];
            assert_eq!(ending.branches, branches);
            assert_eq!(ending.result.as_ref(), Ok(&branches[0]));
            assert!(!std::mem::replace(&mut ended[index as usize], true));
        }
        assert!(job.next().is_none());
        diamond.sink_has_received(cluster, 4_000);
    });
}

#[test]
fn a_failure_before_a_tee_and_one_behind_it_are_endings() {
    Cluster::on_each(|cluster| {
        let diamond = Diamond::start(cluster);
        let client = diamond.client(cluster);
        let failure = client.call("tee.append", "no tee").unwrap_err();
        assert_eq!(failure, Failure::new("tee takes nothing"));
        // Undivided.
        diamond.sink_has_received(cluster, 1);
        let failure = client.call("tee.nothing", "x").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unknown);

        let choosy = |name: &'static str, nexts: &[(&str, &str)]| {
            let server = chained::Server::new(name).function("append", move |call: &Call| {
                match &call.payload()[..] {
                    b"odd" if name == "even" => Err(Failure::new("it is odd")),
                    payload => Ok(Bytes::copy_from_slice(payload)),
                }
            });
            let server = server.config(cluster.config());
            nexts.iter().fold(server, |server, (name, address)| {
                server.next(&format!("{name}.append"), address)
            })
        };
        let onward = [("sink", diamond.sink.address())];
        let [even, any] = ["even", "any"].map(|name| {
            let server = choosy(name, &onward);
            server.bind(&cluster.endpoint()).unwrap()
        });
        let nexts = [("even", even.address()), ("any", any.address())];
        let tee = choosy("choice", &nexts).bind(&cluster.endpoint()).unwrap();
        let exit = Some(diamond.sink.address());
        let client = Client::start(tee.address(), exit, cluster.config()).unwrap();
        let mut job = client.job("choice.append").unwrap();
        for index in 0..1_000 {
            job.submit(["even", "odd"][index % 2]).unwrap();
        }
        cluster.check(job, Vec::new(), |index| match index % 2 {
            0 => Ok("even sink.0".into()),
            _ => Err("it is odd".into()),
        });
    });
}

#[test]
fn each_message_goes_where_a_filter_takes_it() {
    Cluster::on_each(|cluster| {
        let diamond = Diamond::start(cluster);
        let last = |payload: &[u8]| payload.last().map_or(0, |digit| digit - b'0');
        let tee = chained::Server::new("choose")
            .function("any", |call: &Call| {
                Ok::<_, Failure>(call.payload().clone())
            })
            .next_if("left.append", diamond.left.address(), move |payload| {
                last(payload) % 2 == 0
            })
            .next_if("right.append", diamond.right.address(), move |payload| {
                last(payload) % 3 == 0
            })
            .config(cluster.config())
            .bind(&cluster.endpoint())
            .unwrap();
        let exit = Some(diamond.sink.address());
        let client = Client::start(tee.address(), exit, cluster.config()).unwrap();
        let mut job = client.job("choose.any").unwrap();
        for number in 0..10 {
            job.submit(number.to_string()).unwrap();
        }
        for _ in 0..10 {
            let ending = job.next_timeout(cluster.time_left()).unwrap();
            let index = ending.index;
            let (result, branches) = match (index % 2, index % 3) {
                (0, 0) => (Ok(format!("{index} left sink.0").into()), 2),
                (0, _) => (Ok(format!("{index} left sink").into()), 0),
                (_, 0) => (Ok(format!("{index} right sink").into()), 0),
                _ => {
                    let message = "no server that is next to choose takes the result";
                    (Err(Failure::of(FailureKind::Unknown, message)), 0)
                }
            };
            assert_eq!((ending.result, ending.branches.len()), (result, branches));
        }
    });
}

#[test]
fn tees_behind_tees_split_further() {
    let cluster = Cluster::start(Transport::Inproc);
    let diamond = Diamond::start(&cluster);
    let nexts = [
        ("tee", diamond.tee.address()),
        ("left", diamond.left.address()),
        ("right", diamond.right.address()),
    ];
    let root = server(&cluster, "root", &nexts);
    let root = root.bind(&cluster.endpoint()).unwrap();
    let exit = Some(diamond.sink.address());
    let client = Client::start(root.address(), exit, cluster.config()).unwrap();
    let mut job = client.job("root.append").unwrap();
    job.submit("x").unwrap();
    let ending = job.next_timeout(cluster.time_left()).unwrap();
    let expected = [
        "x root tee left sink.0.0",
        "x root tee right sink.0.1",
        "x root left sink.1",
        "x root right sink.2",
    ];
    assert_eq!(ending.branches, expected);
}

#[test]
fn what_waits_for_a_silent_input_of_a_sink_holds_up_nothing_else() {
    Cluster::on_each(|cluster| {
        let sink = sink(cluster).bind(&cluster.endpoint()).unwrap();
        let onward = [("sink", sink.address())];
        let left = server(cluster, "left", &onward);
        let left = left.bind(&cluster.endpoint()).unwrap();
        let silent = cluster.nobodys();
        let nexts = [("left", left.address()), ("right", silent.as_str())];
        let tee = server(cluster, "tee", &nexts);
        let tee = tee.bind(&cluster.endpoint()).unwrap();
        let start = |entry: &str| {
            let exit = Some(sink.address());
            Client::start(entry, exit, cluster.config()).unwrap()
        };
        let client = start(tee.address());
        let mut job = client.job("tee.append").unwrap();
        job.set_deadline(Some(Duration::from_millis(300)));
        for _ in 0..100 {
            job.submit("x").unwrap();
        }
        let other = start(left.address());
        assert_eq!(other.call("left.append", "y").unwrap(), "y left sink");
        cluster.check(job, Vec::new(), |_| {
            let message = "its deadline has passed";
            Err(Failure::of(FailureKind::Expired, message))
        });

        // It comes, and what is new ends.
        let right = server(cluster, "right", &onward);
        let _right = right.bind(&silent).unwrap();
        assert_eq!(client.call("tee.append", "z").unwrap(), "z tee left sink.0");
    });
}

#[test]
fn servers_that_lead_in_a_circle_end_what_goes_around() {
    Cluster::on_each(|cluster| {
        let [one, two] = [cluster.nobodys(), cluster.nobodys()];
        let echo = |call: &Call| Ok::<_, Failure>(call.payload().clone());
        let bind = |name: &str, next: &str, address: &str, to: &str| {
            chained::Server::new(name)
                .function("echo", echo)
                .next(next, to)
                .config(cluster.config())
                .bind(address)
                .unwrap()
        };
        let first = bind("one", "two.echo", &one, &two);
        let _second = bind("two", "one.echo", &two, &one);
        let clients = [
            cluster.client(&one),
            Client::start(&one, Some(&two), cluster.config()).unwrap(),
        ];
        for client in &clients {
            let failure = client.call("one.echo", "x").unwrap_err();
            let message = "two passes nothing on that has been through 64 functions, the last of \
                 them one.echo, two.echo, one.echo, two.echo: let one of these servers be the last";
            assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
        }
        let mut job = clients[0].job("one.echo").unwrap();
        for _ in 0..20 {
            job.submit("x").unwrap();
        }
        job.cancel();
        for _ in 0..20 {
            let ending = job.next_timeout(cluster.time_left()).unwrap();
            assert!(ending.result.is_err());
        }
        cluster.until("nothing goes around any more", || {
            (first.counts().unfinished == 0).then_some(())
        });
    });
}

#[test]
fn a_tee_in_a_circle_splits_only_so_often() {
    let cluster = Cluster::start(Transport::Inproc);
    let [tee, one, two] = [cluster.nobodys(), cluster.nobodys(), cluster.nobodys()];
    let nexts = [("one", one.as_str()), ("two", two.as_str())];
    let back = [("tee", tee.as_str())];
    let _tee = server(&cluster, "tee", &nexts).bind(&tee).unwrap();
    let _one = server(&cluster, "one", &back).bind(&one).unwrap();
    let _two = server(&cluster, "two", &back).bind(&two).unwrap();
    let failure = cluster.client(&tee).call("tee.append", "x").unwrap_err();
    let message = "tee splits nothing into more than 4096 branches";
    assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
}

#[test]
fn a_step_that_names_one_of_two_branches_is_unknown() {
    let cluster = Cluster::start(Transport::Tcp);
    let diamond = Diamond::start(&cluster);
    let client = diamond.client(&cluster);
    let left = "tee.append left.append sink.append";
    let failure = client.call(left, "x").unwrap_err();
    let message = "`left.append` was sent to the server right: check the name or the address";
    assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
    // An empty name is whichever server the message reaches.
    let back = client.call("tee.append append sink.append", "x").unwrap();
    assert_eq!(back, "x tee left sink.0");
}

#[test]
fn a_job_that_may_outlast_its_client_takes_no_tee() {
    let cluster = Cluster::start(Transport::Tcp);
    let diamond = Diamond::start(&cluster);
    let config = Config {
        session: Some("evening".into()),
        ..cluster.config()
    };
    let exit = Some(diamond.sink.address());
    let client = Client::start(diamond.tee.address(), exit, config).unwrap();
    let mut job = client.resume("job", "tee.append").unwrap();
    job.submit_at(0, "x").unwrap();
    let ending = job.next_timeout(cluster.time_left()).unwrap();
    let failure = ending.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unknown);
    assert!(failure.message.contains("a tee has split it"), "{failure}");
}

#[test]
fn what_no_next_server_can_be_made_of_is_refused() {
    let cluster = Cluster::start(Transport::Tcp);
    let refusal = |server: chained::Server| {
        let error = server.bind("tcp://127.0.0.1:*").unwrap_err();
        (error.kind(), error.to_string())
    };
    assert_eq!(
        refusal(server(&cluster, "alone", &[])),
        (
            ErrorKind::Config,
            "a chained server has no next one: name it with `next`, or take a server of `standalone`"
                .into()
        )
    );
    let twice = [("a", "tcp://127.0.0.1:1"), ("b", "tcp://127.0.0.1:1")];
    assert_eq!(
        refusal(server(&cluster, "twice", &twice)),
        (
            ErrorKind::Config,
            "the server at tcp://127.0.0.1:1 is next twice: name it once".into()
        )
    );
    let (_, message) = refusal(server(&cluster, "bad", &[("a", "nowhere")]));
    assert!(message.contains("nowhere"), "{message}");
    let addresses: Vec<String> = (1..=65)
        .map(|port| format!("tcp://127.0.0.1:{port}"))
        .collect();
    let many: Vec<_> = addresses
        .iter()
        .map(|address| ("a", address.as_str()))
        .collect();
    let (kind, message) = refusal(server(&cluster, "many", &many));
    assert_eq!(kind, ErrorKind::Config);
    assert!(
        message.contains("65 next ones, and 64 at most"),
        "{message}"
    );
}

/// All servers of a diamond, each of which can be ended and started again on its address.
fn a_job_goes_on_when_any_of_a_diamond_starts_anew(durable: bool) {
    let cluster = Cluster::start(Transport::Tcp);
    let folder = tempfile::tempdir().unwrap();
    let addresses = ["tee", "left", "right", "sink"].map(|name| (name, cluster.nobodys()));
    let address = |name: &str| {
        let of = addresses.iter().find(|(of, _)| *of == name);
        of.map(|(_, address)| address.as_str()).unwrap()
    };
    let bind = |name: &'static str| {
        let store = || durable.then(|| SledStore::open(folder.path().join(name)).unwrap());
        let nexts: &[&str] = match name {
            "sink" => {
                let sink = sink(&cluster);
                let sink = store().into_iter().fold(sink, chained::Sink::store);
                return sink.bind(address(name));
            }
            "tee" => &["left", "right"],
            _ => &["sink"],
        };
        let nexts: Vec<(&str, &str)> = nexts.iter().map(|name| (*name, address(name))).collect();
        let server = server(&cluster, name, &nexts);
        let server = store().into_iter().fold(server, chained::Server::store);
        server.bind(address(name))
    };
    let mut running = addresses
        .each_ref()
        .map(|(name, _)| (*name, Some(bind(name).unwrap())));
    let client = Client::start(address("tee"), Some(address("sink")), cluster.config()).unwrap();
    let mut job = client.job("tee.append").unwrap();
    for number in 0..4_000u64 {
        job.submit(number.to_string()).unwrap();
    }
    let mut taken = cluster.take(&mut job, 200);
    for (name, server) in &mut running {
        end(server.take().unwrap());
        *server = Some(cluster.until("the address is free again", || bind(name).ok()));
        taken.extend(cluster.take(&mut job, 200));
    }
    cluster.check(job, taken, |index| {
        Ok(format!("{index} tee left sink.0").into())
    });
}

#[test]
fn a_job_goes_on_when_any_server_starts_anew() {
    a_job_goes_on_when_any_of_a_diamond_starts_anew(false);
}

#[test]
fn a_job_goes_on_with_servers_that_take_others_places() {
    a_job_goes_on_when_any_of_a_diamond_starts_anew(true);
}

#[test]
fn nothing_is_executed_whose_route_goes_on_behind_the_last_server() {
    let cluster = Cluster::start(Transport::Tcp);
    let diamond = Diamond::start(&cluster);
    let client = diamond.client(&cluster);
    let route = "tee.append append sink.append other.append";
    let failure = client.call(route, "x").unwrap_err();
    let message = "`other.append` stands behind the server sink, which is the last of its chain";
    assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
}
