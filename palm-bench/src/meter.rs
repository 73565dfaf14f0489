//! Counting results over time.

use std::time::{Duration, Instant};

/// How long a measurement takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    /// The time before anything counts.
    pub(crate) warm_up: Duration,
    /// The time that counts.
    pub(crate) measured: Duration,
}

/// Counts results: those of the warm-up are forgotten, those of the measured time make the rate.
#[derive(Debug)]
pub(crate) struct Meter {
    span: Span,
    created: Instant,
    /// Set at the first result after the warm-up.
    begun: Option<Instant>,
    last: Instant,
    count: u64,
}

impl Meter {
    /// Starts the warm-up.
    pub(crate) fn new(span: Span, now: Instant) -> Self {
        Self {
            span,
            created: now,
            begun: None,
            last: now,
            count: 0,
        }
    }

    /// Counts results that have arrived by `now`; tells whether more are wanted.
    pub(crate) fn count(&mut self, results: usize, now: Instant) -> bool {
        self.last = now;
        let Some(begun) = self.begun else {
            if now - self.created >= self.span.warm_up {
                self.begun = Some(now);
            }
            return true;
        };
        self.count += results as u64;
        now - begun < self.span.measured
    }

    /// Results per second of the measured time; 0 before it has begun.
    pub(crate) fn rate(&self) -> f64 {
        let elapsed = self.begun.map(|begun| self.last - begun);
        match elapsed.filter(|elapsed| !elapsed.is_zero()) {
            Some(elapsed) => self.count as f64 / elapsed.as_secs_f64(),
            None => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_does_not_count() {
        let span = Span {
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(2),
        };
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = Meter::new(span, start);
        assert!(meter.count(7_000, at(500)));
        assert!(meter.count(9_000, at(1_000)));
        assert_eq!(meter.rate(), 0.0);
        assert!(meter.count(100, at(2_000)));
        assert!(meter.count(200, at(2_999)));
        assert!(!meter.count(700, at(3_000)));
        assert_eq!(meter.rate(), 500.0);
    }
}
