use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::histogram::{Recorded, lock};
use crate::{Counter, Distribution, Gauge, Histogram, Snapshot, Unit};

/// Gives out counters, gauges and histograms by name, and takes snapshots of all of them.
///
/// Clones are the same registry. Its methods take a lock, so call them when something starts, not
/// for each event, and keep what they return.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<Named>>);

#[derive(Debug, Default)]
struct Named {
    counters: BTreeMap<String, Counter>,
    gauges: BTreeMap<String, Gauge>,
    histograms: BTreeMap<String, Owners>,
}

/// All that was recorded under one name.
#[derive(Debug)]
struct Owners {
    unit: Unit,
    living: Vec<Arc<Mutex<Recorded>>>,
    /// What owners had recorded that are gone.
    departed: BTreeMap<u64, u64>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter of that name, which starts at 0. The same name gives the same counter.
    pub fn counter(&self, name: &str) -> Counter {
        let mut named = lock(&self.0);
        named.counters.entry(name.to_owned()).or_default().clone()
    }

    /// The gauge of that name, which starts at 0. The same name gives the same gauge.
    pub fn gauge(&self, name: &str) -> Gauge {
        let mut named = lock(&self.0);
        named.gauges.entry(name.to_owned()).or_default().clone()
    }

    /// A histogram for one more owner under that name.
    ///
    /// The unit is the one that the name was first registered with.
    pub fn histogram(&self, name: &str, unit: Unit) -> Histogram {
        let recorded = Arc::new(Mutex::new(Recorded::new()));
        let mut named = lock(&self.0);
        let owners = named.histograms.entry(name.to_owned()).or_insert(Owners {
            unit,
            living: Vec::new(),
            departed: BTreeMap::new(),
        });
        owners.retire();
        owners.living.push(Arc::clone(&recorded));
        Histogram::new(recorded)
    }

    /// What everything holds now.
    pub fn snapshot(&self) -> Snapshot {
        let mut named = lock(&self.0);
        let counters = named.counters.iter();
        let gauges = named.gauges.iter();
        Snapshot {
            counters: counters.map(|(name, c)| (name.clone(), c.get())).collect(),
            gauges: gauges.map(|(name, g)| (name.clone(), g.get())).collect(),
            histograms: named
                .histograms
                .iter_mut()
                .map(|(name, owners)| (name.clone(), owners.merge()))
                .collect(),
        }
    }
}

impl Owners {
    /// Moves what the owners had recorded that are gone by now into one place.
    fn retire(&mut self) {
        let departed = &mut self.departed;
        self.living.retain(|recorded| {
            // The registry holds the last reference: nothing can be added any more.
            let gone = Arc::strong_count(recorded) == 1;
            if gone {
                add(departed, &lock(recorded));
            }
            !gone
        });
    }

    fn merge(&mut self) -> Distribution {
        self.retire();
        let mut buckets = self.departed.clone();
        for recorded in &self.living {
            // Copied first: the owner waits for a copy of memory, not for the merge.
            let copy = lock(recorded).clone();
            add(&mut buckets, &copy);
        }
        Distribution::new(self.unit, buckets)
    }
}

fn add(buckets: &mut BTreeMap<u64, u64>, recorded: &Recorded) {
    for (value, times) in recorded.buckets() {
        *buckets.entry(value).or_default() += times;
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn threads_count_and_record_together() {
        let registry = Registry::new();
        thread::scope(|scope| {
            for thread in 0..4_u64 {
                let registry = &registry;
                scope.spawn(move || {
                    let events = registry.counter("events");
                    let level = registry.gauge("level");
                    let mut sizes = registry.histogram("sizes", Unit::Bytes);
                    for event in 0..1_000 {
                        events.increment();
                        level.add(if event % 2 == 0 { 2 } else { -1 });
                        sizes.record(thread);
                    }
                });
            }
        });
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.counter("events"), 4_000);
        assert_eq!(snapshot.gauge("level"), 2_000);
        let sizes = snapshot.summary("sizes").expect("registered above");
        assert_eq!((sizes.count, sizes.min, sizes.max), (4_000, 0, 3));
    }

    #[test]
    fn an_owner_that_is_gone_is_counted_once() {
        let registry = Registry::new();
        let mut kept = registry.histogram("latency", Unit::Nanoseconds);
        let mut dropped = registry.histogram("latency", Unit::Count);
        kept.record(1);
        dropped.record(2);
        drop(dropped);
        for _ in 0..3 {
            let summary = registry.snapshot().summary("latency").expect("registered");
            assert_eq!((summary.count, summary.max), (2, 2));
            assert_eq!(summary.unit, Unit::Nanoseconds);
        }
        kept.record(3);
        assert_eq!(
            registry
                .snapshot()
                .summary("latency")
                .expect("registered")
                .count,
            3
        );
        let living = || lock(&registry.0).histograms["latency"].living.len();
        assert_eq!(living(), 1);
        for _ in 0..3 {
            drop(registry.histogram("latency", Unit::Nanoseconds));
        }
        assert_eq!(living(), 2, "each new owner makes room for itself");
    }
}
