//! Interest rates that are fixed each day and that floating legs pay.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Currency;
use crate::time::{Calendar, DayCount};

/// An interest rate index.
///
/// ```
/// use mastr::portfolio::Index;
///
/// let index: Index = "EUR-EURIBOR-6M".parse().unwrap();
/// assert_eq!(index, Index::Euribor6M);
/// assert_eq!(index.curve(), "EUR6M");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Index {
    /// `EUR-EURIBOR-3M`.
    Euribor3M,
    /// `EUR-EURIBOR-6M`.
    Euribor6M,
    /// `GBP-LIBOR-3M`.
    GbpLibor3M,
    /// `GBP-LIBOR-6M`.
    GbpLibor6M,
    /// `USD-LIBOR-3M`.
    UsdLibor3M,
    /// `USD-LIBOR-6M`.
    UsdLibor6M,
}

impl Index {
    /// Every index there is.
    pub const ALL: [Self; 6] = [
        Self::Euribor3M,
        Self::Euribor6M,
        Self::GbpLibor3M,
        Self::GbpLibor6M,
        Self::UsdLibor3M,
        Self::UsdLibor6M,
    ];

    /// ORE's name, as in portfolios and fixings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Euribor3M => "EUR-EURIBOR-3M",
            Self::Euribor6M => "EUR-EURIBOR-6M",
            Self::GbpLibor3M => "GBP-LIBOR-3M",
            Self::GbpLibor6M => "GBP-LIBOR-6M",
            Self::UsdLibor3M => "USD-LIBOR-3M",
            Self::UsdLibor6M => "USD-LIBOR-6M",
        }
    }

    /// The curve that its future fixings are projected from.
    pub fn curve(self) -> &'static str {
        match self {
            Self::Euribor3M => "EUR3M",
            Self::Euribor6M => "EUR6M",
            Self::GbpLibor3M => "GBP3M",
            Self::GbpLibor6M => "GBP6M",
            Self::UsdLibor3M => "USD3M",
            Self::UsdLibor6M => "USD6M",
        }
    }

    /// The currency of the loans that it is the rate of.
    pub fn currency(self) -> Currency {
        match self {
            Self::Euribor3M | Self::Euribor6M => Currency::EUR,
            Self::GbpLibor3M | Self::GbpLibor6M => Currency::GBP,
            Self::UsdLibor3M | Self::UsdLibor6M => Currency::USD,
        }
    }

    /// The business days on which it is fixed.
    pub fn calendar(self) -> Calendar {
        match self {
            Self::Euribor3M | Self::Euribor6M => Calendar::TARGET,
            Self::GbpLibor3M | Self::GbpLibor6M | Self::UsdLibor3M | Self::UsdLibor6M => {
                Calendar::UK
            }
        }
    }

    /// So many business days before a loan starts its rate is fixed.
    pub fn fixing_days(self) -> u8 {
        match self {
            Self::GbpLibor3M | Self::GbpLibor6M => 0,
            Self::Euribor3M | Self::Euribor6M | Self::UsdLibor3M | Self::UsdLibor6M => 2,
        }
    }

    /// How the years of a loan are counted.
    pub fn day_count(self) -> DayCount {
        match self {
            Self::GbpLibor3M | Self::GbpLibor6M => DayCount::Actual365Fixed,
            Self::Euribor3M | Self::Euribor6M | Self::UsdLibor3M | Self::UsdLibor6M => {
                DayCount::Actual360
            }
        }
    }
}

impl FromStr for Index {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|index| index.name() == name)
            .ok_or(())
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Currency and name of the curve that the id of a curve stands for: of an index
/// `CCY-FAMILY-TENOR` it is `CCYTENOR`, anything else is a name of its own and has no currency.
///
/// ```
/// use mastr::portfolio::{Currency, curve_of};
///
/// assert_eq!(curve_of("EUR-EURIBOR-6M"), (Some(Currency::EUR), "EUR6M".into()));
/// assert_eq!(curve_of("BANKS-A"), (None, "BANKS-A".into()));
/// ```
pub fn curve_of(id: &str) -> (Option<Currency>, std::borrow::Cow<'_, str>) {
    let mut parts = id.split('-');
    if let (Some(code), Some(_), Some(tenor), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
        && let Ok(currency) = code.parse()
        && tenor.parse::<crate::time::Tenor>().is_ok()
    {
        return (Some(currency), format!("{code}{tenor}").into());
    }
    (None, id.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_found_by_name_and_its_name_tells_its_curve() {
        for index in Index::ALL {
            assert_eq!(index.to_string().parse(), Ok(index));
            let (currency, curve) = curve_of(index.name());
            assert_eq!((currency, &*curve), (Some(index.currency()), index.curve()));
        }
        assert!("EUR-EURIBOR-12M".parse::<Index>().is_err());
    }

    #[test]
    fn what_is_no_index_is_the_name_of_a_curve() {
        assert_eq!(curve_of("CHF-LIBOR-6M").1, "CHF6M");
        for id in [
            "EUR1D",
            "EUR-EONIA",
            "EUR-A-B",
            "eur-EURIBOR-6M",
            "EUR-EURIBOR-6M-X",
            "",
        ] {
            assert_eq!(curve_of(id), (None, id.into()));
        }
    }
}
