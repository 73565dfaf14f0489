//! The state that an aggregation worker owns.

use std::collections::BTreeMap;

use crate::aggregation::holdings::Holdings;
use crate::aggregation::{
    Batch, BatchError, Completeness, Ingested, Job, PartialAggregate, Query, QueryError,
};

/// The contributions of the trades that one partition owns, for each market, with running totals.
///
/// What it holds depends on the set of contributions that it was given, and neither on their order
/// nor on how often they came (unless they contradict one another, which raises an alarm).
///
/// ```
/// use mastr::aggregation::{Batch, Contribution, Figures, Job, Outcome, Partition, Query};
///
/// let job = Job {
///     id: 1,
///     market: "2026-06-15".into(),
///     trades: 2,
///     dimensions: vec!["Desk".into()],
///     scenarios: 0,
/// };
/// let contribution = |outcome| Contribution {
///     trade: "EU1".into(),
///     version: 1,
///     dimensions: vec![("Desk".into(), "EQ".into())],
///     outcome,
/// };
/// let mut partition = Partition::new();
/// let expected = contribution(Outcome::Expected);
/// let valued = contribution(Outcome::of(Figures::new(1200.5)));
/// partition.ingest(&Batch::new(job, [expected, valued]))?;
///
/// let answer = partition.query(&Query::parse("Desk", "npv")?)?.finish()?;
/// assert_eq!(answer.groups[0].key, ["EQ"]);
/// assert_eq!(answer.groups[0].values, [1200.5]);
/// assert_eq!(answer.total.completeness.to_string(), "partial: 1 of 2 valued");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Partition {
    markets: BTreeMap<String, Holdings>,
}

impl Partition {
    /// One that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies contributions, each at most once: a newer version replaces the older one, an older
    /// one is ignored, a result replaces the expectation of the same version. The same version with
    /// other content raises an alarm, and the first is kept.
    ///
    /// Figures that cannot be summed exactly make their trade a failed one.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if the batch is malformed or there is no room; nothing of it is applied then.
    pub fn ingest(&mut self, batch: &Batch) -> Result<Ingested, BatchError> {
        batch.check()?;
        let Job {
            market, scenarios, ..
        } = batch.job();
        if !self.markets.contains_key(market) {
            self.markets
                .insert(market.clone(), Holdings::new(*scenarios));
        }
        let holdings = self.markets.get_mut(market).expect("just put there");
        holdings.ingest(batch)
    }

    /// What this partition knows of the answer. Faults that only the whole can tell (a dimension
    /// that nobody has) show when the merged answer is
    /// [finished](PartialAggregate::finish).
    ///
    /// # Errors
    ///
    /// [`QueryError::Repeated`].
    pub fn query(&self, query: &Query) -> Result<PartialAggregate, QueryError> {
        query.validate()?;
        let mut answer = PartialAggregate::empty(query.clone());
        answer.markets = self.markets.keys().cloned().collect();
        let holdings = match &query.market {
            Some(name) => self.markets.get(name),
            None if self.markets.len() == 1 => self.markets.values().next(),
            None => None,
        };
        if let Some(holdings) = holdings {
            holdings.answer(query, &mut answer);
        }
        Ok(answer)
    }

    /// How many trades are held valued, failed and pending, over all markets.
    pub fn completeness(&self) -> Completeness {
        let mut all = Completeness::default();
        for holdings in self.markets.values() {
            all.add(holdings.completeness());
        }
        all
    }

    /// Drops all that is held of a market that nobody asks about any more. Whether there was any.
    pub fn forget(&mut self, market: &str) -> bool {
        self.markets.remove(market).is_some()
    }
}
