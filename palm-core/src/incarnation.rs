use serde::{Deserialize, Serialize};
use std::fmt;

/// One life of a process: a random number, never zero, drawn when it starts.
///
/// Two processes of the same name, or one before and after a restart, differ in it, so that
/// frames of the one are never taken for frames of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(u64);

impl Incarnation {
    /// No incarnation: what a frame carries whose sender does not know its receiver yet.
    pub const UNKNOWN: Incarnation = Incarnation(0);

    /// Draws a new one from the operating system's random numbers.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers to give, which no process survives for long.
    pub fn random() -> Incarnation {
        let number = getrandom::u64().expect("the operating system gives random numbers");
        Incarnation(number.max(1))
    }

    /// The incarnation of that number, as a simulation or a frame names it.
    pub const fn from_number(number: u64) -> Incarnation {
        Incarnation(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
