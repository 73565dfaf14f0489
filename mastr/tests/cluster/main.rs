//! The cluster as a user has it: processes of the binary, of which some die.

mod bad_input;
mod by_hand;
mod deaths;
mod endings;
mod process;
mod results;
mod scenarios;
mod simulations;
