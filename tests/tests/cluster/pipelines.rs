use palm_highlevel::{
    Call, Client, Config, ErrorKind, Failure, FailureKind, Running, pipelined, standalone,
};
use palm_persist::SledStore;
use tests::cluster::{Cluster, Transport, end};
use tests::journal;

/// A server whose function `append` appends `text`, and fails for what ends with `no`.
fn server(cluster: &Cluster, name: &str, text: &'static str) -> pipelined::Server {
    let append = move |call: &Call| match call.payload().ends_with(b"no") {
        true => Err(Failure::new("it takes no more")),
        false => Ok([call.payload(), text.as_bytes()].concat()),
    };
    pipelined::Server::new(name)
        .function("append", append)
        .config(cluster.config())
}

fn registry(cluster: &Cluster) -> Running {
    let registry = pipelined::Registry::new().config(cluster.config());
    registry.bind(&cluster.endpoint()).unwrap()
}

fn start(cluster: &Cluster, registry: &Running, name: &str, text: &'static str) -> Running {
    let server = server(cluster, name, text);
    server
        .bind(&cluster.endpoint(), registry.address())
        .unwrap()
}

/// Two servers that share a name.
fn start_two(
    cluster: &Cluster,
    registry: &Running,
    name: &str,
    text: &'static str,
) -> [Running; 2] {
    [(); 2].map(|()| start_sharing(cluster, registry, name, text))
}

fn start_sharing(cluster: &Cluster, registry: &Running, name: &str, text: &'static str) -> Running {
    let server = server(cluster, name, text).shared();
    server
        .bind(&cluster.endpoint(), registry.address())
        .unwrap()
}

/// That of two which is sent the messages, and the other one.
fn busy_first(cluster: &Cluster, [one, other]: [Running; 2]) -> [Running; 2] {
    let is_busy = |server: &Running| server.counts().received > 0;
    let one_is_busy = cluster.until("one that is sent the messages", || {
        (is_busy(&one) || is_busy(&other)).then(|| is_busy(&one))
    });
    match one_is_busy {
        true => [one, other],
        false => [other, one],
    }
}

fn client(cluster: &Cluster, registry: &Running) -> pipelined::Client {
    pipelined::Client::start(registry.address(), cluster.config()).unwrap()
}

#[test]
fn messages_go_where_their_routes_say() {
    Cluster::on_each(|cluster| {
        let registry = registry(cluster);
        let _servers = [("a", "1"), ("b", "2"), ("c", "3")]
            .map(|(name, text)| start(cluster, &registry, name, text));
        let client = client(cluster, &registry);
        let cases = [
            ("a.append", "1"),
            ("a.append b.append c.append", "123"),
            ("c.append b.append a.append", "321"),
            ("a.append b.append a.append b.append a.append", "12121"),
            ("b.append b.append a.append a.append", "2211"),
        ];
        for (route, expected) in cases {
            assert_eq!(client.call(route, "").unwrap(), expected, "{route}");
        }
        let mut job = client.job("c.append a.append b.append").unwrap();
        for number in 0..2_000 {
            job.submit(number.to_string()).unwrap();
        }
        job.submit("no").unwrap();
        cluster.check(job, Vec::new(), |index| match index {
            2_000 => Err("it takes no more".into()),
            _ => Ok(format!("{index}312").into()),
        });
    });
}

#[test]
fn what_a_route_can_not_go_along_is_an_error_at_once() {
    Cluster::on_each(|cluster| {
        let registry = registry(cluster);
        let _servers = ["a", "b"].map(|name| start(cluster, &registry, name, ""));
        let client = client(cluster, &registry);
        let cases = [
            (
                "a.append x.append",
                "no server called x is announced; those that are: a, b",
            ),
            (
                "a.append b.remove",
                "b has no function `remove`; it has append",
            ),
            (
                "a.append append",
                "`append` names no server: write `server.append`",
            ),
            (
                " ",
                "a route needs at least one function, written `server.function`",
            ),
            ("a.", "`a.` names no function: write `server.function`"),
        ];
        for (route, message) in cases {
            let failure = client.call(route, "").unwrap_err();
            assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
        }
        let long = ["a.append"; 1025].join(" ");
        let failure = client.call(&long, "").unwrap_err();
        let message = "a route of 1025 steps is too long: 1024 are allowed";
        assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
        let longest = ["a.append b.append"; 512].join(" ");
        assert_eq!(client.call(&longest, "back").unwrap(), "back");
    });
}

#[test]
fn a_hub_has_workers() {
    Cluster::on_each(|cluster| {
        let registry = registry(cluster);
        let _ends =
            [("a", "<"), ("z", ">")].map(|(name, text)| start(cluster, &registry, name, text));
        let hub = pipelined::Master::new("hub").config(cluster.config());
        let hub = hub.bind(&cluster.endpoint(), registry.address()).unwrap();
        let _workers = ["one", "two"].map(|name| {
            let echo = |call: &Call| Ok::<_, Failure>([call.payload(), &b"*"[..]].concat());
            let worker = standalone::Worker::new(name).function("mark", echo);
            worker
                .config(cluster.config())
                .connect(hub.address())
                .unwrap()
        });
        let client = client(cluster, &registry);
        let mut job = client.job("a.append hub.mark z.append").unwrap();
        for number in 0..1_000 {
            job.submit(number.to_string()).unwrap();
        }
        cluster.check(job, Vec::new(), |index| Ok(format!("{index}<*>").into()));
    });
}

/// However many of its messages are under way: windows that could be full of messages which wait for
/// themselves do not count them.
#[test]
fn a_route_may_come_to_a_server_again() {
    Cluster::on_each(|cluster| {
        let config = Config {
            window_messages: 64,
            ..cluster.config()
        };
        let registry = registry(cluster);
        let _servers = [("a", "1"), ("b", "2"), ("c", "3")].map(|(name, text)| {
            let server = server(cluster, name, text).config(config.clone());
            server
                .bind(&cluster.endpoint(), registry.address())
                .unwrap()
        });
        let hub = pipelined::Master::new("hub").config(config.clone());
        let hub = hub.bind(&cluster.endpoint(), registry.address()).unwrap();
        let mark = |call: &Call| Ok::<_, Failure>([call.payload(), &b"*"[..]].concat());
        let worker = standalone::Worker::new("worker")
            .function("mark", mark)
            .config(config);
        let _worker = worker.connect(hub.address()).unwrap();
        let client = client(cluster, &registry);
        let cases = [
            ("a.append b.append a.append b.append a.append", "12121"),
            ("a.append a.append a.append", "111"),
            ("hub.mark b.append hub.mark", "*2*"),
            ("hub.mark b.append hub.mark b.append hub.mark", "*2*2*"),
            (
                "hub.mark b.append hub.mark c.append hub.mark b.append hub.mark",
                "*2*3*2*",
            ),
        ];
        for (route, expected) in cases {
            let mut job = client.job(route).unwrap();
            for number in 0..1_000 {
                job.submit(number.to_string()).unwrap();
            }
            let expected = |index| Ok(format!("{index}{expected}").into());
            cluster.check(job, Vec::new(), expected);
        }
    });
}

#[test]
fn a_name_is_announced_once_or_shared() {
    Cluster::on_each(|cluster| {
        let registry = registry(cluster);
        let first = start(cluster, &registry, "a", "1");
        let bind = |server: pipelined::Server| server.bind(&cluster.endpoint(), registry.address());
        for second in [
            server(cluster, "a", "2"),
            server(cluster, "a", "2").shared(),
        ] {
            let error = bind(second).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let address = first.address();
            assert_eq!(
                error.to_string(),
                format!(
                    "the name a is that of the server at {address}: give each its own, or have both share it"
                )
            );
        }
        end(first);
        let second = bind(server(cluster, "a", "2")).unwrap();
        assert_eq!(
            client(cluster, &registry).call("a.append", "").unwrap(),
            "2"
        );
        drop(second);

        let _sharing = ["1", "2"].map(|text| start_sharing(cluster, &registry, "b", text));
        let _last = start(cluster, &registry, "last", ".");
        let _firsts = ["x", "y"].map(|name| start(cluster, &registry, name, name_of(name)));
        let client = client(cluster, &registry);
        let mut found: Vec<_> = ["x", "y"]
            .map(|name| {
                let route = format!("{name}.append b.append last.append");
                client.call(&route, "").unwrap()
            })
            .into_iter()
            .map(|back| back[1])
            .collect();
        found.sort();
        assert_eq!(found, b"12");
        for route in [
            "x.append b.append",
            "y.append b.append",
            "b.append b.append",
        ] {
            let back = client.call(route, "").unwrap();
            assert!(matches!(back[1], b'1' | b'2'), "{route}: {back:?}");
        }
    });
}

fn name_of(name: &str) -> &'static str {
    match name {
        "x" => "x",
        _ => "y",
    }
}

#[test]
fn what_is_connected_goes_on_without_the_registry() {
    for kept in [false, true] {
        let cluster = Cluster::start(Transport::Tcp);
        let address = cluster.nobodys();
        let folder = tempfile::tempdir().unwrap();
        let bind = || {
            let registry = pipelined::Registry::new().config(cluster.config());
            let registry = match kept {
                true => registry.store(SledStore::open(folder.path()).unwrap()),
                false => registry,
            };
            registry.bind(&address)
        };
        let first = bind().unwrap();
        let leaving = start(&cluster, &first, "gone", "");
        let _servers =
            [("a", "1"), ("b", "2")].map(|(name, text)| start(&cluster, &first, name, text));
        let client = client(&cluster, &first);
        let route = "a.append b.append";
        assert_eq!(client.call(route, "").unwrap(), "12");
        end(first);
        assert_eq!(client.call(route, "").unwrap(), "12");
        // A server that comes meanwhile is announced once there is a registry again.
        let late = server(&cluster, "c", "3").bind(&cluster.endpoint(), &address);
        let _late = late.unwrap();
        // Nobody hears that this one leaves, and it does not announce itself again.
        end(leaving);
        let second = cluster.until("the address is free again", || bind().ok());
        let known = self::client(&cluster, &second).job("gone.append").is_ok();
        assert_eq!(known, kept, "what the store alone can know");
        assert_eq!(client.call(route, "").unwrap(), "12");
        let back = cluster.until("all are announced again", || {
            client.call("a.append c.append b.append", "").ok()
        });
        assert_eq!(back, "132");
    }
}

#[test]
fn a_job_goes_on_with_a_server_that_comes_back_elsewhere() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let _ends = [("a", "<"), ("z", ">")].map(|(name, text)| start(&cluster, &registry, name, text));
    let middle = start(&cluster, &registry, "m", "-");
    let client = client(&cluster, &registry);
    let mut job = client.job("a.append m.append z.append").unwrap();
    for number in 0..4_000 {
        job.submit(number.to_string()).unwrap();
    }
    let taken = cluster.take(&mut job, 500);
    end(middle);
    let _middle = start(&cluster, &registry, "m", "-");
    cluster.check(job, taken, |index| Ok(format!("{index}<->").into()));
}

#[test]
fn a_job_goes_on_with_the_other_of_two_that_share_a_name() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let _ends = [("a", "<"), ("z", ">")].map(|(name, text)| start(&cluster, &registry, name, text));
    let sharing = start_two(&cluster, &registry, "m", "-");
    let client = client(&cluster, &registry);
    let mut job = client.job("a.append m.append z.append").unwrap();
    for number in 0..4_000 {
        job.submit(number.to_string()).unwrap();
    }
    let taken = cluster.take(&mut job, 500);
    let [busy, _other] = busy_first(&cluster, sharing);
    end(busy);
    cluster.check(job, taken, |index| Ok(format!("{index}<->").into()));
}

#[test]
fn a_route_may_end_at_a_name_that_is_shared() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let _first = start(&cluster, &registry, "a", "<");
    let sharing = start_two(&cluster, &registry, "z", ">");
    let client = client(&cluster, &registry);
    let mut job = client.job("a.append z.append").unwrap();
    for number in 0..4_000 {
        job.submit(number.to_string()).unwrap();
    }
    let taken = cluster.take(&mut job, 500);
    let [busy, _other] = busy_first(&cluster, sharing);
    // The other one, and one that nobody knew when the route was checked.
    let _third = start_sharing(&cluster, &registry, "z", ">");
    end(busy);
    cluster.check(job, taken, |index| Ok(format!("{index}<>").into()));
}

#[test]
fn a_job_goes_on_when_the_ends_of_its_route_come_back_elsewhere() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let [first, last] =
        [("a", "<"), ("z", ">")].map(|(name, text)| start(&cluster, &registry, name, text));
    let client = client(&cluster, &registry);
    let mut job = client.job("a.append z.append").unwrap();
    for number in 0..4_000 {
        job.submit(number.to_string()).unwrap();
    }
    let mut taken = cluster.take(&mut job, 500);
    end(last);
    let _last = start(&cluster, &registry, "z", ">");
    taken.extend(cluster.take(&mut job, 500));
    end(first);
    let _first = start(&cluster, &registry, "a", "<");
    cluster.check(job, taken, |index| Ok(format!("{index}<>").into()));
}

#[test]
fn a_server_with_a_store_finds_again_whom_it_had_messages_for() {
    let cluster = Cluster::start(Transport::Tcp);
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&cluster);
    let address = cluster.nobodys();
    let bind = || {
        server(&cluster, "a", "<")
            .store(SledStore::open(folder.path()).unwrap())
            .bind(&address, registry.address())
    };
    let first = bind().unwrap();
    let last = start(&cluster, &registry, "z", ">");
    let client = client(&cluster, &registry);
    let mut job = client.job("a.append z.append").unwrap();
    let end_of = last.address().to_owned();
    end(last);
    for number in 0..1_000 {
        job.submit(number.to_string()).unwrap();
    }
    cluster.until("what is on its way to nobody", || {
        (first.counts().succeeded == 1_000).then_some(())
    });
    end(first);
    let _first = cluster.until("the address is free again", || bind().ok());
    let last = || server(&cluster, "z", ">").bind(&end_of, registry.address());
    let _last = cluster.until("the address is free again", || last().ok());
    cluster.check(job, Vec::new(), |index| Ok(format!("{index}<>").into()));
}

#[test]
fn a_server_with_a_store_comes_back_afterothers_have_taken_its_messages() {
    let cluster = Cluster::start(Transport::Tcp);
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&cluster);
    let address = cluster.nobodys();
    let bind = || {
        server(&cluster, "a", "<")
            .store(SledStore::open(folder.path()).unwrap())
            .bind(&address, registry.address())
    };
    let _last = start(&cluster, &registry, "z", ">");
    let client = client(&cluster, &registry);
    let mut first = bind().unwrap();
    for number in 0..4 {
        let call = |text: String| client.call("a.append z.append", text).unwrap();
        assert_eq!(call(format!("{number}")), format!("{number}<>"));
        end(first);
        first = cluster.until("the address is free again", || bind().ok());
    }
    assert_eq!(client.call("a.append z.append", "").unwrap(), "<>");
}

#[test]
fn those_that_share_a_name_and_have_stores_come_back_after_a_sender_was_with_each_again() {
    let cluster = Cluster::start(Transport::Tcp);
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&cluster);
    let _last = start(&cluster, &registry, "z", ">");
    let (first, sharing) = (cluster.nobodys(), [(); 2].map(|()| cluster.nobodys()));
    let stored = |server: pipelined::Server, folder_name: &str, address: &str| {
        let store = SledStore::open(folder.path().join(folder_name)).unwrap();
        server.store(store).bind(address, registry.address())
    };
    let bind_first = || stored(server(&cluster, "a", "<"), "a", &first);
    let bind = |which: usize| {
        let server = server(&cluster, "m", "-").shared();
        stored(server, &which.to_string(), &sharing[which])
    };
    let servers = [0, 1].map(|which| bind(which).unwrap());
    let client = client(&cluster, &registry);
    let call = || client.call("a.append m.append z.append", "").unwrap();
    let mut sender = bind_first().unwrap();
    // Each of its processes is given the other one.
    for _ in 0..4 {
        assert_eq!(call(), "<->");
        end(sender);
        sender = cluster.until("the address is free again", || bind_first().ok());
    }
    assert!(servers.iter().all(|server| server.counts().received >= 2));
    for server in servers {
        end(server);
    }
    let _servers = [0, 1].map(|which| cluster.until("the address is free", || bind(which).ok()));
    assert_eq!(call(), "<->");
}

#[test]
fn a_client_may_send_to_whom_it_has_listened_to_before() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let sharing = start_two(&cluster, &registry, "a", "-");
    let _middle = start(&cluster, &registry, "m", ">");
    let client = client(&cluster, &registry);
    let run = || {
        let mut job = client.job("a.append m.append a.append").unwrap();
        for number in 0..1_000 {
            job.submit(number.to_string()).unwrap();
        }
        cluster.check(job, Vec::new(), |index| Ok(format!("{index}->-").into()));
    };
    run();
    // The one that the registry has named first: the client sends to it, and listens to the other.
    let [first, other] = sharing;
    let received = |server: &Running| server.counts().received;
    cluster.until("messages to both", || {
        ([&first, &other].map(received) == [1_000; 2]).then_some(())
    });
    end(first);
    run();
}

#[test]
fn a_function_that_chooses_no_route_fails_its_message() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let _ends = [("a", "<"), ("z", ">")].map(|(name, text)| start(&cluster, &registry, name, text));
    let choose = |call: &Call| {
        call.route("z.");
        Ok::<_, Failure>(call.payload().clone())
    };
    let middle = pipelined::Server::new("m").function("choose", choose);
    let middle = middle.config(cluster.config());
    let _middle = middle
        .bind(&cluster.endpoint(), registry.address())
        .unwrap();
    let client = client(&cluster, &registry);
    let mut job = client.job("a.append m.choose z.append").unwrap();
    job.submit("x").unwrap();
    let ending = job.next_timeout(cluster.time_left()).unwrap();
    let failure = ending.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unknown, "{failure}");
    assert!(failure.message.contains("`z.`"), "{failure}");
}

#[test]
fn a_server_goes_on_to_many_and_waits_for_who_is_not_there() {
    journal::keep();
    let cluster = Cluster::start(Transport::Tcp);
    let registry = registry(&cluster);
    let names: Vec<String> = (0..70).map(|number| format!("back{number}")).collect();
    let others: Vec<Running> = names
        .iter()
        .map(|name| start(&cluster, &registry, name, ">"))
        .collect();
    let choose = |call: &Call| {
        call.route(std::str::from_utf8(call.payload()).unwrap());
        Ok::<_, Failure>("x")
    };
    let chooser = pipelined::Server::new("chooser").function("choose", choose);
    let chooser = chooser.config(cluster.config());
    let chooser = chooser
        .bind(&cluster.endpoint(), registry.address())
        .unwrap();
    let client = Client::start(chooser.address(), None, cluster.config()).unwrap();
    let mut job = client.job("chooser.choose").unwrap();
    for name in &names {
        job.submit(format!("{name}.append")).unwrap();
    }
    cluster.until("all that it chose", || {
        (others.iter().all(|server| server.counts().succeeded == 1)).then_some(())
    });
    // Nobody is called so: that is said, and holds up nothing.
    job.submit("nobody.append").unwrap();
    cluster.until("a word about nobody", || {
        let lines = journal::lines("chooser has messages that wait for a server");
        let said = lines.iter().any(|line| line.contains("nobody"));
        said.then_some(())
    });
}
