//! Addresses that can't be bound: one line that names them, and nothing is lost over it.

use crate::place::{Transport, everywhere, watched};
use palm_core::{Context, Dealer, Endpoint, Error, ErrorKind, Frames, Router, Sent, SocketOptions};
use std::fs;

fn assert_bind(error: &Error, endpoint: &Endpoint) {
    assert_eq!(error.kind(), ErrorKind::Bind, "{error}");
    let text = error.to_string();
    assert!(text.contains(endpoint.as_str()), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

fn bind(endpoint: &str) -> (Endpoint, Result<Router, Error>) {
    let endpoint = Endpoint::parse(endpoint).unwrap();
    let options = SocketOptions::default();
    let router = Router::bind(&Context::new(), std::slice::from_ref(&endpoint), &options);
    (endpoint, router)
}

fn refusal(endpoint: &str) -> String {
    let (endpoint, router) = bind(endpoint);
    let error = router.map(drop).unwrap_err();
    assert_bind(&error, &endpoint);
    error.to_string()
}

#[test]
fn an_address_in_use_stays_with_who_has_it() {
    everywhere(|place| {
        let router = place.router();
        let used = router.addresses()[0].clone();
        let endpoints = [place.endpoint("other"), used.clone()];
        let second = Router::bind(&place.context, &endpoints, &place.options);
        let error = second.map(drop).unwrap_err();
        assert_bind(&error, &used);
        assert!(error.to_string().contains("in use"), "{error}");

        let dealer = place.dealer(&router);
        place.await_writable(&dealer);
        assert_eq!(dealer.send(Frames::one("hello")).unwrap(), Sent::Yes);
        assert_eq!(place.take(&router).1, Frames::one("hello"));

        // Of the failed one nothing stays bound.
        let mut other = None;
        place.until(&[], || {
            let bound = Router::bind(&place.context, &endpoints[..1], &place.options);
            other = bound.ok();
            other.is_some()
        });
    });
}

#[test]
fn an_address_is_free_again_once_its_socket_is_dropped() {
    everywhere(|place| {
        let router = place.router();
        let address = router.addresses()[0].clone();
        drop(router);
        let mut again = None;
        place.until(&[], || {
            let bound = Router::bind(
                &place.context,
                std::slice::from_ref(&address),
                &place.options,
            );
            again = bound.ok();
            again.is_some()
        });
        assert_eq!(again.unwrap().addresses(), [address]);
    });
}

#[test]
fn several_addresses_are_bound_in_order() {
    everywhere(|place| {
        let endpoints = [place.endpoint("a"), place.endpoint("b")];
        let router = Router::bind(&place.context, &endpoints, &place.options).unwrap();
        let addresses = router.addresses();
        assert_eq!(addresses.len(), 2);
        assert_ne!(addresses[0], addresses[1]);
        if place.transport != Transport::Tcp {
            assert_eq!(addresses, endpoints);
        }
        for address in addresses {
            assert!(!address.as_str().contains('*'), "{address}");
            let dealer = Dealer::connect(&place.context, address, &place.options).unwrap();
            place.await_writable(&dealer);
            dealer.send(Frames::one(address.to_string())).unwrap();
            assert_eq!(place.take(&router).1, Frames::one(address.to_string()));
        }
    });
}

#[test]
fn an_address_of_another_machine() {
    watched(|| {
        // 192.0.2.0/24 is for documentation: no machine has it.
        assert!(refusal("tcp://192.0.2.1:*").contains("no address of this machine"));
        assert!(refusal("tcp://nosuchcard0:*").contains("no such interface"));
        assert!(refusal("tcp://no.such.host.invalid:*").contains("tcp://no.such.host.invalid:*"));
    });
}

#[test]
fn an_ipv6_address() {
    watched(|| {
        if std::net::TcpListener::bind("[::1]:0").is_err() {
            return; // This machine has no IPv6.
        }
        let context = Context::new();
        let options = SocketOptions::default();
        let endpoint = Endpoint::parse("tcp://[::1]:*").unwrap();
        let router = Router::bind(&context, &[endpoint], &options).unwrap();
        let address = &router.addresses()[0];
        let dealer = Dealer::connect(&context, address, &options).unwrap();
        let mut events = palm_core::EventLoop::new().unwrap();
        let wait = Some(std::time::Duration::from_secs(30));
        events.await_writable(0);
        assert!(
            events.step(&[&dealer], wait).unwrap().writable(0),
            "{address}"
        );
        dealer.send(Frames::one("hello")).unwrap();
        assert!(events.step(&[&router], wait).unwrap().readable(0));
    });
}

#[test]
fn a_path_that_can_hold_no_socket() {
    watched(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let file = folder.path().join("portfolio.json");
        fs::write(&file, "precious").unwrap();

        assert!(refusal(&format!("ipc://{path}/missing/socket")).contains("No such file"));
        assert!(refusal(&format!("ipc://{path}/portfolio.json/x")).contains("Not a directory"));
        assert!(refusal(&format!("ipc://{path}")).contains("no socket"));
        assert!(refusal(&format!("ipc://{path}/portfolio.json")).contains("no socket"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    });
}

#[test]
fn a_socket_that_a_dead_process_left_behind_is_replaced() {
    watched(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (endpoint, router) = bind(&format!("ipc://{}", path.display()));
        assert_eq!(router.unwrap().addresses(), [endpoint]);
    });
}

#[test]
fn an_endpoint_that_is_only_for_binding_is_none_to_connect_to() {
    watched(|| {
        let endpoint = Endpoint::parse("tcp://127.0.0.1:*").unwrap();
        let dealer = Dealer::connect(&Context::new(), &endpoint, &SocketOptions::default());
        let error = dealer.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains(endpoint.as_str()), "{error}");
    });
}
