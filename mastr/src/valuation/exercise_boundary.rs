//! The price below which an American put is exercised, and what the put is worth.
//!
//! The method is that of Andersen, Lake and Offengenden, "High-performance American option
//! pricing", *Journal of Computational Finance* 20 (2016): the boundary as a polynomial, and the
//! value as an integral along it. Two things differ, so that few points go a long way: the variables
//! of the [integrals](Collocation), which leave nothing singular at their ends, and that the points
//! are found by Newton's method for all of them at once instead of by iterating a fixed point.

use super::collocation::Collocation;
use super::elementary::{exp, ln, normal, scaled_tail};

/// What a put on an asset of price S with a strike of 1 depends on, beside S.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    /// r·T.
    pub(super) rate: f64,
    /// q·T.
    pub(super) carry: f64,
    /// σ·√T; positive.
    pub(super) deviation: f64,
}

/// Value of an American put with a strike of 1, and its derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct UnitPut {
    pub(super) value: f64,
    /// By ln S.
    pub(super) slope: f64,
    /// By ln S, twice.
    pub(super) curvature: f64,
    /// By r·T.
    pub(super) by_rate: f64,
    /// By q·T.
    pub(super) by_carry: f64,
    /// By σ·√T.
    pub(super) by_deviation: f64,
}

/// The boundary B at the points in time of a collocation, and how it moves with the terms.
pub(super) struct Boundary<'g, const N: usize, const L: usize, const P: usize> {
    grid: &'g Collocation<N, L, P>,
    terms: Terms,
    /// e^(−qs) at the nodes of the integrals up to each point.
    held: [[f64; L]; N],
    /// ln(X/B), X being the boundary's limit at expiry; positive.
    depth: [f64; N],
    /// How the depths move with each of the terms: no numbers, if that was not asked for.
    moves: [[f64; N]; 3],
    /// Whether the last correction was small enough.
    pub(super) converged: bool,
}

/// Equations for the depths, linearised.
struct System<const N: usize> {
    residual: [f64; N],
    by_depth: [[f64; N]; N],
    by_terms: [[f64; N]; 3],
}

/// 1/√2π.
const ROOT: f64 = 0.398_942_280_401_432_7;
/// A boundary is found when the last correction of ln B was no larger; as Newton's method squares
/// the error, what is left is about the square of this.
const SMALL: f64 = 1e-5;
/// After a correction of that size the next one is so small that how the boundary moves is the same
/// before and after it …
const NEAR: f64 = 3e-4;
/// … which it is if it was no larger than this.
const CLOSE: f64 = 1e-6;
/// Corrections before it is given up. The usual are three.
const MOST: usize = 30;

impl UnitPut {
    /// Whether all of it is a number.
    pub(super) fn is_finite(&self) -> bool {
        // One that is not makes the sum none.
        let sum = self.value + self.slope + self.curvature;
        (sum + self.by_rate + self.by_carry + self.by_deviation).is_finite()
    }
}

impl Terms {
    /// ln X: min(1, r/q) for positive rates, else 1.
    fn log_limit(&self) -> f64 {
        if self.rate > 0.0 && self.carry > self.rate {
            libm::log(self.rate / self.carry)
        } else {
            0.0
        }
    }

    /// Whether the boundary bends little: the drift is small beside the deviation, or takes the asset away
    /// from the boundary, whose limit is far from the strike.
    pub(super) fn are_mild(&self) -> bool {
        let limit = self.log_limit();
        if limit < 0.0 {
            limit <= -self.deviation
        } else {
            self.rate - self.carry <= self.deviation
        }
    }

    /// ln of the boundary of a put that never expires, below which no boundary falls: Merton (1973),
    /// eq. 52.
    fn log_perpetual(&self) -> f64 {
        let variance = self.deviation * self.deviation;
        let drift = (self.rate - self.carry) / variance - 0.5;
        let root = -drift - (drift * drift + 2.0 * self.rate / variance).sqrt();
        // Without a rate and with little carry it is 0.
        libm::log((root / (root - 1.0)).max(1e-6))
    }
}

impl<'g, const N: usize, const L: usize, const P: usize> Boundary<'g, N, L, P> {
    /// Finds the boundary from a first guess, and if need be how it moves with the terms.
    #[inline(always)]
    pub(super) fn find<const MOVES: bool>(grid: &'g Collocation<N, L, P>, terms: Terms) -> Self {
        Self::improve::<MOVES>(grid, terms, guess(&grid.roots, &terms))
    }

    /// Finds the boundary from that at fewer points.
    #[inline(always)]
    pub(super) fn refine<const MOVES: bool, const M: usize, const K: usize, const Q: usize>(
        grid: &'g Collocation<N, L, P>,
        coarse: &Boundary<'_, M, K, Q>,
    ) -> Self {
        // The squared depth over τ, a function that bends little.
        let scaled = std::array::from_fn(|k| {
            let ratio = coarse.depth[k] / coarse.grid.roots[k];
            ratio * ratio
        });
        let floor = 0.1 * scaled[M - 1];
        let refined = grid.refine::<M>(&scaled);
        let depth = std::array::from_fn(|k| refined[k].max(floor).sqrt() * grid.roots[k]);
        Self::improve::<MOVES>(grid, coarse.terms, depth)
    }

    /// Newton's method, which takes no depth beyond half or double of what it was.
    #[inline(always)]
    fn improve<const MOVES: bool>(
        grid: &'g Collocation<N, L, P>,
        terms: Terms,
        depth: [f64; N],
    ) -> Self {
        let mut held = [[0.0; L]; N];
        for (held, root) in held.iter_mut().zip(grid.roots) {
            for (held, sine) in held.iter_mut().zip(grid.along.sine) {
                *held = exp(-terms.carry * (root * root * (sine * sine)));
            }
        }
        let mut boundary = Self {
            grid,
            terms,
            held,
            depth,
            moves: [[f64::NAN; N]; 3],
            converged: false,
        };
        let mut largest = f64::INFINITY;
        for _ in 0..MOST {
            let moves = MOVES && largest <= NEAR;
            let correction = if moves {
                let System {
                    residual,
                    by_depth,
                    by_terms: [by_rate, by_carry, by_deviation],
                } = boundary.system::<true>();
                let [correction, moves @ ..] =
                    solve(by_depth, [residual, by_rate, by_carry, by_deviation]);
                boundary.moves = moves;
                correction
            } else {
                let System {
                    residual, by_depth, ..
                } = boundary.system::<false>();
                let [correction] = solve(by_depth, [residual]);
                correction
            };
            // It was there already, and how it moves is known now too.
            if boundary.converged {
                break;
            }
            largest = 0.0;
            for (depth, correction) in boundary.depth.iter_mut().zip(correction) {
                largest = correction.abs().max(largest);
                *depth = (*depth - correction).max(0.5 * *depth).min(2.0 * *depth);
            }
            // What is not a number is not small either.
            boundary.converged = largest <= SMALL;
            if boundary.converged && (!MOVES || moves && largest <= CLOSE) {
                break;
            }
        }
        boundary
    }

    /// Smooth pasting at the boundary, that the slope of the value there is −1: Andersen, Lake and
    /// Offengenden, eq. 3.8, times B, where the density's terms at the strike cancel:
    ///
    /// B·e^(−qτ)Φ(d₊) + ∫ [q·B·e^(−qs)Φ(d₊) − e^(−rs)φ(d₋)/(σ√s)·(r − q·B(u))] ds = 0,
    ///
    /// d± = (ln(B/B(u)) + (r − q)s)/(σ√s) ± σ√s/2, u = τ − s; in the first term with strike and τ.
    #[inline(always)]
    fn system<const BY_TERMS: bool>(&self) -> System<N> {
        let Terms {
            rate,
            carry,
            deviation,
        } = self.terms;
        let limit = self.terms.log_limit();
        let rule = &self.grid.along;
        let squared = self.depth.map(|depth| depth * depth);
        let mut system = System {
            residual: [0.0; N],
            by_depth: [[0.0; N]; N],
            by_terms: [[0.0; N]; 3],
        };
        for i in 0..N {
            let root = self.grid.roots[i];
            let time = root * root;
            let basis = &self.grid.basis_along[i];
            let held = &self.held[i];
            let depth = self.depth[i];
            let boundary = exp(limit - depth);

            let scale = deviation * root;
            let upper = (limit - depth + (rate - carry) * time) / scale + 0.5 * scale;
            let (cumulative, density) = normal(upper);
            let paid = boundary * exp(-carry * time);
            let (paid, density) = (paid * cumulative, paid * density * ROOT);
            let mut residual = paid;
            // By ln B, with the rest of the boundary where it is.
            let mut by_level = paid + density / scale;
            let mut by_rate = density * time / scale;
            let mut by_carry = -paid * time - by_rate;
            let mut by_deviation = -density * (upper - scale) / deviation;

            let mut depths = [0.0; L];
            for (basis, squared) in basis.iter().zip(squared) {
                for j in 0..L {
                    depths[j] += basis[j] * squared;
                }
            }
            let mut sums = [[0.0; L]; 2];
            let mut by_terms = [[0.0; L]; 4];
            let inverse_scale = 1.0 / scale;
            for j in 0..L {
                // What is interpolated may be negative next to expiry, where it is next to nothing.
                let squared = depths[j];
                let squared = if squared > 0.0 { squared } else { 0.0 };
                let earlier = squared.sqrt();
                let s = time * (rule.sine[j] * rule.sine[j]);
                let inverse = inverse_scale * rule.inverse_sine[j];
                let width = scale * rule.sine[j];
                let log_ratio = earlier - depth;
                let lower = (log_ratio + (rate - carry) * s) * inverse - 0.5 * width;
                let upper = lower + width;
                // B(u)·e^(−rs)φ(d₋) = B·e^(−qs)φ(d₊) has one exponential for both.
                let ratio = exp(-log_ratio);
                let kernel = exp(-rate * s - 0.5 * lower * lower);
                let tail = ratio * kernel * scaled_tail(upper.abs());
                let held = if upper > 0.0 { held[j] - tail } else { tail };
                let weight = time * rule.weight[j];
                let there = boundary * ratio;
                let kernel = weight * kernel * inverse * ROOT;
                let gain = rate - carry * there;
                let held = weight * boundary * held;
                let moved = carry * there * kernel;
                let bent = kernel * gain * lower * inverse;
                sums[0][j] = carry * held - kernel * gain;
                sums[1][j] = carry * held + moved + bent;
                depths[j] = if squared > 1e-18 { bent / earlier } else { 0.0 };
                if BY_TERMS {
                    by_terms[0][j] = (moved + bent) * s + kernel * (gain * s - 1.0);
                    by_terms[1][j] = held * (1.0 - carry * s) - (moved + bent) * s + kernel * there;
                    by_terms[2][j] = -(moved * lower * width
                        + kernel * gain * (lower * upper - 1.0))
                        / deviation;
                    // By ln X, at the same depths.
                    by_terms[3][j] = carry * held + moved;
                }
            }
            residual += total(&sums[0]);
            by_level += total(&sums[1]);
            system.by_depth[i] = self.along(basis, &depths);
            system.by_depth[i][i] -= by_level;
            system.residual[i] = residual;
            if BY_TERMS {
                by_rate += total(&by_terms[0]);
                by_carry += total(&by_terms[1]);
                by_deviation += total(&by_terms[2]);
                if limit < 0.0 {
                    let by_limit = paid + density / scale + total(&by_terms[3]);
                    by_rate += by_limit / rate;
                    by_carry -= by_limit / carry;
                }
                system.by_terms[0][i] = by_rate;
                system.by_terms[1][i] = by_carry;
                system.by_terms[2][i] = by_deviation;
            }
        }
        system
    }

    /// ln B at the time of the whole option, and the put at a price of the asset of e^`log_spot`;
    /// none at or below the boundary, where it is exercised. With derivatives or without, which are
    /// then those at the same boundary.
    #[inline(always)]
    pub(super) fn valued<const DERIVATIVES: bool>(&self, log_spot: f64) -> (f64, Option<UnitPut>) {
        let level = self.terms.log_limit() - self.depth[N - 1];
        if log_spot <= level {
            (level, None)
        } else if DERIVATIVES {
            (level, Some(self.derivatives(log_spot)))
        } else {
            (level, Some(self.put(log_spot).0))
        }
    }

    /// The put's value and its derivatives. The boundary itself moves with the terms as the
    /// equations demand that it solves.
    #[inline(always)]
    fn derivatives(&self, log_spot: f64) -> UnitPut {
        let (mut put, by_depth) = self.put(log_spot);
        let along =
            |moves: &[f64; N]| -> f64 { moves.iter().zip(by_depth).map(|(m, by)| m * by).sum() };
        put.by_rate -= along(&self.moves[0]);
        put.by_carry -= along(&self.moves[1]);
        put.by_deviation -= along(&self.moves[2]);
        put
    }

    /// Value and derivatives at the same depths, and by the depths.
    ///
    /// The European put's value plus that of early exercise, ∫ [r·e^(−rs)Φ(−d₋) −
    /// q·S·e^(−qs)Φ(−d₊)] ds with d± to B(T − s): Kim, *Review of Financial Studies* 3 (1990), eq. 16.
    #[inline(always)]
    fn put(&self, log_spot: f64) -> (UnitPut, [f64; N]) {
        let Terms {
            rate,
            carry,
            deviation,
        } = self.terms;
        let limit = self.terms.log_limit();
        let rule = &self.grid.whole;
        let mut depths = [0.0; P];
        for (basis, depth) in self.grid.basis_whole.iter().zip(self.depth) {
            for j in 0..P {
                depths[j] += basis[j] * (depth * depth);
            }
        }
        let spot = exp(log_spot);
        let mut sums = [[0.0; P]; 7];
        for j in 0..P {
            let squared = if depths[j] > 0.0 { depths[j] } else { 0.0 };
            let depth = squared.sqrt();
            let s = rule.sine[j] * rule.sine[j];
            let width = deviation * rule.sine[j];
            let inverse = rule.inverse_sine[j] / deviation;
            let log_ratio = log_spot - limit + depth;
            let lower = (log_ratio + (rate - carry) * s) * inverse - 0.5 * width;
            let upper = lower + width;
            let ratio = exp(-log_ratio);
            let density = exp(-rate * s - 0.5 * lower * lower);
            let tail = density * scaled_tail(lower.abs());
            let cash = if lower > 0.0 {
                tail
            } else {
                exp(-rate * s) - tail
            };
            let tail = ratio * density * scaled_tail(upper.abs());
            let asset = if upper > 0.0 {
                tail
            } else {
                exp(-carry * s) - tail
            };
            let weight = rule.weight[j];
            let cash = weight * cash;
            let asset = weight * spot * asset;
            let there = spot * ratio;
            let kernel = weight * density * ROOT * inverse;
            let gain = kernel * (rate - carry * there);
            sums[0][j] = rate * cash - carry * asset;
            sums[1][j] = -gain - carry * asset;
            sums[2][j] = gain * lower * inverse - carry * asset + carry * there * kernel;
            sums[3][j] = cash * (1.0 - rate * s) - gain * s;
            sums[4][j] = gain * s - asset * (1.0 - carry * s);
            sums[5][j] = kernel * width * (rate * upper - carry * there * lower) / deviation;
            sums[6][j] = gain;
            depths[j] = if squared > 1e-18 { -gain / depth } else { 0.0 };
        }
        let by_depth = self.along(&self.grid.basis_whole, &depths);
        let mut put = self.european(log_spot);
        put.value += total(&sums[0]);
        put.slope += total(&sums[1]);
        put.curvature += total(&sums[2]);
        put.by_rate += total(&sums[3]);
        put.by_carry += total(&sums[4]);
        put.by_deviation += total(&sums[5]);
        if limit < 0.0 {
            let by_limit = total(&sums[6]);
            put.by_rate += by_limit / rate;
            put.by_carry -= by_limit / carry;
        }
        (put, by_depth)
    }

    /// By the depth at each point, from what follows `by_squares` of the depths at the nodes that have this
    /// `basis`.
    #[inline(always)]
    fn along<const K: usize>(&self, basis: &[[f64; K]; N], by_squares: &[f64; K]) -> [f64; N] {
        let mut sums = [[0.0; 4]; N];
        for (sums, basis) in sums.iter_mut().zip(basis) {
            *sums = lanes(basis, by_squares);
        }
        let mut by_depth = [0.0; N];
        for k in 0..N {
            by_depth[k] = self.depth[k] * ((sums[k][0] + sums[k][1]) + (sums[k][2] + sums[k][3]));
        }
        by_depth
    }

    /// The European put: Black and Scholes (1973), eq. 13, by these variables.
    #[inline(always)]
    fn european(&self, log_spot: f64) -> UnitPut {
        let Terms {
            rate,
            carry,
            deviation,
        } = self.terms;
        let upper = (log_spot + rate - carry) / deviation + 0.5 * deviation;
        let lower = upper - deviation;
        let (in_cash, density) = normal(-lower);
        let (in_asset, _) = normal(-upper);
        let discount = exp(-rate);
        let cash = discount * in_cash;
        let asset = exp(log_spot - carry) * in_asset;
        let density = discount * density * ROOT;
        UnitPut {
            value: cash - asset,
            slope: -asset,
            curvature: density / deviation - asset,
            by_rate: -cash,
            by_carry: asset,
            by_deviation: density,
        }
    }
}

/// The boundary of the quadratic approximation: Li, "Analytical approximations for the critical
/// stock prices of American options", *Review of Derivatives Research* 13 (2010), eq. 35 (QD⁺); four
/// steps of Newton's method for Barone-Adesi and Whaley's, which lacks c₀, and one with c₀.
#[inline(always)]
fn guess<const N: usize>(roots: &[f64; N], terms: &Terms) -> [f64; N] {
    let (limit, perpetual) = (terms.log_limit(), terms.log_perpetual());
    let (highest, lowest) = (exp(limit), exp(perpetual));
    let mut level = [0.0; N];
    let [mut discount, mut held, mut alpha, mut root, mut lambda] = [[0.0; N]; 5];
    for i in 0..N {
        let time = roots[i] * roots[i];
        let (rate, drift) = (terms.rate * time, (terms.rate - terms.carry) * time);
        let deviation = terms.deviation * roots[i];
        let variance = deviation * deviation;
        discount[i] = exp(-rate);
        held[i] = exp(-terms.carry * time);
        // (1 − e^(−rτ))/(rτ), by its series where the difference would cost the digits.
        let series = 1.0 - rate * (0.5 - rate * (1.0 / 6.0));
        let gone = (1.0 - discount[i]) / rate;
        let gone = if rate.abs() > 1e-4 { gone } else { series };
        alpha[i] = 2.0 / (variance * gone);
        let omega = 2.0 * drift / variance - 1.0;
        root[i] = (omega * omega + 4.0 * alpha[i]).sqrt();
        lambda[i] = -0.5 * (omega + root[i]);
        // Bjerksund and Stensland's curve (1993) to start from.
        let drift = if drift < deviation { drift } else { deviation };
        let way = (drift - 2.0 * deviation) * highest / (highest - lowest);
        level[i] = lowest + (highest - lowest) * exp(way);
    }
    for with_c in [0.0, 0.0, 0.0, 0.0, 1.0] {
        for i in 0..N {
            let time = roots[i] * roots[i];
            let (rate, carry) = (terms.rate * time, terms.carry * time);
            let deviation = terms.deviation * roots[i];
            let upper = (ln(level[i]) + rate - carry) / deviation + 0.5 * deviation;
            let (in_asset, density) = normal(-upper);
            let (in_cash, _) = normal(deviation - upper);
            let (cash, asset) = (discount[i] * in_cash, held[i] * in_asset);
            let density = held[i] * density * ROOT;
            let premium = 1.0 - cash - (1.0 - asset) * level[i];
            let theta =
                rate * cash - carry * level[i] * asset - 0.5 * deviation * level[i] * density;
            let ratio = alpha[i] / root[i];
            let c = with_c * discount[i] / root[i] * (alpha[i] - ratio * ratio);
            let value = (1.0 - asset) * level[i] + (lambda[i] + c) * premium
                - with_c * 2.0 * theta / (deviation * deviation * root[i]);
            let slope = (1.0 - asset) * (1.0 - lambda[i] - c) + density / deviation;
            let next = level[i] - value / slope;
            let next = if next > lowest { next } else { lowest };
            level[i] = if next < highest { next } else { highest };
        }
    }
    // Where that left no room, the boundary comes from its limit as √τ does.
    std::array::from_fn(|i| {
        let least = 0.3 * (terms.deviation * roots[i]).min(limit - perpetual);
        (limit - ln(level[i])).max(least)
    })
}

/// Solves linear equations for K right sides, by Gauss's elimination with the largest pivot of each
/// column. What has no solution gives what is no number.
#[inline(always)]
fn solve<const N: usize, const K: usize>(
    mut matrix: [[f64; N]; N],
    mut sides: [[f64; N]; K],
) -> [[f64; N]; K] {
    for column in 0..N {
        let mut pivot = column;
        for row in column + 1..N {
            if matrix[row][column].abs() > matrix[pivot][column].abs() {
                pivot = row;
            }
        }
        matrix.swap(column, pivot);
        for side in &mut sides {
            side.swap(column, pivot);
        }
        let (done, below) = matrix.split_at_mut(column + 1);
        let leading = &done[column];
        let inverse = 1.0 / leading[column];
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[column] * inverse;
            // What is left of the column is not looked at again; whole rows are whole vectors.
            let multiple = leading.map(|leading| factor * leading);
            for k in 0..N {
                row[k] -= multiple[k];
            }
            for side in &mut sides {
                side[column + 1 + offset] -= factor * side[column];
            }
        }
    }
    for side in &mut sides {
        for row in (0..N).rev() {
            let mut sum = side[row];
            for k in row + 1..N {
                sum -= matrix[row][k] * side[k];
            }
            side[row] = sum / matrix[row][row];
        }
    }
    sides
}

/// The sum of the products, in the lanes of a vector.
#[inline(always)]
fn lanes<const L: usize>(one: &[f64; L], other: &[f64; L]) -> [f64; 4] {
    let mut lanes = [0.0; 4];
    for four in 0..L / 4 {
        for lane in 0..4 {
            lanes[lane] += one[4 * four + lane] * other[4 * four + lane];
        }
    }
    lanes
}

/// The sum, in an order that vectors can add in.
#[inline(always)]
fn total<const L: usize>(terms: &[f64; L]) -> f64 {
    let mut lanes = [0.0; 4];
    for four in 0..L / 4 {
        for lane in 0..4 {
            lanes[lane] += terms[4 * four + lane];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}
