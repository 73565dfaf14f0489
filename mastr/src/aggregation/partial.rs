//! Answers of single partitions, and how they become one.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use serde::{Deserialize, Serialize};

use crate::aggregation::contribution::TRADE_ID;
use crate::aggregation::distribution::Distribution;
use crate::aggregation::{
    Aggregate, Completeness, Exact, ExactError, Group, Measure, Query, QueryError,
};

/// What some of the partitions answer to a query.
///
/// Merging is associative and commutative, and an answer of no partition changes nothing, so that
/// partitions may be gathered in any order and by any tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialAggregate {
    pub(crate) query: Query,
    /// Every market of which something is held.
    pub(crate) markets: BTreeSet<String>,
    /// The dimensions of trades in the queried market.
    pub(crate) dimensions: BTreeSet<String>,
    /// How many scenarios it has.
    pub(crate) scenarios: u32,
    pub(crate) jobs: BTreeMap<u64, Arrival>,
    pub(crate) groups: BTreeMap<Vec<String>, Tally>,
    pub(crate) alarms: u64,
}

/// How much of a job has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrival {
    /// How many trades the job has.
    pub(crate) announced: u64,
    /// How many of them are held, whether expected, valued or failed.
    pub(crate) arrived: u64,
}

/// The sums of a group, one for each amount of the query and then, if it asks for their
/// distribution, one for each scenario; and how complete they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) sums: Vec<Exact>,
    pub(crate) completeness: Completeness,
}

impl Tally {
    pub(crate) fn new(sums: usize) -> Self {
        Self {
            sums: vec![Exact::ZERO; sums],
            completeness: Completeness::default(),
        }
    }

    fn add(&mut self, other: &Self) -> Result<(), QueryError> {
        if self.sums.len() != other.sums.len() {
            return Err(QueryError::DifferentQueries);
        }
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum = sum.plus(*other)?;
        }
        self.completeness.add(other.completeness);
        Ok(())
    }

    fn group(&self, key: Vec<String>, query: &Query) -> Result<Group, QueryError> {
        let (sums, pnl) = self.sums.split_at(query.amounts().len());
        let mut sums = sums.iter();
        let distribution = Distribution::new(pnl);
        let value = |measure: &Measure| {
            Ok(match measure {
                Measure::Sum(_) => sums.next().copied().unwrap_or_default().to_f64(),
                Measure::StandardError => sums.next().copied().unwrap_or_default().to_f64().sqrt(),
                Measure::Count => self.completeness.valued as f64,
                Measure::ValueAtRisk(level) => distribution.value_at_risk(*level),
                Measure::ExpectedShortfall(level) => distribution.expected_shortfall(*level)?,
                Measure::Quantile(level) => distribution.quantile(*level),
            })
        };
        Ok(Group {
            key,
            values: query
                .measures
                .iter()
                .map(value)
                .collect::<Result<_, ExactError>>()?,
            completeness: self.completeness,
        })
    }
}

impl PartialAggregate {
    /// The answer of no partition, from which a merge may start.
    pub fn empty(query: Query) -> Self {
        Self {
            query,
            markets: BTreeSet::new(),
            dimensions: BTreeSet::new(),
            scenarios: 0,
            jobs: BTreeMap::new(),
            groups: BTreeMap::new(),
            alarms: 0,
        }
    }

    /// Adds the answer of other partitions.
    ///
    /// # Errors
    ///
    /// [`QueryError::DifferentQueries`] if the other does not answer the same query, and
    /// [`QueryError::Overflow`] if a sum does not fit. The answer is of no use after either.
    pub fn merge(&mut self, other: Self) -> Result<(), QueryError> {
        if self.query != other.query {
            return Err(QueryError::DifferentQueries);
        }
        self.markets.extend(other.markets);
        self.dimensions.extend(other.dimensions);
        self.scenarios = self.scenarios.max(other.scenarios);
        for (id, theirs) in other.jobs {
            let ours = self.jobs.entry(id).or_default();
            ours.announced = ours.announced.max(theirs.announced);
            ours.arrived = ours.arrived.saturating_add(theirs.arrived);
        }
        if self.groups.is_empty() {
            self.groups = other.groups;
        } else {
            for (key, theirs) in other.groups {
                match self.groups.entry(key) {
                    Entry::Vacant(place) => {
                        place.insert(theirs);
                    }
                    Entry::Occupied(mut ours) => ours.get_mut().add(&theirs)?,
                }
            }
        }
        self.alarms = self.alarms.saturating_add(other.alarms);
        Ok(())
    }

    /// The table, once every partition's answer is in.
    ///
    /// # Errors
    ///
    /// A dimension or a market that nobody has, several markets of which none was named, a name
    /// that stands twice, a total that does not fit. Where nothing was submitted at all the table
    /// is empty and no name is wrong.
    pub fn finish(mut self) -> Result<Aggregate, QueryError> {
        self.query.validate()?;
        let market = self.market()?;
        if !self.markets.is_empty() {
            self.dimensions.insert(TRADE_ID.to_owned());
            let unknown = |name: &&String| !self.dimensions.contains(*name);
            if let Some(name) = self.query.by.iter().find(unknown) {
                return Err(QueryError::UnknownDimension {
                    name: name.clone(),
                    there: self.dimensions.into_iter().collect(),
                });
            }
        }
        if !self.markets.is_empty() && self.scenarios == 0 {
            self.query.needs_no_scenarios()?;
        }
        let query = &self.query;
        let scenarios = query.scenarios(self.scenarios);
        let mut total = Tally::new(query.amounts().len() + scenarios);
        for tally in self.groups.values() {
            total.add(tally)?;
        }
        let unseen = |arrival: &Arrival| arrival.announced.saturating_sub(arrival.arrived);
        let unseen = self.jobs.values().map(unseen).fold(0, u64::saturating_add);
        total.completeness.pending = total.completeness.pending.saturating_add(unseen);
        let total = total.group(Vec::new(), query)?;
        let groups = if query.by.is_empty() {
            vec![total.clone()]
        } else {
            self.groups
                .into_iter()
                .map(|(key, tally)| tally.group(key, query))
                .collect::<Result<_, _>>()?
        };
        Ok(Aggregate {
            market,
            total,
            groups,
            unseen,
            alarms: self.alarms,
            by: self.query.by,
            measures: self.query.measures,
        })
    }

    fn market(&self) -> Result<Option<String>, QueryError> {
        let there = || self.markets.iter().cloned().collect();
        match &self.query.market {
            Some(name) if self.markets.is_empty() || self.markets.contains(name) => {
                Ok(Some(name.clone()))
            }
            Some(name) => Err(QueryError::UnknownMarket {
                name: name.clone(),
                there: there(),
            }),
            None if self.markets.len() > 1 => Err(QueryError::SeveralMarkets { there: there() }),
            None => Ok(self.markets.first().cloned()),
        }
    }
}
