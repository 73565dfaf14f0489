use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number of events that only goes up.
///
/// Clones count together. Additions are relaxed: a snapshot sees each of them sooner or later, but
/// in no order relative to other counters. It wraps around at 2⁶⁴.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Counts one event.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts `events` events.
    pub fn add(&self, events: u64) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
