//! What is written: `npv.csv`, `sensitivity.csv`, `failed.csv`, `pnl.csv` and `aggregate.csv`.
//!
//! Nothing here depends on time, machine or the number of those who worked: rows are pushed in the
//! order of [`Portfolio::by_id`](crate::portfolio::Portfolio::by_id), and the same valuations give
//! the same bytes.
//!
//! ```
//! use mastr::results::Rows;
//! use mastr::valuation::value;
//!
//! let (portfolio, market) = (mastr::sample::portfolio(), mastr::sample::market());
//! let mut rows = Rows::new(portfolio.as_of(), portfolio.base());
//! for entry in portfolio.by_id() {
//!     let trade = entry.trade().unwrap();
//!     rows.push(entry, value(trade, &market).as_ref().map_err(|fault| &*fault.message));
//! }
//! assert_eq!(rows.npv.iter().filter(|byte| **byte == b'\n').count(), portfolio.entries().len());
//! ```

mod field;
mod folder;
mod rows;
mod spool;

pub use field::{Field, Shortest};
pub use folder::{Folder, TableFile, create_folder};
pub use rows::{FAILED_HEADER, NPV_HEADER, PNL_HEADER, Rows, SENSITIVITY_HEADER};
pub use spool::Spool;
