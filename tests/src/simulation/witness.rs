use super::payload::{self, Kind, Start};
use palm_core::Incarnation;
use palm_highlevel::{Failure, FailureKind};
use std::collections::BTreeMap;

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
    executions: Vec<Execution>,
    /// How often a process died that held the message alone, by the master that gave it out.
    alone_deaths: BTreeMap<(Incarnation, Incarnation, u64), u8>,
    /// What was executed last, by master, partition and client.
    applied: BTreeMap<(Incarnation, u32, Incarnation), u64>,
    /// Whether a worker was lost that may have owned a partition.
    pub(super) workers_lost: bool,
}

/// What one life of a client has sent.
#[derive(Debug, Default)]
struct Job {
    stages: u16,
    messages: Vec<Fate>,
    /// It has died or left: nobody waits for its endings.
    gone: bool,
}

#[derive(Debug)]
struct Fate {
    kind: Kind,
    ended: bool,
}

#[derive(Debug)]
struct Execution {
    client: Incarnation,
    sequence: u64,
    stage: u16,
    ended: bool,
}

impl Witness {
    pub(super) fn client(&mut self, client: Incarnation, stages: u16) {
        let job = Job {
            stages,
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

    pub(super) fn is_gone(&self, client: Incarnation) -> bool {
        self.clients.get(&client).is_none_or(|job| job.gone)
    }

    /// A client sends a message.
    pub(super) fn submitted(&mut self, client: Incarnation, start: &Start) {
        if let Some(job) = self.clients.get_mut(&client) {
            job.messages.push(Fate {
                kind: start.kind,
                ended: false,
            });
        }
    }

    /// Whether a message has ended as far as its client is concerned.
    pub(super) fn has_ended(&self, client: Incarnation, sequence: u64) -> bool {
        let Some(job) = self.clients.get(&client) else {
            return true;
        };
        let fate = job.messages.get(sequence as usize - 1);
        job.gone || fate.is_some_and(|fate| fate.ended)
    }

    /// The sequences of that client that have not ended.
    pub(super) fn unfinished(&self, client: Incarnation) -> Vec<u64> {
        let job = self.clients.get(&client);
        let messages = job.iter().flat_map(|job| job.messages.iter().enumerate());
        messages
            .filter(|(_, fate)| !fate.ended)
            .map(|(index, _)| index as u64 + 1)
            .collect()
    }

    /// A function begins; gives back the number of the execution.
    ///
    /// # Errors
    ///
    /// Rule 2, if the message is not what its client sent, or what the functions before made of it.
    pub(super) fn begin(
        &mut self,
        client: Incarnation,
        sequence: u64,
        stage: u16,
        input: &[u8],
    ) -> Result<(u64, Start), Violation> {
        let start = self.check_descent(client, sequence, stage, input)?;
        self.executions.push(Execution {
            client,
            sequence,
            stage,
            ended: false,
        });
        Ok((self.executions.len() as u64 - 1, start))
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

    fn check_descent(
        &self,
        client: Incarnation,
        sequence: u64,
        stage: u16,
        payload: &[u8],
    ) -> Result<Start, Violation> {
        let broken = |why: String| {
            Violation::Broken(format!(
                "rule 2: message {sequence} of {client} at stage {stage}: {why}"
            ))
        };
        let (start, executions) = payload::descent(payload).map_err(broken)?;
        if (start.client, start.sequence) != (client.number(), sequence) {
            return Err(broken(format!("its payload is {start:?}")));
        }
        let job = self.clients.get(&client);
        if job.is_none_or(|job| job.messages.len() < sequence as usize) {
            return Err(broken("its client never sent it".to_owned()));
        }
        let stages: Vec<u16> = executions.iter().map(|(stage, _)| *stage).collect();
        if stages != (0..stage).collect::<Vec<u16>>() {
            return Err(broken(format!("it was executed at the stages {stages:?}")));
        }
        for (stage, number) in executions {
            let execution = self.executions.get(number as usize);
            let fits = execution.is_some_and(|execution| {
                execution.ended
                    && execution.client == client
                    && execution.sequence == sequence
                    && execution.stage == stage
            });
            if !fits {
                return Err(broken(format!(
                    "execution {number} is another: {execution:?}"
                )));
            }
        }
        Ok(start)
    }

    /// A worker's process dies while `master` takes it to hold that message and nothing else.
    pub(super) fn died_alone(&mut self, master: Incarnation, client: Incarnation, sequence: u64) {
        *self
            .alone_deaths
            .entry((master, client, sequence))
            .or_default() += 1;
    }

    /// Rule 9: a message is charged with what happened while it was alone.
    ///
    /// # Errors
    ///
    /// If it is charged with more.
    pub(super) fn charged(
        &self,
        master: Incarnation,
        client: Incarnation,
        sequence: u64,
        charges: u8,
    ) -> Result<(), Violation> {
        let deaths = self.alone_deaths.get(&(master, client, sequence));
        let deaths = deaths.copied().unwrap_or_default();
        match charges <= deaths {
            true => Ok(()),
            false => Err(Violation::Broken(format!(
                "rule 9: {master} charges message {sequence} of {client} with {charges} deaths, there were {deaths} while it was alone"
            ))),
        }
    }

    /// A client hears how a message of its has ended.
    ///
    /// # Errors
    ///
    /// Rules 1, 2 and 9.
    pub(super) fn ended(
        &mut self,
        client: Incarnation,
        sequence: u64,
        result: &Result<bytes::Bytes, Failure>,
    ) -> Result<(), Violation> {
        let job = self.clients.get(&client);
        let fate = job.and_then(|job| job.messages.get(sequence as usize - 1));
        let (Some(job), Some(fate)) = (job, fate) else {
            return Err(Violation::Broken(format!(
                "rule 2: {client} hears of message {sequence}, which it never sent"
            )));
        };
        if fate.ended {
            return Err(Violation::Duplicated(format!(
                "rule 1: {client} hears of message {sequence} again after its ending"
            )));
        }
        let (kind, stages) = (fate.kind, job.stages);
        match result {
            Ok(payload) => {
                self.check_descent(client, sequence, stages, payload)?;
                if kind != Kind::Plain {
                    return Err(Violation::Broken(format!(
                        "rule 2: message {sequence} of {client} has a result and is {kind:?}"
                    )));
                }
            }
            Err(failure) => self.check_failure(client, sequence, kind, failure)?,
        }
        if let Some(job) = self.clients.get_mut(&client) {
            job.messages[sequence as usize - 1].ended = true;
        }
        Ok(())
    }

    fn check_failure(
        &self,
        client: Incarnation,
        sequence: u64,
        kind: Kind,
        failure: &Failure,
    ) -> Result<(), Violation> {
        let earned = match failure.kind {
            FailureKind::Function => kind == Kind::Failing,
            FailureKind::PartitionLost => self.workers_lost,
            FailureKind::DeadLetter => {
                let deaths = self
                    .alone_deaths
                    .iter()
                    .filter(|((_, of, number), _)| (*of, *number) == (client, sequence));
                deaths.map(|(_, deaths)| *deaths).max() >= Some(3)
            }
            _ => false,
        };
        match earned {
            true => Ok(()),
            false => Err(Violation::Lost(format!(
                "message {sequence} of {client} ({kind:?}) ends with {failure:?}"
            ))),
        }
    }
}
