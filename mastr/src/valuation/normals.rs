//! Random numbers with the standard normal distribution, many at once.

use std::array::from_fn;
use std::f64::consts::FRAC_PI_4;

use super::elementary::{ln, sine_and_cosine};

/// So many generators run side by side …
const LANES: usize = 32;
/// … and give twice as many numbers at a time.
pub(super) const BATCH: usize = 2 * LANES;

/// An endless sequence of batches, which follows from its key and its number alone.
///
/// The bits are those of xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
/// generators", *ACM Transactions on Mathematical Software* 47 (2021)), a generator for each lane,
/// begun as its authors advise with numbers of SplitMix64. Two of them make two normal ones, by
/// Box and Muller's transform: exact, and without a branch.
#[derive(Clone, Debug)]
pub(super) struct Normals {
    state: [[u64; LANES]; 4],
}

/// The golden ratio's bits, by which SplitMix64 steps.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What SplitMix64 makes of a state.
fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Normals {
    /// The sequence of that number: sequences of one key share no number of SplitMix64.
    pub(super) fn new(key: u64, number: u64) -> Self {
        let first = number.wrapping_mul(4 * LANES as u64);
        let word = |place: usize| {
            let place = first.wrapping_add(1 + place as u64);
            mixed(key.wrapping_add(place.wrapping_mul(STEP)))
        };
        Self {
            state: from_fn(|part| from_fn(|lane| word(part * LANES + lane))),
        }
    }

    /// The next bits of each lane.
    #[inline(always)]
    fn bits(&mut self) -> [u64; LANES] {
        let [s0, s1, s2, s3] = &mut self.state;
        from_fn(|lane| {
            let (a, b, c, d) = (s0[lane], s1[lane], s2[lane], s3[lane]);
            let bits = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
            let (c, d) = (c ^ a, d ^ b);
            s1[lane] = b ^ c;
            s0[lane] = a ^ d;
            s2[lane] = c ^ (b << 17);
            s3[lane] = d.rotate_left(45);
            bits
        })
    }

    /// The next numbers.
    #[inline(always)]
    pub(super) fn fill(&mut self, batch: &mut [f64; BATCH]) {
        let (radii, angles) = (self.bits(), self.bits());
        let (cosines, sines) = batch.split_at_mut(LANES);
        for lane in 0..LANES {
            let radius = (-2.0 * ln(uniform(radii[lane]))).sqrt();
            // An eighth of the circle, and three bits that say which.
            let (sine, cosine) = sine_and_cosine(FRAC_PI_4 * uniform(angles[lane]));
            let which = angles[lane];
            let swapped = which & 1 != 0;
            let (x, y) = (
                if swapped { sine } else { cosine },
                if swapped { cosine } else { sine },
            );
            let signed = |number: f64, bit: u64| {
                f64::from_bits(number.to_bits() ^ ((which >> bit) & 1) << 63)
            };
            cosines[lane] = radius * signed(x, 1);
            sines[lane] = radius * signed(y, 2);
        }
    }
}

/// The upper 52 bits as a number between 0 and 1, either excluded: the middle of one of 2⁵²
/// intervals.
#[inline(always)]
fn uniform(bits: u64) -> f64 {
    const HALF: f64 = 1.0 - f64::EPSILON / 2.0;
    f64::from_bits((bits >> 12) | 1.0_f64.to_bits()) - HALF
}

#[cfg(test)]
mod tests {
    use super::super::normal::cumulative;
    use super::*;

    fn numbers(key: u64, number: u64, batches: usize) -> Vec<f64> {
        let mut normals = Normals::new(key, number);
        let mut batch = [0.0; BATCH];
        let mut all = Vec::new();
        for _ in 0..batches {
            normals.fill(&mut batch);
            all.extend(batch);
        }
        all
    }

    #[test]
    fn bits_are_those_of_the_published_generator() {
        // By the authors' own programs: the state is SplitMix64's, begun at 0, of the first lane.
        let mut normals = Normals::new(0, 0);
        for (part, state) in [
            0xe220_a839_7b1d_cdaf_u64,
            0x6e78_9e6a_a1b9_65f4,
            0x06c4_5d18_8009_454f,
            0xf88b_b8a8_724c_81ec,
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(normals.state[0][part], state);
            normals.state[part][0] = part as u64 + 1;
        }
        let first: Vec<u64> = (0..3).map(|_| normals.bits()[0]).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223]);
    }

    #[test]
    fn uniform_numbers_are_never_at_the_ends() {
        assert_eq!(uniform(0), f64::EPSILON / 2.0);
        assert_eq!(uniform(u64::MAX), 1.0 - f64::EPSILON / 2.0);
        assert_eq!(uniform(1 << 63), 0.5 + f64::EPSILON / 2.0);
    }

    /// Kolmogorov's distance to the normal distribution, times the root of the count, is below 2.2 in
    /// all but one of ten thousand samples; the sample is always the same.
    #[test]
    fn they_are_normal() {
        let mut all = numbers(7, 3, 4096);
        all.sort_by(f64::total_cmp);
        let count = all.len() as f64;
        let distance = all.iter().enumerate().fold(0.0_f64, |worst, (place, x)| {
            let below = cumulative(*x) - place as f64 / count;
            worst.max(below.abs()).max((below - 1.0 / count).abs())
        });
        assert!(distance * count.sqrt() < 2.2, "{distance}");
        for (power, want, deviation) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let moment: f64 = all.iter().map(|x| (0..power).fold(1.0, |p, _| p * x)).sum();
            let error = (moment / count - want).abs() / (f64::sqrt(deviation) / count.sqrt());
            assert!(error < 4.0, "moment {power}: {error} deviations");
        }
    }

    #[test]
    fn lanes_steps_and_sequences_have_nothing_to_do_with_each_other() {
        let (one, other) = (numbers(7, 0, 4096), numbers(7, 1, 4096));
        let count = one.len() as f64;
        let correlated = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
            let (sum, count) = pairs.fold((0.0, 0.0), |(sum, n), (x, y)| (sum + x * y, n + 1.0));
            f64::abs(sum / f64::sqrt(count))
        };
        let mut pairs = one.iter().copied().zip(other);
        assert!(correlated(&mut pairs) < 4.0);
        for lag in [1, LANES, BATCH, BATCH + 1, 3 * BATCH] {
            let mut pairs = one.iter().copied().zip(one[lag..].iter().copied());
            assert!(correlated(&mut pairs) < 4.0, "{lag}");
            let mut pairs = one
                .iter()
                .map(|x| x * x - 1.0)
                .zip(one[lag..].iter().map(|x| x * x - 1.0));
            assert!(correlated(&mut pairs) / 2.0 < 4.0, "squares, {lag}");
        }
        assert_eq!(count as usize, 4096 * BATCH);
    }
}
