//! What can be asked of a group of trades, and the amounts a trade contributes to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::aggregation::{Level, QueryError};
use crate::valuation::Greek;

/// An amount in base currency that a valued trade contributes and that adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Amount {
    /// The net present value.
    Npv,
    /// The change in value for the spot's rise of one per cent.
    Delta,
    /// The change in delta for the spot's rise of one per cent.
    Gamma,
    /// The change in value for one point more of volatility.
    Vega,
    /// The change in value over one day.
    Theta,
    /// The change in value for a basis point more of interest.
    Rho,
    /// The change in value for a basis point more of dividend yield.
    DividendRho,
    /// The square of the value's standard error, where it is simulated: those of trades add up, as
    /// each has random numbers of its own.
    Variance,
}

impl Amount {
    /// Every amount, in the order of their columns.
    pub const ALL: [Self; 8] = [
        Self::Npv,
        Self::Delta,
        Self::Gamma,
        Self::Vega,
        Self::Theta,
        Self::Rho,
        Self::DividendRho,
        Self::Variance,
    ];

    /// The name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Npv => "npv",
            Self::Delta => "delta",
            Self::Gamma => "gamma",
            Self::Vega => "vega",
            Self::Theta => "theta",
            Self::Rho => "rho",
            Self::DividendRho => "dividend_rho",
            Self::Variance => "variance",
        }
    }

    /// The amount's place in [`Amount::ALL`].
    pub(crate) const fn place(self) -> usize {
        self as usize
    }
}

impl From<Greek> for Amount {
    fn from(greek: Greek) -> Self {
        match greek {
            Greek::Delta => Self::Delta,
            Greek::Gamma => Self::Gamma,
            Greek::Vega => Self::Vega,
            Greek::Theta => Self::Theta,
            Greek::Rho => Self::Rho,
            Greek::DividendRho => Self::DividendRho,
        }
    }
}

/// What a query asks of each group.
///
/// ```
/// use mastr::aggregation::{Amount, Measure};
///
/// assert_eq!("delta".parse(), Ok(Measure::Sum(Amount::Delta)));
/// let error = "dleta".parse::<Measure>().unwrap_err().to_string();
/// assert!(error.starts_with("there is no measure `dleta`: npv, delta,"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measure {
    /// The exact sum of an amount over the group's valued trades.
    Sum(Amount),
    /// The standard error of the group's value, as far as it is simulated.
    StandardError,
    /// How many trades of the group are valued: those that its sums hold.
    Count,
    /// The loss that is exceeded beyond this level only, over the scenarios.
    ValueAtRisk(Level),
    /// The average loss beyond this level.
    ExpectedShortfall(Level),
    /// The P&L that is not exceeded in this part of the scenarios.
    Quantile(Level),
}

impl Measure {
    /// Those without a level, by name.
    fn plain() -> impl Iterator<Item = Self> {
        let sums = Amount::ALL.into_iter().map(|amount| match amount {
            Amount::Variance => Self::StandardError,
            amount => Self::Sum(amount),
        });
        sums.chain([Self::Count])
    }

    /// The amount that has to be summed to answer, if any.
    pub(crate) const fn amount(self) -> Option<Amount> {
        match self {
            Self::Sum(amount) => Some(amount),
            Self::StandardError => Some(Amount::Variance),
            _ => None,
        }
    }

    /// Whether it is one of the distribution over scenarios.
    pub(crate) const fn needs_scenarios(self) -> bool {
        match self {
            Self::Sum(_) | Self::StandardError | Self::Count => false,
            Self::ValueAtRisk(_) | Self::ExpectedShortfall(_) | Self::Quantile(_) => true,
        }
    }
}

/// Its name in files and on the command line.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum(amount) => f.write_str(amount.name()),
            Self::StandardError => f.write_str("stderr"),
            Self::Count => f.write_str("count"),
            Self::ValueAtRisk(level) => write!(f, "var:{level}"),
            Self::ExpectedShortfall(level) => write!(f, "es:{level}"),
            Self::Quantile(level) => write!(f, "quantile:{level}"),
        }
    }
}

impl FromStr for Measure {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<Self, QueryError> {
        if let Some((kind, level)) = name.split_once(':') {
            let level = level.parse().map_err(|()| QueryError::NoLevel {
                measure: name.to_owned(),
            });
            match kind {
                "var" => return level.map(Self::ValueAtRisk),
                "es" => return level.map(Self::ExpectedShortfall),
                "quantile" => return level.map(Self::Quantile),
                _ => {}
            }
        }
        Self::plain()
            .find(|measure| measure.to_string() == name)
            .ok_or_else(|| QueryError::UnknownMeasure {
                name: name.to_owned(),
                there: Self::plain()
                    .map(|one| one.to_string())
                    .chain(["var:LEVEL", "es:LEVEL", "quantile:P"].map(str::to_owned))
                    .collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for measure in Measure::plain() {
            assert_eq!(measure.to_string().parse(), Ok(measure));
        }
        for name in ["var:0.99", "es:0.975", "quantile:0.5"] {
            assert_eq!(name.parse::<Measure>().unwrap().to_string(), name);
        }
        for (place, amount) in Amount::ALL.into_iter().enumerate() {
            assert_eq!(amount.place(), place);
        }
        for greek in Greek::ALL {
            assert_eq!(Amount::from(greek).name(), greek.name());
        }
    }

    #[test]
    fn a_level_is_from_zero_to_one() {
        for name in ["var:", "var:99", "es:-0.1", "quantile:half"] {
            let error = name.parse::<Measure>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "`{name}` needs a level from 0 to 1 with at most 18 decimals: `var:0.99` has one"
                )
            );
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_exist() {
        let error = "NPV".parse::<Measure>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no measure `NPV`: npv, delta, gamma, vega, theta, rho, dividend_rho, stderr, \
             count, var:LEVEL, es:LEVEL, quantile:P exist"
        );
    }
}
