//! Arithmetic averages on random paths of an asset, with geometric ones as their control.

use pulp::{Arch, NullaryFnOnce};
use serde::{Deserialize, Serialize};

use super::elementary::exp;
use super::normals::{BATCH, Normals};

/// So many paths are drawn from one sequence of random numbers: what can be computed apart from all
/// others.
pub(super) const BLOCK: u32 = 1 << 14;

/// One block of paths that share their random numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Of the seed and the trade.
    pub(super) key: u64,
    /// Its place among the blocks of the key.
    pub(super) number: u64,
    /// How many paths it has; at most [`BLOCK`].
    pub(super) paths: u64,
}

/// An option on the average of prices that are lognormal, in one state of the world.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// 1 for a call, −1 for a put.
    pub(super) omega: f64,
    /// What the average is compared with.
    pub(super) strike: f64,
    /// σ.
    pub(super) volatility: f64,
    /// What is known of the arithmetic average.
    pub(super) known: f64,
    /// For each price to come, what its exp(σ·W) is multiplied with in the arithmetic average.
    pub(super) weights: Vec<f64>,
    /// ln of the geometric average, where all W are 0.
    pub(super) log_geometric: f64,
    /// One over the number of prices.
    pub(super) share: f64,
    /// How much further than W the first price to come is, as a part of its W; the later ones are as
    /// much further. Zero but where time is moved.
    pub(super) stretch: f64,
}

/// What paths add up to in one state: of what the arithmetic option pays more than the geometric one,
/// D, and of what that one pays, C: ΣD, ΣC, ΣD², ΣDC, ΣC².
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums(pub(super) [f64; 5]);

impl Sums {
    pub(super) fn add(&mut self, next: &Self) {
        for (sum, next) in self.0.iter_mut().zip(next.0) {
            *sum += next;
        }
    }
}

/// So many sums are added to side by side.
const COLUMNS: usize = 8;

/// Sums of a state, in columns.
type Columns = [[f64; COLUMNS]; 5];

/// States of one volatility: they share the exponentials.
struct Group<'s> {
    volatility: f64,
    states: &'s [State],
}

/// Sums over the paths of `block` in each of the `states`, in all of which the prices to come are
/// those at `times`, in years and in their order. The same bits on every machine.
pub(super) fn sums(block: Block, times: &[f64], states: &[State]) -> Vec<Sums> {
    Arch::new().dispatch(Simulated {
        block,
        times,
        states,
    })
}

struct Simulated<'s> {
    block: Block,
    times: &'s [f64],
    states: &'s [State],
}

impl NullaryFnOnce for Simulated<'_> {
    type Output = Vec<Sums>;

    /// Compiled for the vectors that the processor has; the bits are the same for all.
    #[inline(always)]
    fn call(self) -> Vec<Sums> {
        let Self {
            block,
            times,
            states,
        } = self;
        let mut normals = Normals::new(block.key, block.number);
        let deviations: Vec<f64> = (0..times.len())
            .map(|step| {
                let before = step.checked_sub(1).map_or(0.0, |before| times[before]);
                (times[step] - before).sqrt()
            })
            .collect();
        let groups: Vec<Group<'_>> = states
            .chunk_by(|one, next| one.volatility == next.volatility)
            .map(|states| Group {
                volatility: states[0].volatility,
                states,
            })
            .collect();
        let largest = groups.iter().map(|group| group.states.len()).max();
        let mut walks = vec![[0.0; BATCH]; times.len()];
        let mut averages = vec![[0.0; BATCH]; largest.unwrap_or(0)];
        let mut columns: Vec<Columns> = vec![[[0.0; COLUMNS]; 5]; states.len()];
        let mut left = block.paths as usize;
        while left > 0 {
            let paths = left.min(BATCH);
            left -= paths;
            let total = walk(&mut normals, &deviations, &mut walks);
            let mut columns = columns.iter_mut();
            for group in &groups {
                group.average(&walks, &mut averages);
                let share = group.states[0].share;
                let mut geometric = [0.0; BATCH];
                for (geometric, total) in geometric.iter_mut().zip(&total) {
                    *geometric = exp(group.volatility * share * total);
                }
                let states = group.states.iter().zip(&mut averages);
                for ((state, averages), columns) in states.zip(&mut columns) {
                    let base = exp(state.log_geometric);
                    let mut geometric = geometric;
                    if state.stretch != 0.0 {
                        let by = state.stretch * state.volatility;
                        let of_all = by * state.share * walks.len() as f64;
                        for path in 0..BATCH {
                            averages[path] *= exp(by * walks[0][path]);
                            geometric[path] *= exp(of_all * walks[0][path]);
                        }
                    }
                    let mut paid = [[0.0; BATCH]; 2];
                    for path in 0..BATCH {
                        let pays = |average: f64| {
                            let pays = state.omega * (average - state.strike);
                            if pays > 0.0 { pays } else { 0.0 }
                        };
                        let control = pays(base * geometric[path]);
                        paid[0][path] = pays(state.known + averages[path]) - control;
                        paid[1][path] = control;
                    }
                    // Those beyond the last path of the block do not count.
                    for paid in &mut paid {
                        paid[paths..].fill(0.0);
                    }
                    count(&paid, columns);
                }
            }
        }
        let sum = |columns: &[f64; COLUMNS]| columns.iter().fold(0.0, |sum, column| sum + column);
        columns
            .iter()
            .map(|columns| Sums(columns.each_ref().map(sum)))
            .collect()
    }
}

/// Draws W at each time, for all paths of a batch; gives back their sums over the times.
#[inline(always)]
fn walk(normals: &mut Normals, deviations: &[f64], walks: &mut [[f64; BATCH]]) -> [f64; BATCH] {
    let (mut at, mut total) = ([0.0; BATCH], [0.0; BATCH]);
    for (deviation, walk) in deviations.iter().zip(walks) {
        normals.fill(walk);
        for ((at, total), step) in at.iter_mut().zip(&mut total).zip(&*walk) {
            *at += deviation * step;
            *total += *at;
        }
        *walk = at;
    }
    total
}

impl Group<'_> {
    /// What of the arithmetic average of each path is to come in each state.
    #[inline(always)]
    fn average(&self, walks: &[[f64; BATCH]], averages: &mut [[f64; BATCH]]) {
        averages[..self.states.len()].fill([0.0; BATCH]);
        for (step, walk) in walks.iter().enumerate() {
            let mut grown = [0.0; BATCH];
            for (grown, at) in grown.iter_mut().zip(walk) {
                *grown = exp(self.volatility * at);
            }
            for (state, averages) in self.states.iter().zip(&mut *averages) {
                let weight = state.weights[step];
                for (average, grown) in averages.iter_mut().zip(&grown) {
                    *average += weight * grown;
                }
            }
        }
    }
}

/// Adds what is paid on the paths of a batch: D and C.
#[inline(always)]
fn count([differences, controls]: &[[f64; BATCH]; 2], columns: &mut Columns) {
    let (differences, _) = differences.as_chunks::<COLUMNS>();
    let (controls, _) = controls.as_chunks::<COLUMNS>();
    for (differences, controls) in differences.iter().zip(controls) {
        for column in 0..COLUMNS {
            let (d, c) = (differences[column], controls[column]);
            columns[0][column] += d;
            columns[1][column] += c;
            columns[2][column] += d * d;
            columns[3][column] += d * c;
            columns[4][column] += c * c;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(volatility: f64, strike: f64) -> State {
        State {
            omega: 1.0,
            strike,
            volatility,
            known: 10.0,
            weights: vec![30.0, 31.0, 32.0],
            log_geometric: 4.6,
            share: 0.25,
            stretch: 0.0,
        }
    }

    const TIMES: [f64; 3] = [0.1, 0.5, 0.75];
    const PART: Block = Block {
        key: 5,
        number: 3,
        paths: 1000,
    };

    #[test]
    fn vectors_of_any_width_give_the_same_bits() {
        let states = [state(0.2, 100.0), state(0.2, 90.0), state(0.3, 100.0)];
        let (block, times) = (PART, &TIMES[..]);
        let states = &states[..];
        let without = Simulated {
            block,
            times,
            states,
        };
        let without = without.call();
        assert!(without[0].0[1] > 0.0 && without[0].0[4] > 0.0);
        assert_eq!(without, sums(block, times, states));
    }

    #[test]
    fn states_have_nothing_to_do_with_each_other() {
        let states = [state(0.2, 100.0), state(0.2, 90.0), state(0.3, 100.0)];
        let together = sums(PART, &TIMES, &states);
        for (state, sums_of) in states.iter().zip(&together) {
            let alone = sums(PART, &TIMES, std::slice::from_ref(state));
            assert_eq!(alone[0], *sums_of);
        }
    }

    #[test]
    fn blocks_and_keys_have_random_numbers_of_their_own() {
        let of = |block| sums(block, &TIMES, &[state(0.2, 100.0)])[0];
        let other = [Block { key: 6, ..PART }, Block { number: 4, ..PART }];
        assert!(other.into_iter().all(|block| of(block) != of(PART)));
        assert_eq!(of(PART), of(PART));
        // Paths beyond the last do not count, and those before it do not change.
        let one = of(Block { paths: 1, ..PART });
        let two = of(Block { paths: 2, ..PART });
        assert!(two.0[4] >= one.0[4]);
    }
}
