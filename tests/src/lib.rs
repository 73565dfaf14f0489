//! What the cross-crate tests share with the programs they start.

pub mod history;
pub mod simulation;
