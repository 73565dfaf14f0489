use super::ring::Ring;
use super::{Credit, Mark, Position, chained};
use crate::mutant::{self, Mutant};

/// The receiving end of a lane.
///
/// ```
/// use palm_core::lane::{Incoming, Offer, chained};
///
/// let mut lane = Incoming::new(1);
/// let chain = chained(0, 10, b"a");
/// assert_eq!(lane.offer(1, 0), Offer::Next);
/// assert_eq!(lane.take(1, 10, b"a", 33), Offer::Next);
/// assert_eq!(lane.offer(1, 0), Offer::Next);
/// assert_eq!(lane.take(1, 10, b"a", 33), Offer::Repeat);
/// assert_eq!(lane.offer(3, 0), Offer::Gap);
/// assert_eq!(lane.position().accepted, 1);
/// assert_eq!(lane.mark().chain, chain);
/// ```
#[derive(Clone, Debug)]
pub struct Incoming {
    generation: u32,
    accepted: u64,
    chain: u64,
    bytes: u64,
    settled: Ring,
    credit: Credit,
    /// The hash while a frame that repeats what was accepted is walked through.
    replayed: u64,
    /// How far what is accepted may be spoken of, and the hash there, if not all of it may.
    confirmed: Option<(u64, u64)>,
}

/// What a message or a frame is to the lane that it is offered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The next one: it is accepted.
    Next,
    /// Accepted before: to be passed over.
    Repeat,
    /// Something before it is missing: the sender is to go back to the position.
    Gap,
    /// Its sender numbers other content than was accepted: to be refused.
    Fork,
}

impl Incoming {
    /// The lane that a sender numbers under `generation`, with nothing of it accepted.
    pub fn new(generation: u32) -> Incoming {
        Incoming {
            generation,
            accepted: 0,
            chain: 0,
            bytes: 0,
            settled: Ring::default(),
            credit: Credit::default(),
            replayed: 0,
            confirmed: None,
        }
    }

    /// The lane as it stood at `mark`, at the byte position `bytes`, with all numbers up to `known`
    /// settled but those that are `open`, in order, and none after that. It is held back from
    /// there.
    pub fn restored(
        mark: Mark,
        bytes: u64,
        known: u64,
        open: impl Iterator<Item = u64>,
    ) -> Incoming {
        Incoming {
            accepted: mark.number,
            chain: mark.chain,
            bytes,
            settled: Ring::restored(known.min(mark.number), open),
            confirmed: Some((mark.number, mark.chain)),
            ..Incoming::new(mark.generation)
        }
    }

    /// From now on, speaks to the sender only of what is [confirmed](Self::confirm): what is
    /// accepted is to be made safe first.
    pub fn hold_back(&mut self) {
        self.confirmed = Some((self.accepted, self.chain));
    }

    /// What was accepted up to `number`, where the hash was `chain`, is safe.
    pub fn confirm(&mut self, number: u64, chain: u64) {
        if let Some(confirmed) = &mut self.confirmed
            && number > confirmed.0
        {
            *confirmed = (number, chain);
        }
    }

    /// The last number accepted, whether the sender may know it or not.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// The hash at that number.
    pub fn chain(&self) -> u64 {
        self.chain
    }

    /// Which numbering of its sender it follows.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// How far it has come, as the sender may know.
    pub fn position(&self) -> Position {
        let (accepted, _) = self.told();
        Position {
            accepted,
            settled: self.settled.base().min(accepted),
        }
    }

    fn told(&self) -> (u64, u64) {
        self.confirmed.unwrap_or((self.accepted, self.chain))
    }

    /// The byte position after the last accepted message.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where it stands, as a greeting tells the sender.
    pub fn mark(&self) -> Mark {
        let (number, chain) = self.told();
        Mark {
            generation: self.generation,
            number,
            chain,
        }
    }

    /// Whether a frame that begins with number `first`, at hash `chain`, can be taken. Only
    /// [`Offer::Next`] says that its messages are now to be offered to [`take`](Self::take).
    pub fn offer(&mut self, first: u64, chain: u64) -> Offer {
        if first > self.accepted + 1 && !mutant::is(Mutant::TakesGaps) {
            return Offer::Gap;
        }
        if first == 0 || (first == self.accepted + 1 && chain != self.chain) {
            return Offer::Fork;
        }
        self.replayed = chain;
        Offer::Next
    }

    /// Takes one message of a frame that was offered; `weight` is what it takes of the credit.
    #[inline]
    pub fn take(&mut self, number: u64, sequence: u64, payload: &[u8], weight: u64) -> Offer {
        self.replayed = chained(self.replayed, sequence, payload);
        if number <= self.accepted && mutant::is(Mutant::TakesRepeats) {
            return Offer::Next;
        }
        if number <= self.accepted {
            return match number == self.accepted && self.replayed != self.chain {
                true => Offer::Fork,
                false => Offer::Repeat,
            };
        }
        if number != self.accepted + 1 && !mutant::is(Mutant::TakesGaps) {
            return Offer::Gap;
        }
        self.accepted = number;
        self.chain = self.replayed;
        self.bytes += weight;
        Offer::Next
    }

    /// Notes that all that came of `number` has left for good.
    ///
    /// What is not accepted can't be settled: such a number is passed over.
    #[inline]
    pub fn settle(&mut self, number: u64) {
        if number <= self.accepted {
            self.settled.set(number);
        }
    }

    /// Raises the credit to `credit`; it never goes down.
    pub fn grant(&mut self, credit: Credit) {
        if mutant::is(Mutant::LowersCredit) {
            self.credit = credit;
            self.credit.number -= self.bytes % 2;
            return;
        }
        self.credit.number = self.credit.number.max(credit.number);
        self.credit.bytes = self.credit.bytes.max(credit.bytes);
    }

    /// The credit that its sender has.
    pub fn credit(&self) -> Credit {
        self.credit
    }

    /// Follows a new numbering of the same sender, from its beginning.
    pub fn restart(&mut self, generation: u32) {
        let confirmed = self.confirmed.map(|_| (0, 0));
        *self = Incoming {
            confirmed,
            ..Incoming::new(generation)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(lane: &mut Incoming, number: u64, payload: &[u8]) -> Offer {
        lane.take(number, number, payload, 1)
    }

    #[test]
    fn other_content_under_an_old_number_is_a_fork() {
        let mut lane = Incoming::new(1);
        lane.offer(1, 0);
        for number in 1..=3 {
            assert_eq!(taken(&mut lane, number, b"x"), Offer::Next);
        }
        lane.offer(2, chained(0, 1, b"x"));
        assert_eq!(taken(&mut lane, 2, b"x"), Offer::Repeat);
        assert_eq!(taken(&mut lane, 3, b"y"), Offer::Fork);
        assert_eq!(lane.offer(4, 12345), Offer::Fork);
        assert_eq!(lane.position().accepted, 3);
    }

    #[test]
    fn what_is_not_accepted_is_not_settled() {
        let mut lane = Incoming::new(1);
        lane.settle(1);
        assert_eq!(lane.position().settled, 0);
        lane.offer(1, 0);
        taken(&mut lane, 1, b"x");
        lane.settle(1);
        assert_eq!(lane.position().settled, 1);
    }

    #[test]
    fn what_is_held_back_is_not_spoken_of_before_it_is_confirmed() {
        let mut lane = Incoming::new(1);
        lane.hold_back();
        lane.offer(1, 0);
        taken(&mut lane, 1, b"x");
        let chain = lane.chain();
        taken(&mut lane, 2, b"y");
        lane.settle(1);
        let nothing = Position::default();
        assert_eq!((lane.accepted(), lane.position()), (2, nothing));
        assert_eq!(lane.mark().number, 0);
        lane.confirm(1, chain);
        assert_eq!(lane.position().accepted, 1);
        assert_eq!(lane.position().settled, 1);
        assert_eq!(lane.mark().chain, chain);

        let mut again = Incoming::restored(lane.mark(), 1, 1, [].into_iter());
        assert_eq!(again.position(), lane.position());
        again.offer(2, chain);
        assert_eq!(taken(&mut again, 2, b"y"), Offer::Next);
        again.restart(2);
        assert_eq!(again.position(), nothing);
    }

    #[test]
    fn credit_never_goes_down() {
        let mut lane = Incoming::new(1);
        lane.grant(Credit {
            number: 10,
            bytes: 5,
        });
        lane.grant(Credit {
            number: 3,
            bytes: 9,
        });
        assert_eq!(
            lane.credit(),
            Credit {
                number: 10,
                bytes: 9
            }
        );
    }
}
