use super::network::Way;
use super::payload::hash;
use palm_core::lane::{Credit, Position};
use palm_core::wire::{Frame, Greeting, Header, Kind, Outcome};
use palm_core::{Id, Incarnation, Path, Route};
use palm_highlevel::engine::Siblings;
use std::collections::{BTreeMap, BTreeSet};

/// Reads all frames as they are sent, and knows from them what the ends of every lane have said.
#[derive(Debug, Default)]
pub(super) struct Wiretap {
    lanes: BTreeMap<Lane, Facts>,
    /// The newest generation of the lane from one to the other.
    newest: BTreeMap<(Incarnation, Incarnation, Way), u32>,
    /// The servers with stores, and what they have said that they have accepted.
    taken: BTreeMap<Incarnation, BTreeSet<Id>>,
    /// The processes of servers with stores, by their epochs.
    lives: BTreeMap<(Incarnation, u64), u32>,
    /// The most that a message weighs.
    pub(super) largest: u64,
}

/// A lane: its sender, its receiver, the sender's generation of it, and which way of the connection it
/// goes, as each of two servers may connect to the other, or one to itself.
pub(super) type Lane = (Incarnation, Incarnation, u32, Way);

#[derive(Debug, Default)]
struct Facts {
    /// Message 1, 2, 3 …
    sent: Vec<Sent>,
    /// The routes that its numbers stand for.
    routes: BTreeMap<u32, Route>,
    position: Position,
    /// What is settled beyond the position.
    early: BTreeSet<u64>,
    credit: Credit,
}

/// A message of a lane.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) id: Id,
    outcome: Outcome,
    content: u64,
    /// The byte position that it ends at.
    end: u64,
    /// Its route goes more than once from its sender to its receiver.
    recurs: bool,
    /// How many messages it is, of which it is the first.
    count: u64,
}

impl Sent {
    /// The messages that it is.
    fn each(&self) -> impl Iterator<Item = Sent> {
        (0..self.count).map(|further| Sent {
            id: Id {
                sequence: self.id.sequence + further,
                ..self.id.clone()
            },
            count: 1,
            ..self.clone()
        })
    }

    /// Whether it says that others are cancelled.
    pub(super) fn is_word(&self) -> bool {
        matches!(self.outcome, Outcome::Cancel | Outcome::CancelJob)
    }
}

/// What a receiver newly says of a lane.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What it says that it has settled.
    pub(super) settled: Vec<Sent>,
    /// What was never sent before.
    pub(super) sent: Vec<Sent>,
}

impl Wiretap {
    /// Notes a frame that is sent to the process `to`, and gives back what is new in it.
    ///
    /// # Errors
    ///
    /// Which rule it breaks, and how.
    pub(super) fn hear(
        &mut self,
        frame: &Frame,
        to: Incarnation,
        way: Way,
        is_worker: impl Fn(Incarnation) -> bool,
    ) -> Result<News, String> {
        let mut header = frame.header.clone();
        let mut news = News::default();
        if header.kind == Kind::Refused || header.kind == Kind::WhoAreYou {
            return Ok(news);
        }
        if header.receiver == Incarnation::UNKNOWN {
            // Whoever gets it takes it to be meant.
            header.receiver = to;
        }
        if header.kind == Kind::Hello || header.kind == Kind::Welcome {
            self.hear_greeting(frame)?;
        }
        let results = is_worker(header.receiver);
        self.hear_position(&header, way.other(), results, &mut news)?;
        if header.kind == Kind::Settled {
            let lane = (
                header.receiver,
                header.sender,
                header.peer_lane,
                way.other(),
            );
            self.hear_settled(lane, frame, &mut news)?;
        }
        if header.kind == Kind::Messages && header.count > 0 {
            // What it has no room for it keeps there.
            let is_stored = self.taken.contains_key(&header.receiver) && !is_worker(header.sender);
            self.hear_messages(frame, way, is_stored, &mut news)?;
        }
        Ok(news)
    }

    /// Rule 10: no two processes of a server with a store have the same epoch.
    fn hear_greeting(&mut self, frame: &Frame) -> Result<(), String> {
        let greeting: Greeting = frame.body().map_err(|error| error.to_string())?;
        let (server, Greeting { epoch, pid, .. }) = (frame.header.sender, greeting);
        if epoch == 0 {
            return Ok(());
        }
        match *self.lives.entry((server, epoch)).or_insert(pid) {
            first if first == pid => Ok(()),
            first => Err(format!(
                "rule 10: processes {first} and {pid} of {server} both have epoch {epoch}"
            )),
        }
    }

    /// Rule 10: what a receiver says of a lane only goes up.
    fn hear_position(
        &mut self,
        header: &Header,
        way: Way,
        results: bool,
        news: &mut News,
    ) -> Result<(), String> {
        let lane = (header.receiver, header.sender, header.peer_lane, way);
        let facts = self.lanes.entry(lane).or_default();
        let (before, now) = (facts.position, header.position);
        let (credit, granted) = (facts.credit, header.credit);
        // A process that takes another's place does not know what credit that one gave.
        let lowered = granted.number < credit.number || granted.bytes < credit.bytes;
        let taken = self.taken.get_mut(&header.sender);
        if now.accepted < before.accepted
            || now.settled < before.settled
            || lowered && taken.is_none()
        {
            return Err(format!(
                "rule 10: of lane {lane:?} its receiver says {now:?} {granted:?} after {before:?} {credit:?}"
            ));
        }
        if now.settled > now.accepted || now.accepted > facts.sent.len() as u64 {
            return Err(format!(
                "rule 4: of lane {lane:?} its receiver says {now:?}, {} were sent",
                facts.sent.len()
            ));
        }
        for number in before.settled..now.settled {
            if !facts.early.remove(&(number + 1)) {
                news.settled.extend(facts.sent[number as usize].each());
            }
        }
        // Results are kept with what they are the results of.
        if let Some(taken) = taken.filter(|_| !results) {
            let new = &facts.sent[before.accepted as usize..now.accepted as usize];
            let new = new.iter().filter(|sent| !sent.is_word());
            taken.extend(new.flat_map(Sent::each).map(|sent| sent.id));
        }
        facts.position = now;
        facts.credit = Credit {
            number: credit.number.max(granted.number),
            bytes: credit.bytes.max(granted.bytes),
        };
        Ok(())
    }

    /// What a receiver says that it has settled beyond its position.
    fn hear_settled(&mut self, lane: Lane, frame: &Frame, news: &mut News) -> Result<(), String> {
        let facts = self.lanes.entry(lane).or_default();
        let Position { accepted, settled } = facts.position;
        let numbers: Vec<u64> = frame.body().map_err(|error| error.to_string())?;
        for number in numbers {
            if number > accepted {
                return Err(format!(
                    "rule 4: {number} of lane {lane:?} is settled, up to {accepted} was accepted"
                ));
            }
            if number > settled && facts.early.insert(number) {
                news.settled.extend(facts.sent[number as usize - 1].each());
            }
        }
        Ok(())
    }

    /// Rules 4, 7 and 10: numbers are without gap, have one content each, and do not go beyond the
    /// credit; generations only go up.
    fn hear_messages(
        &mut self,
        frame: &Frame,
        way: Way,
        is_stored: bool,
        news: &mut News,
    ) -> Result<(), String> {
        let header = &frame.header;
        let lane = (header.sender, header.receiver, header.lane, way);
        let newest = self
            .newest
            .entry((header.sender, header.receiver, way))
            .or_default();
        if header.lane < *newest {
            return Err(format!(
                "rule 10: lane {lane:?} is used after generation {newest}"
            ));
        }
        *newest = header.lane;
        let facts = self.lanes.entry(lane).or_default();
        let notes = frame.notes().map_err(|error| error.to_string())?;
        for (number, route) in notes.routes {
            facts.routes.insert(number, route);
        }
        let mut extras = notes.extras.reader();
        for (index, (record, payload)) in frame.records().enumerate() {
            let extra = extras.at(index as u32);
            let number = header.first + index as u64;
            let index = number as usize - 1;
            let content = hash(&payload);
            let Some(route) = facts.routes.get(&record.route) else {
                return Err(format!("lane {lane:?} never told route {}", record.route));
            };
            let client = route.client();
            if index > facts.sent.len() {
                return Err(format!(
                    "rule 4: {number} of lane {lane:?} comes after {}",
                    facts.sent.len()
                ));
            }
            let start = index.checked_sub(1).map_or(0, |last| facts.sent[last].end);
            let sent = Sent {
                id: Id {
                    client,
                    sequence: record.sequence,
                    path: extra.map_or(Path::ROOT, |extras| extras.path.clone()),
                },
                outcome: record.outcome,
                content,
                end: start + record.weight(),
                recurs: recurs(route, usize::from(record.stage)),
                count: match record.outcome {
                    Outcome::Bundle => Siblings::decode(&payload)?.len() as u64,
                    _ => 1,
                },
            };
            self.largest = self.largest.max(record.weight());
            match facts.sent.get(index) {
                None => {
                    facts.sent.push(sent.clone());
                    news.sent.extend(sent.each());
                }
                Some(before)
                    if before.content != content
                        || before.outcome != record.outcome
                        || before.id != sent.id =>
                {
                    return Err(format!(
                        "rule 4: {number} of lane {lane:?} is {sent:?} after {before:?}"
                    ));
                }
                Some(_) => {}
            }
            let beyond = number > facts.credit.number || sent.end > facts.credit.bytes;
            let Position { accepted, settled } = facts.position;
            let mut before = if is_stored { accepted } else { settled } + 1..number;
            let idle = before.all(|number| {
                facts.early.contains(&number) || facts.sent[number as usize - 1].recurs
            });
            if beyond && !sent.recurs && !idle {
                return Err(format!(
                    "rule 7: {number} of lane {lane:?}, up to byte {}, goes beyond {:?} at {:?}",
                    sent.end, facts.credit, facts.position
                ));
            }
        }
        Ok(())
    }

    /// Notes that a server has a store.
    pub(super) fn keeps(&mut self, server: Incarnation) {
        self.taken.entry(server).or_default();
    }

    /// What a server with a store has said that it has accepted.
    pub(super) fn taken(&self, server: Incarnation) -> impl Iterator<Item = &Id> {
        self.taken.get(&server).into_iter().flatten()
    }

    /// The servers with stores that have accepted a message.
    pub(super) fn keepers<'a>(&'a self, id: &'a Id) -> impl Iterator<Item = Incarnation> + 'a {
        let keepers = self.taken.iter();
        keepers
            .filter(move |(_, taken)| taken.contains(id))
            .map(|(server, _)| *server)
    }

    /// What `receiver` has said that it has accepted of the lanes of these senders, and not that
    /// it has settled it.
    pub(super) fn in_custody(
        &self,
        receiver: Incarnation,
        sender: impl Fn(Incarnation) -> bool,
    ) -> BTreeSet<Id> {
        let mut held = BTreeSet::new();
        for (lane, facts) in &self.lanes {
            let is_newest = self.newest.get(&(lane.0, lane.1, lane.3)) == Some(&lane.2);
            if lane.1 != receiver || !sender(lane.0) || !is_newest {
                continue;
            }
            let (from, to) = (facts.position.settled, facts.position.accepted);
            let sent = &facts.sent[from as usize..to as usize];
            let sent = sent.iter().filter(|sent| !sent.is_word());
            held.extend(sent.flat_map(Sent::each).map(|sent| sent.id));
        }
        held
    }
}

/// Whether a route goes more than once from the server before `stage` to the one there.
fn recurs(route: &Route, stage: usize) -> bool {
    let servers: Vec<&str> = route
        .steps()
        .iter()
        .map(|step| step.server.as_str())
        .collect();
    let pairs: Vec<_> = servers.iter().zip(servers.iter().skip(1)).collect();
    let pair = stage.checked_sub(1).and_then(|before| pairs.get(before));
    pair.is_some_and(|pair| pairs.iter().filter(|other| *other == pair).count() > 1)
}
