use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The largest value that is told apart from larger ones: about 146 years of nanoseconds.
const LARGEST: u64 = i64::MAX as u64 / 2;

/// Records values for one owner, usually one thread.
///
/// It is not `Clone`: each thread asks the [`Registry`](crate::Registry) for its own, and a snapshot
/// merges all that were given out under a name, including those that were dropped. Recording takes
/// a lock that nobody else wants, except a snapshot for the microseconds of a copy.
#[derive(Debug)]
pub struct Histogram(Arc<Mutex<Recorded>>);

impl Histogram {
    pub(crate) fn new(recorded: Arc<Mutex<Recorded>>) -> Self {
        Self(recorded)
    }

    /// Records one value, in the unit the histogram was registered with.
    ///
    /// Values are kept to three significant digits.
    pub fn record(&mut self, value: u64) {
        lock(&self.0).record(value);
    }

    /// Records a duration in nanoseconds.
    pub fn record_duration(&mut self, duration: Duration) {
        self.record(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// The values of one owner.
#[derive(Clone, Debug)]
pub(crate) struct Recorded(hdrhistogram::Histogram<u64>);

impl Recorded {
    pub(crate) fn new() -> Self {
        // Three digits are within the one to five that are allowed.
        Self(hdrhistogram::Histogram::new(3).expect("three significant digits are valid"))
    }

    fn record(&mut self, value: u64) {
        // It grows with what it is given, up to exactly this bound.
        self.0
            .record(value.min(LARGEST))
            .expect("a histogram that grows takes any value up to its bound");
    }

    /// Each value that was recorded, rounded up within its three digits, and how often.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
    }
}

/// Locks even after a panic elsewhere: counts are whole at any moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_can_be_recorded() {
        let mut recorded = Recorded::new();
        for value in [0, 1, 2047, 1_000_000, LARGEST, u64::MAX] {
            recorded.record(value);
        }
        let buckets: Vec<_> = recorded.buckets().collect();
        assert_eq!(&buckets[..3], &[(0, 1), (1, 1), (2047, 1)]);
        let (million, largest) = (buckets[3], buckets[4]);
        assert!((1_000_000..1_001_000).contains(&million.0));
        assert!(largest.0 >= LARGEST && largest.1 == 2);
        assert_eq!(buckets.len(), 5);
    }
}
