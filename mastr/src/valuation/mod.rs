//! What a trade is worth: one engine for each product, behind [`value`].

// Invariant: the same bits on every machine; clippy.toml names what would break it.
#![deny(clippy::disallowed_methods)]

mod american;
mod average;
mod barrier;
mod black_scholes;
mod bond;
mod bump;
mod collocation;
mod elementary;
mod engine;
mod equity_asian_option;
mod equity_barrier_option;
mod equity_forward;
mod equity_option;
mod exercise_boundary;
mod explanation;
mod factor;
mod flow;
mod flow_origin;
mod forward;
mod fx_forward;
mod fx_option;
mod greek;
mod normal;
mod normals;
mod parallel_shift;
mod path_sums;
mod paths;
mod profit_and_loss;
mod quadrature;
mod result;
mod scenario_inputs;
mod swap;
mod value;
mod walks;

pub use american::{American, NoBoundary};
pub use barrier::Barrier;
pub use black_scholes::{BlackScholes, ClosedForm};
pub use bond::BondPrice;
pub use engine::Inputs;
pub use explanation::{Explanation, explain};
pub use factor::Factor;
pub use flow::{Flow, RateSource};
pub use greek::Greek;
pub use path_sums::{PathSums, path_blocks};
pub use profit_and_loss::{profit_and_loss, profit_and_loss_simulated};
pub use result::{Note, Sensitivity, Valuation};
pub use value::{value, value_simulated};
