//! What clients submit: a function of the run's seed and the job alone, so that who checks a result
//! needs to be told nothing.

use super::errand::{Errand, MessageId};
use crate::history::Chance;
use clap::Args;
use xxhash_rust::xxh3::xxh3_64;

/// What the clients of a run submit.
#[derive(Args, Clone, Copy, Debug)]
pub struct Load {
    /// The seed of the run, which jobs are a function of.
    #[arg(long)]
    pub seed: u64,
    /// Submit one job of so many messages instead.
    #[arg(long)]
    pub messages: Option<u64>,
    /// With such a job, the message that kills whoever executes it.
    #[arg(long)]
    pub poison: Option<u64>,
}

/// The messages of one job.
#[derive(Clone, Debug)]
pub(super) struct JobPlan {
    seed: u64,
    client: u64,
    job: u64,
    messages: u64,
    poison: Option<(u64, u16)>,
}

/// One job in so many has a message that kills whoever executes it.
const POISONED: u64 = 10;

/// The longest that a function takes, in microseconds.
const LONGEST: u64 = 5000;

impl Load {
    /// The job of that number of that client's life, whose route has so many stages.
    pub(super) fn plan(&self, client: u64, job: u64, stages: u16) -> JobPlan {
        let mut chance = chance(self.seed, [client, job, u64::MAX]);
        let (messages, poison) = match self.messages {
            Some(messages) => (messages, self.poison.map(|index| (index, 0))),
            None => {
                let messages = 100 + chance.below(600);
                let index = chance.below(messages);
                // Of three or four servers the last but one has workers, whom a message may kill.
                let stage = match stages {
                    3 | 4 => stages - 2,
                    _ => chance.below(u64::from(stages)) as u16,
                };
                let poisoned = chance.below(POISONED) == 0;
                (messages, poisoned.then_some((index, stage)))
            }
        };
        JobPlan {
            seed: self.seed,
            client,
            job,
            messages,
            poison,
        }
    }
}

impl JobPlan {
    /// How many messages it has.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// One of its messages.
    pub(super) fn errand(&self, index: u64) -> Errand {
        let mut chance = chance(self.seed, [self.client, self.job, index]);
        let id = MessageId {
            client: self.client,
            job: self.job,
            index,
        };
        let poison = self.poison.filter(|(poisoned, _)| *poisoned == index);
        let padding = match chance.below(50) {
            0 => 60_000 + chance.below(60_000),
            1..10 => chance.below(3000),
            _ => 0,
        };
        Errand {
            id,
            microseconds: chance.below(LONGEST + 1) as u32,
            busy: chance.below(4) == 0,
            poison: poison.map(|(_, stage)| stage),
            padding: padding as u32,
        }
    }
}

fn chance(seed: u64, of: [u64; 3]) -> Chance {
    let bytes: Vec<u8> = of.iter().flat_map(|number| number.to_le_bytes()).collect();
    Chance(seed ^ xxh3_64(&bytes))
}
