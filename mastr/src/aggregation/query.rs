//! What a client asks of all partitions, and why it may get no answer.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::aggregation::{Amount, ExactError, Measure};

/// A question: these measures, for each combination of values of these dimensions.
///
/// ```
/// use mastr::aggregation::Query;
///
/// let query = Query::parse("Desk, Currency", "npv,delta")?;
/// assert_eq!(query.by, ["Desk", "Currency"]);
/// assert_eq!(query.measures.len(), 2);
/// assert!(Query::parse("Desk,Desk", "npv").is_err());
/// # Ok::<(), mastr::aggregation::QueryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The market whose figures are asked for. `None` will do while there is only one.
    pub market: Option<String>,
    /// The dimensions to group by, in the order in which the groups are sorted. Without any there
    /// is one group, of all trades.
    pub by: Vec<String>,
    /// What is asked of each group.
    pub measures: Vec<Measure>,
}

impl Query {
    /// Reads lists of names that are separated by commas, as the command line has them.
    ///
    /// # Errors
    ///
    /// A measure that does not exist; a name that stands twice.
    pub fn parse(by: &str, measures: &str) -> Result<Self, QueryError> {
        let query = Self {
            market: None,
            by: names(by).map(str::to_owned).collect(),
            measures: names(measures).map(str::parse).collect::<Result<_, _>>()?,
        };
        query.validate()?;
        Ok(query)
    }

    /// Whether nothing is asked twice.
    ///
    /// # Errors
    ///
    /// [`QueryError::Repeated`] with the first name that is.
    pub fn validate(&self) -> Result<(), QueryError> {
        for (place, name) in self.by.iter().enumerate() {
            if self.by[..place].contains(name) {
                return Err(QueryError::Repeated { name: name.clone() });
            }
        }
        for (place, measure) in self.measures.iter().enumerate() {
            if self.measures[..place].contains(measure) {
                let name = measure.to_string();
                return Err(QueryError::Repeated { name });
            }
        }
        Ok(())
    }

    /// Whether it can be answered without scenarios.
    ///
    /// # Errors
    ///
    /// [`QueryError::NoScenarios`] with the first measure that needs some.
    pub fn needs_no_scenarios(&self) -> Result<(), QueryError> {
        let mut measures = self.measures.iter();
        match measures.find(|measure| measure.needs_scenarios()) {
            None => Ok(()),
            Some(measure) => Err(QueryError::NoScenarios { measure: *measure }),
        }
    }

    /// How long the P&L vectors of the answer are, when there are so many scenarios.
    pub(crate) fn scenarios(&self, there: u32) -> usize {
        match self.needs_no_scenarios() {
            Ok(()) => 0,
            Err(_) => there as usize,
        }
    }

    /// The amounts that have to be summed, in the order of their measures.
    pub(crate) fn amounts(&self) -> Vec<Amount> {
        let measures = self.measures.iter();
        measures.filter_map(|measure| measure.amount()).collect()
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No measure has this name.
    #[error("there is no measure `{name}`: {} exist", there.join(", "))]
    UnknownMeasure {
        /// What was asked for.
        name: String,
        /// What can be asked for.
        there: Vec<String>,
    },
    /// A measure has a level that is none.
    #[error("`{measure}` needs a level from 0 to 1 with at most 18 decimals: `var:0.99` has one")]
    NoLevel {
        /// What was asked for.
        measure: String,
    },
    /// A measure is of P&L vectors, and nothing was valued under scenarios.
    #[error("`{measure}` is of scenarios, and the portfolio is valued without: see --scenarios")]
    NoScenarios {
        /// What was asked for.
        measure: Measure,
    },
    /// No trade has this dimension.
    #[error("no trade has a dimension `{name}`: {} exist", there.join(", "))]
    UnknownDimension {
        /// What was asked for.
        name: String,
        /// The dimensions that trades have.
        there: Vec<String>,
    },
    /// Nothing is known of this market.
    #[error("nothing was valued by a market `{name}`: there are {}", there.join(", "))]
    UnknownMarket {
        /// What was asked for.
        name: String,
        /// The markets by which something was submitted.
        there: Vec<String>,
    },
    /// Figures of several markets are there and the query names none.
    #[error("there are figures of several markets, name one of them: {}", there.join(", "))]
    SeveralMarkets {
        /// The markets by which something was submitted.
        there: Vec<String>,
    },
    /// A dimension or measure stands twice in the query.
    #[error("`{name}` is asked for twice: name it once")]
    Repeated {
        /// The dimension or measure.
        name: String,
    },
    /// Partial answers to different queries were to be merged.
    #[error("these are answers to different queries")]
    DifferentQueries,
    /// The total of a group does not fit.
    #[error(transparent)]
    Overflow(#[from] ExactError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_with_their_faults() {
        let query = Query::parse(" Desk ,,Book", "count").unwrap();
        assert_eq!(query.by, ["Desk", "Book"]);
        assert_eq!(query.measures, [Measure::Count]);
        assert!(Query::parse("", "").unwrap().by.is_empty());
        let twice = Query::parse("Desk", "npv,npv").unwrap_err();
        assert_eq!(twice.to_string(), "`npv` is asked for twice: name it once");
        assert!(matches!(
            Query::parse("Desk", "var"),
            Err(QueryError::UnknownMeasure { .. })
        ));
    }
}
