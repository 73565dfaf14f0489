//! Many contributions of one job as they travel.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::aggregation::contribution::TRADE_ID;
use crate::aggregation::{Contribution, Outcome};

/// The submission that contributions belong to. Every batch carries it, so that whoever has any
/// part of the job knows how large the whole is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The number the submitting client has chosen. Equal ones are one job.
    pub id: u64,
    /// The market by which the trades are valued. Figures of different markets never mix.
    pub market: String,
    /// How many trades the job has, faulty ones included.
    pub trades: u64,
    /// The names of the dimensions that trades of the job have.
    pub dimensions: Vec<String>,
    /// How many scenarios there are: the length of every P&L vector.
    pub scenarios: u32,
}

/// Why a batch was refused. Nothing of it has been applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A row refers to dimensions that the batch does not hold.
    #[error(
        "the batch refers to dimensions that it does not hold: it was damaged on its way, or sent by another version of mastr"
    )]
    Malformed,
    /// A trade has a P&L vector that is not of the job's scenarios.
    #[error(
        "trade `{trade}` has a P&L vector of {found} scenarios, and the job has {expected}: it was sent by another version of mastr"
    )]
    VectorLength {
        /// The trade's id.
        trade: String,
        /// The length of its vector.
        found: usize,
        /// How many scenarios the job has.
        expected: u32,
    },
    /// A job has another number of scenarios than those before it by the same market.
    #[error(
        "the job has {found} scenarios, and those before it by this market have {expected}: their P&L vectors cannot be added"
    )]
    Scenarios {
        /// How many scenarios the job has.
        found: u32,
        /// How many scenarios others of the market have.
        expected: u32,
    },
    /// The partition holds as many trades or texts as it can.
    #[error("the partition is full: start the cluster with more partitions")]
    Full,
}

/// Contributions of one job, to one partition. Dimension names stand once, equal combinations of
/// values once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    pub(crate) job: Job,
    pub(crate) texts: Vec<String>,
    /// For each combination and each of the job's dimensions the place in `texts`.
    pub(crate) combinations: Vec<Vec<u32>>,
    pub(crate) rows: Vec<Row>,
}

/// A contribution whose dimensions are one of the batch's combinations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) trade: String,
    pub(crate) version: u64,
    pub(crate) combination: u32,
    pub(crate) outcome: Outcome,
}

impl Batch {
    /// Packs contributions. Dimensions that the job does not list are added to its list.
    ///
    /// # Panics
    ///
    /// If the dimensions have 2³² different values or more.
    pub fn new(job: Job, contributions: impl IntoIterator<Item = Contribution>) -> Self {
        let contributions: Vec<_> = contributions.into_iter().collect();
        let mut packing = Packing::new(job);
        let combinations: Vec<u32> = contributions
            .iter()
            .map(|contribution| {
                let dimensions = contribution.dimensions.iter();
                packing.combination(dimensions.map(|(name, value)| (&**name, &**value)))
            })
            .collect();
        let mut batch = packing.finish();
        for (contribution, combination) in contributions.into_iter().zip(combinations) {
            let Contribution {
                trade,
                version,
                outcome,
                ..
            } = contribution;
            batch.push(trade, version, combination, outcome);
        }
        batch
    }

    /// Adds a contribution whose dimensions are those of `combination`, a number that
    /// [`Packing::combination`] gave.
    pub fn push(&mut self, trade: String, version: u64, combination: u32, outcome: Outcome) {
        self.rows.push(Row {
            trade,
            version,
            combination,
            outcome,
        });
    }

    /// The job that the contributions belong to.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// How many contributions there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none: such a batch still announces its job.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether every row finds what it refers to; a batch from the wire may be anything.
    pub(crate) fn check(&self) -> Result<(), BatchError> {
        let sound = self.combinations.iter().all(|combination| {
            combination.len() <= self.job.dimensions.len()
                && combination
                    .iter()
                    .all(|&text| (text as usize) < self.texts.len())
        });
        if !sound {
            return Err(BatchError::Malformed);
        }
        self.rows.iter().try_for_each(|row| self.check_row(row))
    }

    fn check_row(&self, row: &Row) -> Result<(), BatchError> {
        if row.combination as usize >= self.combinations.len() {
            return Err(BatchError::Malformed);
        }
        let expected = self.job.scenarios;
        match &row.outcome {
            Outcome::Valued(figures) if figures.pnl().len() != expected as usize => {
                Err(BatchError::VectorLength {
                    trade: row.trade.clone(),
                    found: figures.pnl().len(),
                    expected,
                })
            }
            _ => Ok(()),
        }
    }
}

/// The dimensions of a batch being packed: names and values stand once, however many trades have
/// them.
#[derive(Debug)]
pub struct Packing<'t> {
    job: Job,
    texts: Vec<String>,
    text_places: HashMap<&'t str, u32>,
    combinations: Vec<Vec<u32>>,
    combination_places: HashMap<Vec<u32>, u32>,
}

impl<'t> Packing<'t> {
    /// A batch of `job` without any trade.
    pub fn new(job: Job) -> Self {
        Self {
            job,
            texts: vec![String::new()],
            text_places: HashMap::from([("", 0)]),
            combinations: Vec::new(),
            combination_places: HashMap::new(),
        }
    }

    /// The number of the combination of these names and values; equal ones have one number. Of a
    /// name that stands twice the first counts. Names that the job does not list are added to it.
    ///
    /// # Panics
    ///
    /// If there are 2³² different values or combinations.
    pub fn combination(&mut self, dimensions: impl Iterator<Item = (&'t str, &'t str)>) -> u32 {
        let dimensions: Vec<_> = dimensions.collect();
        let mut combination = Vec::new();
        for (name, value) in dimensions.into_iter().rev() {
            if name == TRADE_ID {
                continue;
            }
            let dimension = match self.job.dimensions.iter().position(|known| known == name) {
                Some(place) => place,
                None => {
                    self.job.dimensions.push(name.to_owned());
                    self.job.dimensions.len() - 1
                }
            };
            if combination.len() <= dimension {
                combination.resize(dimension + 1, 0);
            }
            let texts = &mut self.texts;
            combination[dimension] = *self.text_places.entry(value).or_insert_with(|| {
                texts.push(value.to_owned());
                place(texts.len() - 1)
            });
        }
        let combinations = &mut self.combinations;
        *self
            .combination_places
            .entry(combination)
            .or_insert_with_key(|combination| {
                combinations.push(combination.clone());
                place(combinations.len() - 1)
            })
    }

    /// The batch, to which trades can now be [added](Batch::push).
    pub fn finish(self) -> Batch {
        Batch {
            job: self.job,
            texts: self.texts,
            combinations: self.combinations,
            rows: Vec::new(),
        }
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).expect("a batch of 2^32 texts does not fit a message, nor most memories")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::Figures;

    fn job() -> Job {
        Job {
            id: 7,
            market: "m".into(),
            trades: 3,
            dimensions: vec!["Desk".into()],
            scenarios: 0,
        }
    }

    fn contribution(trade: &str, dimensions: &[(&str, &str)]) -> Contribution {
        Contribution {
            trade: trade.into(),
            version: 1,
            dimensions: dimensions
                .iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect(),
            outcome: Outcome::Valued(Figures::new(1.0)),
        }
    }

    #[test]
    fn equal_dimensions_travel_once() {
        let batch = Batch::new(
            job(),
            [
                contribution("a", &[("Desk", "FX"), ("Book", "FX")]),
                contribution("b", &[("Book", "FX"), ("TradeId", "b"), ("Desk", "FX")]),
                contribution("c", &[("Desk", "FX"), ("Desk", "EQ"), ("Book", "")]),
            ],
        );
        assert_eq!(batch.job().dimensions, ["Desk", "Book"]);
        assert_eq!(batch.texts, ["", "FX", "EQ"]);
        assert_eq!(batch.combinations, [vec![1, 1], vec![1, 0]]);
        assert_eq!(batch.len(), 3);
        assert_eq!(batch.check(), Ok(()));
    }

    #[test]
    fn a_batch_that_refers_to_what_it_lacks_is_malformed() {
        let sound = Batch::new(job(), [contribution("a", &[("Desk", "FX")])]);
        let mut batch = sound.clone();
        batch.rows[0].combination = 1;
        assert_eq!(batch.check(), Err(BatchError::Malformed));
        let mut batch = sound.clone();
        batch.texts.pop();
        assert_eq!(batch.check(), Err(BatchError::Malformed));
        let mut batch = sound;
        batch.combinations[0].push(0);
        assert_eq!(batch.check(), Err(BatchError::Malformed));
    }
}
