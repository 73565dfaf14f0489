use super::family::{Function, fate};
use super::payload::{Kind, Start};
use super::wiretap::{Lane, Sent};
use palm_core::{Id, Incarnation, Path};
use palm_highlevel::engine::EntryView;
use palm_highlevel::{Failure, FailureKind};
use std::collections::{BTreeMap, BTreeSet};

/// How a simulation went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A message was lost, or ended for no good reason.
    Lost(String),
    /// A client heard of a message again after its ending.
    Duplicated(String),
    /// Another rule was broken.
    Broken(String),
}

impl Violation {
    /// What happened.
    pub fn message(&self) -> &str {
        match self {
            Violation::Lost(message)
            | Violation::Duplicated(message)
            | Violation::Broken(message) => message,
        }
    }
}

/// What is known of every message from outside the machines.
#[derive(Debug, Default)]
pub(super) struct Witness {
    clients: BTreeMap<Incarnation, Job>,
    pub(super) executions: Vec<Execution>,
    /// Which messages a function was called with, at which stage.
    called: BTreeSet<(Id, u16)>,
    /// What each life of each master has charged, by its entries, and for whose deaths.
    charges: BTreeMap<(Incarnation, u32, u64), Charges>,
    /// How often each message was sent to a server.
    given: BTreeMap<(Incarnation, Incarnation, u64), u64>,
    /// What each master has given to which worker.
    handed: BTreeSet<(Incarnation, Incarnation, Incarnation, u64)>,
    /// How often a server has sent its ending on, by the lane.
    endings: BTreeMap<(Lane, Incarnation, u64), u64>,
    /// What was executed last, by master, partition and client.
    applied: BTreeMap<(Incarnation, u32, Incarnation), u64>,
    /// The branches of messages that their clients have taken.
    heard: BTreeSet<Id>,
    /// Whether a worker was lost that may have owned a partition.
    pub(super) workers_lost: bool,
}

/// The charges of one message at one master.
#[derive(Debug)]
struct Charges {
    id: Id,
    count: u8,
    /// The worker that it was with when it was last looked at.
    with: Option<Incarnation>,
    /// Whether it was with that alone.
    alone: bool,
    /// Whose deaths it is charged with.
    dead: Vec<Incarnation>,
}

/// What one life of a client has sent.
#[derive(Debug, Default)]
struct Job {
    stages: u16,
    /// Into how many branches a tee splits each message.
    branches: u32,
    messages: Vec<Fate>,
    /// Which of them has the sequence 1, 2, 3 …
    sent: Vec<usize>,
    /// It has died or left: nobody waits for its endings.
    gone: bool,
}

#[derive(Debug)]
struct Fate {
    start: Start,
    ended: bool,
    /// What its id is, if it was sent.
    sequence: Option<u64>,
    /// It has a deadline.
    hurried: bool,
    /// Its client has had it cancelled.
    cancelled: bool,
}

impl Job {
    fn fate(&self, sequence: u64) -> Option<&Fate> {
        let index = self.sent.get(sequence as usize - 1)?;
        self.messages.get(*index)
    }

    /// Into how many branches a message is split; 0 if into none.
    fn branches_of(&self, start: &Start) -> u32 {
        match start.choice {
            0 => self.branches,
            _ => 0,
        }
    }
}

impl Fate {
    /// Whether its client has asked for this.
    fn is_given_up(&self, kind: FailureKind) -> bool {
        match kind {
            FailureKind::Expired => self.hurried,
            FailureKind::Cancelled => self.cancelled,
            _ => false,
        }
    }

    /// Whether it may end like that though it was never sent.
    fn check_unsent(&self, failure: &Failure) -> Result<(), Violation> {
        match self.is_given_up(failure.kind) {
            true => Ok(()),
            false => Err(Violation::Lost(format!(
                "{:?} was never sent and ends with {failure:?}",
                self.start
            ))),
        }
    }
}

/// A function that was called.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) id: Id,
    pub(super) function: Function,
    pub(super) stage: u16,
    pub(super) ended: bool,
}

impl Witness {
    pub(super) fn client(&mut self, client: Incarnation, stages: u16, branches: u32) {
        let job = Job {
            stages,
            branches,
            ..Job::default()
        };
        self.clients.insert(client, job);
    }

    /// A client has died, or left before its end.
    pub(super) fn gone(&mut self, client: Incarnation) {
        if let Some(job) = self.clients.get_mut(&client) {
            job.gone = true;
        }
    }

    /// How many clients have died or left before their end.
    pub(super) fn clients_gone(&self) -> u32 {
        self.clients.values().filter(|job| job.gone).count() as u32
    }

    pub(super) fn is_gone(&self, client: Incarnation) -> bool {
        self.clients.get(&client).is_none_or(|job| job.gone)
    }

    /// A client sends a message.
    pub(super) fn submitted(&mut self, client: Incarnation, start: &Start, hurried: bool) {
        if let Some(job) = self.clients.get_mut(&client) {
            job.messages.push(Fate {
                start: *start,
                ended: false,
                sequence: None,
                hurried,
                cancelled: false,
            });
        }
    }

    /// A client gives the next sequence to its message with that index.
    pub(super) fn numbered(&mut self, client: Incarnation, index: u64) {
        if let Some(job) = self.clients.get_mut(&client) {
            job.sent.push(index as usize);
            job.messages[index as usize].sequence = Some(job.sent.len() as u64);
        }
    }

    /// A client has all cancelled that it has sent so far.
    pub(super) fn cancelled(&mut self, client: Incarnation) {
        let job = self.clients.get_mut(&client);
        for fate in job.into_iter().flat_map(|job| &mut job.messages) {
            fate.cancelled = true;
        }
    }

    /// Whether a message has ended as far as its client is concerned.
    pub(super) fn has_ended(&self, client: Incarnation, sequence: u64) -> bool {
        let Some(job) = self.clients.get(&client) else {
            return true;
        };
        job.gone || job.fate(sequence).is_some_and(|fate| fate.ended)
    }

    /// A client has taken what it was sent, perhaps one branch of a message.
    pub(super) fn heard(&mut self, id: &Id) {
        if !id.path.is_root() {
            self.heard.insert(id.clone());
        }
    }

    /// Whether nobody has to keep a message for its client: that has heard of it, or `is_kept` says
    /// that somebody does who does not forget; or so it is with all its branches.
    pub(super) fn is_safe(&self, id: &Id, is_kept: &impl Fn(&Id) -> bool) -> bool {
        let job = self.clients.get(&id.client);
        let fate = job.and_then(|job| job.fate(id.sequence));
        let branches = match (job, fate) {
            (Some(job), Some(fate)) => job.branches_of(&fate.start),
            _ => 0,
        };
        let branch = |number| Id {
            path: id.path.child(number),
            ..id.clone()
        };
        let split = branches > 1 && id.path.is_root();
        self.has_ended(id.client, id.sequence)
            || self.heard.contains(id)
            || is_kept(id)
            || split && (0..branches).all(|number| self.is_safe(&branch(number), is_kept))
    }

    /// The sequences of that client that have not ended.
    pub(super) fn unfinished(&self, client: Incarnation) -> Vec<u64> {
        let job = self.clients.get(&client);
        let messages = job.iter().flat_map(|job| &job.messages);
        let unfinished = messages.filter(|fate| !fate.ended);
        unfinished.filter_map(|fate| fate.sequence).collect()
    }

    /// What a client has sent as its message with that number.
    pub(super) fn sent(&self, client: Incarnation, sequence: u64) -> Option<&Start> {
        Some(&self.fate(client, sequence)?.start)
    }

    fn fate(&self, client: Incarnation, sequence: u64) -> Option<&Fate> {
        self.clients.get(&client)?.fate(sequence)
    }

    /// Whether the function of that stage was called with a message before.
    pub(super) fn was_called(&self, id: &Id, stage: u16) -> bool {
        self.called.contains(&(id.clone(), stage))
    }

    /// A function begins; gives back the number of the execution.
    pub(super) fn begin(&mut self, id: &Id, function: Function, stage: u16) -> u64 {
        self.called.insert((id.clone(), stage));
        self.executions.push(Execution {
            id: id.clone(),
            function,
            stage,
            ended: false,
        });
        self.executions.len() as u64 - 1
    }

    /// A function has ended.
    pub(super) fn end(&mut self, execution: u64) {
        self.executions[execution as usize].ended = true;
    }

    /// An owner is given a message of its partition.
    ///
    /// # Errors
    ///
    /// If it is given it twice, or out of order.
    pub(super) fn apply(
        &mut self,
        master: Incarnation,
        partition: u32,
        client: Incarnation,
        sequence: u64,
    ) -> Result<(), Violation> {
        let last = self.applied.entry((master, partition, client)).or_default();
        if sequence <= *last {
            return Err(Violation::Broken(format!(
                "message {sequence} of {client} is applied to partition {partition} of {master} after {last}"
            )));
        }
        *last = sequence;
        Ok(())
    }

    /// A message is sent to a server.
    pub(super) fn given(&mut self, server: Incarnation, sent: &Sent) {
        let message = (server, sent.id.client, sent.id.sequence);
        *self.given.entry(message).or_default() += 1;
    }

    /// A master gives a message to a worker.
    pub(super) fn handed(&mut self, master: Incarnation, worker: Incarnation, sent: &Sent) {
        self.handed
            .insert((master, worker, sent.id.client, sent.id.sequence));
    }

    /// Rule 2: a worker tells a master how a message ended that this one gave it.
    ///
    /// # Errors
    ///
    /// If it tells it of another.
    pub(super) fn answered(
        &self,
        worker: Incarnation,
        master: Incarnation,
        sent: &Sent,
    ) -> Result<(), Violation> {
        let message = (master, worker, sent.id.client, sent.id.sequence);
        match self.handed.contains(&message) {
            true => Ok(()),
            false => Err(Violation::Broken(format!(
                "rule 2: {worker} tells {master} of message {} of {}, which that never gave it",
                sent.id.sequence, sent.id.client
            ))),
        }
    }

    /// Rule 6: a server sends an ending on, once for each time that it got the message.
    ///
    /// # Errors
    ///
    /// If it does so once more.
    pub(super) fn sent_on(&mut self, lane: Lane, sent: &Sent) -> Result<(), Violation> {
        let ended = self.endings.entry((lane, sent.id.client, sent.id.sequence));
        let ended = ended.or_default();
        *ended += 1;
        let given = self.given.get(&(lane.0, sent.id.client, sent.id.sequence));
        let given = given.copied().unwrap_or_default();
        match *ended <= given {
            true => Ok(()),
            false => Err(Violation::Duplicated(format!(
                "rule 6: {} got message {} of {} {given} times and ends it for time {ended} on lane {lane:?}",
                lane.0, sent.id.sequence, sent.id.client
            ))),
        }
    }

    /// Rule 9: a suspect is charged with the death of the worker that it was with, once each.
    ///
    /// # Errors
    ///
    /// If that worker is alive, or it is charged otherwise.
    pub(super) fn charged(
        &mut self,
        (master, life): (Incarnation, u32),
        entry: &EntryView,
        alone: bool,
        is_alive: impl Fn(Incarnation) -> bool,
    ) -> Result<(), Violation> {
        let sent = self.sent(entry.id.client, entry.id.sequence);
        let hangs = sent.is_some_and(|sent| sent.kind == Kind::Hanging);
        let place = (master, life, entry.token);
        let is_known = self.charges.contains_key(&place);
        // What an earlier process has charged is in the store.
        let mut earlier = self.charges.range(..(master, life, 0));
        let stored =
            !is_known && earlier.any(|(of, charges)| of.0 == master && charges.id == entry.id);
        let charges = self.charges.entry(place).or_insert_with(|| Charges {
            id: entry.id.clone(),
            count: if stored { entry.charges } else { 0 },
            with: None,
            alone: false,
            dead: Vec::new(),
        });
        let before = std::mem::replace(&mut charges.with, entry.with);
        let was_alone = std::mem::replace(&mut charges.alone, alone);
        if entry.charges <= charges.count {
            return Ok(());
        }
        let wrong = match before {
            None => "though it was with nobody",
            Some(_) if !was_alone => "though it was not alone with it",
            // One whose function hangs lives until it has left.
            Some(worker) if !hangs && is_alive(worker) => {
                "though the worker that it was with is alive"
            }
            Some(worker) if charges.dead.contains(&worker) => "twice for one death",
            Some(_) if entry.charges > charges.count + 1 => "twice at once",
            Some(worker) => {
                charges.count = entry.charges;
                charges.dead.push(worker);
                return Ok(());
            }
        };
        Err(Violation::Broken(format!(
            "rule 9: {master} charges {entry:?} {wrong}; it was with {before:?}"
        )))
    }

    /// Rule 9: the last charge makes a dead letter of the message, which is then in no ledger.
    fn is_dead_letter(&self, client: Incarnation, sequence: u64) -> bool {
        let charges = self.charges.values();
        let of_it = charges
            .filter(|charges| (charges.id.client, charges.id.sequence) == (client, sequence));
        of_it.map(|charges| charges.count).max() >= Some(2)
    }

    /// A client hears how a message of its has ended.
    ///
    /// # Errors
    ///
    /// Rules 1, 2 and 9.
    pub(super) fn ended(
        &mut self,
        client: Incarnation,
        index: u64,
        result: &Result<bytes::Bytes, Failure>,
        branches: &[bytes::Bytes],
    ) -> Result<(), Violation> {
        let job = self.clients.get(&client);
        let sent = job.and_then(|job| job.messages.get(index as usize));
        let (Some(job), Some(sent)) = (job, sent) else {
            return Err(Violation::Broken(format!(
                "rule 2: {client} hears of its message at {index}, of which there is none"
            )));
        };
        // One that was never sent has none.
        let sequence = sent.sequence.unwrap_or_default();
        if sent.ended {
            return Err(Violation::Duplicated(format!(
                "rule 1: {client} hears of message {sequence}, at {index}, again after its ending"
            )));
        }
        let kind = fate(&sent.start, &Path::ROOT);
        let (stages, split) = (job.stages, job.branches_of(&sent.start));
        match result {
            Ok(payload) => {
                self.check_work(client, sequence, stages, payload)?;
                for branch in branches {
                    self.check_work(client, sequence, stages, branch)?;
                }
                if branches.len() as u32 != split {
                    return Err(Violation::Broken(format!(
                        "rule 1: message {sequence} of {client} ends with {} branches of {split}",
                        branches.len()
                    )));
                }
                if !matches!(kind, Kind::Plain | Kind::Flaky) {
                    return Err(Violation::Broken(format!(
                        "rule 2: message {sequence} of {client} has a result and is {kind:?}"
                    )));
                }
            }
            Err(failure) if sequence > 0 => self.check_failure(client, sequence, kind, failure)?,
            Err(failure) => sent.check_unsent(failure)?,
        }
        if let Some(job) = self.clients.get_mut(&client) {
            job.messages[index as usize].ended = true;
        }
        Ok(())
    }

    /// Whether a message, or one that came of it, may fail like that, if this is to become of it.
    ///
    /// # Errors
    ///
    /// If not.
    pub(super) fn check_failure(
        &self,
        client: Incarnation,
        sequence: u64,
        kind: Kind,
        failure: &Failure,
    ) -> Result<(), Violation> {
        let earned = match failure.kind {
            FailureKind::Function => kind == Kind::Failing,
            FailureKind::Lease => kind == Kind::Hanging,
            FailureKind::PartitionLost => self.workers_lost,
            FailureKind::DeadLetter => self.is_dead_letter(client, sequence),
            kind => self
                .fate(client, sequence)
                .is_some_and(|fate| fate.is_given_up(kind)),
        };
        match earned {
            true => Ok(()),
            false => Err(Violation::Lost(format!(
                "message {sequence} of {client} ({kind:?}) ends with {failure:?}"
            ))),
        }
    }
}
