//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Φ(x), the probability of at most `x`: ½·erfc(−x/√2), within 4e-15 relative in both tails.
pub(super) fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// φ(x), the density at `x`.
pub(super) fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x) / TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tails_are_right() {
        // Abramowitz and Stegun, tables 26.1 and 26.2.
        for (x, want) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-5.0, 2.866_515_718_791_939e-7),
            (-10.0, 7.619_853_024_160_526e-24),
            (f64::NEG_INFINITY, 0.0),
            (f64::INFINITY, 1.0),
        ] {
            assert!((cumulative(x) - want).abs() <= 4e-15 * want, "{x}");
        }
        assert_eq!(density(0.0), 0.398_942_280_401_432_7);
        assert_eq!(density(f64::INFINITY), 0.0);
    }
}
