//! mastr values a portfolio of financial trades and aggregates the results, alone or on a cluster.
//!
//! The principal types are [`Portfolio`](portfolio::Portfolio), read from JSON with the names of the
//! Open Source Risk Engine, and [`Market`](market::Market), read from its quotes. A trade goes this
//! way, which is the order of the modules:
//!
//! ```text
//! portfolio.json ─▶ portfolio::Trade ─┐
//!                                     ├─▶ valuation::value ─▶ Valuation ─▶ aggregation ─▶ client
//! market.txt ─────▶ market::Market ───┘                           └──────▶ results
//! ```
//!
//! [`command`] walks this way in one process; [`cluster`] has processes for its stages, which
//! `mastr run` starts on one machine and which may as well stand on several.
//!
//! A valuation is a function of trade and market alone: elementary functions come from `libm` or are
//! written here, so that it has the same bits on every machine.
//!
//! ```
//! use mastr::valuation::{Greek, value};
//!
//! let (portfolio, market) = (mastr::sample::portfolio(), mastr::sample::market());
//! let mut npv = 0.0;
//! for trade in portfolio.trades() {
//!     let valuation = value(trade, &market).unwrap();
//!     npv += valuation.npv_base;
//!     assert!(valuation.sensitivity(Greek::Theta).is_some() || valuation.sensitivity(Greek::Rho).is_some());
//! }
//! assert!(npv.is_finite());
//! ```

// What tests compare may come from the machine's library; the modules that value deny it.
#![allow(clippy::disallowed_methods)]

pub mod aggregation;
pub mod client;
pub mod cluster;
pub mod command;
pub mod fault;
pub mod generation;
pub mod market;
pub mod portfolio;
pub mod results;
pub mod sample;
pub mod time;
pub mod valuation;
