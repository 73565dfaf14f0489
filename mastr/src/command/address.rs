//! Where the servers of a cluster are, unless somebody says otherwise: on this machine.

/// The valuation master.
pub(super) const VALUATION: &str = "tcp://127.0.0.1:5570";
/// The aggregation master.
pub(super) const AGGREGATION: &str = "tcp://127.0.0.1:5571";
