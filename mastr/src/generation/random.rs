//! Draws from a stream of random numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// A number from `low` to below `high`.
pub(crate) fn between(random: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    // 53 random bits are the fractions that a double can hold.
    let fraction = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    low + (high - low) * fraction
}

/// A whole number below `bound`, which is positive.
pub(crate) fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    // The bias of the remainder is below 2⁻⁴⁰ for the few choices drawn here.
    (random.next_u64() % bound as u64) as usize
}

/// One of `choices`, which is not empty.
pub(crate) fn one<'c, T>(random: &mut ChaCha8Rng, choices: &'c [T]) -> &'c T {
    &choices[below(random, choices.len())]
}

/// True in `percent` of a hundred cases.
pub(crate) fn happens(random: &mut ChaCha8Rng, percent: usize) -> bool {
    below(random, 100) < percent
}

/// `number` rounded to `decimals` decimal places.
pub(crate) fn rounded(number: f64, decimals: usize) -> f64 {
    const SCALES: [f64; 9] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
    let scale = SCALES[decimals.min(SCALES.len() - 1)];
    (number * scale).round() / scale
}
