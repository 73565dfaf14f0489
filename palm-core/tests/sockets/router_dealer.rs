//! What a router and its dealers say to each other.

use crate::place::{Place, Transport, everywhere};
use bytes::Bytes;
use palm_core::{Dealer, Frames, PeerId, Router, Sent};
use std::collections::BTreeSet;

fn frames(text: &str) -> Frames {
    Frames::one(text.to_owned())
}

fn send(place: &Place, dealer: &Dealer, frames: &Frames) {
    while dealer.send(frames.clone()).unwrap() != Sent::Yes {
        place.await_writable(dealer);
    }
}

#[test]
fn messages_arrive_in_order_and_answers_at_who_asked() {
    everywhere(|place| {
        let router = place.router();
        let dealers = [place.dealer(&router), place.dealer(&router)];
        for number in 0..500 {
            for (index, dealer) in dealers.iter().enumerate() {
                send(place, dealer, &frames(&format!("{index} {number}")));
            }
        }
        let mut peers = BTreeSet::new();
        for _ in 0..1000 {
            let (peer, frames) = place.take(&router);
            assert_eq!((&frames.second, frames.excess), (&None, 0));
            peers.insert(peer);
            assert_eq!(router.send(peer, frames).unwrap(), Sent::Yes);
        }
        assert_eq!(peers.len(), 2);
        for number in 0..500 {
            for (index, dealer) in dealers.iter().enumerate() {
                assert_eq!(place.answer(dealer), frames(&format!("{index} {number}")));
            }
        }
        assert!(router.receive().unwrap().is_none());
        assert!(dealers[0].receive().unwrap().is_none());
    });
}

#[test]
fn a_large_payload_is_a_second_part() {
    everywhere(|place| {
        let router = place.router();
        let dealer = place.dealer(&router);
        let payload: Bytes = (0..3_000_000u32).map(|n| (n * 7 / 3) as u8).collect();
        for length in [1, 40_000, payload.len()] {
            let sent = Frames {
                first: Bytes::from_static(b"header"),
                second: Some(payload.slice(..length)),
                excess: 0,
            };
            send(place, &dealer, &sent);
            let (peer, received) = place.take(&router);
            assert_eq!(received, sent);
            assert_eq!(received.size(), 6 + length);
            assert_eq!(router.send(peer, received).unwrap(), Sent::Yes);
            assert_eq!(place.answer(&dealer), sent);
        }
    });
}

#[test]
fn a_client_may_come_before_its_server() {
    everywhere(|place| {
        // Should another process take the port before the server does, the next one is tried.
        let (dealer, router) = loop {
            let address = place.nobodys();
            let dealer = Dealer::connect(&place.context, &address, &place.options).unwrap();
            // Over inproc it is zmq itself that keeps messages until somebody binds.
            let kept = place.transport == Transport::Inproc;
            let expected = if kept { Sent::Yes } else { Sent::NotNow };
            assert_eq!(dealer.send(frames("early")).unwrap(), expected);
            match Router::bind(&place.context, &[address], &place.options) {
                Ok(router) => break (dealer, router),
                Err(error) => assert!(place.transport == Transport::Tcp, "{error}"),
            }
        };
        if place.transport != Transport::Inproc {
            place.await_writable(&dealer);
            assert_eq!(dealer.send(frames("early")).unwrap(), Sent::Yes);
        }
        let (peer, received) = place.take(&router);
        assert_eq!(received, frames("early"));
        router.send(peer, frames("welcome")).unwrap();
        assert_eq!(place.answer(&dealer), frames("welcome"));
    });
}

#[test]
fn a_dealer_connects_again_to_a_server_that_comes_back() {
    everywhere(|place| {
        if place.transport == Transport::Inproc {
            return; // Its ends are in one process, and go together.
        }
        let router = place.router();
        let address = router.addresses()[0].clone();
        let dealer = place.dealer(&router);
        send(place, &dealer, &frames("before"));
        assert_eq!(place.take(&router).1, frames("before"));
        drop(router);
        place.until(&[], || dealer.send(frames("lost")).unwrap() == Sent::NotNow);

        let mut back = None;
        place.until(&[], || {
            let bound = Router::bind(
                &place.context,
                std::slice::from_ref(&address),
                &place.options,
            );
            back = bound.ok();
            back.is_some()
        });
        let router = back.unwrap();
        place.await_writable(&dealer);
        send(place, &dealer, &frames("after"));
        assert_eq!(place.take(&router).1, frames("after"));
    });
}

#[test]
fn a_peer_that_is_not_there_is_unreachable() {
    everywhere(|place| {
        let router = place.router();
        let dealer = place.dealer(&router);
        send(place, &dealer, &frames("hello"));
        let (peer, _) = place.take(&router);
        let stranger = PeerId::from_number(0);
        assert_ne!(peer, stranger);
        let large = Frames {
            second: Some(vec![0; 100_000].into()),
            ..frames("large")
        };
        for lost in [frames("small"), large.clone()] {
            assert_eq!(router.send(stranger, lost).unwrap(), Sent::Unreachable);
        }
        assert_eq!(router.send(peer, frames("you")).unwrap(), Sent::Yes);
        assert_eq!(place.answer(&dealer), frames("you"));

        drop(dealer);
        place.until(&[&router], || {
            router.send(peer, large.clone()).unwrap() == Sent::Unreachable
        });
        let other = place.dealer(&router);
        send(place, &other, &frames("me"));
        let (next, received) = place.take(&router);
        assert_eq!(received, frames("me"));
        assert_ne!(next, peer);
        assert_eq!(router.send(next, frames("you")).unwrap(), Sent::Yes);
        assert_eq!(place.answer(&other), frames("you"));
    });
}

#[test]
fn what_was_sent_before_a_socket_is_dropped_lingers() {
    everywhere(|place| {
        let router = place.router();
        let options = palm_core::SocketOptions {
            linger: place.time_left(),
            ..place.options.clone()
        };
        let dealer = Dealer::connect(&place.context, &router.addresses()[0], &options).unwrap();
        // More than any buffer of the system takes, so that most of it is still to be sent.
        let last = Frames::one(vec![1; 1_000_000]);
        for _ in 0..40 {
            send(place, &dealer, &last);
        }
        drop(dealer);
        for _ in 0..40 {
            assert_eq!(place.take(&router).1, last);
        }
    });
}
