//! An asset with a continuous yield exchanged for cash at a later day.

/// What a forward depends on: it receives `units` of the asset and pays `cash`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Forward {
    pub(super) units: f64,
    pub(super) cash: f64,
    pub(super) spot: f64,
    /// Years to the exchange; positive.
    pub(super) time: f64,
    /// −r·T.
    pub(super) log_discount: f64,
    /// −q·T.
    pub(super) log_yield: f64,
}

/// Value and greeks of a forward. Gamma and vega are zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ForwardValue {
    pub(super) value: f64,
    pub(super) delta: f64,
    pub(super) theta: f64,
    pub(super) rho: f64,
    pub(super) dividend_rho: f64,
}

impl Forward {
    /// V = N·S·e^(−qT) − C·e^(−rT), and its exact derivatives: Hull, *Options, Futures, and Other
    /// Derivatives*, 9th edition (2015), eq. 5.7, where the yield
    /// of a currency is its interest rate (section 5.10).
    pub(super) fn closed_form(&self) -> ForwardValue {
        let asset = self.units * libm::exp(self.log_yield);
        let received = asset * self.spot;
        let paid = self.cash * libm::exp(self.log_discount);
        let (rate, carried) = (-self.log_discount / self.time, -self.log_yield / self.time);
        ForwardValue {
            value: received - paid,
            delta: asset,
            theta: carried * received - rate * paid,
            rho: self.time * paid,
            dividend_rho: -self.time * received,
        }
    }
}
