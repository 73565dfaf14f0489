//! Aggregation that is exact, incremental and always says how complete it is.
//!
//! Each trade gives one [`Contribution`]; contributions travel in [`Batch`]es to the [`Partition`]
//! that owns the trade ([`partition_of`]). First comes that the trade is expected, then its figures
//! or why it failed. A [`Query`] goes to all partitions; their [`PartialAggregate`]s are merged in
//! any order and finished to an [`Aggregate`].
//!
//! Invariant: totals live in partitions only, and are sums of [`Exact`] amounts that are rounded
//! once. So they are the same to the last bit for any order, any number of partitions, any
//! repetition and any retraction.

mod aggregate;
mod alarm;
mod batch;
mod completeness;
mod contribution;
mod cube;
mod distribution;
mod exact;
mod holdings;
mod interner;
mod level;
mod measure;
mod partial;
mod partition;
mod query;

pub use aggregate::{Aggregate, Group};
pub use alarm::{Alarm, Difference, Ingested};
pub use batch::{Batch, BatchError, Job, Packing};
pub use completeness::Completeness;
pub use contribution::{Contribution, Figures, Outcome, TRADE_ID, partition_of};
pub use exact::{Exact, ExactError, LIMIT};
pub use level::Level;
pub use measure::{Amount, Measure};
pub use partial::PartialAggregate;
pub use partition::Partition;
pub use query::{Query, QueryError};

#[cfg(test)]
mod model;
