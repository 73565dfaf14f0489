use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::table::Table;
use crate::{Distribution, Summary};

/// What a [`Registry`](crate::Registry) held at one moment, by name in sorted order.
///
/// `Display` writes it as a table with a line for each name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What the counters had counted.
    pub counters: BTreeMap<String, u64>,
    /// The levels of the gauges.
    pub gauges: BTreeMap<String, i64>,
    /// The values of the histograms, those of all owners merged.
    pub histograms: BTreeMap<String, Distribution>,
}

impl Snapshot {
    /// A counter by name; 0 if there is none.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }

    /// A gauge by name; 0 if there is none.
    pub fn gauge(&self, name: &str) -> i64 {
        self.gauges.get(name).copied().unwrap_or(0)
    }

    /// The figures of a histogram by name.
    pub fn summary(&self, name: &str) -> Option<Summary> {
        self.histograms.get(name).map(Distribution::summary)
    }

    /// What happened after `earlier`, an older snapshot of the same registry: counters and
    /// histograms hold the difference, gauges are levels and stay as they are.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let counters = self.counters.iter();
        let histograms = self.histograms.iter();
        Snapshot {
            counters: counters
                .map(|(name, now)| (name.clone(), now.saturating_sub(earlier.counter(name))))
                .collect(),
            gauges: self.gauges.clone(),
            histograms: histograms
                .map(|(name, now)| match earlier.histograms.get(name) {
                    Some(before) => (name.clone(), now.since(before)),
                    None => (name.clone(), now.clone()),
                })
                .collect(),
        }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut levels = Table::new(&["name", "value"]);
        for (name, count) in &self.counters {
            levels.row([name.clone(), count.to_string()]);
        }
        for (name, level) in &self.gauges {
            levels.row([name.clone(), level.to_string()]);
        }
        let mut summaries =
            Table::new(&["name", "count", "min", "p50", "p90", "p99", "p99.9", "max"]);
        for (name, distribution) in &self.histograms {
            let s = distribution.summary();
            let figures = [s.min, s.p50, s.p90, s.p99, s.p999, s.max];
            let figures = figures.map(|value| s.unit.display(value).to_string());
            summaries.row(
                [name.clone(), s.count.to_string()]
                    .into_iter()
                    .chain(figures),
            );
        }
        write!(f, "{levels}{summaries}")
    }
}

#[cfg(test)]
mod tests {
    use crate::{Registry, Unit};

    use super::*;

    fn example() -> Registry {
        let registry = Registry::new();
        registry.counter("results").add(12);
        registry.counter("dispatched").add(1_234);
        registry.gauge("queue").set(-7);
        let mut latency = registry.histogram("latency", Unit::Nanoseconds);
        (1..=100).for_each(|value| latency.record(value * 10));
        registry
    }

    #[test]
    fn a_table_is_aligned_and_sorted() {
        let expected = "\
name        value
dispatched   1234
results        12
queue          -7
name     count    min     p50     p90     p99    p99.9      max
latency    100  10 ns  500 ns  900 ns  990 ns  1.00 us  1.00 us
";
        assert_eq!(example().snapshot().to_string(), expected);
        assert_eq!(Snapshot::default().to_string(), "");
    }

    #[test]
    fn serde_keeps_everything() {
        let snapshot = example().snapshot();
        let json = serde_json::to_string(&snapshot).expect("names are strings");
        let back: Snapshot = serde_json::from_str(&json).expect("written just now");
        assert_eq!(back, snapshot);
    }

    #[test]
    fn a_difference_takes_names_that_are_new() {
        let registry = example();
        let earlier = registry.snapshot();
        registry.counter("results").add(3);
        registry.counter("failures").add(1);
        registry.gauge("queue").set(5);
        registry.histogram("latency", Unit::Nanoseconds).record(7);
        registry.histogram("sizes", Unit::Bytes).record(9);
        let since = registry.snapshot().since(&earlier);
        assert_eq!(since.counter("results"), 3);
        assert_eq!(since.counter("dispatched"), 0);
        assert_eq!(since.counter("failures"), 1);
        assert_eq!(since.gauge("queue"), 5);
        let latency = since.summary("latency").expect("registered");
        assert_eq!((latency.count, latency.max), (1, 7));
        assert_eq!(since.summary("sizes").expect("registered").count, 1);
        assert!(since.summary("unknown").is_none());
    }
}
