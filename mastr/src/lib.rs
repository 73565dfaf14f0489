//! Values a portfolio and aggregates it.

pub mod aggregation;
pub mod client;
pub mod fault;
pub mod portfolio;
pub mod time;
pub mod valuation;
