//! What a person sees of a run: progress, a table that fills, and what each process did.
//!
//! The texts are made by pure functions ([`render`], [`render_processes`], [`Pace`]); [`Display`]
//! puts them on standard error and standard output.

mod cell;
mod display;
mod process;
mod progress;
mod screen;
mod table;

pub(crate) use cell::{count, seconds};
pub use display::Display;
pub use process::{Process, render_processes};
pub use progress::Pace;
pub use table::render;
