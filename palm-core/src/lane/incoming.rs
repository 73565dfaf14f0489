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
        }
    }

    /// Which numbering of its sender it follows.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// How far it has come.
    pub fn position(&self) -> Position {
        Position {
            accepted: self.accepted,
            settled: self.settled.base(),
        }
    }

    /// The byte position after the last accepted message.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where it stands, as a greeting tells the sender.
    pub fn mark(&self) -> Mark {
        Mark {
            generation: self.generation,
            number: self.accepted,
            chain: self.chain,
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
        *self = Incoming::new(generation);
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
