//! Gauss–Legendre quadrature.

use std::f64::consts::PI;

/// Nodes, in ascending order, and weights of the rule that integrates polynomials of degree 2N − 1
/// over 0 to 1 exactly: the roots of Legendre's polynomial, by Newton's method (Abramowitz and
/// Stegun, 25.4.29 and 25.4.30).
pub(super) fn gauss_legendre<const N: usize>() -> [(f64, f64); N] {
    std::array::from_fn(|index| {
        // The approximation 22.16.6 of the root, from the largest down.
        let mut x = -libm::cos(PI * (index as f64 + 0.75) / (N as f64 + 0.5));
        let mut slope = 0.0;
        // Quadratic convergence: the sixth step moves nothing any more.
        for _ in 0..6 {
            let (mut value, mut previous) = (1.0, 0.0);
            for degree in 0..N {
                let degree = degree as f64;
                (value, previous) = (
                    ((2.0 * degree + 1.0) * x * value - degree * previous) / (degree + 1.0),
                    value,
                );
            }
            slope = N as f64 * (x * value - previous) / (x * x - 1.0);
            x -= value / slope;
        }
        (0.5 * (1.0 + x), 1.0 / ((1.0 - x * x) * slope * slope))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        let rule = gauss_legendre::<24>();
        let mut power = [1.0; 24];
        for degree in 0..48 {
            let sum: f64 = rule
                .iter()
                .zip(power)
                .map(|((_, weight), x)| weight * x)
                .sum();
            assert!(
                (sum * f64::from(degree + 1) - 1.0).abs() < 1e-13,
                "{degree}"
            );
            for (power, (x, _)) in power.iter_mut().zip(rule) {
                *power *= x;
            }
        }
    }

    #[test]
    fn a_rule_of_two_is_known() {
        let root = 0.5 / 3.0_f64.sqrt();
        for ((x, weight), want) in gauss_legendre::<2>().iter().zip([0.5 - root, 0.5 + root]) {
            assert!((x - want).abs() < 3e-16 && (weight - 0.5).abs() < 3e-16);
        }
    }
}
