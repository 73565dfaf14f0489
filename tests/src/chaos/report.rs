//! What a run says of itself.

use super::cluster::Cluster;
use super::halt::{Fault, Violation};
use super::topology::Kind;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    kills: BTreeMap<Kind, u32>,
    at_work: u32,
    longest_recovery: Duration,
    /// How often a process was stopped for a while.
    pub stops: u32,
    /// The rule that was broken, if one was.
    pub violation: Option<Violation>,
    /// How that came about.
    pub story: Vec<String>,
    lost: usize,
    jobs: usize,
    messages: u64,
    endings: u64,
    executed: u64,
    dead_letters: usize,
    poisoned: u64,
    took: Duration,
}

impl Report {
    /// One more is killed; `at_work` if it had to do with messages that had not ended.
    pub(super) fn kill(&mut self, kind: Kind, at_work: bool) {
        *self.kills.entry(kind).or_default() += 1;
        self.at_work += u32::from(at_work);
    }

    /// After a kill everybody has got on again, so long after the killed one was back.
    pub(super) fn recovered(&mut self, took: Duration) {
        self.longest_recovery = self.longest_recovery.max(took);
    }

    pub(super) fn conclude(
        &mut self,
        cluster: &Cluster,
        violation: Option<Violation>,
        took: Duration,
    ) {
        let history = &cluster.history;
        self.lost = match &violation {
            Some(violation) if violation.fault == Fault::Lost => history.lost().count(),
            _ => 0,
        };
        self.story = violation
            .as_ref()
            .map_or(Vec::new(), |violation| cluster.story(violation));
        self.violation = violation;
        self.jobs = history.jobs();
        self.messages = history.messages();
        self.endings = history.endings;
        self.executed = history.executed();
        self.dead_letters = history.given_up.len();
        self.poisoned = cluster.poisoned;
        self.took = took;
    }

    /// How many were killed.
    pub fn killed(&self) -> u32 {
        self.kills.values().sum()
    }

    /// How many of a kind were killed.
    pub fn killed_of(&self, kind: Kind) -> u32 {
        self.kills.get(&kind).copied().unwrap_or(0)
    }

    /// How many percent of them had to do with messages that had not ended.
    pub fn percent_at_work(&self) -> u32 {
        (100 * self.at_work)
            .checked_div(self.killed())
            .unwrap_or(100)
    }

    /// How many messages were submitted.
    pub fn messages(&self) -> u64 {
        self.messages
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duplicated = self.violation.as_ref().map(|violation| violation.fault);
        let duplicated = u32::from(duplicated == Some(Fault::Duplicated));
        write!(f, "lost {}, duplicated {duplicated}: ", self.lost)?;
        write!(
            f,
            "{} messages of {} jobs, {} endings, {} executions, {} kills (",
            self.messages,
            self.jobs,
            self.endings,
            self.executed,
            self.killed()
        )?;
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{kind} {}", self.killed_of(kind))?;
        }
        write!(
            f,
            "), {} % of them with work in flight, {} stops, {} deaths of {} messages that kill, \
             {:.1} s, all got on again after {:.1} s at most",
            self.percent_at_work(),
            self.stops,
            self.poisoned,
            self.dead_letters,
            self.took.as_secs_f64(),
            self.longest_recovery.as_secs_f64()
        )
    }
}
