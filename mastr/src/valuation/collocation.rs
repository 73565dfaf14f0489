//! Where the early exercise boundary is sought, and how integrals along it are taken.

use std::f64::consts::FRAC_PI_2;

use super::quadrature::gauss_legendre;

/// N points in time at which a boundary is sought, rules to integrate from today to each of them
/// with L nodes, and one of P nodes for the time of the whole option.
///
/// With τ the time to expiry over that of the option, the points are xᵢ = √τᵢ = ξᵢ^(5/4), ξᵢ being
/// Chebyshev's points of the second kind on 0 to 1 without 0. What is interpolated is a polynomial
/// of degree N in ξ that is zero at 0.
///
/// An integral over s from 0 to τ has √s = √τ·sin θ and √(τ − s) = √τ·cos θ, so that its integrand
/// is smooth in θ at both ends: the boundary is a function of √(τ − s), the normal distribution's
/// argument one of √s.
pub(super) struct Collocation<const N: usize, const L: usize, const P: usize> {
    /// xᵢ, ascending; the last is 1.
    pub(super) roots: [f64; N],
    /// From 0 to the point in question.
    pub(super) along: Rule<L>,
    /// For each point, for each node of the rule: the value there of the polynomial that is 1 at
    /// point k and 0 at the others; k comes first.
    pub(super) basis_along: [[[f64; L]; N]; N],
    /// From 0 to the last point, with more nodes next to 0, where the asset's price today may be
    /// near the boundary.
    pub(super) whole: Rule<P>,
    /// As `basis_along`.
    pub(super) basis_whole: [[f64; P]; N],
}

/// A rule to integrate over s from 0 to τ.
pub(super) struct Rule<const L: usize> {
    /// √(s/τ) at the nodes.
    pub(super) sine: [f64; L],
    /// √(τ/s).
    pub(super) inverse_sine: [f64; L],
    /// Weights, over τ.
    pub(super) weight: [f64; L],
    cosine: [f64; L],
}

impl<const L: usize> Rule<L> {
    /// With θ = π/2·y^power, y on 0 to 1.
    fn new(power: f64) -> Self {
        let nodes = gauss_legendre::<L>();
        let angle = nodes.map(|(y, _)| FRAC_PI_2 * libm::pow(y, power));
        let sine = angle.map(libm::sin);
        let cosine = angle.map(libm::cos);
        Self {
            weight: std::array::from_fn(|j| {
                let (y, weight) = nodes[j];
                let slope = FRAC_PI_2 * power * libm::pow(y, power - 1.0);
                weight * slope * 2.0 * sine[j] * cosine[j]
            }),
            inverse_sine: sine.map(|sine| 1.0 / sine),
            sine,
            cosine,
        }
    }
}

/// x = ξ to this power: between a boundary that is smooth in √τ and one that is not.
const EXPONENT: f64 = 1.25;

impl<const N: usize, const L: usize, const P: usize> Collocation<N, L, P> {
    pub(super) fn new() -> Self {
        let roots = std::array::from_fn(|i| libm::pow(chebyshev::<N>(i + 1), EXPONENT));
        let along = Rule::<L>::new(1.0);
        let whole = Rule::<P>::new(2.0);
        let mut basis_along = [[[0.0; L]; N]; N];
        for (basis, root) in basis_along.iter_mut().zip(roots) {
            for (j, cosine) in along.cosine.into_iter().enumerate() {
                for (row, value) in basis.iter_mut().zip(basis_at::<N>(root * cosine)) {
                    row[j] = value;
                }
            }
        }
        let mut basis_whole = [[0.0; P]; N];
        for (j, cosine) in whole.cosine.into_iter().enumerate() {
            for (row, value) in basis_whole.iter_mut().zip(basis_at::<N>(cosine)) {
                row[j] = value;
            }
        }
        Self {
            roots,
            along,
            basis_along,
            whole,
            basis_whole,
        }
    }

    /// A function of x that is known at the points of a coarser collocation, at the points of this
    /// one; it may be infinite at 0.
    pub(super) fn refine<const M: usize>(&self, coarse: &[f64; M]) -> [f64; N] {
        self.roots.map(|x| {
            let xi = libm::pow(x, 1.0 / EXPONENT);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (k, value) in coarse.iter().enumerate() {
                let node = chebyshev::<M>(k + 1);
                if xi == node {
                    return *value;
                }
                // Without the node at 0, each weight is larger by the distance from it.
                let weight = barycentric::<M>(k + 1) * node / (xi - node);
                sum += weight * value;
                weights += weight;
            }
            sum / weights
        })
    }
}

/// Chebyshev's points of the second kind, on 0 to 1: number 0 is 0, number N is 1.
fn chebyshev<const N: usize>(index: usize) -> f64 {
    let sine = libm::sin(FRAC_PI_2 * index as f64 / N as f64);
    sine * sine
}

/// Weights of barycentric interpolation in these points: Berrut and Trefethen, "Barycentric
/// Lagrange interpolation", *SIAM Review* 46 (2004), eq. 5.4.
fn barycentric<const N: usize>(index: usize) -> f64 {
    let sign = if index.is_multiple_of(2) { 1.0 } else { -1.0 };
    if index == 0 || index == N {
        0.5 * sign
    } else {
        sign
    }
}

/// At `x`, the polynomials that are 1 at one of the points 1 to N and 0 at the others and at 0: the
/// same, eq. 4.2.
fn basis_at<const N: usize>(x: f64) -> [f64; N] {
    let xi = libm::pow(x, 1.0 / EXPONENT);
    let terms: [f64; N] = std::array::from_fn(|k| {
        // Invariant: the nodes of the rules are between the points, so nothing is divided by zero.
        barycentric::<N>(k + 1) / (xi - chebyshev::<N>(k + 1))
    });
    let sum = terms.iter().sum::<f64>() + barycentric::<N>(0) / xi;
    terms.map(|term| term / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_interpolated_and_integrated() {
        let grid = Collocation::<8, 12, 24>::new();
        let polynomial = |x: f64| {
            let xi = libm::pow(x, 1.0 / EXPONENT);
            xi * (3.0 - xi * xi)
        };
        let values = grid.roots.map(polynomial);
        for (i, root) in grid.roots.into_iter().enumerate() {
            for (j, cosine) in grid.along.cosine.into_iter().enumerate() {
                let got: f64 = (0..8).map(|k| values[k] * grid.basis_along[i][k][j]).sum();
                assert!((got - polynomial(root * cosine)).abs() < 1e-14);
            }
        }
        // The integral of √s + (τ − s) over s from 0 to τ = 1.
        let rule = &grid.whole;
        let nodes = rule.weight.iter().zip(rule.sine.iter().zip(rule.cosine));
        let sum: f64 = nodes.map(|(w, (s, c))| w * (s + c * c)).sum();
        assert!((sum - (2.0 / 3.0 + 0.5)).abs() < 1e-13);
    }

    #[test]
    fn a_finer_grid_holds_the_coarser_ones_function() {
        let (coarse, fine) = (
            Collocation::<8, 4, 4>::new(),
            Collocation::<16, 4, 4>::new(),
        );
        let refined = fine.refine(&coarse.roots.map(|x| libm::pow(x, 3.0 / EXPONENT)));
        for (x, got) in fine.roots.into_iter().zip(refined) {
            assert!((got - libm::pow(x, 3.0 / EXPONENT)).abs() < 1e-14);
        }
    }
}
