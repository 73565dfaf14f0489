//! Parts by name, and what comes to the match.

use crate::place::{Place, everywhere, watched};
use palm_core::{
    Context, Dealer, Endpoint, ErrorKind, Event, Frames, PeerId, Pub, Pull, Push, Rep, Req, Router,
    Sent, SocketOptions, Sub, Switchboard,
};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Clients,
    Server,
    Work,
    News,
    Prices,
    Tick,
    Deadline,
}

/// A board that ends a test which hangs.
fn board(place: &Place) -> Switchboard<Part> {
    let mut board = Switchboard::new().unwrap();
    board.after(Part::Deadline, place.time_left());
    board
}

/// The next event.
fn next(board: &mut Switchboard<Part>) -> Event<Part> {
    let event = board.wait().unwrap().unwrap();
    assert_ne!(event, Event::Timer(Part::Deadline));
    event
}

#[test]
fn messages_come_by_name_and_answers_go_back() {
    everywhere(|place| {
        let mut board = board(place);
        let router = place.router();
        let dealers = [place.dealer(&router), place.dealer(&router)];
        let [dealer, other] = dealers;
        board.plug(Part::Clients, router);
        board.plug(Part::Server, dealer);
        // Sent before there is a connection: it waits.
        board
            .send(Part::Server, None, Frames::one("from the board"))
            .unwrap();
        place.await_writable(&other);
        other.send(Frames::one("from outside")).unwrap();
        let mut peers: Vec<Option<PeerId>> = Vec::new();
        while peers.len() < 2 {
            match next(&mut board) {
                Event::Message(Part::Clients, peer, frames) => {
                    assert_eq!(board.send(Part::Clients, peer, frames).unwrap(), Sent::Yes);
                    peers.push(peer);
                }
                event => assert_eq!(
                    event,
                    Event::Message(Part::Server, None, Frames::one("from the board"))
                ),
            }
        }
        assert!(peers[0].is_some() && peers[0] != peers[1]);
        assert_eq!(place.answer(&other), Frames::one("from outside"));
        let stranger = PeerId::from_number(0);
        assert_eq!(
            board
                .send(Part::Clients, stranger, Frames::one("lost"))
                .unwrap(),
            Sent::Unreachable
        );
        let error = board
            .send(Part::Clients, None, Frames::one("to whom?"))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfTurn);
    });
}

#[test]
fn what_has_no_room_is_told_so_and_when_it_has() {
    everywhere(|place| {
        let mut board = board(place);
        let any = [place.endpoint("push")];
        let push = Push::bind(&place.context, &any, &place.options).unwrap();
        let address = push.addresses().to_vec();
        board.plug(Part::Work, push);
        let number = |number: usize| Frames::one(number.to_string());
        let most = Switchboard::<Part>::QUEUE;
        for sent in 0..most {
            assert_eq!(
                board.send(Part::Work, None, number(sent)).unwrap(),
                Sent::Yes
            );
        }
        assert_eq!(
            board.send(Part::Work, None, number(most)).unwrap(),
            Sent::NotNow
        );
        let pull = Pull::connect(&place.context, &address, &place.options).unwrap();
        board.plug(Part::Server, pull);
        let (mut writable, mut received) = (false, 0);
        while received <= most {
            match next(&mut board) {
                Event::Message(Part::Server, None, frames) => {
                    assert_eq!(frames, number(received));
                    received += 1;
                }
                event => {
                    assert_eq!(event, Event::Writable(Part::Work));
                    assert!(!writable, "once");
                    writable = true;
                    let last = board.send(Part::Work, None, number(most));
                    assert_eq!(last.unwrap(), Sent::Yes);
                }
            }
        }
    });
}

#[test]
fn a_bypass_answers_by_itself() {
    everywhere(|place| {
        let mut board = board(place);
        let rep = Rep::bind(&place.context, &[place.endpoint("health")], &place.options).unwrap();
        let address = rep.addresses().to_vec();
        let asked = Rc::new(Cell::new(0));
        let count = asked.clone();
        board.bypass(rep, move |question| {
            assert_eq!(question, Frames::one("how are you?"));
            count.set(count.get() + 1);
            Some(Frames::one("well"))
        });
        let req = Req::connect(&place.context, &address, &place.options).unwrap();
        board.plug(Part::Server, req);
        for round in 1..=3 {
            board
                .send(Part::Server, None, Frames::one("how are you?"))
                .unwrap();
            let answer = Event::Message(Part::Server, None, Frames::one("well"));
            assert_eq!(next(&mut board), answer);
            assert_eq!(asked.get(), round);
        }
    });
}

#[test]
fn news_come_with_their_topics_and_gaps() {
    everywhere(|place| {
        let mut board = board(place);
        let any = [place.endpoint("news")];
        let mut publisher = Pub::bind(&place.context, &any, &place.options).unwrap();
        let sub = Sub::connect(
            &place.context,
            publisher.addresses(),
            &["price."],
            &place.options,
        );
        board.plug(Part::Prices, sub.unwrap());
        publisher.skip("price.EUR", 7);
        place.next(&mut publisher, |publisher| publisher.joined());
        publisher.send("price.EUR", "1.08").unwrap();
        publisher.skip("price.EUR", 2);
        board.plug(Part::News, publisher);
        let news = |topic: &'static str, payload: &'static str| Frames {
            second: Some(payload.into()),
            ..Frames::one(topic)
        };
        board
            .send(Part::News, None, news("price.EUR", "1.09"))
            .unwrap();
        let price = |payload| Event::Message(Part::Prices, None, news("price.EUR", payload));
        assert_eq!(next(&mut board), price("1.08"));
        assert_eq!(next(&mut board), Event::Missed(Part::Prices, 2));
        assert_eq!(next(&mut board), price("1.09"));
        let error = board.send(Part::Prices, None, news("a", "b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfTurn);
    });
}

#[test]
fn who_joins_is_a_message_of_the_publisher() {
    everywhere(|place| {
        let mut board = board(place);
        let any = [place.endpoint("news")];
        let publisher = Pub::bind(&place.context, &any, &place.options).unwrap();
        let address = publisher.addresses().to_vec();
        board.plug(Part::News, publisher);
        let _sub = Sub::connect(&place.context, &address, &["price."], &place.options).unwrap();
        let joined = Event::Message(Part::News, None, Frames::one("price."));
        assert_eq!(next(&mut board), joined);
    });
}

#[test]
fn who_joined_before_something_is_sent_is_a_message_too() {
    watched(|| {
        let (context, options) = (Context::new(), SocketOptions::default());
        let any = [Endpoint::parse("inproc://news").unwrap()];
        let mut board = Switchboard::new().unwrap();
        board.after(Part::Deadline, Duration::from_secs(20));
        board.plug(Part::News, Pub::bind(&context, &any, &options).unwrap());
        // More than the board takes at a time.
        let topics: Vec<String> = (0..250).map(|n| format!("price.{n}.")).collect();
        let wanted: Vec<&str> = topics.iter().map(String::as_str).collect();
        let _sub = Sub::connect(&context, &any, &wanted, &options).unwrap();
        // It looks who has come.
        board
            .send(Part::News, None, Frames::one("news.EUR"))
            .unwrap();
        let mut joined = BTreeSet::new();
        while joined.len() < topics.len() {
            match next(&mut board) {
                Event::Message(Part::News, None, topic) => assert!(joined.insert(topic.first)),
                event => panic!("{event:?}"),
            }
        }
    });
}

#[test]
fn timers_come_by_name() {
    watched(|| {
        let mut board = Switchboard::new().unwrap();
        board.every('e', Duration::from_millis(2));
        board.after('a', Duration::from_millis(5));
        board.after('x', Duration::from_millis(1));
        board.after('x', Duration::from_secs(3600)); // It takes the place of the one before.
        let mut came = Vec::new();
        while came.len() < 6 {
            match board.wait().unwrap() {
                Some(Event::Timer(name)) => came.push(name),
                event => panic!("{event:?}"),
            }
        }
        assert_eq!(came.iter().filter(|name| **name == 'a').count(), 1);
        assert_eq!(came.iter().filter(|name| **name == 'e').count(), 5);
        assert!(board.now() >= Duration::from_millis(10));
    });
}

#[test]
fn a_timer_that_was_late_comes_once() {
    watched(|| {
        let mut board = Switchboard::new().unwrap();
        board.every('e', Duration::from_millis(1));
        let late = Duration::from_millis(30);
        while board.now() < late {
            std::hint::spin_loop(); // The server is busy.
        }
        board.after('a', Duration::ZERO);
        assert_eq!(board.wait().unwrap(), Some(Event::Timer('e')));
        assert_eq!(
            board.wait().unwrap(),
            Some(Event::Timer('a')),
            "not 29 more"
        );
    });
}

#[test]
fn other_threads_wake_and_stop_it() {
    watched(|| {
        let mut board = Switchboard::<()>::new().unwrap();
        let (waker, stop) = (board.waker(), board.stop_handle());
        let thread = std::thread::spawn(move || waker.wake());
        assert_eq!(board.wait().unwrap(), Some(Event::Woken));
        thread.join().unwrap();
        board.every((), Duration::ZERO);
        let thread = std::thread::spawn(move || stop.stop());
        while board.wait().unwrap().is_some() {}
        thread.join().unwrap();
        assert_eq!(board.wait().unwrap(), None);
    });
}

#[test]
fn a_part_takes_the_place_of_another_of_its_name() {
    everywhere(|place| {
        let mut board = board(place);
        let router = place.router();
        board.plug(Part::Clients, router);
        let any = [place.endpoint("second")];
        let second = Router::bind(&place.context, &any, &place.options).unwrap();
        let dealer =
            Dealer::connect(&place.context, &second.addresses()[0], &place.options).unwrap();
        board.plug(Part::Clients, second);
        board.plug(Part::Server, dealer);
        board.every(Part::Tick, Duration::from_secs(3600));
        board
            .send(Part::Server, None, Frames::one("hello"))
            .unwrap();
        match next(&mut board) {
            Event::Message(Part::Clients, Some(_), frames) => {
                assert_eq!(frames, Frames::one("hello"))
            }
            event => panic!("{event:?}"),
        }
    });
}
