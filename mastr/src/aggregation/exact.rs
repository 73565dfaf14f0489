//! Exact sums of amounts of money: the reason why totals do not depend on the order of arrival.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How many binary digits stand behind the point.
const FRACTION_BITS: i32 = 40;

/// Amounts of this size and beyond are refused: 2⁵⁷ = 144,115,188,075,855,872.
pub const LIMIT: f64 = (1_u64 << 57) as f64;

/// What cannot be summed exactly.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ExactError {
    /// An infinite amount, or one that is not a number.
    #[error("the amount {0} is not finite")]
    NotFinite(f64),
    /// An amount of 2⁵⁷ or more, of either sign.
    #[error("the amount {0:e} is not below 2^57 (about 1.44e17) in size")]
    TooLarge(f64),
    /// A sum that needs more than 127 bits.
    #[error("the sum is beyond 2^87 in size")]
    Overflow,
}

/// A whole number of units of 2⁻⁴⁰ (about 9.1e-13), in 128 bits.
///
/// An amount is rounded once, when it becomes an `Exact`; from then on additions and subtractions
/// lose nothing, so that any order, any grouping and any retraction give the same total, to the
/// last bit.
///
/// ```
/// use mastr::aggregation::Exact;
///
/// let small = Exact::round(0.5)?;
/// let large = Exact::round(9.0e15)?;
/// let sum = large.plus(small)?.plus(small)?.minus(large)?;
/// assert_eq!(sum.to_f64(), 1.0);
/// assert_ne!(9.0e15 + 0.5 + 0.5 - 9.0e15, 1.0);
/// # Ok::<(), mastr::aggregation::ExactError>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Exact(i128);

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The multiple of 2⁻⁴⁰ that is nearest to the amount; of two equally near ones the even one.
    ///
    /// # Errors
    ///
    /// [`ExactError::NotFinite`] and [`ExactError::TooLarge`] for what has no place in a sum.
    pub fn round(amount: f64) -> Result<Self, ExactError> {
        if !amount.is_finite() {
            return Err(ExactError::NotFinite(amount));
        }
        if amount.abs() >= LIMIT {
            return Err(ExactError::TooLarge(amount));
        }
        // amount = ± significand · 2^exponent, hence significand · 2^(exponent + 40) units.
        let bits = amount.to_bits();
        let biased = (bits >> 52) & 0x7ff;
        let fraction = bits & ((1 << 52) - 1);
        let significand = if biased == 0 {
            fraction
        } else {
            fraction | 1 << 52
        };
        let exponent = (biased.max(1) as i32) - 1075;
        let shift = exponent + FRACTION_BITS;
        let magnitude = if shift >= 0 {
            // At most 44 here, because the amount is below 2⁵⁷.
            u128::from(significand) << shift
        } else {
            u128::from(shift_right_to_even(significand, shift.unsigned_abs()))
        };
        let magnitude = magnitude as i128;
        Ok(Self(if amount.is_sign_negative() {
            -magnitude
        } else {
            magnitude
        }))
    }

    /// The sum of both.
    ///
    /// # Errors
    ///
    /// [`ExactError::Overflow`] if it does not fit: no fewer than 2³⁰ amounts get there.
    pub fn plus(self, other: Self) -> Result<Self, ExactError> {
        let sum = self.0.checked_add(other.0).ok_or(ExactError::Overflow)?;
        Ok(Self(sum))
    }

    /// What is left when the other is taken away.
    ///
    /// # Errors
    ///
    /// [`ExactError::Overflow`] if it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, ExactError> {
        let rest = self.0.checked_sub(other.0).ok_or(ExactError::Overflow)?;
        Ok(Self(rest))
    }

    /// The double that is nearest to the exact value; of two equally near ones the even one.
    pub fn to_f64(self) -> f64 {
        // The conversion of an integer rounds to nearest, ties to even; the scaling is a power of
        // two far from the ends of the exponent's range, so it is exact.
        self.0 as f64 / (1_u64 << FRACTION_BITS) as f64
    }
}

/// `value / 2^places`, rounded to the nearest whole number, half to even.
fn shift_right_to_even(value: u64, places: u32) -> u64 {
    // A significand has 53 bits: from 55 places on it is less than a quarter.
    if places > 54 {
        return 0;
    }
    let quotient = value >> places;
    let remainder = value & ((1 << places) - 1);
    let half = 1 << (places - 1);
    if remainder > half || (remainder == half && quotient & 1 == 1) {
        quotient + 1
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use num_rational::BigRational;
    use proptest::prelude::*;

    use super::*;

    /// The same rounding in arbitrary precision: the model that the fast one is held against.
    fn model_units(amount: f64) -> BigInt {
        let scaled = BigRational::from_float(amount).expect("finite")
            * BigRational::from_integer(BigInt::from(1_u64 << 40));
        let floor = scaled.floor().to_integer();
        let above = &floor + 1;
        let below_half = &scaled - BigRational::from_integer(floor.clone());
        let half = BigRational::new(1.into(), 2.into());
        if below_half < half || (below_half == half && &floor % 2 == BigInt::ZERO) {
            floor
        } else {
            above
        }
    }

    fn distance(units: &BigInt, candidate: f64) -> BigRational {
        let exact = BigRational::new(units.clone(), BigInt::from(1_u64 << 40));
        let difference = exact - BigRational::from_float(candidate).expect("finite");
        if difference < BigRational::from_integer(BigInt::ZERO) {
            -difference
        } else {
            difference
        }
    }

    /// No double is nearer, and one that is equally near has an odd significand.
    fn assert_nearest(units: &BigInt, got: f64) {
        let error = distance(units, got);
        for neighbour in [got.next_up(), got.next_down()] {
            let other = distance(units, neighbour);
            assert!(other >= error, "{neighbour:e} is nearer than {got:e}");
            if other == error {
                assert_eq!(got.to_bits() & 1, 0, "a tie goes to the even one");
            }
        }
    }

    /// Amounts of every size, with many that lie on ties of the grid.
    fn amount() -> impl Strategy<Value = f64> {
        prop_oneof![
            -1e6..1e6_f64,
            any::<f64>().prop_filter("in range", |x| x.is_finite() && x.abs() < LIMIT),
            (-1_000_000_i64..1_000_000).prop_map(|n| n as f64 / (1_u64 << 42) as f64),
            (any::<i64>(), 7..107).prop_map(|(n, e)| n as f64 / (1_u128 << e) as f64),
        ]
    }

    proptest! {
        #[test]
        fn rounds_and_converts_as_arbitrary_precision_does(amounts in prop::collection::vec(amount(), 1..60)) {
            let mut total = Exact::ZERO;
            let mut model = BigInt::ZERO;
            for amount in amounts {
                let one = Exact::round(amount).unwrap();
                prop_assert_eq!(BigInt::from(one.0), model_units(amount));
                total = total.plus(one).unwrap();
                model += model_units(amount);
                assert_nearest(&model, total.to_f64());
            }
            prop_assert_eq!(BigInt::from(total.0), model);
        }

        #[test]
        fn neither_order_nor_retraction_leaves_a_trace(
            amounts in prop::collection::vec(amount(), 1..40),
            others in prop::collection::vec(amount(), 0..40),
            order in any::<prop::sample::Index>(),
        ) {
            let rounded: Vec<_> = amounts.iter().map(|&x| Exact::round(x).unwrap()).collect();
            let direct = rounded.iter().try_fold(Exact::ZERO, |sum, &x| sum.plus(x)).unwrap();
            let mut detour = Exact::ZERO;
            for &other in &others {
                detour = detour.plus(Exact::round(other).unwrap()).unwrap();
            }
            let start = order.index(rounded.len());
            for &one in rounded[start..].iter().chain(&rounded[..start]) {
                detour = detour.plus(one).unwrap();
            }
            for &other in others.iter().rev() {
                detour = detour.minus(Exact::round(other).unwrap()).unwrap();
            }
            prop_assert_eq!(direct, detour);
            prop_assert_eq!(direct.to_f64().to_bits(), detour.to_f64().to_bits());
        }
    }

    #[test]
    fn halves_go_to_the_even_multiple() {
        let unit = 1.0 / (1_u64 << 40) as f64;
        for (units, expected) in [
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (-0.5, 0),
            (-1.5, -2),
            (-2.5, -2),
        ] {
            assert_eq!(
                Exact::round(units * unit).unwrap(),
                Exact(expected),
                "{units}"
            );
        }
        assert_eq!(Exact::round((0.5_f64).next_up() * unit).unwrap(), Exact(1));
        assert_eq!(Exact::round(f64::from_bits(1)).unwrap(), Exact::ZERO);
        assert_eq!(
            Exact::round(-0.0).unwrap().to_f64().to_bits(),
            0.0_f64.to_bits()
        );
    }

    #[test]
    fn refuses_what_has_no_place_in_a_sum() {
        assert!(matches!(
            Exact::round(f64::NAN),
            Err(ExactError::NotFinite(_))
        ));
        assert!(matches!(
            Exact::round(f64::NEG_INFINITY),
            Err(ExactError::NotFinite(_))
        ));
        assert_eq!(Exact::round(LIMIT), Err(ExactError::TooLarge(LIMIT)));
        assert_eq!(Exact::round(-LIMIT), Err(ExactError::TooLarge(-LIMIT)));
        assert_eq!(
            Exact::round(LIMIT.next_down()).unwrap().to_f64(),
            LIMIT.next_down()
        );
        assert_eq!(
            Exact(i128::MAX).plus(Exact(1)).unwrap_err(),
            ExactError::Overflow
        );
        assert_eq!(
            Exact(i128::MIN).minus(Exact(1)).unwrap_err(),
            ExactError::Overflow
        );
    }

    #[test]
    fn the_largest_totals_convert_to_the_nearest_double() {
        for units in [
            i128::MAX,
            i128::MIN,
            (1 << 100) + 1,
            (1 << 60) + (1 << 7),
            (1 << 60) + 3 * (1 << 7),
        ] {
            assert_nearest(&BigInt::from(units), Exact(units).to_f64());
        }
    }

    #[test]
    fn survives_the_wire() {
        let sum = Exact::round(-1234.5678).unwrap();
        let bytes = bincode::serialize(&sum).unwrap();
        assert_eq!(bytes.len(), 16);
        assert_eq!(bincode::deserialize::<Exact>(&bytes).unwrap(), sum);
    }
}
