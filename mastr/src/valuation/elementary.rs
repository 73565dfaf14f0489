//! Elementary functions for many numbers at once.
//!
//! Each is plain arithmetic without a branch or a table, so that a compiler turns a loop over it
//! into vector instructions; and none of it may be contracted or reordered, so that the bits are the
//! same in a vector of any width as in no vector. `mul_add` rounds once, whatever computes it: with vectors
//! it is an instruction, else a function that takes its time. Where one number is asked for, `libm` is as
//! good.
//!
//! The coefficients interpolate the functions at Chebyshev's points, to fifty digits, rounded.

use std::f64::consts::{LOG2_E, SQRT_2};

/// Adding it to a double of less than 2⁵¹ in size rounds that to the nearest whole number, which
/// then stands in its lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2, to 33 bits and what is missing: a whole number of less than 2²⁰ times the first is exact.
const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);

/// The polynomial of these coefficients, the constant one first: four of Horner's schemes in x⁴ at
/// once, because one alone would leave the processor waiting for each of its steps.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: [[f64; 4]; N], x: f64) -> f64 {
    let square = x * x;
    let fourth = square * square;
    let mut sums = coefficients[N - 1];
    // Plain indices: they are unrolled before a loop around them is to become vectors.
    for four in (0..N - 1).rev() {
        for place in 0..4 {
            sums[place] = sums[place].mul_add(fourth, coefficients[four][place]);
        }
    }
    let (low, high) = (sums[1].mul_add(x, sums[0]), sums[3].mul_add(x, sums[2]));
    high.mul_add(square, low)
}

/// eˣ, within 1.5 units in the last place for x from −700 to 709. Below it is 0, so that nothing
/// that it is multiplied with becomes subnormal and slow; beyond 709 it is e⁷⁰⁹.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let some = x >= -700.0;
    let x = if some { x } else { 0.0 };
    let x = if x < 709.0 { x } else { 709.0 };
    let shifted = x.mul_add(LOG2_E, ROUND);
    let power = shifted - ROUND;
    let rest = power.mul_add(-LN_2.1, power.mul_add(-LN_2.0, x));
    // e^r = 1 + r + r²·q(r).
    let tail = polynomial(
        [
            [
                0.5,
                0.166_666_666_666_666_69,
                0.041_666_666_666_624_164,
                0.008_333_333_333_330_065,
            ],
            [
                0.001_388_888_891_719_671_9,
                0.000_198_412_698_630_405_45,
                2.480_152_132_236_869_2e-5,
                2.755_726_848_031_002_4e-6,
            ],
            [
                2.762_007_587_998_336_7e-7,
                2.510_037_583_256_123_4e-8,
                0.0,
                0.0,
            ],
        ],
        rest,
    );
    let fraction = 1.0 + (rest * rest).mul_add(tail, rest);
    // The exponent's bits are those of the whole number, moved up.
    let result = fraction * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if some { result } else { 0.0 }
}

/// ln x, within 1e-16 plus 2 units in the last place, for x that is positive, finite and normal.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    const HALF_ROOT: u64 = (0.5 * SQRT_2).to_bits();
    const EXPONENT: u64 = 0xfff << 52;
    // x = m·2ⁿ with m from √½ to √2.
    let above = x.to_bits().wrapping_sub(HALF_ROOT);
    let mantissa = f64::from_bits((above & !EXPONENT) + HALF_ROOT);
    // n, whole and with a sign, as the double of that value: 2⁵² + 2048 + n, and less again.
    let biased = ((above >> 52).wrapping_add(2048) & 0xfff) | 0x4330_0000_0000_0000;
    let power = f64::from_bits(biased) - 4_503_599_627_372_544.0;
    // ln m = 2·atanh((m − 1)/(m + 1)).
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let tail = polynomial(
        [
            [
                0.666_666_666_666_667,
                0.399_999_999_998_995,
                0.285_714_286_259_754_88,
                0.222_222_111_347_950_8,
            ],
            [
                0.181_828_891_252_617_22,
                0.153_317_216_005_560_41,
                0.146_164_496_850_434_05,
                0.0,
            ],
        ],
        square,
    );
    power * LN_2.0 + (2.0 * s + (s * square * tail + power * LN_2.1))
}

/// sin x and cos x for x from 0 to π/4, within 1e-16 plus a unit in the last place: their series.
#[inline(always)]
pub(super) fn sine_and_cosine(x: f64) -> (f64, f64) {
    let square = x * x;
    let sine = polynomial(
        [
            [1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0],
            [
                1.0 / 362_880.0,
                -1.0 / 39_916_800.0,
                1.0 / 6_227_020_800.0,
                -1.0 / 1_307_674_368_000.0,
            ],
        ],
        square,
    );
    let cosine = polynomial(
        [
            [-0.5, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0],
            [
                -1.0 / 3_628_800.0,
                1.0 / 479_001_600.0,
                -1.0 / 87_178_291_200.0,
                1.0 / 20_922_789_888_000.0,
            ],
        ],
        square,
    );
    (x * sine, 1.0 + square * cosine)
}

/// Φ(−x)·exp(x²/2) for x that is not negative, Φ being the normal distribution; within 1e-15
/// relative. Mills' ratio, over √2π.
///
/// The variable is that of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x)
/// exp(x²) erfc x", *Mathematics of Computation* 36 (1981): it maps 0 to ∞ onto −1 to 1.
#[inline(always)]
pub(super) fn scaled_tail(x: f64) -> f64 {
    let inverse = 1.0 / (x + 4.5);
    let scaled = polynomial(
        [
            [
                0.763_230_528_970_203_2,
                -0.640_257_760_252_616_4,
                0.446_452_517_055_678_8,
                -0.253_141_799_951_03,
            ],
            [
                0.111_382_596_570_211_8,
                -0.033_871_326_175_496_98,
                0.004_223_613_380_222_517,
                0.001_748_830_546_878_372_7,
            ],
            [
                -0.000_917_746_504_616_300_9,
                6.381_301_387_947_126e-6,
                0.000_112_042_734_053_610_24,
                -1.593_374_804_746_960_4e-5,
            ],
            [
                -1.423_608_032_308_793_9e-5,
                3.192_101_291_513_06e-6,
                2.143_361_572_838_347e-6,
                -5.037_939_004_504_018e-7,
            ],
            [
                -3.800_815_165_641_788e-7,
                6.609_076_515_815_807e-8,
                7.121_242_949_722_104e-8,
                -6.187_992_570_040_285e-9,
            ],
            [
                -1.150_778_009_318_618_6e-8,
                2.694_771_971_116_124_5e-10,
                1.090_580_230_758_969_4e-9,
                0.0,
            ],
        ],
        1.0 - 9.0 * inverse,
    );
    inverse * scaled
}

/// Φ(x) and √2π·φ(x) of the normal distribution; within 1e-15 relative, and what the rounding of
/// x²/2 makes in the lower tail.
#[inline(always)]
pub(super) fn normal(x: f64) -> (f64, f64) {
    let density = exp(-0.5 * x * x);
    let tail = density * scaled_tail(x.abs());
    (if x > 0.0 { 1.0 - tail } else { tail }, density)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from `from` to `to`, close together.
    fn between(from: f64, to: f64) -> impl Iterator<Item = f64> {
        (0..=100_000).map(move |step| from + (to - from) * f64::from(step) / 100_000.0)
    }

    fn relative(got: f64, want: f64) -> f64 {
        ((got - want) / want).abs()
    }

    #[test]
    fn exponentials_are_those_of_libm() {
        for x in between(-700.0, 700.0).chain(between(-1.0, 1.0)) {
            assert!(relative(exp(x), libm::exp(x)) <= 3.4e-16, "{x}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e300), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(1e300) > 1e300);
    }

    #[test]
    fn logarithms_are_those_of_libm() {
        let scales = [1e-300, 1e-16, 0.4, 1.0, 1e10, 1e300];
        for x in scales
            .into_iter()
            .flat_map(|scale| between(scale, 3.0 * scale))
        {
            let want = libm::log(x);
            assert!((ln(x) - want).abs() <= 1e-16 + 4.5e-16 * want.abs(), "{x}");
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn sines_and_cosines_are_those_of_libm() {
        for x in between(0.0, std::f64::consts::FRAC_PI_4) {
            let (sine, cosine) = sine_and_cosine(x);
            assert!((sine - libm::sin(x)).abs() <= 2.3e-16, "{x}");
            assert!((cosine - libm::cos(x)).abs() <= 2.3e-16, "{x}");
        }
    }

    #[test]
    fn tails_are_those_of_the_normal_distribution() {
        for x in between(0.0, 20.0) {
            let want = 0.5 * libm::erfc(x / SQRT_2);
            let got = scaled_tail(x) * libm::exp(-0.5 * x * x);
            // The exponent's rounding grows with its size.
            assert!(relative(got, want) <= 4e-15 + 2.3e-16 * x * x, "{x}");
            assert!(
                relative(normal(-x).0, want) <= 4e-15 + 2.3e-16 * x * x,
                "{x}"
            );
            assert!((normal(x).0 + want - 1.0).abs() <= 6e-16, "{x}");
        }
        // The expansion in 1/x, of which two terms do here.
        let far = 1e6_f64;
        let want = (1.0 - 1.0 / (far * far)) / (far * std::f64::consts::TAU.sqrt());
        assert!(relative(scaled_tail(far), want) < 1e-15);
    }
}
