use palm_highlevel::{Call, Client, Config, ErrorKind, Failure, Result, pipelined, standalone};
use std::fmt::Debug;
use tests::cluster::{Cluster, Transport};
use tests::work::Offer;

fn check(result: Result<impl Debug>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

#[test]
fn an_endpoint_that_is_none_is_named_with_what_is_wrong() {
    let cases = [
        (
            "localhost",
            "`localhost` is no endpoint: it has no scheme, write tcp://, ipc:// or inproc:// before it",
        ),
        (
            "tcp://localhost",
            "`tcp://localhost` is no endpoint: it names no port, write tcp://host:port",
        ),
        (
            "tcp://localhost:http",
            "`tcp://localhost:http` is no endpoint: `http` is no port, \
             use 1 to 65535, or * to bind a free one",
        ),
        (
            "http://localhost:80",
            "`http://localhost:80` is no endpoint: `http` is no scheme, use tcp, ipc or inproc",
        ),
        (
            "tcp://127.0.0.1:5\0",
            "`tcp://127.0.0.1:5\\0` is no endpoint: it holds a blank or a control character",
        ),
    ];
    for (endpoint, message) in cases {
        let server = standalone::Server::new("server").offer_all();
        check(server.bind(endpoint), ErrorKind::Config, message);
        let master = standalone::Master::new("master");
        check(master.bind(endpoint), ErrorKind::Config, message);
        let worker = standalone::Worker::new("worker").offer_all();
        check(worker.connect(endpoint), ErrorKind::Config, message);
        check(Client::connect(endpoint), ErrorKind::Config, message);
        let fine = "tcp://127.0.0.1:1";
        check(
            Client::connect_through(fine, endpoint),
            ErrorKind::Config,
            message,
        );
    }
}

#[test]
fn an_address_that_is_in_use_is_named() {
    Cluster::on_each(|cluster| {
        let bind = |endpoint: &str| {
            let server = standalone::Server::new("server").offer_all();
            server.config(cluster.config()).bind(endpoint)
        };
        let server = bind(&cluster.endpoint()).unwrap();
        let error = bind(server.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bind);
        let expected = format!("{} can't be bound: it is in use", server.address());
        assert!(error.to_string().starts_with(&expected), "{error}");
        // The one that has it serves on.
        let client = cluster.client(server.address());
        assert_eq!(client.call("server.echo", "x").unwrap(), "x");
    });
}

#[test]
fn an_address_of_another_machine_is_named() {
    let server = standalone::Server::new("server").offer_all();
    let error = server.bind("tcp://192.0.2.1:5555").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    let expected = "tcp://192.0.2.1:5555 can't be bound: it is no address of this machine";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn a_server_is_not_announced_at_every_address_of_its_machine() {
    let cluster = Cluster::start(Transport::Tcp);
    let registry = pipelined::Registry::new().config(cluster.config());
    let registry = registry.bind(&cluster.endpoint()).unwrap();
    for endpoint in ["tcp://*:5555", "tcp://0.0.0.0:*", "tcp://[::]:5555"] {
        let message = format!(
            "{endpoint} is every address of this machine, and text is announced where it is bound: \
             name the address by which others reach it"
        );
        let server = pipelined::Server::new("text").config(cluster.config());
        let bound = server.bind(endpoint, registry.address());
        check(bound, ErrorKind::Config, &message);
        let master = pipelined::Master::new("text").config(cluster.config());
        let bound = master.bind(endpoint, registry.address());
        check(bound, ErrorKind::Config, &message);
    }
    // Whoever is given its address needs none that is announced.
    for endpoint in ["tcp://*:*", "tcp://0.0.0.0:*"] {
        let server = standalone::Server::new("text").config(cluster.config());
        drop(server.bind(endpoint).unwrap());
    }
}

#[test]
fn names_and_settings_are_checked_before_anything_is_bound() {
    let fine = "tcp://127.0.0.1:*";
    let nothing = |_: &Call| Ok::<_, Failure>("");
    check(
        standalone::Server::new("").bind(fine),
        ErrorKind::Config,
        "the name of a server, ``, is empty",
    );
    check(
        standalone::Master::new("two words").bind(fine),
        ErrorKind::Config,
        "the name of a server, `two words`, holds a blank or a control character",
    );
    check(
        standalone::Server::new("server")
            .function("a.b", nothing)
            .bind(fine),
        ErrorKind::Config,
        "the name of a function, `a.b`, holds a dot, which separates it from the server's name",
    );
    check(
        standalone::Server::new("server")
            .function("twice", nothing)
            .function("twice", nothing)
            .bind(fine),
        ErrorKind::Config,
        "the function `twice` of server is registered twice",
    );
    let config = Config {
        window_bytes: 0,
        ..Config::default()
    };
    check(
        Client::start(fine, None, config),
        ErrorKind::Config,
        "window_bytes is 0: nothing could ever be sent",
    );
}

#[test]
fn a_wildcard_port_can_only_be_bound() {
    for result in [
        Client::connect("tcp://127.0.0.1:*").map(drop),
        standalone::Worker::new("worker")
            .connect("tcp://127.0.0.1:*")
            .map(drop),
    ] {
        let error = result.unwrap_err();
        let expected = "tcp://127.0.0.1:* can't be connected to";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
