//! How a value moves with the market.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A sensitivity's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Greek {
    /// First derivative by the spot.
    Delta,
    /// Second derivative by the spot.
    Gamma,
    /// Derivative by the volatility.
    Vega,
    /// Derivative by the passing of time, the market unchanged.
    Theta,
    /// Derivative by the rate of the currency it is valued in.
    Rho,
    /// Derivative by the dividend yield, or by the rate of the bought currency.
    DividendRho,
}

impl Greek {
    /// Every greek there is, in the order of results.
    pub const ALL: [Self; 6] = [
        Self::Delta,
        Self::Gamma,
        Self::Vega,
        Self::Theta,
        Self::Rho,
        Self::DividendRho,
    ];

    /// Its name in results and measures, such as `dividend_rho`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Gamma => "gamma",
            Self::Vega => "vega",
            Self::Theta => "theta",
            Self::Rho => "rho",
            Self::DividendRho => "dividend_rho",
        }
    }

    /// The greek of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|greek| greek.name() == name)
    }
}

impl fmt::Display for Greek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Greek> for u8 {
    fn from(greek: Greek) -> Self {
        greek as Self
    }
}

impl TryFrom<u8> for Greek {
    type Error = &'static str;

    fn try_from(ordinal: u8) -> Result<Self, &'static str> {
        Self::ALL
            .get(usize::from(ordinal))
            .copied()
            .ok_or("no greek has this number")
    }
}
