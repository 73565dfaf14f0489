//! What is measured.

/// An engine of the valuation, and the trades that it is measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Engine {
    /// European options, with all greeks.
    European,
    /// Barrier options of all four types, some with a rebate, with all greeks.
    Barrier,
    /// American options, with all greeks.
    American,
    /// Options on arithmetic averages of twelve prices, their values alone.
    Asian,
    /// Swaps of ten years, with their rhos.
    Swap,
    /// Bonds of ten years, with their rhos.
    Bond,
    /// P&L vectors of European options in [a thousand scenarios](super::book::SCENARIOS).
    Scenarios,
}

impl Engine {
    /// In the order of the report.
    pub(super) const ALL: [Self; 7] = [
        Self::European,
        Self::Barrier,
        Self::American,
        Self::Asian,
        Self::Swap,
        Self::Bond,
        Self::Scenarios,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::European => "european",
            Self::Barrier => "barrier",
            Self::American => "american",
            Self::Asian => "asian",
            Self::Swap => "swap",
            Self::Bond => "bond",
            Self::Scenarios => "scenarios",
        }
    }

    /// What is counted. A path's step is a random number, a price, and what that adds to the two
    /// averages.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Asian => "path-steps/s",
            Self::Scenarios => "revaluations/s",
            _ => "valuations/s",
        }
    }

    /// By how much of itself the sum of the values may differ between contenders.
    pub(super) fn tolerance(self) -> f64 {
        match self {
            Self::European | Self::Barrier | Self::Swap | Self::Bond | Self::Scenarios => 1e-9,
            // A tree's error.
            Self::American => 1e-4,
            // Other random numbers.
            Self::Asian => 5e-3,
        }
    }
}
