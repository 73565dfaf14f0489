//! How a value moves when all zero rates of a curve move alike.

/// Rates go up and down by a basis point.
const SHIFT: f64 = 1e-4;

/// The slope of `present`·exp(−`years`·s) in the shift s of zero rates, by central difference:
/// what a flow, worth `present` today, loses per 1.00 when it is discounted over `years`.
///
/// A parallel shift of zero rates multiplies the discount factor at t by exp(−s·t) exactly, between
/// the pillars as well as on them, so (V(s) − V(−s))/2s = −`present`·sinh(s·`years`)/s, of which
/// the series is below what a double can tell for any `years` that a leg has.
pub(super) fn slope(present: f64, years: f64) -> f64 {
    let x = SHIFT * years;
    let x2 = x * x;
    // sinh(x)/x; from 200 years on the next term could be told. What is next to 1 need not be divided.
    let ratio = if x2 < 4e-4 {
        const FACTORS: [f64; 3] = [1.0 / 6.0, 1.0 / 20.0, 1.0 / 42.0];
        1.0 + x2 * FACTORS[0] * (1.0 + x2 * FACTORS[1] * (1.0 + x2 * FACTORS[2]))
    } else {
        libm::sinh(x) / x
    };
    -present * years * ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_central_difference() {
        for years in [0.0, 0.25, 10.0, -30.0, 199.9, 200.1, 5000.0] {
            let value = |shift: f64| 100.0 * libm::exp(-years * shift);
            let want = (value(SHIFT) - value(-SHIFT)) / (2.0 * SHIFT);
            let got = slope(100.0, years);
            assert!(
                (got - want).abs() <= 1e-11 * want.abs() + 1e-9,
                "{got} {want}"
            );
        }
        let series = slope(1.0, 200.0 - 1e-10);
        assert!((series / slope(1.0, 200.0 + 1e-10) - 1.0).abs() < 1e-11);
    }
}
