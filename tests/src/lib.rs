//! What the cross-crate tests share with the programs they start.

pub mod chaos;
pub mod cluster;
pub mod gate;
pub mod history;
pub mod journal;
pub mod simulation;
pub mod work;
