//! Questions and answers, and what becomes of those that nobody answers.

use crate::place::{Place, Transport, everywhere};
use palm_core::{ErrorKind, Frames, Rep, Req, Sent};
use std::time::Duration;

fn rep(place: &Place) -> Rep {
    Rep::bind(&place.context, &[place.endpoint("rep")], &place.options).unwrap()
}

fn req(place: &Place, rep: &Rep) -> Req {
    Req::connect(&place.context, rep.addresses(), &place.options).unwrap()
}

fn ask(place: &Place, req: &Req, question: &'static str) {
    while req.send(Frames::one(question)).unwrap() != Sent::Yes {
        place.await_writable(req);
    }
}

#[test]
fn each_question_has_its_answer() {
    everywhere(|place| {
        let mut rep = rep(place);
        let mut askers = [req(place, &rep), req(place, &rep)];
        for round in 0..50 {
            for asker in &askers {
                ask(place, asker, "how often?");
            }
            for asker in 0..2 {
                let question = place.next(&mut rep, |rep| rep.receive());
                assert_eq!(question, Frames::one("how often?"));
                // The other question waits until this one is answered.
                assert_eq!(rep.receive().unwrap(), None);
                let answer = Frames::one(format!("{}", 2 * round + asker));
                assert_eq!(rep.send(answer).unwrap(), Sent::Yes);
            }
            let mut answers = askers
                .each_mut()
                .map(|asker| place.next(asker, |asker| asker.receive()));
            answers.sort_by_key(|answer| answer.first.clone());
            let expected = [2 * round, 2 * round + 1].map(|n| Frames::one(n.to_string()));
            assert_eq!(answers.len(), expected.len());
            assert!(expected.iter().all(|answer| answers.contains(answer)));
        }
    });
}

#[test]
fn who_is_not_asked_has_nothing_to_answer() {
    everywhere(|place| {
        let mut rep = rep(place);
        let mut req = req(place, &rep);
        assert_eq!(req.receive().unwrap(), None);
        assert_eq!(rep.receive().unwrap(), None);
        let refused = |rep: &Rep| rep.send(Frames::one("42")).unwrap_err().kind();
        assert_eq!(refused(&rep), ErrorKind::OutOfTurn);
        ask(place, &req, "6 x 7");
        place.next(&mut rep, |rep| rep.receive());
        rep.send(Frames::one("42")).unwrap();
        assert_eq!(refused(&rep), ErrorKind::OutOfTurn);
        let answer = place.next(&mut req, |req| req.receive());
        assert_eq!(answer, Frames::one("42"));
    });
}

#[test]
fn a_question_that_nobody_answers_is_given_up_by_the_next() {
    everywhere(|place| {
        let mut rep = rep(place);
        let mut req = req(place, &rep);
        ask(place, &req, "first");
        place.next(&mut rep, |rep| rep.receive());
        ask(place, &req, "second");
        rep.send(Frames::one("of the first")).unwrap();
        let second = place.next(&mut rep, |rep| rep.receive());
        assert_eq!(second, Frames::one("second"));
        rep.send(Frames::one("of the second")).unwrap();
        let answer = place.next(&mut req, |req| req.receive());
        assert_eq!(answer, Frames::one("of the second"));
    });
}

#[test]
fn who_asks_nobody_is_told_so_in_time() {
    everywhere(|place| {
        let patience = Duration::from_millis(20);
        let req = Req::connect(&place.context, &[place.nobodys()], &place.options).unwrap();
        assert_eq!(req.ask(Frames::one("anybody?"), patience).unwrap(), None);

        let deaf = rep(place);
        let req = self::req(place, &deaf);
        for _ in 0..3 {
            assert_eq!(req.ask(Frames::one("anybody?"), patience).unwrap(), None);
        }
    });
}

#[test]
fn a_server_that_comes_back_is_asked_again() {
    everywhere(|place| {
        if place.transport == Transport::Inproc {
            return; // Its ends are in one process, and go together.
        }
        let mut first = rep(place);
        let address = first.addresses().to_vec();
        let req = req(place, &first);
        ask(place, &req, "hello");
        place.next(&mut first, |rep| rep.receive());
        drop(first);

        let mut back = None;
        place.until(&[], || {
            back = Rep::bind(&place.context, &address, &place.options).ok();
            back.is_some()
        });
        let rep = back.unwrap();
        // A question that went to the old one is lost: who wants an answer asks again.
        let mut tries = 0;
        place.until(&[], || {
            if tries % 100 == 0 {
                req.send(Frames::one("hello again")).unwrap();
            }
            tries += 1;
            if let Some(question) = rep.receive().unwrap() {
                assert_eq!(question, Frames::one("hello again"));
                rep.send(Frames::one("here I am")).unwrap();
            }
            req.receive().unwrap() == Some(Frames::one("here I am"))
        });
    });
}
