use super::{Carried, Credit, Incoming, Next, Offer, Outgoing, Release};
use crate::wire::{Frame, FrameWriter, Header, Kind, MAX_PAYLOAD, Outcome, RECORD_LENGTH, Record};
use crate::{Error, ErrorKind, Frames, Incarnation, Result};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Both lanes between this process and a peer, for messages and their answers: what is pushed here
/// comes out there, each once and in order, and is kept here until its answer has come.
///
/// It does no I/O and reads no clock: the frames that [`frame`](Self::frame) gives go to a socket,
/// those that come from it go to [`receive`](Self::receive), and [`tick`](Self::tick) is called each
/// second, say. A frame may be lost with its connection, or come by another one: what it held is sent
/// again. The peer is one life of a process. If it ends, what it has not
/// [answered](Self::unanswered) goes to others; a frame of its that comes later is for no link.
///
/// ```
/// use palm_core::{Incarnation, Link, Received};
///
/// # fn main() -> palm_core::Result<()> {
/// let mut here = Link::new(Incarnation::random(), 100);
/// let mut there = Link::new(Incarnation::random(), 100);
/// here.push("6 x 7")?;
/// here.push("1 / 0")?;
/// let mut questions = Vec::new();
/// for _ in 0..2 {
///     // The first is sent at once, the second when the peer has said how much it takes.
///     while let Some(frame) = here.frame()? {
///         questions.extend(there.receive(frame)?);
///     }
///     while let Some(frame) = there.frame()? {
///         here.receive(frame)?;
///     }
/// }
/// assert_eq!(questions[0], Received::Message { number: 1, payload: "6 x 7".into() });
///
/// there.answer(1, "42")?;
/// let answers = here.receive(there.frame()?.unwrap())?;
/// assert_eq!(answers, [Received::Answer { question: "6 x 7".into(), payload: "42".into() }]);
/// assert_eq!(here.unanswered().collect::<Vec<_>>(), ["1 / 0"]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Link {
    me: Incarnation,
    peer: Incarnation,
    outgoing: Outgoing<Item>,
    incoming: Incoming,
    /// What was pushed and has no number yet, as the peer has no room for it.
    waiting: VecDeque<Bytes>,
    /// How many messages were given a number, how many may be, and how many have no answer.
    asked: u64,
    allowed: u64,
    unanswered: usize,
    /// How many messages the peer may have here that are not over, how many have come, and how many
    /// of them are over.
    window: u64,
    received: u64,
    over: u64,
    /// What came and is to be answered, each with the answer's own number once it has one.
    open: BTreeMap<u64, Option<u64>>,
    /// The numbers of our messages that answer one, in order, with what they answer.
    answers: VecDeque<(u64, u64)>,
    /// What was wrong with the rest of the last frame.
    fault: Option<Error>,
    /// The peer is owed a frame, even if it has no messages.
    owes: bool,
    silent: u32,
    /// How far the peer was at the last tick, if something was on its way to it.
    stood: Option<u64>,
}

/// What a [`Link`] brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message, to be [answered](Link::answer) by its number.
    Message {
        /// Its number.
        number: u64,
        /// What was pushed there.
        payload: Bytes,
    },
    /// An answer to what was pushed here.
    Answer {
        /// What was pushed.
        question: Bytes,
        /// What it was answered.
        payload: Bytes,
    },
}

#[derive(Debug)]
struct Item {
    /// The number of the peer's message that it answers; 0 if it is a message itself.
    answers: u64,
    answered: bool,
    payload: Bytes,
}

impl Item {
    /// Whether it is a message that wants an answer.
    fn is_open(&self) -> bool {
        self.answers == 0 && !self.answered
    }
}

impl Carried for Item {
    fn sequence(&self) -> u64 {
        self.answers
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn weight(&self) -> u64 {
        (RECORD_LENGTH + self.payload.len()) as u64
    }
}

/// The numbering of a link: it has one.
const GENERATION: u32 = 1;

/// The bytes of a frame that has several messages.
const FRAME: usize = 64 << 10;

impl Link {
    /// A link of the process `me` to a peer that becomes known with its first frame. So many messages
    /// of the peer's, at least one, may be here whose answers it has not received: the rest waits
    /// there.
    pub fn new(me: Incarnation, window: u64) -> Link {
        let mut outgoing = Outgoing::new(GENERATION, Release::Settled);
        // Answers are never held back, or two that wait for each other's would wait for ever. So the
        // bound is on messages, and is kept before they enter the lane.
        outgoing.grant(Credit {
            number: u64::MAX,
            bytes: u64::MAX,
        });
        Link {
            me,
            peer: Incarnation::UNKNOWN,
            outgoing,
            incoming: Incoming::new(GENERATION),
            waiting: VecDeque::new(),
            asked: 0,
            allowed: 1,
            unanswered: 0,
            window: window.max(1),
            received: 0,
            over: 0,
            open: BTreeMap::new(),
            answers: VecDeque::new(),
            fault: None,
            // The peer may send when it knows how much.
            owes: true,
            silent: 0,
            stood: None,
        }
    }

    /// The life of a process at the other end, or [`Incarnation::UNKNOWN`] before its first frame.
    pub fn peer(&self) -> Incarnation {
        self.peer
    }

    /// Sends a message, once the peer has room for it; it is kept until then, and until its answer
    /// has come.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] if it has more than [`MAX_PAYLOAD`] bytes.
    pub fn push(&mut self, payload: impl Into<Bytes>) -> Result<()> {
        let payload = payload.into();
        check_length(&payload)?;
        self.waiting.push_back(payload);
        self.unanswered += 1;
        Ok(())
    }

    /// Answers the message with that number, in any order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfTurn`] if there is none, or it is answered; [`ErrorKind::TooLarge`] if the
    /// answer has more than [`MAX_PAYLOAD`] bytes: then the message still wants another one.
    pub fn answer(&mut self, number: u64, payload: impl Into<Bytes>) -> Result<()> {
        if self.open.get(&number) != Some(&None) {
            return Err(Error::new(
                ErrorKind::OutOfTurn,
                format!("there is no message {number} that wants an answer"),
            ));
        }
        let payload = payload.into();
        check_length(&payload)?;
        let own = self.outgoing.push(Item {
            answers: number,
            answered: false,
            payload,
        });
        self.open.insert(number, Some(own));
        self.answers.push_back((own, number));
        Ok(())
    }

    /// How many messages were pushed that are not answered yet.
    pub fn pending(&self) -> usize {
        self.unanswered
    }

    /// What was pushed and is not answered, in order: what others are to do if the peer is dead.
    pub fn unanswered(&self) -> impl Iterator<Item = &Bytes> {
        let open = self.outgoing.iter();
        open.filter(|item| item.is_open())
            .map(|item| &item.payload)
            .chain(&self.waiting)
    }

    /// The next frame for the peer, if there is something to be said; to be asked until there is
    /// nothing. One that can't be sent may be dropped: what was in it will be sent again.
    ///
    /// # Errors
    ///
    /// None that a message which [`push`](Self::push) took could cause.
    pub fn frame(&mut self) -> Result<Option<Frames>> {
        while self.asked < self.allowed
            && let Some(payload) = self.waiting.pop_front()
        {
            self.asked += 1;
            self.outgoing.push(Item {
                answers: 0,
                answered: false,
                payload,
            });
        }
        let mut writer = FrameWriter::new(FRAME);
        let mut header = Header::new(Kind::Messages, self.me, self.peer);
        while let Some(Next {
            number,
            chain,
            item,
        }) = self.outgoing.next()
        {
            if !writer.has_room(item.payload.len()) {
                break;
            }
            if writer.count() == 0 {
                (header.first, header.chain) = (number, chain);
            }
            writer.push(&record(item), &item.payload);
            self.outgoing.advance();
        }
        if writer.count() == 0 && !self.owes {
            return Ok(None);
        }
        self.owes = false;
        (header.lane, header.peer_lane) = (GENERATION, GENERATION);
        header.position = self.incoming.position();
        header.credit = Credit {
            number: self.over.saturating_add(self.window),
            bytes: u64::MAX,
        };
        writer.finish(header).map(Some)
    }

    /// Takes a frame of the peer's, and gives what is new in it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] if it is no frame, is of another process, or claims what can't be. It is
    /// for the caller to decide whether to go on with a peer that sends such.
    pub fn receive(&mut self, frames: Frames) -> Result<Vec<Received>> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let frame = Frame::read(frames)?;
        let header = &frame.header;
        self.check(header)?;
        self.check_settled(header.position.settled)?;
        let reached = self.outgoing.reach(header.position);
        reached.map_err(|_| refusal("a peer claims to have received what was never sent"))?;
        self.allowed = self.allowed.max(header.credit.number);
        self.peer = header.sender;
        self.silent = 0;
        self.end_answered();
        while self.outgoing.release().is_some() {}
        if header.count == 0 {
            return Ok(Vec::new());
        }
        // The sender learns where it stands, also from a frame that can't be taken yet.
        self.owes = true;
        match self.incoming.offer(header.first, header.chain) {
            Offer::Next => self.take(&frame),
            Offer::Gap | Offer::Repeat => Ok(Vec::new()),
            Offer::Fork => Err(fork()),
        }
    }

    fn check(&self, header: &Header) -> Result<()> {
        if header.kind != Kind::Messages
            || header.lane != GENERATION
            || header.peer_lane != GENERATION
        {
            return Err(refusal("a frame is not one of a link"));
        }
        if header.sender == Incarnation::UNKNOWN
            || (self.peer != Incarnation::UNKNOWN && header.sender != self.peer)
        {
            return Err(refusal(format!(
                "a frame of {} came where {} is at the other end",
                header.sender, self.peer
            )));
        }
        if header.receiver != Incarnation::UNKNOWN && header.receiver != self.me {
            let (meant, me) = (header.receiver, self.me);
            return Err(refusal(format!("a frame for {meant} came to {me}")));
        }
        Ok(())
    }

    /// A message is over once its answer has come: one that a peer forgets before would be lost.
    fn check_settled(&self, settled: u64) -> Result<()> {
        let new = settled.saturating_sub(self.outgoing.released().number);
        let new = usize::try_from(new).unwrap_or(usize::MAX);
        match self.outgoing.iter().take(new).find(|item| item.is_open()) {
            None => Ok(()),
            Some(_) => Err(refusal(
                "a peer has forgotten a message that it did not answer",
            )),
        }
    }

    fn take(&mut self, frame: &Frame) -> Result<Vec<Received>> {
        let mut new = Vec::with_capacity(frame.header.count as usize);
        for (number, (record, payload)) in (frame.header.first..).zip(frame.records()) {
            let weight = (RECORD_LENGTH + payload.len()) as u64;
            let answers = record.sequence;
            match self.incoming.take(number, answers, &payload, weight) {
                Offer::Next => match self.sort(number, answers, payload) {
                    Ok(received) => new.push(received),
                    Err(fault) if new.is_empty() => return Err(fault),
                    Err(fault) => {
                        // What came before it counts, and would come to nobody else.
                        self.fault = Some(fault);
                        break;
                    }
                },
                Offer::Repeat => {}
                Offer::Gap | Offer::Fork => return Err(fork()),
            }
        }
        Ok(new)
    }

    /// Sees whether a new message is one or an answer.
    fn sort(&mut self, number: u64, answers: u64, payload: Bytes) -> Result<Received> {
        if answers == 0 {
            self.received += 1;
            if self.received > self.over.saturating_add(self.window) {
                let window = self.window;
                return Err(refusal(format!(
                    "a peer sends more than the {window} messages that it may"
                )));
            }
            self.open.insert(number, None);
            return Ok(Received::Message { number, payload });
        }
        self.incoming.settle(number);
        let asked = answers <= self.outgoing.position().accepted;
        let question = self.outgoing.get_mut(answers).filter(|_| asked);
        match question.filter(|question| question.is_open()) {
            Some(question) => {
                self.unanswered -= 1;
                question.answered = true;
                Ok(Received::Answer {
                    // It waits behind others until it is released, and is not sent again.
                    question: std::mem::take(&mut question.payload),
                    payload,
                })
            }
            None => Err(refusal(format!(
                "a peer answers message {answers}, which is not open"
            ))),
        }
    }

    /// A message whose answer has arrived is over, and the peer may send another one. What the peer
    /// has settled would not do: it stands still behind a message that waits for an answer.
    fn end_answered(&mut self) {
        let accepted = self.outgoing.position().accepted;
        while let Some((own, number)) = self.answers.front().copied()
            && own <= accepted
        {
            self.answers.pop_front();
            self.open.remove(&number);
            self.incoming.settle(number);
            self.over += 1;
            self.owes = true;
            if let Some(answer) = self.outgoing.get_mut(own) {
                // It waits behind others until it is released, and is not sent again.
                answer.payload = Bytes::new();
            }
        }
    }

    /// To be called at regular times, on both sides. The next [`frame`](Self::frame) is a sign of
    /// life, and sends again what the peer has not received for a whole time between two ticks. It
    /// gives how many ticks in a row nothing has come from the peer: three, say, and it is dead.
    pub fn tick(&mut self) -> u32 {
        self.owes = true;
        let accepted = self.outgoing.position().accepted;
        let on_its_way = self.outgoing.in_flight().then_some(accepted);
        if on_its_way.is_some() && self.stood == on_its_way {
            self.outgoing.repeat();
        }
        self.stood = on_its_way;
        self.silent = self.silent.saturating_add(1);
        self.silent - 1
    }
}

fn record(item: &Item) -> Record {
    Record {
        sequence: item.answers,
        token: 0,
        route: 0,
        stage: 0,
        outcome: Outcome::Pending,
        extras: false,
        attempt: 0,
        // No more than `MAX_PAYLOAD`.
        length: item.payload.len() as u32,
    }
}

fn check_length(payload: &Bytes) -> Result<()> {
    match payload.len() <= MAX_PAYLOAD {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a message of {} bytes is too large for a lane, which takes {MAX_PAYLOAD}",
                payload.len()
            ),
        )),
    }
}

fn refusal(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Decode, why)
}

fn fork() -> Error {
    refusal("a peer has numbered other content than it sent before")
}
