use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A level that goes up and down, such as the length of a queue. Clones share one level.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets the level.
    pub fn set(&self, level: i64) {
        self.0.store(level, Ordering::Relaxed);
    }

    /// Moves the level by `change`, which may be negative.
    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    /// The present level.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
