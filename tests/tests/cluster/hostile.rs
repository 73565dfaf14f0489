use palm_core::lane::Credit;
use palm_core::wire::{
    Frame, FrameWriter, Greeting, HEADER_LENGTH, Header, Kind, Outcome, Record, Role,
};
use palm_core::wire::{OWN_FRAME, control};
use palm_core::{Frames, Incarnation, Route, codec};
use palm_highlevel::engine::Siblings;
use palm_highlevel::{Call, Failure, FailureKind, Pieces, Running, standalone};
use std::io::{Read, Write};
use std::net::TcpStream;
use tests::cluster::{Cluster, Transport};
use tests::history::Chance;
use tests::journal;
use tests::work::{Offer, encoded, square};

fn server(cluster: &Cluster, name: &str) -> Running {
    let server = standalone::Server::new(name).offer_all();
    let server = server.config(cluster.config()).bind(&cluster.endpoint());
    server.unwrap()
}

/// A socket of the library itself, which sends what it is told to.
fn stranger(address: &str, id: Option<&[u8]>) -> zmq::Socket {
    let socket = zmq::Context::new().socket(zmq::DEALER).unwrap();
    socket.set_linger(0).unwrap();
    if let Some(id) = id {
        socket.set_identity(id).unwrap();
    }
    socket.connect(address).unwrap();
    socket
}

/// A frame of one message, as a peer that was greeted would send it.
fn frame() -> Vec<u8> {
    let mut writer = FrameWriter::new(1 << 16);
    let record = Record {
        sequence: 1,
        token: 0,
        route: 0,
        stage: 0,
        outcome: Outcome::Pending,
        extras: false,
        attempt: 0,
        length: 7,
    };
    writer.push(&record, &"payload".into());
    let header = Header::new(Kind::Messages, Incarnation::random(), Incarnation::UNKNOWN);
    writer.finish(header).unwrap().first.to_vec()
}

fn hello(name: &str) -> Vec<u8> {
    hello_of(name, Incarnation::random())
}

fn hello_of(name: &str, incarnation: Incarnation) -> Vec<u8> {
    hello_as(Role::Client, name, incarnation)
}

fn hello_as(role: Role, name: &str, incarnation: Incarnation) -> Vec<u8> {
    let greeting = Greeting {
        name: name.into(),
        role,
        epoch: 0,
        session: None,
        you: Incarnation::UNKNOWN,
        mark: None,
        functions: vec!["each".into()],
        threads: 1,
        partition: None,
        accepted: 0,
        window: 1 << 16,
        pid: 0,
        bundles: false,
    };
    let header = Header::new(Kind::Hello, incarnation, Incarnation::UNKNOWN);
    control(header, &greeting).unwrap().first.to_vec()
}

fn changed(mut frame: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    vec![frame]
}

/// Messages that are no frames, as their parts.
fn bad_frames() -> Vec<Vec<Vec<u8>>> {
    let mut chance = Chance(1);
    let random = (0..300).map(|_| chance.below(256) as u8).collect();
    let most = u32::MAX.to_le_bytes();
    let mut bad = vec![
        vec![Vec::new()],
        vec![b"hello".to_vec()],
        vec![random],
        vec![vec![0; 1 << 20]],
        // Another magic, another version, an unknown kind, unknown flags.
        changed(frame(), 0, b"MLAP"),
        changed(frame(), 4, &[2]),
        changed(frame(), 5, &[77]),
        changed(frame(), 6, &[0xff, 0xff]),
        // A second part that is announced and missing.
        changed(frame(), 6, &[1, 0]),
        // More messages, a longer body, longer records, a longer payload than there are.
        changed(frame(), 80, &most),
        changed(frame(), 84, &most),
        changed(frame(), 88, &most),
        changed(frame(), HEADER_LENGTH + 28, &most),
        // Parts that nobody announced.
        vec![frame(), b"large".to_vec()],
        vec![frame(), vec![0; OWN_FRAME], b"more".to_vec(), Vec::new()],
        // A greeting that is none.
        changed(hello("mallory"), HEADER_LENGTH, &most),
    ];
    // Cut short anywhere.
    let whole = frame();
    bad.extend(
        (1..whole.len())
            .step_by(9)
            .map(|length| vec![whole[..length].to_vec()]),
    );
    bad
}

fn check_job(cluster: &Cluster, server: &Running, disturb: impl FnOnce()) {
    let client = cluster.client(server.address());
    let mut job = client.job("square").unwrap();
    for number in 0..2_000u64 {
        job.submit(encoded(&number)).unwrap();
    }
    disturb();
    for number in 2_000..4_000u64 {
        job.submit(encoded(&number)).unwrap();
    }
    cluster.check(job, Vec::new(), |index| Ok(encoded(&square(index))));
}

#[test]
fn what_is_no_frame_is_counted_and_dropped_and_logged_once_for_each_peer() {
    journal::keep();
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "beset");
    let strangers = [(); 2].map(|()| stranger(server.address(), None));
    let mut sent = 0;
    check_job(&cluster, &server, || {
        for bad in bad_frames() {
            for stranger in &strangers {
                stranger.send_multipart(&bad, 0).unwrap();
                sent += 1;
            }
        }
    });
    cluster.until("each bad frame in the count", || {
        (server.counts().bad_frames == sent).then_some(())
    });
    let lines = journal::lines("beset: dropped a frame from a stranger");
    assert_eq!(lines.len(), strangers.len(), "{lines:?}");
    // It still serves who is still there, and who comes.
    check_job(&cluster, &server, || {});
    assert_eq!(server.counts().bad_frames, sent);
}

#[test]
fn a_peer_that_was_greeted_and_then_sends_none_is_named() {
    journal::keep();
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "patient");
    let mallory = stranger(server.address(), None);
    mallory.send(hello("mallory"), 0).unwrap();
    let left = cluster.time_left().as_millis() as i32;
    mallory.set_rcvtimeo(left).unwrap();
    let welcome = mallory.recv_bytes(0).unwrap();
    assert_eq!(&welcome[..4], b"PALM");
    check_job(&cluster, &server, || {
        for _ in 0..500 {
            mallory.send("garbage", 0).unwrap();
        }
    });
    cluster.until("each bad frame in the count", || {
        (server.counts().bad_frames == 500).then_some(())
    });
    let lines = journal::lines("patient: dropped a frame from");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("from mallory"), "{lines:?}");
    assert!(
        lines[0].contains("7 bytes is shorter than its header"),
        "{lines:?}"
    );
}

#[test]
fn a_stage_out_of_range_is_a_failure() {
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "server");
    let me = Incarnation::random();
    let socket = stranger(server.address(), None);
    let left = cluster.time_left().as_millis() as i32;
    socket.set_rcvtimeo(left).unwrap();
    let receive = || {
        let bytes = bytes::Bytes::from(socket.recv_bytes(0).unwrap());
        Frame::read(Frames::one(bytes)).unwrap()
    };
    socket.send(hello_of("far", me), 0).unwrap();
    let welcome = receive().header;

    let mut writer = FrameWriter::new(1 << 16);
    writer.define(0, &Route::parse(me, 1, "server.echo").unwrap());
    for (sequence, stage) in [(1, 1), (2, 9), (3, u16::MAX)] {
        let record = Record {
            sequence,
            token: 0,
            route: 0,
            stage,
            outcome: Outcome::Pending,
            extras: false,
            attempt: 0,
            length: 0,
        };
        writer.push(&record, &"".into());
    }
    let header = Header {
        first: 1,
        peer_lane: welcome.lane,
        credit: Credit {
            number: 100,
            bytes: 1 << 20,
        },
        ..Header::new(Kind::Messages, me, welcome.sender)
    };
    let frames = writer.finish(header).unwrap();
    socket.send(&frames.first[..], 0).unwrap();

    let mut ended = Vec::new();
    while ended.len() < 3 {
        for (record, payload) in receive().records() {
            let failure: Failure = codec::decode(&payload).unwrap();
            let message = "the route is over, but the message was sent on to the server server";
            assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
            assert_eq!(record.outcome, Outcome::Failure);
            ended.push(record.sequence);
        }
    }
    assert_eq!(ended, [1, 2, 3]);
    check_job(&cluster, &server, || {});
}

#[test]
fn a_bundle_ends_message_by_message_or_is_refused() {
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "server");
    let me = Incarnation::random();
    let socket = stranger(server.address(), None);
    let left = cluster.time_left().as_millis() as i32;
    socket.set_rcvtimeo(left).unwrap();
    let receive = || {
        let bytes = bytes::Bytes::from(socket.recv_bytes(0).unwrap());
        Frame::read(Frames::one(bytes)).unwrap()
    };
    socket.send(hello_of("packer", me), 0).unwrap();
    let welcome = receive().header;

    let packed = |all: &[(Outcome, &'static str)]| {
        let mut siblings = Siblings::default();
        for (outcome, payload) in all {
            siblings.push(*outcome, (*payload).into());
        }
        siblings.encode()
    };
    let (a, b) = ((Outcome::Pending, "a"), (Outcome::Pending, "b"));
    let failed = (Outcome::Failure, "f");
    let bundles = [
        (10, 0, "x".into()),
        (20, 0, packed(&[])),
        (30, 0, packed(&[a; 65])),
        (40, 0, packed(&[a, failed, b])),
        (50, 7, packed(&[a, b])),
        (u64::MAX, 0, packed(&[a, b])),
    ];
    let mut writer = FrameWriter::new(1 << 16);
    writer.define(0, &Route::parse(me, 1, "server.echo").unwrap());
    for (sequence, stage, payload) in bundles {
        let record = Record {
            sequence,
            token: sequence,
            route: 0,
            stage,
            outcome: Outcome::Bundle,
            extras: false,
            attempt: 0,
            length: payload.len() as u32,
        };
        writer.push(&record, &payload);
    }
    let header = Header {
        first: 1,
        peer_lane: welcome.lane,
        credit: Credit {
            number: 100,
            bytes: 1 << 20,
        },
        ..Header::new(Kind::Messages, me, welcome.sender)
    };
    let frames = writer.finish(header).unwrap();
    socket.send(&frames.first[..], 0).unwrap();

    let mut ended = Vec::new();
    while ended.len() < 10 {
        for (record, payload) in receive().records() {
            let text = match (record.outcome, codec::decode::<Failure>(&payload)) {
                (Outcome::Failure, Ok(failure)) => failure.message,
                _ => String::from_utf8_lossy(&payload).into_owned(),
            };
            ended.push((record.sequence, record.outcome, text));
        }
    }
    ended.sort_by_key(|(sequence, ..)| *sequence);
    let unread = "server was sent a bundle that it can't read";
    let over = "the route is over, but the message was sent on to the server server";
    let expected = [
        (0, Outcome::Success, "b"),
        (10, Outcome::Failure, unread),
        (20, Outcome::Failure, unread),
        (30, Outcome::Failure, unread),
        (40, Outcome::Success, "a"),
        (41, Outcome::Failure, "f"),
        (42, Outcome::Success, "b"),
        (50, Outcome::Failure, over),
        (51, Outcome::Failure, over),
        (u64::MAX, Outcome::Success, "a"),
    ];
    let ended = ended.iter();
    let ended = ended.map(|(sequence, outcome, text)| (*sequence, *outcome, text.as_str()));
    assert_eq!(ended.collect::<Vec<_>>(), expected);
    check_job(&cluster, &server, || {});
}

#[test]
fn a_worker_that_ends_messages_as_nobody_asked_loses_none() {
    let cluster = Cluster::start(Transport::Tcp);
    let scatter = |_: &Call| Ok::<_, Failure>(["one", "two", "three"]);
    let gather = |_: &Call, pieces: Pieces| {
        let failures = pieces.pieces.into_iter().map(|piece| match piece.result {
            Ok(result) => format!("{result:?}"),
            Err(failure) => failure.message,
        });
        Ok::<_, Failure>(failures.collect::<Vec<_>>().join("; "))
    };
    let master = standalone::Master::new("m")
        .scatter("all", "each", scatter)
        .gather("all", gather)
        .config(cluster.config())
        .bind(&cluster.endpoint())
        .unwrap();
    let client = cluster.client(master.address());
    let mut one = Siblings::default();
    one.push(Outcome::Success, "x".into());
    let one = one.encode();
    let told = "its worker has told one end of several messages";
    let unread = "how it ended on its worker can't be read: siblings of 1 bytes end too early";
    let bundled = "its worker has told it as a bundle, which it is not";
    let thrice = |text| [text; 3].join("; ");
    let lies = [
        ("m.each", Outcome::Siblings, one.clone(), "x".to_owned()),
        ("m.each", Outcome::Bundle, one, bundled.to_owned()),
        ("m.all", Outcome::Success, "x".into(), thrice(told)),
        ("m.all", Outcome::Siblings, "x".into(), thrice(unread)),
    ];
    for (turn, (function, outcome, payload, expected)) in (1..).zip(lies) {
        let me = Incarnation::random();
        let socket = stranger(master.address(), None);
        let left = cluster.time_left().as_millis() as i32;
        socket.set_rcvtimeo(left).unwrap();
        let receive = || {
            let bytes = bytes::Bytes::from(socket.recv_bytes(0).unwrap());
            Frame::read(Frames::one(bytes)).unwrap()
        };
        socket.send(hello_as(Role::Worker, "liar", me), 0).unwrap();
        let welcome = receive().header;
        let header = Header {
            first: 1,
            peer_lane: welcome.lane,
            // So fast that it is given many at a time.
            pace: 1,
            credit: Credit {
                number: 100,
                bytes: 1 << 20,
            },
            ..Header::new(Kind::Messages, me, welcome.sender)
        };
        let idle = FrameWriter::new(0).finish(header.clone()).unwrap();
        socket.send(&idle.first[..], 0).unwrap();
        // The job comes by another connection: the master has read the pace once it has counted
        // what is sent behind it.
        socket.send("garbage", 0).unwrap();
        cluster.until("the pace of the worker", || {
            (master.counts().bad_frames == turn).then_some(())
        });

        let mut job = client.job(function).unwrap();
        job.submit("").unwrap();
        let given = std::iter::from_fn(|| Some(receive())).find_map(|frame| frame.records().next());
        let (record, _) = given.unwrap();
        let mut writer = FrameWriter::new(1 << 16);
        writer.define(0, &Route::parse(me, 1, function).unwrap());
        let record = Record {
            route: 0,
            outcome,
            extras: false,
            length: payload.len() as u32,
            ..record
        };
        writer.push(&record, &payload);
        let frames = writer.finish(header).unwrap();
        socket.send(&frames.first[..], 0).unwrap();
        let ending = job.next_timeout(cluster.time_left()).unwrap();
        let told = match ending.result {
            Ok(result) => String::from_utf8_lossy(&result).into_owned(),
            Err(failure) => failure.message,
        };
        assert_eq!(told, expected);
        let bye = control(Header::new(Kind::Bye, me, welcome.sender), "it has lied").unwrap();
        socket.send(&bye.first[..], 0).unwrap();
    }
}

#[test]
fn frames_of_somebody_unknown_are_asked_about_and_not_obeyed() {
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "server");
    let unknown = stranger(server.address(), None);
    let left = cluster.time_left().as_millis() as i32;
    unknown.set_rcvtimeo(left).unwrap();
    check_job(&cluster, &server, || {
        unknown.send(frame(), 0).unwrap();
        let answer = unknown.recv_bytes(0).unwrap();
        // The kind of the frame: `WhoAreYou`.
        assert_eq!((&answer[..4], answer[5]), (&b"PALM"[..], 3));
    });
    drop(unknown);
    let counts = tests::cluster::end(server);
    assert_eq!((counts.received, counts.bad_frames), (4_000, 0));
}

#[test]
fn a_peer_with_a_routing_id_of_its_own_is_passed_over() {
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "server");
    let named = stranger(server.address(), Some(b"worker-7"));
    check_job(&cluster, &server, || {
        for bad in bad_frames() {
            named.send(hello("named"), 0).unwrap();
            named.send_multipart(&bad, 0).unwrap();
        }
    });
    assert_eq!(named.recv_bytes(zmq::DONTWAIT), Err(zmq::Error::EAGAIN));
}

#[test]
fn connections_that_speak_something_else_disturb_nobody() {
    let cluster = Cluster::start(Transport::Tcp);
    let server = server(&cluster, "server");
    let place = server.address().strip_prefix("tcp://").unwrap();
    let mut chance = Chance(2);
    let mut noise: Vec<Vec<u8>> = vec![
        // Half open: connected and silent, or silent after the first bytes of a greeting.
        Vec::new(),
        vec![0xff],
        vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3],
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
            .to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ];
    noise.extend((0..20).map(|length| (0..length * 50).map(|_| chance.below(256) as u8).collect()));
    let mut connections = Vec::new();
    check_job(&cluster, &server, || {
        for bytes in &noise {
            let mut connection = TcpStream::connect(place).unwrap();
            // The server may have hung up already: that is its right.
            let _ = connection.write_all(bytes);
            connections.push(connection);
        }
    });
    // Nobody is told anything but how a connection of zmq begins.
    for mut connection in connections {
        connection.set_nonblocking(true).unwrap();
        let mut answer = [0; 4096];
        let length = connection.read(&mut answer).unwrap_or_default();
        assert!(!answer[..length].windows(4).any(|bytes| bytes == b"PALM"));
    }
    check_job(&cluster, &server, || {});
}
