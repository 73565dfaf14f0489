//! What a partition holds of one market.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use hashbrown::HashSet;

use crate::aggregation::alarm::{Alarm, Difference, Ingested};
use crate::aggregation::batch::{Batch, BatchError, Job, Row};
use crate::aggregation::cube::Cube;
use crate::aggregation::interner::Interner;
use crate::aggregation::partial::{Arrival, PartialAggregate, Tally};
use crate::aggregation::{Completeness, Exact, Outcome, Query};

/// The most trades one partition takes. Below it neither a number nor a sum overflows.
const MAX_TRADES: usize = 1 << 29;

/// The contributions to one market's figures: each trade's latest, and their running totals.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    cube: Cube,
    /// A trade's number here is its place in `held`.
    trades: Interner<u8>,
    held: Vec<Held>,
    /// Why trades failed; many fail for the same reason.
    reasons: Interner<u8>,
    /// The length of every P&L vector.
    scenarios: u32,
    completeness: Completeness,
    job_numbers: BTreeMap<u64, u32>,
    arrivals: Vec<Arrival>,
    /// Trades and the further jobs, beside their first, that they have come with.
    resubmitted: HashSet<(u32, u32)>,
    alarms: u64,
}

/// A trade's latest contribution.
#[derive(Clone, Debug)]
struct Held {
    version: u64,
    outcome: Outcome<u32>,
    combination: u32,
    first_job: u32,
}

impl Holdings {
    /// Nothing yet of a market with so many scenarios.
    pub(crate) fn new(scenarios: u32) -> Self {
        Self {
            cube: Cube::new(),
            trades: Interner::new(),
            held: Vec::new(),
            reasons: Interner::new(),
            scenarios,
            completeness: Completeness::default(),
            job_numbers: BTreeMap::new(),
            arrivals: Vec::new(),
            resubmitted: HashSet::new(),
            alarms: 0,
        }
    }

    pub(crate) fn completeness(&self) -> Completeness {
        self.completeness
    }

    /// Takes a batch that has been checked.
    pub(crate) fn ingest(&mut self, batch: &Batch) -> Result<Ingested, BatchError> {
        let has_room = self.held.len() + batch.len() <= MAX_TRADES
            && self.reasons.len() + batch.len() < u32::MAX as usize
            && self.cube.has_room_for(batch);
        if !has_room {
            return Err(BatchError::Full);
        }
        if batch.job.scenarios != self.scenarios {
            return Err(BatchError::Scenarios {
                found: batch.job.scenarios,
                expected: self.scenarios,
            });
        }
        let job = self.job_number(&batch.job);
        let combinations = self.cube.combinations_of(batch);
        let mut ingested = Ingested::default();
        for row in &batch.rows {
            self.take(
                row,
                combinations[row.combination as usize],
                job,
                &mut ingested,
            );
        }
        self.alarms += ingested.alarms.len() as u64;
        Ok(ingested)
    }

    fn job_number(&mut self, job: &Job) -> u32 {
        let next = self.arrivals.len() as u32;
        let number = *self.job_numbers.entry(job.id).or_insert(next);
        if number == next {
            self.arrivals.push(Arrival::default());
        }
        let arrival = &mut self.arrivals[number as usize];
        arrival.announced = arrival.announced.max(job.trades);
        number
    }

    fn take(&mut self, row: &Row, combination: u32, job: u32, ingested: &mut Ingested) {
        let new = Held {
            version: row.version,
            outcome: self.outcome(&row.outcome),
            combination,
            first_job: job,
        };
        let trade = self.trades.intern(row.trade.as_bytes());
        let Some(held) = self.held.get(trade as usize) else {
            self.count_in(&new);
            self.held.push(new);
            self.arrivals[job as usize].arrived += 1;
            ingested.applied += 1;
            return;
        };
        if held.first_job != job && self.resubmitted.insert((trade, job)) {
            self.arrivals[job as usize].arrived += 1;
        }
        let kept = match new.version.cmp(&held.version) {
            Ordering::Less => {
                ingested.stale += 1;
                return;
            }
            Ordering::Greater => Held {
                first_job: held.first_job,
                ..new
            },
            Ordering::Equal => {
                let difference = difference(held, &new);
                let ends = held.outcome == Outcome::Expected && new.outcome != Outcome::Expected;
                match difference {
                    Some(differs) => ingested.alarms.push(Alarm {
                        trade: row.trade.clone(),
                        version: row.version,
                        differs,
                    }),
                    None if !ends => ingested.repeated += 1,
                    None => {}
                }
                if !ends {
                    return;
                }
                // Of dimensions that differ the first are kept.
                Held {
                    outcome: new.outcome,
                    ..*held
                }
            }
        };
        self.count_in(&kept);
        let replaced = std::mem::replace(&mut self.held[trade as usize], kept);
        self.count_out(&replaced);
        ingested.applied += 1;
    }

    /// What is held of an outcome that may have come from anywhere.
    fn outcome(&mut self, outcome: &Outcome) -> Outcome<u32> {
        match outcome {
            Outcome::Expected => Outcome::Expected,
            Outcome::Valued(figures) => match Outcome::of(figures.clone()) {
                Outcome::Valued(figures) => Outcome::Valued(figures.canonical()),
                Outcome::Failed(reason) => self.failed(&reason),
                Outcome::Expected => Outcome::Expected,
            },
            Outcome::Failed(reason) => self.failed(reason),
        }
    }

    fn failed(&mut self, reason: &str) -> Outcome<u32> {
        Outcome::Failed(self.reasons.intern(reason.as_bytes()))
    }

    fn count_in(&mut self, held: &Held) {
        self.cube.add(held.combination, &held.outcome);
        *self.completeness.counter(&held.outcome) += 1;
    }

    fn count_out(&mut self, held: &Held) {
        self.cube.retract(held.combination, &held.outcome);
        *self.completeness.counter(&held.outcome) -= 1;
    }

    /// Adds what is held to the answer.
    pub(crate) fn answer(&self, query: &Query, answer: &mut PartialAggregate) {
        let amounts = query.amounts();
        let scenarios = query.scenarios(self.scenarios);
        let grouping = self.cube.grouping(&query.by);
        let groups = if grouping.needs_trades() {
            let of_trade = |(number, held): (u32, &Held)| {
                let trade = self.trades.text(number);
                let mut tally = Tally::new(amounts.len() + scenarios);
                *tally.completeness.counter(&held.outcome) = 1;
                if let Outcome::Valued(figures) = &held.outcome {
                    let amounts = amounts
                        .iter()
                        .map(|amount| figures.get(*amount).unwrap_or(0.0));
                    let values = amounts.chain(figures.pnl().iter().copied());
                    for (sum, value) in tally.sums.iter_mut().zip(values) {
                        *sum =
                            Exact::round(value).expect("figures are checked before they are held");
                    }
                }
                (self.cube.key(&grouping, held.combination, trade), tally)
            };
            (0..).zip(&self.held).map(of_trade).collect()
        } else {
            self.cube.roll_up(&grouping, &amounts, scenarios)
        };
        answer.groups = groups.into_iter().collect();
        answer.dimensions = self.cube.dimensions().map(str::to_owned).collect();
        answer.jobs = self
            .job_numbers
            .iter()
            .map(|(&id, &number)| (id, self.arrivals[number as usize]))
            .collect();
        answer.alarms = self.alarms;
        answer.scenarios = self.scenarios;
    }
}

/// In what two contributions of one version contradict each other.
fn difference(held: &Held, new: &Held) -> Option<Difference> {
    let either_expected = held.outcome == Outcome::Expected || new.outcome == Outcome::Expected;
    if held.combination != new.combination {
        Some(Difference::Dimensions)
    } else if !either_expected && held.outcome != new.outcome {
        Some(Difference::Outcome)
    } else {
        None
    }
}
