use super::{Carried, Credit, Mark, Position, Release, chained};
use crate::mutant::{self, Mutant};
use std::collections::{BTreeSet, VecDeque};

/// The sending end of a lane: it numbers items, keeps them until the receiver releases them, and
/// says which may be sent.
///
/// ```
/// use palm_core::lane::{Carried, Credit, Outgoing, Position, Release};
///
/// #[derive(Debug, PartialEq)]
/// struct Word(u64, &'static str);
///
/// impl Carried for Word {
///     fn sequence(&self) -> u64 { self.0 }
///     fn payload(&self) -> &[u8] { self.1.as_bytes() }
///     fn weight(&self) -> u64 { 35 }
/// }
///
/// let mut lane = Outgoing::new(1, Release::Settled);
/// lane.push(Word(1, "one"));
/// lane.push(Word(2, "two"));
/// assert_eq!(lane.next().unwrap().item.1, "one"); // an idle lane may always send one
/// lane.advance();
/// assert!(lane.next().is_none()); // no credit for more
/// lane.grant(Credit { number: 2, bytes: 70 });
/// assert_eq!(lane.next().unwrap().number, 2);
/// lane.advance();
///
/// lane.reach(Position { accepted: 2, settled: 1 }).unwrap();
/// assert_eq!(lane.release(), Some(Word(1, "one")));
/// assert_eq!(lane.release(), None);
/// ```
#[derive(Clone, Debug)]
pub struct Outgoing<T> {
    generation: u32,
    /// The numbers from `released` + 1 on.
    kept: VecDeque<Kept<T>>,
    released: u64,
    /// The hash at `released`.
    chain: u64,
    /// The byte position at `released`.
    start: u64,
    /// The next number to be sent.
    cursor: u64,
    /// The highest number that was ever sent.
    sent: u64,
    position: Position,
    credit: Credit,
    release: Release,
    bytes: u64,
    /// The last number that may be sent, if not all that is kept may.
    confirmed: Option<u64>,
    /// What the receiver has settled beyond its position.
    early: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
struct Kept<T> {
    item: T,
    end: u64,
    chain: u64,
}

/// An item that may be sent now.
#[derive(Debug)]
pub struct Next<'a, T> {
    /// Its number.
    pub number: u64,
    /// The lane's hash before it.
    pub chain: u64,
    /// The item.
    pub item: &'a T,
}

/// A position that nothing sent explains: a peer's mistake, or a forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible;

impl<T: Carried> Outgoing<T> {
    /// An empty lane with that generation of numbers.
    pub fn new(generation: u32, release: Release) -> Outgoing<T> {
        Outgoing {
            generation,
            kept: VecDeque::new(),
            released: 0,
            chain: 0,
            start: 0,
            cursor: 1,
            sent: 0,
            position: Position::default(),
            credit: Credit::default(),
            release,
            bytes: 0,
            confirmed: None,
            early: BTreeSet::new(),
        }
    }

    /// The lane as it was when the receiver had released all up to `mark`, at the byte position
    /// `start`, with what was pushed after that. All of it may have been sent. It is held back
    /// from there.
    pub fn restored(
        mark: Mark,
        start: u64,
        release: Release,
        items: impl Iterator<Item = T>,
    ) -> Outgoing<T> {
        let mut lane = Outgoing {
            released: mark.number,
            chain: mark.chain,
            start,
            bytes: start,
            cursor: mark.number + 1,
            // How much of it the receiver has settled it says itself.
            position: Position {
                accepted: mark.number,
                settled: 0,
            },
            ..Outgoing::new(mark.generation, release)
        };
        for item in items {
            lane.push(item);
        }
        lane.sent = lane.last();
        lane.hold_back();
        lane
    }

    /// From now on, sends only what is [confirmed](Self::confirm): what is pushed is to be made
    /// safe first.
    pub fn hold_back(&mut self) {
        self.confirmed = Some(self.last());
    }

    /// What was pushed up to `number` is safe.
    pub fn confirm(&mut self, number: u64) {
        if let Some(confirmed) = &mut self.confirmed {
            *confirmed = number.max(*confirmed);
        }
    }

    /// From now on, releases by that rule.
    pub fn release_when(&mut self, release: Release) {
        self.release = release;
    }

    /// The last number that was given.
    pub fn last(&self) -> u64 {
        self.released + self.kept.len() as u64
    }

    /// The highest number that was ever sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Up to where the receiver has released what it was sent.
    pub fn released(&self) -> Mark {
        Mark {
            generation: self.generation,
            number: self.released,
            chain: self.chain,
        }
    }

    /// The byte position there.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The generation of its numbers.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// How many items it keeps.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How far the receiver has come.
    pub fn position(&self) -> Position {
        self.position
    }

    /// How many bytes it keeps.
    pub fn kept_bytes(&self) -> u64 {
        self.bytes - self.start
    }

    /// Numbers `item` and gives back its number.
    #[inline]
    pub fn push(&mut self, item: T) -> u64 {
        self.bytes += item.weight();
        let before = self.kept.back().map_or(self.chain, |kept| kept.chain);
        let chain = chained(before, item.sequence(), item.payload());
        self.kept.push_back(Kept {
            item,
            end: self.bytes,
            chain,
        });
        self.last()
    }

    /// How many bytes are kept that have not been sent, or are to be sent again.
    pub fn unsent_bytes(&self) -> u64 {
        let sent = self.cursor.checked_sub(self.released + 2);
        let kept = sent.and_then(|index| self.kept.get(index as usize));
        self.bytes - kept.map_or(self.start, |kept| kept.end)
    }

    /// The next item, if there is one and the credit allows it. What [recurs](Carried::recurs) needs
    /// none. An idle lane, of which all else is settled, may always send one: so does what is larger
    /// than any credit get through, and the receiver never holds more than that one beyond what it
    /// granted.
    #[inline]
    pub fn next(&self) -> Option<Next<'_, T>> {
        let kept = self.kept.get(self.index(self.cursor))?;
        if self.confirmed.is_some_and(|last| self.cursor > last) || !self.may_send(kept) {
            return None;
        }
        Some(Next {
            number: self.cursor,
            chain: self.chain_before(self.cursor),
            item: &kept.item,
        })
    }

    /// Whether the receiver lets the lane send the item at the cursor.
    fn may_send(&self, kept: &Kept<T>) -> bool {
        let granted = self.cursor <= self.credit.number && kept.end <= self.credit.bytes;
        granted || kept.item.recurs() || self.is_idle() || mutant::is(Mutant::IgnoresCredit)
    }

    /// Whether the receiver has settled all before the cursor, or stored it, but for what recurs.
    fn is_idle(&self) -> bool {
        let done = match self.release {
            Release::Stored => self.position.accepted,
            Release::Accepted | Release::Settled => self.position.settled,
        };
        (done + 1..self.cursor).all(|number| {
            let kept = self.kept.get(self.index(number));
            kept.is_some_and(|kept| kept.item.recurs()) || self.early.contains(&number)
        })
    }

    /// Whether there is more to send than the receiver has room for.
    pub fn is_starved(&self) -> bool {
        let kept = self.kept.get(self.index(self.cursor));
        kept.is_some_and(|kept| !self.may_send(kept))
    }

    /// Notes that what [`next`](Self::next) gave is on its way.
    #[inline]
    pub fn advance(&mut self) {
        debug_assert!(self.index(self.cursor) < self.kept.len());
        self.sent = self.sent.max(self.cursor);
        self.cursor += 1;
    }

    /// Whether something was sent that the receiver has not accepted.
    pub fn in_flight(&self) -> bool {
        self.cursor > self.position.accepted + 1
    }

    /// Notes how far the receiver has come. Positions only go up: an older one, as of a frame
    /// that was overtaken, changes nothing.
    ///
    /// # Errors
    ///
    /// [`Impossible`] if it claims what was never sent, or settles what it did not accept.
    pub fn reach(&mut self, position: Position) -> Result<(), Impossible> {
        if position.accepted > self.sent || position.settled > position.accepted {
            return Err(Impossible);
        }
        self.position.accepted = self.position.accepted.max(position.accepted);
        self.position.settled = self.position.settled.max(position.settled);
        self.cursor = self.cursor.max(self.position.accepted + 1);
        Ok(())
    }

    /// Raises the credit; it never goes down.
    pub fn grant(&mut self, credit: Credit) {
        self.credit.number = self.credit.number.max(credit.number);
        self.credit.bytes = self.credit.bytes.max(credit.bytes);
    }

    /// Notes that the receiver has settled `number`, though not all before it. If that is what
    /// [recurs](Carried::recurs), on a lane that releases what is settled, it is released with that: gives
    /// it back, the first time, and keeps its place. Anything else is released in order all the same, so
    /// that no more is ever kept than the windows of those who have sent it allow.
    pub fn settle_early(&mut self, number: u64) -> Option<&T> {
        if self.release != Release::Settled || number > self.position.accepted {
            return None;
        }
        let index = self.index(number);
        let kept = self.kept.get(index)?;
        let is_new = self.early.insert(number);
        (is_new && kept.item.recurs()).then_some(&kept.item)
    }

    /// Whether an item was [given back](Self::settle_early) before those in front of it.
    fn is_released(&self, number: u64, item: &T) -> bool {
        item.recurs() && self.early.contains(&number)
    }

    /// Gives back, in order, the next item that the receiver has released.
    #[inline]
    pub fn release(&mut self) -> Option<T> {
        loop {
            let item = self.release_next()?;
            let early = !self.early.is_empty() && self.early.remove(&self.released);
            if !(early && item.recurs()) {
                return Some(item);
            }
        }
    }

    #[inline]
    fn release_next(&mut self) -> Option<T> {
        let until = match self.release {
            Release::Accepted | Release::Stored => self.position.accepted,
            Release::Settled if mutant::is(Mutant::ForgetsAccepted) => self.position.accepted,
            Release::Settled => self.position.settled,
        };
        if self.released >= until {
            return None;
        }
        let kept = self.kept.pop_front()?;
        self.released += 1;
        self.chain = kept.chain;
        self.start = kept.end;
        if self.kept.is_empty() && self.kept.capacity() > 1 << 16 {
            self.kept = VecDeque::new();
        }
        Some(kept.item)
    }

    /// Goes on after `mark`, where the receiver says that it stands: what lies behind is sent
    /// again, under the same numbers. A mark of an earlier generation says that nothing of this
    /// one has been received.
    ///
    /// # Errors
    ///
    /// [`Impossible`] if the mark is of a later generation, of what was never sent, of what is
    /// forgotten already, or of other content.
    pub fn resume(&mut self, mark: Mark) -> Result<(), Impossible> {
        let mark = match mark.generation < self.generation {
            true => Mark {
                generation: self.generation,
                ..Mark::default()
            },
            false => mark,
        };
        let known = mark.generation == self.generation
            && mark.number <= self.sent
            && mark.number >= self.released
            && mark.chain == self.chain_before(mark.number + 1);
        if !known {
            return Err(Impossible);
        }
        // A receiver that fell back is idle there, and says so in frames to come; one that did not,
        // whose mark is only old, says with the next that it is further.
        self.position.accepted = mark.number;
        self.position.settled = self.position.settled.min(mark.number);
        self.cursor = mark.number + 1;
        Ok(())
    }

    /// Sends again what was sent and not accepted.
    pub fn repeat(&mut self) {
        self.cursor = self.position.accepted + 1;
    }

    /// Numbers anew, from 1, what `keep` says is still to be received: for a receiver that
    /// remembers nothing. Gives back what is not kept.
    pub fn restart(&mut self, keep: impl FnMut(&T) -> bool) -> Vec<T> {
        self.restart_beyond(self.generation, keep)
    }

    /// As [`restart`](Self::restart), under a generation above `generation` too: the receiver may know this
    /// process by another lane, of that generation.
    pub fn restart_beyond(&mut self, generation: u32, mut keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let before = self.generation.max(generation);
        let mut kept = std::mem::take(&mut self.kept);
        let mut numbers = self.released + 1..;
        kept.retain(|kept| {
            numbers
                .next()
                .is_none_or(|number| !self.is_released(number, &kept.item))
        });
        let next = before + u32::from(!mutant::is(Mutant::KeepsGeneration));
        let confirmed = self.confirmed.map(|_| 0);
        *self = Outgoing {
            confirmed,
            ..Outgoing::new(next, self.release)
        };
        let mut dropped = Vec::new();
        for Kept { item, .. } in kept {
            match keep(&item) {
                true => drop(self.push(item)),
                false => dropped.push(item),
            }
        }
        dropped
    }

    /// The items it keeps, the oldest first, but for those that it has released
    /// [early](Self::settle_early).
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let numbered = self.kept.iter().zip(self.released + 1..);
        let left = numbered.filter(|(kept, number)| !self.is_released(*number, &kept.item));
        left.map(|(kept, _)| &kept.item)
    }

    /// The kept item with that number.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let index = self.index(number);
        self.kept.get_mut(index).map(|kept| &mut kept.item)
    }

    fn index(&self, number: u64) -> usize {
        // A number that was released wraps to an index that nothing has.
        number.wrapping_sub(self.released + 1) as usize
    }

    fn chain_before(&self, number: u64) -> u64 {
        match number - 1 - self.released {
            0 => self.chain,
            kept => self.kept[kept as usize - 1].chain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Incoming, Offer};
    use super::*;

    impl Carried for u64 {
        fn sequence(&self) -> u64 {
            *self
        }

        fn payload(&self) -> &[u8] {
            match *self {
                1 => b"one",
                2 => b"two",
                _ => b"more",
            }
        }

        fn weight(&self) -> u64 {
            100
        }

        fn recurs(&self) -> bool {
            *self > 1000
        }
    }

    fn lane(items: u64) -> Outgoing<u64> {
        let mut lane = Outgoing::new(1, Release::Settled);
        for item in 1..=items {
            lane.push(item);
        }
        lane.grant(Credit {
            number: 1000,
            bytes: 1 << 20,
        });
        lane
    }

    #[test]
    fn what_recurs_is_given_back_once_as_soon_as_it_is_settled() {
        let filled = |release| {
            let mut lane = Outgoing::new(1, release);
            for item in [1, 1002, 3, 1004] {
                lane.push(item);
            }
            send(&mut lane, &mut Incoming::new(1));
            lane
        };
        let reach = |lane: &mut Outgoing<u64>, accepted, settled| {
            lane.reach(Position { accepted, settled }).unwrap();
        };
        let mut lane = filled(Release::Settled);
        assert_eq!(
            lane.cursor, 3,
            "there is no credit, and what is no. 1 is not settled"
        );
        reach(&mut lane, 2, 1);
        assert_eq!(lane.next().unwrap().number, 3, "idle but for what recurs");
        send(&mut lane, &mut Incoming::new(1));
        reach(&mut lane, 3, 0);
        let early = [2, 2, 3, 4, 9].map(|number| lane.settle_early(number).copied());
        assert_eq!(early, [Some(1002), None, None, None, None]);
        assert_eq!(lane.iter().copied().collect::<Vec<_>>(), [1, 3, 1004]);
        let mut anew = lane.clone();
        reach(&mut lane, 3, 3);
        let released: Vec<u64> = std::iter::from_fn(|| lane.release()).collect();
        assert_eq!((released, lane.settle_early(3)), (vec![1, 3], None));

        assert_eq!(anew.restart(|item| *item > 1), [1]);
        assert_eq!(anew.iter().copied().collect::<Vec<_>>(), [3, 1004]);
        let mut kept_elsewhere = filled(Release::Accepted);
        reach(&mut kept_elsewhere, 2, 0);
        assert_eq!(kept_elsewhere.settle_early(2), None);
    }

    fn send(lane: &mut Outgoing<u64>, to: &mut Incoming) -> Vec<u64> {
        let mut taken = Vec::new();
        while let Some(Next {
            number,
            chain,
            item,
        }) = lane.next()
        {
            let item = *item;
            if to.offer(number, chain) == Offer::Next
                && to.take(number, item, item.payload(), 100) == Offer::Next
            {
                taken.push(item);
            }
            lane.advance();
        }
        taken
    }

    #[test]
    fn resumes_where_the_receiver_stands() {
        let mut lane = lane(5);
        let mut peer = Incoming::new(1);
        assert_eq!(send(&mut lane, &mut peer), [1, 2, 3, 4, 5]);
        lane.resume(peer.mark()).unwrap();
        assert!(lane.next().is_none());

        let mut forgetful = Incoming::new(1);
        lane.push(6);
        lane.resume(Mark {
            generation: 1,
            number: 0,
            chain: 0,
        })
        .unwrap();
        assert_eq!(send(&mut lane, &mut forgetful), [1, 2, 3, 4, 5, 6]);
        lane.resume(Mark {
            generation: 2,
            number: 0,
            chain: 0,
        })
        .unwrap_err();
        lane.resume(Mark {
            generation: 1,
            number: 2,
            chain: 77,
        })
        .unwrap_err();
        lane.resume(Mark {
            generation: 1,
            number: 9,
            chain: 0,
        })
        .unwrap_err();
    }

    #[test]
    fn a_position_beyond_what_was_sent_is_impossible() {
        let mut lane = lane(3);
        lane.reach(Position {
            accepted: 1,
            settled: 0,
        })
        .unwrap_err();
        send(&mut lane, &mut Incoming::new(1));
        lane.reach(Position {
            accepted: 2,
            settled: 3,
        })
        .unwrap_err();
        lane.reach(Position {
            accepted: 3,
            settled: 2,
        })
        .unwrap();
        lane.reach(Position {
            accepted: 1,
            settled: 1,
        })
        .unwrap();
        assert_eq!(
            lane.position(),
            Position {
                accepted: 3,
                settled: 2
            }
        );
    }

    #[test]
    fn bytes_bound_what_is_sent_and_an_idle_lane_sends_one() {
        let mut lane = Outgoing::new(1, Release::Accepted);
        for item in 1..=3u64 {
            lane.push(item);
        }
        assert_eq!(lane.next().unwrap().number, 1);
        lane.advance();
        assert!(lane.next().is_none());
        lane.grant(Credit {
            number: 9,
            bytes: 200,
        });
        lane.advance();
        assert!(lane.next().is_none());
        assert_eq!((lane.kept_bytes(), lane.unsent_bytes()), (300, 100));
        lane.reach(Position {
            accepted: 2,
            settled: 0,
        })
        .unwrap();
        assert_eq!(lane.release(), Some(1));
        assert_eq!(lane.kept_bytes(), 200);
        assert!(lane.next().is_none(), "the receiver still holds two");
        lane.reach(Position {
            accepted: 2,
            settled: 2,
        })
        .unwrap();
        assert_eq!(lane.next().unwrap().number, 3);
    }

    #[test]
    fn what_is_held_back_is_sent_once_it_is_confirmed_and_goes_on_after_a_restoration() {
        let mut lane = lane(2);
        let mut peer = Incoming::new(1);
        lane.hold_back();
        lane.push(3);
        assert_eq!(send(&mut lane, &mut peer), [1, 2]);
        assert!(!lane.is_starved());
        lane.confirm(3);
        assert_eq!(send(&mut lane, &mut peer), [3]);
        lane.reach(Position {
            accepted: 1,
            settled: 1,
        })
        .unwrap();
        assert_eq!(lane.release(), Some(1));

        let (mark, start) = (lane.released(), lane.start());
        let kept = lane.iter().copied();
        let mut again = Outgoing::restored(mark, start, Release::Settled, kept);
        again.push(4);
        again.resume(peer.mark()).unwrap();
        assert_eq!(again.last(), 4);
        assert!(again.next().is_none(), "4 is not confirmed");
        again.confirm(4);
        again.grant(Credit {
            number: 10,
            bytes: 1000,
        });
        assert_eq!(send(&mut again, &mut peer), [4]);
    }

    #[test]
    fn a_restart_numbers_anew_what_is_kept() {
        let mut lane = lane(4);
        send(&mut lane, &mut Incoming::new(1));
        lane.reach(Position {
            accepted: 4,
            settled: 1,
        })
        .unwrap();
        assert_eq!(lane.release(), Some(1));
        let dropped = lane.restart(|item| *item != 3);
        assert_eq!(dropped, [3]);
        assert_eq!(lane.generation(), 2);
        lane.grant(Credit {
            number: 10,
            bytes: 1000,
        });
        let mut numbers = Vec::new();
        while let Some(next) = lane.next() {
            numbers.push((next.number, *next.item));
            lane.advance();
        }
        assert_eq!(numbers, [(1, 2), (2, 4)]);
    }
}
