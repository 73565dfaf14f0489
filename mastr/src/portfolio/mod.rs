//! What is valued: a JSON file with the names of the Open Source Risk Engine (ORE).
//!
//! [`Portfolio::parse`] reads it; each of its elements is a valid [`Trade`] or says what is wrong
//! with it. The records in [`record`] are the file's form, [`Trade`] is what the engines take.

mod accrual;
mod admission;
mod arrivals;
pub mod choice;
mod currency;
mod cursor;
mod document;
mod duplicates;
mod element;
mod entry;
mod envelope;
mod header;
mod ids;
mod index;
mod json;
mod leg;
pub mod leg_data;
pub mod named;
mod names;
mod pricing_engine;
pub mod record;
pub mod scalar;
pub mod schedule_data;
mod schema;
mod splitter;
pub mod swap_data;
mod trade;
mod unsupported;
mod value;

pub use accrual::{Accrual, Fixing, Floating, Period, ScheduleCache};
pub use arrivals::{Arrival, Arrivals};
pub use currency::Currency;
pub use document::{Portfolio, PortfolioRecord};
pub use entry::{Entry, Rejected};
pub use envelope::Envelope;
pub use ids::Ids;
pub use index::{Index, curve_of};
pub use leg::{Bond, Leg, Swap};
pub use pricing_engine::{Parameters, PricingEngine};
pub use schema::schema;
pub use trade::{
    Averaging, BarrierType, EquityAsianOption, EquityBarrierOption, EquityForward, EquityOption,
    Exercise, FxForward, FxOption, Knock, OptionKind, Position, Product, Simulation, Trade,
    TradeType,
};
