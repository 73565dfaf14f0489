//! What a trade is worth.

mod greek;
mod result;

pub use greek::Greek;
pub use result::{Note, Sensitivity, Valuation};
