//! Peers that speak zmq but are none of ours.

use crate::place::{Place, Transport, between_processes};
use bytes::Bytes;
use palm_core::{Dealer, Frames, PeerId, Router, Sent, SocketOptions};

/// A socket of the library itself, set up as its owner likes.
fn raw(place: &Place, kind: zmq::SocketType, id: Option<&[u8]>) -> zmq::Socket {
    let socket = zmq::Context::new().socket(kind).unwrap();
    socket.set_linger(0).unwrap();
    socket
        .set_sndtimeo(place.time_left().as_millis() as i32)
        .unwrap();
    socket
        .set_rcvtimeo(place.time_left().as_millis() as i32)
        .unwrap();
    if let Some(id) = id {
        socket.set_identity(id).unwrap();
    }
    socket
}

fn ask(place: &Place, router: &Router, dealer: &Dealer) -> PeerId {
    while dealer.send(Frames::one("ask")).unwrap() != Sent::Yes {
        place.await_writable(dealer);
    }
    let (peer, frames) = place.take(router);
    assert_eq!(frames, Frames::one("ask"));
    assert_eq!(router.send(peer, frames).unwrap(), Sent::Yes);
    assert_eq!(place.answer(dealer), Frames::one("ask"));
    peer
}

#[test]
fn parts_beyond_the_second_are_counted_and_dropped() {
    between_processes(|place| {
        let router = place.router();
        let peer = raw(place, zmq::DEALER, None);
        peer.connect(router.addresses()[0].as_str()).unwrap();
        let cases: [&[&str]; 5] = [
            &["a"],
            &["a", "b"],
            &["a", "b", "c"],
            &["a", "b", "c", "d", ""],
            &["", "", ""],
        ];
        for parts in cases {
            peer.send_multipart(parts, 0).unwrap();
            let (_, frames) = place.take(&router);
            assert_eq!(frames.first, parts[0]);
            let second = parts.get(1).map(|part| Bytes::from_static(part.as_bytes()));
            assert_eq!(frames.second, second);
            assert_eq!(frames.excess, parts.len().saturating_sub(2));
        }
        peer.send_multipart(vec!["x"; 10_000], 0).unwrap();
        assert_eq!(place.take(&router).1.excess, 9_998);
    });
}

#[test]
fn a_dealer_counts_them_too() {
    between_processes(|place| {
        let server = raw(place, zmq::ROUTER, None);
        server.bind(place.endpoint("server").as_str()).unwrap();
        let address = server.get_last_endpoint().unwrap().unwrap();
        let address = palm_core::Endpoint::parse(&address).unwrap();
        let dealer = Dealer::connect(&place.context, &address, &place.options).unwrap();
        place.await_writable(&dealer);
        assert_eq!(dealer.send(Frames::one("hello")).unwrap(), Sent::Yes);
        let mut id = server.recv_multipart(0).unwrap();
        assert_eq!(id.pop().unwrap(), b"hello");
        let cases: [&[&str]; 4] = [&["a"], &["a", "b"], &["a", "", "c"], &["a", "b", "c", "d"]];
        for parts in cases {
            let message = id.iter().map(|id| &id[..]);
            let message = message.chain(parts.iter().map(|part| part.as_bytes()));
            server.send_multipart(message, 0).unwrap();
            let frames = place.answer(&dealer);
            assert_eq!(frames.first, parts[0]);
            let second = parts.get(1).map(|part| Bytes::from_static(part.as_bytes()));
            assert_eq!(frames.second, second);
            assert_eq!(frames.excess, parts.len().saturating_sub(2));
        }
    });
}

#[test]
fn a_peer_with_a_routing_id_of_its_own_is_passed_over() {
    between_processes(|place| {
        let router = place.router();
        let dealer = place.dealer(&router);
        let peer = ask(place, &router, &dealer);
        for id in [&b"x"[..], b"me, myself", b"12345", &[255; 255]] {
            let stranger = raw(place, zmq::DEALER, Some(id));
            stranger.connect(router.addresses()[0].as_str()).unwrap();
            stranger.send_multipart(["a", "b", "c"], 0).unwrap();
            place.await_readable(&[&router]);
            assert_eq!(router.receive().unwrap(), None);
            assert_eq!(ask(place, &router, &dealer), peer);
        }
    });
}

#[test]
fn who_sends_too_much_is_cut_off_and_others_notice_nothing() {
    between_processes(|place| {
        let options = SocketOptions {
            max_part: 50_000,
            ..place.options.clone()
        };
        let router = Router::bind(&place.context, &[place.endpoint("server")], &options).unwrap();
        let quiet = place.dealer(&router);
        let peer = ask(place, &router, &quiet);
        for second in [false, true] {
            let greedy = place.dealer(&router);
            let id = ask(place, &router, &greedy);
            let bytes = |length: usize| Bytes::from(vec![1; length]);
            let sent = |first, second| Frames {
                first,
                second,
                excess: 0,
            };
            // As much as is allowed is taken, in either part.
            let most = sent(bytes(50_000), Some(bytes(50_000)));
            assert_eq!(greedy.send(most.clone()).unwrap(), Sent::Yes);
            assert_eq!(place.take(&router), (id, most));
            let more = match second {
                false => sent(bytes(50_001), None),
                true => sent(bytes(10), Some(bytes(50_001))),
            };
            assert_eq!(greedy.send(more).unwrap(), Sent::Yes);
            place.until(&[], || {
                assert_eq!(router.receive().unwrap(), None, "nothing of it arrives");
                router.send(id, Frames::one("are you there?")).unwrap() == Sent::Unreachable
            });
            assert_eq!(ask(place, &router, &quiet), peer);
        }
    });
}

#[test]
fn what_is_no_zmq_at_all_is_passed_over() {
    use std::io::Write;
    between_processes(|place| {
        let router = place.router();
        let dealer = place.dealer(&router);
        let peer = ask(place, &router, &dealer);
        let address = router.addresses()[0].as_str();
        for noise in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xFF; 4096], &[0; 64]] {
            // The other side may hang up in the middle, which is as good.
            let _ = match place.transport {
                Transport::Tcp => std::net::TcpStream::connect(&address["tcp://".len()..])
                    .unwrap()
                    .write_all(noise),
                _ => std::os::unix::net::UnixStream::connect(&address["ipc://".len()..])
                    .unwrap()
                    .write_all(noise),
            };
            assert_eq!(ask(place, &router, &dealer), peer);
        }
    });
}
