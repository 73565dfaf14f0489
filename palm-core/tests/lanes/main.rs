//! One lane over a link that loses, repeats, reorders and delays, with a receiver that forgets:
//! whatever happens, the rules of a lane hold, and once it stops happening all arrives.

mod link;
mod world;

use palm_core::lane::{
    Carried, Credit, Incoming, Mark, Offer, Outgoing, Position, Release, chained,
};
use proptest::prelude::*;
use proptest::sample::Index;
use world::{Fault, Step, World};

/// A message without a payload.
struct Empty(u64);

impl Carried for Empty {
    fn sequence(&self) -> u64 {
        self.0
    }

    fn payload(&self) -> &[u8] {
        b""
    }

    fn weight(&self) -> u64 {
        32
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = || {
        prop::sample::select(vec![
            Fault::None,
            Fault::None,
            Fault::Duplicate,
            Fault::Lose,
        ])
    };
    let index = any::<Index>;
    let step = prop_oneof![
        8 => (0..40usize, prop::bool::weighted(0.2))
            .prop_map(|(length, droppable)| Step::Push { length, droppable }),
        8 => (1..5usize).prop_map(|most| Step::Send { most }),
        1 => Just(Step::Repeat),
        4 => Just(Step::Release),
        4 => (0..8u64, 0..400u64).prop_map(|(number, bytes)| Step::Grant { number, bytes }),
        6 => index().prop_map(Step::Settle),
        6 => prop::bool::weighted(0.2).prop_map(|greeting| Step::Answer { greeting }),
        10 => (fault(), index()).prop_map(|(fault, at)| Step::Deliver { fault, at }),
        8 => (fault(), index()).prop_map(|(fault, at)| Step::Return { fault, at }),
        1 => Just(Step::Restart),
        1 => Just(Step::Forget),
    ];
    prop::collection::vec(step, 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_rules_hold_and_all_arrives(
        steps in steps(),
        release in prop::sample::select(vec![Release::Accepted, Release::Stored, Release::Settled]),
        // Who neither grants nor settles anything gets one message and no more.
        (generous, settles) in prop::sample::select(vec![(true, true), (true, false), (false, true)]),
    ) {
        let mut world = World::new(release);
        for step in steps {
            world.step(step);
        }
        world.calm(generous, settles);
        world.assert_complete(settles);
    }

    /// A second sender that numbers other content under the same generation: nothing of it is
    /// ever accepted behind what came from the first.
    #[test]
    fn a_sender_that_lost_its_memory_is_found_out(
        accepted in 1..20u64,
        differs in any::<Index>(),
        first in any::<Index>(),
        count in 1..30u64,
    ) {
        let differs = 1 + differs.index(accepted as usize) as u64;
        let first = 1 + first.index(accepted as usize + 1) as u64;
        let mut lane = Incoming::new(1);
        prop_assert_eq!(lane.offer(1, 0), Offer::Next);
        for number in 1..=accepted {
            prop_assert_eq!(lane.take(number, number, b"first", 9), Offer::Next);
        }
        let mark = lane.mark();

        let content = |number: u64| if number == differs { b"other" } else { b"first" };
        let chain = (1..first).fold(0, |chain, number| chained(chain, number, content(number)));
        let mut offer = lane.offer(first, chain);
        let mut numbers = first..first + count;
        while let (Offer::Next | Offer::Repeat, Some(number)) = (offer, numbers.next()) {
            offer = lane.take(number, number, content(number), 9);
            prop_assert_ne!(offer, Offer::Next);
        }
        let found_out = offer == Offer::Fork;
        prop_assert_eq!(found_out, first + count > accepted);
        prop_assert_eq!(lane.mark(), mark);
    }

    /// Whatever numbers a peer sends, and whatever is said to be settled, only the next is taken.
    #[test]
    fn only_the_next_number_is_taken(steps in prop::collection::vec((any::<bool>(), claim()), 0..60)) {
        let mut lane = Incoming::new(1);
        lane.offer(1, 0);
        for (takes, number) in steps {
            let before = lane.position();
            if takes {
                let offer = lane.take(number, number, b"", 32);
                let next = before.accepted + 1;
                prop_assert_eq!(offer == Offer::Next, number == next);
                prop_assert_eq!(offer == Offer::Gap, number > next);
            } else {
                lane.settle(number);
            }
            let after = lane.position();
            let taken = u64::from(takes && number == before.accepted + 1);
            prop_assert_eq!(after.accepted, before.accepted + taken);
            prop_assert!(before.settled <= after.settled && after.settled <= after.accepted);
        }
    }

    /// What a peer may say of a lane, however wrong, is refused or harmless.
    #[test]
    fn no_claim_of_a_peer_moves_a_lane_beyond_what_was_sent(
        pushed in 0..10u64,
        claims in prop::collection::vec((any::<[bool; 2]>(), 0..3u32, claim(), claim()), 0..20),
    ) {
        let mut lane = Outgoing::new(1, Release::Settled);
        let mut chains = vec![0];
        for number in 1..=pushed {
            lane.push(Empty(number));
            chains.push(chained(chains[number as usize - 1], number, b""));
        }
        lane.grant(Credit { number: pushed / 2, bytes: u64::MAX });
        let mut sent = 0;
        for ([greets, truly], generation, accepted, settled) in claims {
            while let Some(next) = lane.next() {
                sent = sent.max(next.number);
                lane.advance();
            }
            let before = lane.position();
            if greets {
                let truth = chains.get(accepted as usize).copied();
                let chain = if truly { truth.unwrap_or(7) } else { settled };
                let released = pushed - lane.len() as u64;
                let honest = match generation {
                    0 => released == 0,
                    1 => (released..=sent).contains(&accepted) && truth == Some(chain),
                    _ => false,
                };
                let mark = Mark { generation, number: accepted, chain };
                prop_assert_eq!(lane.resume(mark).is_ok(), honest);
                if !honest {
                    prop_assert_eq!(lane.position(), before);
                }
            } else {
                let honest = accepted <= sent && settled <= accepted;
                let position = Position { accepted, settled };
                prop_assert_eq!(lane.reach(position).is_ok(), honest);
                let after = lane.position();
                prop_assert!(after.accepted >= before.accepted);
                prop_assert!(after.settled >= before.settled);
            }
            let after = lane.position();
            prop_assert!(after.accepted <= sent && after.settled <= after.accepted);
            while lane.release().is_some() {}
            prop_assert_eq!(lane.len() as u64, pushed - after.settled);
        }
    }
}

fn claim() -> impl Strategy<Value = u64> {
    prop_oneof![0..12u64, any::<u64>(), (u64::MAX - 3)..=u64::MAX]
}

/// Its positions, which come with every frame, must not lead the sender past what it asked for,
/// nor the want of credit or a repetition.
#[test]
fn a_receiver_that_fell_back_gets_all_again() {
    let mut lane = Outgoing::new(1, Release::Settled);
    for number in 1..=5u64 {
        lane.push(Empty(number));
        assert_eq!(
            lane.next().unwrap().number,
            number,
            "an idle lane sends one"
        );
        lane.advance();
        lane.reach(Position {
            accepted: number,
            settled: number,
        })
        .unwrap();
    }

    lane.resume(Incoming::new(1).mark()).unwrap();
    lane.reach(Position::default()).unwrap();
    for number in 1..=5 {
        assert!(!lane.in_flight());
        assert_eq!(lane.next().unwrap().number, number);
        lane.advance();
        assert!(lane.in_flight() && lane.next().is_none());
        lane.repeat();
        assert_eq!(lane.next().unwrap().number, number);
        lane.advance();
        lane.reach(Position {
            accepted: number,
            settled: number,
        })
        .unwrap();
    }
    assert!(lane.next().is_none());
}
