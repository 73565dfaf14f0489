//! What the cross-crate tests share with the programs they start.

pub mod chaos;
pub mod cluster;
pub mod gate;
pub mod history;
pub mod journal;
pub mod simulation;
pub mod work;

/// What the README shows is compiled and run with the documentation's other examples.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
