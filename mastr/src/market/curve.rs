//! Discount factors over time.

/// Discount factors, log-linear between pillars and from 1 today; beyond the last pillar the
/// forward rate stays what it was before it. One pillar is a flat rate, none is no discounting.
///
/// Time is in years from the as-of date, counted A365F.
///
/// ```
/// use mastr::market::Curve;
///
/// let curve = Curve::new(vec![(1.0, -0.25), (2.0, -0.75)]);
/// assert_eq!(curve.log_discount(1.5), -0.5);
/// assert_eq!(curve.log_discount(3.0), -1.25);
/// assert_eq!(curve.discount(0.0), 1.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Time and logarithm of the discount factor, by time; (0, 0) is not among them.
    pillars: Vec<(f64, f64)>,
}

impl Curve {
    /// No discounting at all.
    pub const NONE: Self = Self {
        pillars: Vec::new(),
    };

    /// The curve through `pillars`: times, all different and positive, and the logarithms of the
    /// discount factors there.
    pub fn new(mut pillars: Vec<(f64, f64)>) -> Self {
        pillars.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { pillars }
    }

    pub(super) fn pillars(&self) -> &[(f64, f64)] {
        &self.pillars
    }

    /// The logarithm of the discount factor at `time`; 0 today and before.
    pub fn log_discount(&self, time: f64) -> f64 {
        let next = self.pillars.partition_point(|pillar| pillar.0 < time);
        Walk { curve: self, next }.log_discount(time)
    }

    /// Looks up many times, which is fastest when each is close to the one before.
    pub fn walk(&self) -> Walk<'_> {
        Walk {
            curve: self,
            next: 0,
        }
    }

    /// The discount factor at `time`.
    pub fn discount(&self, time: f64) -> f64 {
        // Invariant: elementary functions come from libm, so that the bits are the same everywhere.
        libm::exp(self.log_discount(time))
    }

    /// The continuous rate from today to `time`; 0 when `time` is not positive.
    pub fn zero_rate(&self, time: f64) -> f64 {
        if time > 0.0 {
            -self.log_discount(time) / time
        } else {
            0.0
        }
    }
}

/// A way along a curve, by [`Curve::walk`].
///
/// ```
/// use mastr::market::Curve;
///
/// let curve = Curve::new(vec![(1.0, -0.25), (2.0, -0.75)]);
/// let mut walk = curve.walk();
/// for time in [0.5, 1.5, 3.0, 1.0] {
///     assert_eq!(walk.log_discount(time), curve.log_discount(time));
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Walk<'c> {
    curve: &'c Curve,
    /// The pillar that the last time was not after; the last one, or beyond it, if it was after all.
    next: usize,
}

impl Walk<'_> {
    /// The logarithm of the discount factor at `time`, as [`Curve::log_discount`] gives it.
    pub fn log_discount(&mut self, time: f64) -> f64 {
        let pillars = &*self.curve.pillars;
        let Some(last) = pillars.len().checked_sub(1) else {
            return 0.0;
        };
        if time <= 0.0 {
            return 0.0;
        }
        // The first pillar at or after `time`, or the last.
        self.next = self.next.min(last);
        while self.next < last && pillars[self.next].0 < time {
            self.next += 1;
        }
        while self.next > 0 && pillars[self.next - 1].0 >= time {
            self.next -= 1;
        }
        let (to, to_log) = pillars[self.next];
        let (from, from_log) = match self.next {
            0 => (0.0, 0.0),
            next => pillars[next - 1],
        };
        if time == to {
            return to_log;
        }
        from_log + (to_log - from_log) * ((time - from) / (to - from))
    }
}
