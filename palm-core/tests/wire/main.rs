//! The wire from outside: what is written is read back, what nobody wrote is refused with a
//! reason, and the bytes stay what they are.

mod arbitrary;
mod golden;
mod hostile;
mod limits;
mod round_trip;
