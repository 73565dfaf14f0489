//! What trades are valued with: quotes of one day, and the curves and surfaces built from them.
//!
//! [`Quotes::parse`] reads ORE's text form, [`Market::new`] builds everything once; what is missing
//! or impossible fails only the trades that look it up, with the key to add or to mend.

// Invariant: the same bits on every machine; clippy.toml names what would break it.
#![deny(clippy::disallowed_methods)]

mod curve;
mod fixings;
mod foreign_exchange;
mod key;
mod layout;
mod line;
mod quotes;
mod scenario_file;
mod scenarios;
mod smile;
mod snapshot;
mod strip;
mod surface;

pub use curve::{Curve, Walk};
pub use fixings::Fixings;
pub use quotes::{Quote, Quotes};
pub use scenarios::{Scenario, Scenarios};
pub use snapshot::{Market, PairVolatility, Unavailable};
pub(crate) use strip::{CurveStrip, Strip};
pub use surface::Surface;
