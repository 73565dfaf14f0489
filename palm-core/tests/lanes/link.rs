//! Links: what two of them say over a network that loses, holds up and mixes frames.

use bytes::Bytes;
use palm_core::wire::{Frame, HEADER_LENGTH};
use palm_core::{ErrorKind, Frames, Incarnation, Link, Received};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn pair(window: u64) -> [Link; 2] {
    [1, 2].map(|number| Link::new(Incarnation::from_number(number), window))
}

fn number(payload: &[u8]) -> u64 {
    u64::from_le_bytes(payload.try_into().unwrap())
}

/// All frames that `link` has.
fn frames(link: &mut Link) -> Vec<Frames> {
    std::iter::from_fn(|| link.frame().unwrap()).collect()
}

/// Carries frames both ways until neither side has any.
fn carry(links: &mut [Link; 2]) -> [Vec<Received>; 2] {
    let mut received = [Vec::new(), Vec::new()];
    loop {
        let mut quiet = true;
        for from in 0..2 {
            for frame in frames(&mut links[from]) {
                received[1 - from].extend(links[1 - from].receive(frame).unwrap());
                quiet = false;
            }
        }
        if quiet {
            return received;
        }
    }
}

#[test]
fn a_window_bounds_what_is_not_answered() {
    let mut links = pair(3);
    for n in 0..10u64 {
        links[0].push(n.to_le_bytes().to_vec()).unwrap();
    }
    let mut answered = Vec::new();
    let mut open = Vec::new();
    while answered.len() < 10 {
        let [answers, messages] = carry(&mut links);
        answered.extend(answers);
        for message in messages {
            let Received::Message { number, payload } = message else {
                panic!("{message:?}");
            };
            open.push((number, payload));
        }
        assert!(open.len() <= 3);
        assert_eq!(links[0].pending(), 10 - answered.len());
        // The last that came is answered first.
        if let Some((number, payload)) = open.pop() {
            links[1].answer(number, payload).unwrap();
        }
    }
    let answered: BTreeSet<u64> = answered
        .into_iter()
        .map(|answer| match answer {
            Received::Answer { question, payload } => {
                assert_eq!(question, payload);
                number(&payload)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answered, BTreeSet::from_iter(0..10));
    assert_eq!(links[0].unanswered().count(), 0);
}

/// A question that counts when the last of it is gone.
struct Counted(&'static AtomicUsize);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        b"a question"
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn what_is_answered_is_not_kept_behind_what_is_not() {
    static GONE: AtomicUsize = AtomicUsize::new(0);
    const COUNT: usize = 10_000;
    let mut links = pair(2);
    links[0].push("never answered").unwrap();
    for _ in 0..COUNT {
        let question = Bytes::from_owner(Counted(&GONE));
        links[0].push(question).unwrap();
    }
    let mut answered = 0;
    while answered < COUNT {
        let [answers, messages] = carry(&mut links);
        answered += answers.len();
        drop(answers);
        assert_eq!(GONE.load(Relaxed), answered);
        for message in messages {
            let Received::Message { number, payload } = message else {
                panic!("{message:?}");
            };
            if payload != "never answered" {
                links[1].answer(number, payload).unwrap();
            }
        }
    }
    let open: Vec<_> = links[0].unanswered().collect();
    assert_eq!(open, ["never answered"]);
}

#[test]
fn two_that_ask_each_other_do_not_wait_for_ever() {
    let mut links = pair(1);
    for n in 0..20u64 {
        for link in &mut links {
            link.push(n.to_le_bytes().to_vec()).unwrap();
        }
    }
    let mut answers = [0, 0];
    while answers != [20, 20] {
        let received = carry(&mut links);
        assert!(received.iter().any(|received| !received.is_empty()));
        for (side, received) in received.into_iter().enumerate() {
            for received in received {
                match received {
                    Received::Message { number, payload } => {
                        links[side].answer(number, payload).unwrap();
                    }
                    Received::Answer { .. } => answers[side] += 1,
                }
            }
        }
    }
}

#[test]
fn what_a_dead_peer_did_not_answer_is_there_in_order() {
    let mut links = pair(4);
    for n in 0..6u64 {
        links[0].push(n.to_le_bytes().to_vec()).unwrap();
    }
    let [_, messages] = carry(&mut links);
    assert_eq!(messages.len(), 4);
    links[1].answer(2, "done").unwrap();
    // Its last frame: the answer has come, that it has come is not known there.
    let last = links[1].frame().unwrap().unwrap();
    links[0].receive(last).unwrap();
    let left: Vec<u64> = links[0]
        .unanswered()
        .map(|payload| number(payload))
        .collect();
    assert_eq!(left, [0, 2, 3, 4, 5]);
    assert_eq!(links[0].pending(), 5);
}

#[test]
fn a_message_is_answered_once() {
    let mut links = pair(4);
    links[0].push("question").unwrap();
    let refused = links[1].answer(1, "too early").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OutOfTurn);
    carry(&mut links);
    links[1].answer(1, "answer").unwrap();
    assert!(links[1].answer(1, "again").is_err());
    carry(&mut links);
    let refused = links[1].answer(1, "and again").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no message 1 that wants an answer"
    );
}

#[test]
fn large_payloads_go_through() {
    let mut links = pair(10);
    for length in [0, 1, 32 << 10, 3 << 20, 100] {
        links[0].push(vec![7; length]).unwrap();
    }
    let [_, messages] = carry(&mut links);
    let lengths: Vec<usize> = messages
        .iter()
        .map(|message| match message {
            Received::Message { payload, .. } => payload.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lengths, [0, 1, 32 << 10, 3 << 20, 100]);
}

#[test]
fn silence_is_counted_in_ticks() {
    let mut links = pair(1);
    carry(&mut links);
    let [here, there] = &mut links;
    assert_eq!(
        [here.tick(), here.tick(), here.tick(), here.tick()],
        [0, 1, 2, 3]
    );
    there.tick();
    here.receive(there.frame().unwrap().unwrap()).unwrap();
    assert_eq!(here.tick(), 0);
}

#[test]
fn frames_of_others_are_refused() {
    let mut links = pair(1);
    carry(&mut links);
    let [here, there] = &mut links;
    let refusal = |link: &mut Link, frame| {
        let error = link.receive(frame).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        error.to_string()
    };
    let mut stranger = Link::new(Incarnation::from_number(3), 1);
    let text = refusal(here, stranger.frame().unwrap().unwrap());
    assert_eq!(
        text,
        "a frame of 0000000000000003 came where 0000000000000002 is at the other end"
    );
    here.tick();
    let mine = here.frame().unwrap().unwrap();
    let text = refusal(&mut stranger, mine);
    assert_eq!(
        text,
        "a frame for 0000000000000002 came to 0000000000000003"
    );
    // And the link goes on.
    there.push("hello").unwrap();
    assert_eq!(carry(&mut links)[0].len(), 1);
}

/// What happens next on a network that does as it likes.
#[derive(Clone, Copy, Debug)]
enum Step {
    Push(usize),
    /// Answers the open message at that index.
    Answer(usize, usize),
    /// Puts the side's frames on the way.
    Send(usize),
    /// Takes the frame at that index from the way to a side.
    Deliver(usize, usize),
    /// The connection breaks: what is on the way is lost.
    Break,
    Tick(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let side = 0..2usize;
    prop_oneof![
        2 => side.clone().prop_map(Step::Push),
        3 => (side.clone(), any::<usize>()).prop_map(|(side, at)| Step::Answer(side, at)),
        4 => side.clone().prop_map(Step::Send),
        // Most come in order, as they do on one connection.
        4 => side.clone().prop_map(|side| Step::Deliver(side, 0)),
        1 => (side.clone(), any::<usize>()).prop_map(|(side, at)| Step::Deliver(side, at)),
        1 => Just(Step::Break),
        1 => side.prop_map(Step::Tick),
    ]
}

/// Both sides, what is on the way to each, and what each has to answer and was answered.
struct World {
    links: [Link; 2],
    way: [Vec<Frames>; 2],
    open: [Vec<(u64, u64)>; 2],
    came: [u64; 2],
    pushed: [u64; 2],
    answered: [BTreeSet<u64>; 2],
}

impl World {
    fn take(&mut self, side: usize, frame: Frames) {
        for received in self.links[side].receive(frame).unwrap() {
            match received {
                Received::Message { number: n, payload } => {
                    assert_eq!(number(&payload), self.came[side], "each once and in order");
                    self.came[side] += 1;
                    self.open[side].push((n, number(&payload)));
                }
                Received::Answer { question, payload } => {
                    assert_eq!(question, payload);
                    assert!(
                        self.answered[side].insert(number(&payload)),
                        "answered once"
                    );
                }
            }
        }
    }

    fn answer(&mut self, side: usize, at: usize) {
        let open = &mut self.open[side];
        if !open.is_empty() {
            let (number, payload) = open.remove(at % open.len());
            let payload = payload.to_le_bytes().to_vec();
            self.links[side].answer(number, payload).unwrap();
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Push(side) => {
                let payload = self.pushed[side].to_le_bytes().to_vec();
                self.links[side].push(payload).unwrap();
                self.pushed[side] += 1;
            }
            Step::Answer(side, at) => self.answer(side, at),
            Step::Send(side) => self.way[1 - side].extend(frames(&mut self.links[side])),
            Step::Deliver(side, at) => {
                let way = &mut self.way[side];
                if !way.is_empty() {
                    let frame = way.remove(at % way.len());
                    self.take(side, frame);
                }
            }
            Step::Break => self.way.iter_mut().for_each(Vec::clear),
            Step::Tick(side) => drop(self.links[side].tick()),
        }
        for side in 0..2 {
            assert!(self.open[side].len() <= 3);
            let left: Vec<u64> = self.links[side].unanswered().map(|p| number(p)).collect();
            let expected = (0..self.pushed[side]).filter(|n| !self.answered[side].contains(n));
            assert_eq!(left, Vec::from_iter(expected));
        }
    }
}

proptest! {
    #[test]
    fn each_message_comes_once_and_is_answered_once(
        steps in proptest::collection::vec(step(), 0..300),
    ) {
        let mut world = World {
            links: pair(3),
            way: Default::default(),
            open: Default::default(),
            came: [0; 2],
            pushed: [0; 2],
            answered: Default::default(),
        };
        for step in steps {
            world.step(step);
        }
        // Over a network that is well again all of it ends.
        let mut rounds = 0;
        while (0..2).any(|side| world.answered[side].len() as u64 != world.pushed[side]) {
            for side in 0..2 {
                world.links[side].tick();
                while !world.open[side].is_empty() {
                    world.answer(side, 0);
                }
                world.step(Step::Send(side));
                while !world.way[1 - side].is_empty() {
                    world.step(Step::Deliver(1 - side, 0));
                }
            }
            rounds += 1;
            prop_assert!(rounds < 1_000);
        }
    }

    #[test]
    fn what_nobody_wrote_never_panics(
        bytes in proptest::collection::vec((0..200usize, any::<u8>()), 1..6),
        cut in proptest::option::of(0..300usize),
    ) {
        let mut links = pair(4);
        for n in 0..4u64 {
            links[0].push(n.to_le_bytes().to_vec()).unwrap();
        }
        let [_, messages] = carry(&mut links);
        prop_assert_eq!(messages.len(), 4);
        links[1].answer(1, "one").unwrap();
        links[1].answer(3, "three").unwrap();
        let good = links[1].frame().unwrap().unwrap();
        let mut first = good.first.to_vec();
        for (at, byte) in bytes {
            let at = at % first.len();
            first[at] = byte;
        }
        first.truncate(cut.unwrap_or(first.len()));
        let [here, _] = &mut links;
        let mut known = 4;
        match here.receive(Frames::one(first)) {
            Ok(received) => known -= received.len(),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Decode),
        }
        // Nothing that was pushed is lost by it.
        prop_assert_eq!(here.unanswered().count(), known);
        prop_assert_eq!(here.pending(), known);
        here.tick();
        let frame = Frame::read(here.frame().unwrap().unwrap()).unwrap();
        prop_assert!(frame.header.sender == Incarnation::from_number(1));
        prop_assert!(good.first.len() > HEADER_LENGTH);
    }
}
