//! What subscribers hear, and that they notice what they do not.

use crate::place::{Place, Transport, between_processes, everywhere};
use palm_core::{Pub, Published, SocketOptions, Sub};

fn publisher(place: &Place, options: &SocketOptions) -> Pub {
    Pub::bind(&place.context, &[place.endpoint("pub")], options).unwrap()
}

fn receive(place: &Place, sub: &mut Sub) -> Published {
    place.next(sub, |sub| sub.receive())
}

/// Waits until `sub`, which is to be looked after meanwhile, has subscribed.
fn joined(place: &Place, publisher: &mut Pub, sub: &Sub) -> String {
    loop {
        match publisher.joined().unwrap() {
            Some(topic) => return String::from_utf8(topic.into()).unwrap(),
            None => place.await_readable(&[publisher, sub]),
        }
    }
}

#[test]
fn a_subscriber_has_its_topics_numbered_and_no_others() {
    everywhere(|place| {
        let mut publisher = publisher(place, &place.options);
        let address = publisher.addresses().to_vec();
        let mut prices = Sub::connect(
            &place.context,
            &address,
            &["price.", "rate."],
            &place.options,
        )
        .unwrap();
        assert_eq!(joined(place, &mut publisher, &prices), "price.");
        assert_eq!(joined(place, &mut publisher, &prices), "rate.");
        let mut all = Sub::connect(&place.context, &address, &[""], &place.options).unwrap();
        assert_eq!(joined(place, &mut publisher, &all), "");

        let sent = [
            ("price.EUR", "1.08", 1),
            ("news", "none", 1),
            ("price.EUR", "1.09", 2),
            ("rate.ESTR", "3.9", 1),
            ("price.JPY", "150", 1),
        ];
        for (topic, payload, _) in sent {
            publisher.send(topic, payload).unwrap();
        }
        for (topic, payload, number) in sent {
            let expect = |sub: &mut Sub| {
                let published = receive(place, sub);
                assert_eq!(
                    (&published.topic[..], &published.payload[..]),
                    (topic.as_bytes(), payload.as_bytes())
                );
                assert_eq!((published.number, published.missed), (number, 0));
            };
            expect(&mut all);
            if topic != "news" {
                expect(&mut prices);
            }
        }
        assert_eq!(prices.receive().unwrap(), None);
    });
}

#[test]
fn a_large_payload_arrives_whole() {
    everywhere(|place| {
        let mut publisher = publisher(place, &place.options);
        let mut sub =
            Sub::connect(&place.context, publisher.addresses(), &[""], &place.options).unwrap();
        joined(place, &mut publisher, &sub);
        let payload: Vec<u8> = (0..3_000_000u32).map(|n| (n * 7 / 3) as u8).collect();
        publisher.send("model", payload.clone()).unwrap();
        assert_eq!(receive(place, &mut sub).payload, payload);
        publisher
            .send("", "no topic and no payload is as good")
            .unwrap();
        assert_eq!(receive(place, &mut sub).topic, "");
    });
}

#[test]
fn who_comes_late_sees_it_from_the_number() {
    everywhere(|place| {
        let mut publisher = publisher(place, &place.options);
        for _ in 0..5 {
            publisher.send("tick", "").unwrap();
        }
        let mut sub = Sub::connect(
            &place.context,
            publisher.addresses(),
            &["tick"],
            &place.options,
        )
        .unwrap();
        joined(place, &mut publisher, &sub);
        publisher.send("tick", "").unwrap();
        let first = receive(place, &mut sub);
        assert_eq!((first.number, first.missed), (6, 0));
    });
}

#[test]
fn who_is_too_slow_is_told_how_much_is_missing() {
    everywhere(|place| {
        let options = SocketOptions {
            queue: 5,
            ..place.options.clone()
        };
        let mut publisher = publisher(place, &options);
        let mut sub = Sub::connect(&place.context, publisher.addresses(), &[""], &options).unwrap();
        joined(place, &mut publisher, &sub);
        // Large, so that the system's own buffers do not take them all.
        const SENT: u64 = 200;
        for _ in 0..SENT {
            publisher.send("block", vec![7; 1 << 18]).unwrap();
        }
        let (mut came, mut missed, mut number) = (0, 0, 0);
        place.until(&[], || {
            while let Some(published) = sub.receive().unwrap() {
                came += 1;
                missed += published.missed;
                number = published.number;
            }
            // The last may be among those that are lost: others come until one is not.
            publisher.send("block", "end").unwrap();
            number >= SENT
        });
        assert!(missed > 0, "all {came} came");
        assert_eq!(came + missed, number);
    });
}

#[test]
fn what_was_lost_before_it_was_published_is_missing_too() {
    everywhere(|place| {
        let mut publisher = publisher(place, &place.options);
        let mut sub =
            Sub::connect(&place.context, publisher.addresses(), &[""], &place.options).unwrap();
        joined(place, &mut publisher, &sub);
        publisher.send("log", "one").unwrap();
        publisher.skip("log", 3);
        publisher.send("log", "five").unwrap();
        assert_eq!(receive(place, &mut sub).missed, 0);
        let second = receive(place, &mut sub);
        assert_eq!((second.number, second.missed), (5, 3));
    });
}

#[test]
fn a_publisher_that_comes_back_is_another_one() {
    everywhere(|place| {
        if place.transport == Transport::Inproc {
            return; // Its ends are in one process, and go together.
        }
        let mut first = publisher(place, &place.options);
        let address = first.addresses().to_vec();
        let mut sub = Sub::connect(&place.context, &address, &[""], &place.options).unwrap();
        joined(place, &mut first, &sub);
        first.send("a", "").unwrap();
        first.send("a", "").unwrap();
        let before = [receive(place, &mut sub), receive(place, &mut sub)];
        drop(first);
        let mut back = None;
        place.until(&[], || {
            back = Pub::bind(&place.context, &address, &place.options).ok();
            back.is_some()
        });
        let mut second = back.unwrap();
        joined(place, &mut second, &sub);
        second.send("a", "").unwrap();
        let after = receive(place, &mut sub);
        assert_eq!((after.number, after.missed), (1, 0));
        assert_ne!(after.publisher, before[1].publisher);
    });
}

#[test]
fn what_no_pub_has_sent_is_passed_over() {
    between_processes(|place| {
        let mut sub = Sub::bind(
            &place.context,
            &[place.endpoint("sub")],
            &[""],
            &place.options,
        )
        .unwrap();
        let stranger = zmq::Context::new().socket(zmq::XPUB).unwrap();
        stranger.set_linger(0).unwrap();
        stranger.connect(sub.addresses()[0].as_str()).unwrap();
        place.until(&[&sub], || {
            stranger.recv_bytes(zmq::DONTWAIT) == Ok(vec![1]) // It has subscribed.
        });
        let parts: [&[&[u8]]; 5] = [
            &[b""],
            &[b"short", b"x"],
            &[&[0; 16], b"x"],
            &[&[9; 40]],
            &[&[9; 40], b"x", b"y"],
        ];
        for parts in parts {
            stranger.send_multipart(parts, 0).unwrap();
        }
        let mut publisher = Pub::connect(&place.context, sub.addresses(), &place.options).unwrap();
        joined(place, &mut publisher, &sub);
        publisher.send("topic", "payload").unwrap();
        assert_eq!(receive(place, &mut sub).topic, "topic");
    });
}

#[test]
fn subscribers_that_are_none_do_no_harm() {
    between_processes(|place| {
        let mut publisher = publisher(place, &place.options);
        let stranger = zmq::Context::new().socket(zmq::XSUB).unwrap();
        stranger.set_linger(0).unwrap();
        stranger.set_sndhwm(0).unwrap();
        stranger.connect(publisher.addresses()[0].as_str()).unwrap();
        for noise in [&[][..], &[0], &[0, b'x'], &[2, 3], &[255; 1000]] {
            stranger.send(noise, 0).unwrap();
        }
        for _ in 0..3_000 {
            stranger.send(&b"\x01more and more"[..], 0).unwrap();
        }
        stranger.send(&b"\x01last"[..], 0).unwrap();
        let mut count = 0;
        place.until(&[], || {
            // Publishing reads them too.
            publisher.send("nothing", "").unwrap();
            let mut last = false;
            while let Some(topic) = publisher.joined().unwrap() {
                count += 1;
                last |= topic == "last";
            }
            last
        });
        assert!(count > 0);
    });
}
