//! The JSON Schema of a portfolio file.

use schemars::schema_for;

use super::document::PortfolioRecord;

/// The JSON Schema (draft 2020-12) of a portfolio file, generated from the types that read it.
pub fn schema() -> serde_json::Value {
    schema_for!(PortfolioRecord).to_value()
}
