//! Counters, gauges and latency histograms, and snapshots of them.
//!
//! A [`Registry`] gives out handles by name. Whoever counts keeps the handle, so that an event costs
//! an atomic addition ([`Counter`], [`Gauge`]) or an uncontended lock ([`Histogram`]) and never a
//! look-up. A [`Snapshot`] is what the registry held at one moment: names in sorted order, the
//! histograms of all owners merged. It serialises with serde, prints as a table, and two of them
//! give what happened in between.
//!
//! ```
//! use std::time::Duration;
//! use palm_metrics::{Registry, Unit};
//!
//! let registry = Registry::new();
//! let dispatched = registry.counter("dispatched");
//! let mut latency = registry.histogram("latency", Unit::Nanoseconds);
//! dispatched.add(2);
//! latency.record_duration(Duration::from_micros(130));
//!
//! let earlier = registry.snapshot();
//! dispatched.increment();
//! let since = registry.snapshot().since(&earlier);
//! assert_eq!(since.counter("dispatched"), 1);
//! assert_eq!(since.summary("latency").unwrap().count, 0);
//! assert_eq!(earlier.summary("latency").unwrap().count, 1);
//! ```

mod counter;
mod distribution;
mod gauge;
mod histogram;
mod registry;
mod snapshot;
mod table;
mod unit;

pub use counter::Counter;
pub use distribution::{Distribution, Summary};
pub use gauge::Gauge;
pub use histogram::Histogram;
pub use registry::Registry;
pub use snapshot::Snapshot;
pub use unit::Unit;
