//! A lane between two ends, the link between them, and what both of them should know.

use palm_core::lane::{Carried, Credit, Incoming, Mark, Offer, Outgoing, Position, Release};
use proptest::sample::Index;
use std::collections::BTreeSet;

/// What the sender puts on its lane.
#[derive(Clone, Debug)]
struct Item {
    sequence: u64,
    payload: Vec<u8>,
    weight: u64,
    /// It ends otherwise if the receiver forgets it.
    droppable: bool,
}

/// What travels to the receiver: addressed to one life of it.
#[derive(Clone, Debug)]
struct Frame {
    life: u32,
    generation: u32,
    first: u64,
    chain: u64,
    items: Vec<Item>,
}

/// What travels back, from one life of the receiver.
#[derive(Clone, Debug)]
struct Answer {
    life: u32,
    generation: u32,
    position: Position,
    credit: Credit,
    greeting: Option<Mark>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Push {
        length: usize,
        droppable: bool,
    },
    Send {
        most: usize,
    },
    Repeat,
    Release,
    Grant {
        number: u64,
        bytes: u64,
    },
    Settle(Index),
    Answer {
        greeting: bool,
    },
    Deliver {
        fault: Fault,
        at: Index,
    },
    Return {
        fault: Fault,
        at: Index,
    },
    /// The sender begins anew, as when it is told what can't be.
    Restart,
    /// The receiver dies, and another begins that knows nothing.
    Forget,
}

/// What the link does to one of the things that are under way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// None but that any may be the first to arrive.
    None,
    Lose,
    Duplicate,
}

/// A lane, both its ends and all that the test knows better than they do.
pub(crate) struct World {
    sender: Outgoing<Item>,
    /// The life of the receiver that the sender knows.
    life: u32,
    there: Vec<Frame>,
    back: Vec<Answer>,
    receiver: Incoming,
    receiver_life: u32,
    unsettled: Vec<u64>,
    release: Release,
    pushed: u64,
    /// The items of the sender's present numbering, in order, and where each ends.
    order: Vec<(Item, u64)>,
    /// How far the sender was told that the receiver has come.
    told: Position,
    /// The number that the sender is to send next.
    cursor: u64,
    /// The most credit that reached the sender.
    credit: Credit,
    /// What the receiver has taken of its present numbering.
    taken: Vec<u64>,
    /// All that any receiver has settled or taken.
    settled: BTreeSet<u64>,
    accepted: BTreeSet<u64>,
    released: Vec<u64>,
    dropped: Vec<u64>,
}

impl Carried for Item {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

impl World {
    pub(crate) fn new(release: Release) -> World {
        World {
            sender: Outgoing::new(1, release),
            life: 1,
            there: Vec::new(),
            back: Vec::new(),
            receiver: Incoming::new(1),
            receiver_life: 1,
            unsettled: Vec::new(),
            release,
            pushed: 0,
            order: Vec::new(),
            told: Position::default(),
            cursor: 1,
            credit: Credit::default(),
            taken: Vec::new(),
            settled: BTreeSet::new(),
            accepted: BTreeSet::new(),
            released: Vec::new(),
            dropped: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Push { length, droppable } => self.push(length, droppable),
            Step::Send { most } => drop(self.send(most)),
            Step::Repeat => self.repeat(),
            Step::Release => self.release(),
            Step::Grant { number, bytes } => self.grant(number, bytes),
            Step::Settle(at) if !self.unsettled.is_empty() => {
                self.settle(at.index(self.unsettled.len()));
            }
            Step::Settle(_) => {}
            Step::Answer { greeting } => self.answer(greeting),
            Step::Deliver { fault, at } => {
                if let Some(frame) = arrival(&mut self.there, fault, at) {
                    self.receive(frame);
                }
            }
            Step::Return { fault, at } => {
                if let Some(answer) = arrival(&mut self.back, fault, at) {
                    self.hear(answer);
                }
            }
            Step::Restart => self.restart(),
            Step::Forget => self.forget(),
        }
    }

    fn push(&mut self, length: usize, droppable: bool) {
        self.pushed += 1;
        let item = Item {
            sequence: self.pushed,
            payload: vec![self.pushed as u8; length],
            weight: 32 + length as u64,
            droppable,
        };
        self.number(item.clone());
        let number = self.sender.push(item);
        assert_eq!(number, self.order.len() as u64);
    }

    fn number(&mut self, item: Item) {
        let start = self.order.last().map_or(0, |(_, end)| *end);
        let end = start + item.weight;
        self.order.push((item, end));
    }

    /// Whether the next number may be sent, by all that the sender was told.
    fn may_send(&self) -> bool {
        let Some((_, end)) = self.order.get(self.cursor as usize - 1) else {
            return false;
        };
        let allowed = self.cursor <= self.credit.number && *end <= self.credit.bytes;
        let done = match self.release {
            Release::Stored => self.told.accepted,
            Release::Accepted | Release::Settled => self.told.settled,
        };
        allowed || self.cursor == done + 1
    }

    /// Puts a frame of up to `most` messages on the link; gives back how many it has.
    fn send(&mut self, most: usize) -> usize {
        let mut frame = Frame {
            life: self.life,
            generation: self.sender.generation(),
            first: self.cursor,
            chain: 0,
            items: Vec::new(),
        };
        while frame.items.len() < most {
            let Some(next) = self.sender.next() else {
                assert!(!self.may_send(), "{} is held back", self.cursor);
                break;
            };
            assert_eq!(next.number, self.cursor);
            assert!(
                self.may_send(),
                "{} is beyond {:?}",
                self.cursor,
                self.credit
            );
            if frame.items.is_empty() {
                frame.chain = next.chain;
            }
            frame.items.push(next.item.clone());
            self.sender.advance();
            self.cursor += 1;
        }
        let count = frame.items.len();
        if count > 0 {
            self.there.push(frame);
        }
        count
    }

    fn repeat(&mut self) {
        self.sender.repeat();
        self.cursor = self.told.accepted + 1;
    }

    fn release(&mut self) {
        while let Some(item) = self.sender.release() {
            let left = match self.release {
                Release::Accepted | Release::Stored => &self.accepted,
                Release::Settled => &self.settled,
            };
            assert!(left.contains(&item.sequence));
            assert!(
                self.released
                    .last()
                    .is_none_or(|last| *last < item.sequence)
            );
            assert!(!self.dropped.contains(&item.sequence));
            self.released.push(item.sequence);
        }
    }

    fn grant(&mut self, number: u64, bytes: u64) {
        let before = self.receiver.credit();
        self.receiver.grant(Credit {
            number: self.receiver.position().accepted + number,
            bytes: self.receiver.bytes() + bytes,
        });
        let after = self.receiver.credit();
        assert!(after.number >= before.number && after.bytes >= before.bytes);
    }

    fn settle(&mut self, at: usize) {
        let number = self.unsettled.remove(at);
        self.settled.insert(self.taken[number as usize - 1]);
        self.receiver.settle(number);
        let expected = self
            .unsettled
            .iter()
            .min()
            .map_or(self.taken.len() as u64, |n| n - 1);
        assert_eq!(self.receiver.position().settled, expected);
    }

    fn answer(&mut self, greeting: bool) {
        self.back.push(Answer {
            life: self.receiver_life,
            generation: self.receiver.generation(),
            position: self.receiver.position(),
            credit: self.receiver.credit(),
            greeting: greeting.then(|| self.receiver.mark()),
        });
    }

    fn forget(&mut self) {
        self.receiver_life += 1;
        self.receiver = Incoming::new(0);
        self.taken.clear();
        self.unsettled.clear();
        self.answer(true);
    }

    fn receive(&mut self, frame: Frame) {
        if frame.life != self.receiver_life || frame.generation < self.receiver.generation() {
            return;
        }
        if frame.generation > self.receiver.generation() {
            self.receiver.restart(frame.generation);
            self.taken.clear();
            self.unsettled.clear();
        }
        let before = self.receiver.position();
        match self.receiver.offer(frame.first, frame.chain) {
            Offer::Next => {}
            Offer::Gap => return assert!(frame.first > before.accepted + 1),
            other => panic!("an honest frame is taken for a {other:?}"),
        }
        for (number, item) in (frame.first..).zip(&frame.items) {
            let new = number == self.taken.len() as u64 + 1;
            match self
                .receiver
                .take(number, item.sequence, &item.payload, item.weight)
            {
                Offer::Next => {
                    assert!(new, "{number} was taken after {:?}", self.taken);
                    self.taken.push(item.sequence);
                    self.accepted.insert(item.sequence);
                    self.unsettled.push(number);
                }
                Offer::Repeat => assert!(!new),
                other => panic!("an honest message is taken for a {other:?}"),
            }
        }
        let after = self.receiver.position();
        assert!(after.accepted >= before.accepted && after.settled == before.settled);
        assert_eq!(after.accepted, self.taken.len() as u64);
        self.compare();
    }

    /// What the receiver has taken is what the sender numbered, if both follow one numbering.
    fn compare(&self) {
        if self.receiver.generation() != self.sender.generation() {
            return;
        }
        let order = self.order.iter().map(|(item, _)| item.sequence);
        let order: Vec<u64> = order.take(self.taken.len()).collect();
        assert_eq!(self.taken, order);
        let end = self
            .taken
            .len()
            .checked_sub(1)
            .map_or(0, |last| self.order[last].1);
        assert_eq!(self.receiver.bytes(), end);
    }

    fn hear(&mut self, answer: Answer) {
        if answer.life < self.life {
            return;
        }
        if answer.life > self.life {
            self.life = answer.life;
            self.restart();
        }
        if let Some(mark) = answer.greeting {
            self.resume(mark);
        }
        let before = self.sender.position();
        if answer.generation == self.sender.generation() {
            self.sender
                .reach(answer.position)
                .expect("an honest position");
            self.sender.grant(answer.credit);
            self.told.accepted = self.told.accepted.max(answer.position.accepted);
            self.told.settled = self.told.settled.max(answer.position.settled);
            self.cursor = self.cursor.max(self.told.accepted + 1);
            self.credit.number = self.credit.number.max(answer.credit.number);
            self.credit.bytes = self.credit.bytes.max(answer.credit.bytes);
        }
        let after = self.sender.position();
        assert!(after.accepted >= before.accepted && after.settled >= before.settled);
        assert_eq!(after, self.told);
    }

    /// A greeting may be an old one: then the sender repeats what it need not, for a while.
    fn resume(&mut self, mark: Mark) {
        let resumed = self.sender.resume(mark).is_ok();
        let generation = self.sender.generation();
        assert!(mark.generation <= generation);
        let number = match mark.generation == generation {
            true => mark.number,
            // Of the present numbering the receiver had nothing.
            false => 0,
        };
        let released = (self.order.len() - self.sender.len()) as u64;
        assert_eq!(resumed, number >= released, "{mark:?} after {released}");
        if resumed {
            self.told.accepted = number;
            self.told.settled = self.told.settled.min(number);
            self.cursor = number + 1;
            let next = self.sender.next().map(|next| next.number);
            assert!(next.is_none_or(|next| next == self.cursor));
        }
    }

    /// The sender begins anew, for a receiver that knows nothing.
    fn restart(&mut self) {
        let generation = self.sender.generation();
        let before: Vec<u64> = self.sender.iter().map(|item| item.sequence).collect();
        let dropped = self.sender.restart(|item| !item.droppable);
        assert_eq!(self.sender.generation(), generation + 1);
        assert!(dropped.iter().all(|item| item.droppable));
        assert_eq!(before.len(), dropped.len() + self.sender.len());
        self.dropped
            .extend(dropped.iter().map(|item| item.sequence));
        self.told = Position::default();
        self.cursor = 1;
        self.credit = Credit::default();
        self.order.clear();
        let kept: Vec<Item> = self.sender.iter().cloned().collect();
        kept.into_iter().for_each(|item| self.number(item));
    }

    /// No more faults: a round is what is under way, then a greeting or not, then what follows.
    pub(crate) fn calm(&mut self, generous: bool, settles: bool) {
        self.there.clear();
        self.back.clear();
        let rounds = self.pushed + 2;
        for round in 0..rounds {
            if generous {
                self.grant(1 << 20, 1 << 30);
            }
            self.answer(round == 0);
            self.back
                .drain(..)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|answer| self.hear(answer));
            self.release();
            while self.send(3) > 0 {}
            assert!(!generous || self.sender.next().is_none());
            self.there
                .drain(..)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|frame| self.receive(frame));
            while settles && !self.unsettled.is_empty() {
                self.settle(0);
            }
        }
        self.answer(false);
        let last = self.back.pop().unwrap();
        self.hear(last);
        self.release();
    }

    pub(crate) fn assert_complete(&self, settled: bool) {
        let arrived: Vec<u64> = self.order.iter().map(|(item, _)| item.sequence).collect();
        if self.receiver.generation() == self.sender.generation() {
            assert_eq!(self.taken, arrived);
        } else {
            assert!(arrived.is_empty(), "{arrived:?} never arrived");
        }
        assert!(!self.sender.in_flight() && self.sender.next().is_none());
        if settled || self.release != Release::Settled {
            assert!(self.sender.is_empty());
            assert_eq!(self.sender.kept_bytes(), 0);
            let mut left = [&self.released[..], &self.dropped].concat();
            left.sort_unstable();
            assert_eq!(left, (1..=self.pushed).collect::<Vec<_>>());
        }
    }
}

/// What arrives of what is under way, if the link has its way with one of it.
fn arrival<T: Clone>(link: &mut Vec<T>, fault: Fault, at: Index) -> Option<T> {
    if link.is_empty() {
        return None;
    }
    let at = at.index(link.len());
    match fault {
        Fault::None => Some(link.remove(at)),
        Fault::Duplicate => Some(link[at].clone()),
        Fault::Lose => {
            link.remove(at);
            None
        }
    }
}
