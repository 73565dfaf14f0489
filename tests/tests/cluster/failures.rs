use palm_core::wire::MAX_PAYLOAD;
use palm_highlevel::{Call, Failure, FailureKind, Running, standalone, typed};
use tests::cluster::Cluster;
use tests::work::Offer;

/// A function that fails as its payload says.
fn fail(call: &Call) -> Result<Vec<u8>, Failure> {
    match &call.payload()[..] {
        b"error" => Err(Failure::new("no price for SP5")),
        b"panic" => panic!("out of luck"),
        b"panic with a number" => panic!("out of luck {} times", 3),
        b"panic with a value" => std::panic::panic_any(7),
        b"huge" => Ok(vec![0; MAX_PAYLOAD + 1]),
        other => Ok(other.to_vec()),
    }
}

fn all<T: Offer>(server: T) -> T {
    let server = server.offer("fail", fail);
    server.offer("add", typed(|(a, b): (u32, u32)| Ok::<_, Failure>(a + b)))
}

/// A function, a payload, and the failure that comes of them.
type Case = (&'static str, &'static str, FailureKind, &'static str);

/// What ends the same way whoever executes it.
const CASES: [Case; 8] = [
    (
        "server.fail",
        "error",
        FailureKind::Function,
        "no price for SP5",
    ),
    (
        "server.fail",
        "panic",
        FailureKind::Panic,
        "the function `fail` panicked: out of luck",
    ),
    (
        "server.fail",
        "panic with a number",
        FailureKind::Panic,
        "the function `fail` panicked: out of luck 3 times",
    ),
    (
        "server.fail",
        "panic with a value",
        FailureKind::Panic,
        "the function `fail` panicked: no message",
    ),
    (
        "server.fail",
        "huge",
        FailureKind::TooLarge,
        "its result has 268435457 bytes, a message takes 268435456",
    ),
    (
        "other.fail",
        "x",
        FailureKind::Unknown,
        "`other.fail` was sent to the server server: check the name or the address",
    ),
    (
        "server.fail.",
        "x",
        FailureKind::Unknown,
        "`server.fail.` names no function: write `server.function`",
    ),
    (
        " ",
        "x",
        FailureKind::Unknown,
        "a route needs at least one function, written `server.function`",
    ),
];

fn check_cases(cluster: &Cluster, server: &Running) {
    let client = cluster.client(server.address());
    for (function, payload, kind, message) in CASES {
        let failure = client.call(function, payload).unwrap_err();
        assert_eq!(failure, Failure::of(kind, message), "{function} {payload}");
        // It is this message that failed, and nothing else.
        assert_eq!(client.call("server.fail", "fine").unwrap(), "fine");
    }
    let failure = client.call("server.add", "no pair").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Function);
    assert!(
        failure.to_string().starts_with("7 bytes are no (u32, u32)"),
        "{failure}"
    );
    let too_long = ["server.fail"; 1025].join(" ");
    let failure = client.call(&too_long, "x").unwrap_err();
    let message = "a route of 1025 steps is too long: 1024 are allowed";
    assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
}

#[test]
fn each_kind_at_a_serial_server() {
    Cluster::on_each(|cluster| {
        let server = all(standalone::Server::new("server")).config(cluster.config());
        let server = server.bind(&cluster.endpoint()).unwrap();
        check_cases(cluster, &server);

        let client = cluster.client(server.address());
        let failure = client.call("server.fial", "x").unwrap_err();
        let message = "server has no function `fial`; it has add, fail";
        assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
    });
}

#[test]
fn each_kind_at_a_parallel_server() {
    Cluster::on_each(|cluster| {
        let master = standalone::Master::new("server").config(cluster.config());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let worker = all(standalone::Worker::new("worker")).config(cluster.config());
        let _worker = worker.connect(master.address()).unwrap();
        check_cases(cluster, &master);

        // A worker that offers it might still come: the master waits for one a while.
        let client = cluster.client(master.address());
        let failure = client.call("server.fial", "x").unwrap_err();
        let message = "no worker of server offers the function `server.fial`";
        assert_eq!(failure, Failure::of(FailureKind::Unknown, message));
    });
}

#[test]
fn failures_and_results_of_a_job_do_not_mix() {
    Cluster::on_each(|cluster| {
        let server = all(standalone::Server::new("server")).config(cluster.config());
        let server = server.bind(&cluster.endpoint()).unwrap();
        let client = cluster.client(server.address());
        let mut job = client.job("server.fail").unwrap();
        for number in 0..999 {
            job.submit(["error", "fine", "panic"][number % 3]).unwrap();
        }
        cluster.check(job, Vec::new(), |index| match index % 3 {
            0 => Err(Failure::new("no price for SP5")),
            1 => Ok("fine".into()),
            _ => Err(Failure::of(
                FailureKind::Panic,
                "the function `fail` panicked: out of luck",
            )),
        });
    });
}

#[test]
fn a_payload_that_no_message_takes_is_refused_where_it_is_sent() {
    Cluster::on_each(|cluster| {
        let server = all(standalone::Server::new("server")).config(cluster.config());
        let server = server.bind(&cluster.endpoint()).unwrap();
        let client = cluster.client(server.address());
        let payload = vec![0; MAX_PAYLOAD + 1];
        let message = "the payload has 268435457 bytes, a message takes 268435456";
        let refused = Failure::of(FailureKind::TooLarge, message);
        let patience = cluster.time_left() / 4;
        let ending = client.call_timeout("server.fail", payload, patience);
        assert_eq!(ending, Err(refused));
        assert_eq!(client.call("server.fail", "fine").unwrap(), "fine");
    });
}
