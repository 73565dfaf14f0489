//! What is valued: a JSON file with the names of the Open Source Risk Engine (ORE).
//!
//! [`Portfolio::parse`] reads it; each of its elements is a valid [`Trade`] or says what is wrong
//! with it. The records in [`record`] are the file's form, [`Trade`] is what the engines take.

mod admission;
pub mod choice;
mod currency;
mod cursor;
mod document;
mod duplicates;
mod entry;
mod envelope;
mod json;
mod names;
mod pricing_engine;
pub mod record;
pub mod scalar;
mod schema;
mod trade;
mod unsupported;

pub use currency::Currency;
pub use document::{Portfolio, PortfolioRecord};
pub use entry::{Entry, Rejected};
pub use envelope::Envelope;
pub use pricing_engine::{Parameters, PricingEngine};
pub use schema::schema;
pub use trade::{
    EquityForward, EquityOption, Exercise, FxForward, FxOption, OptionKind, Position, Product,
    Trade, TradeType,
};
