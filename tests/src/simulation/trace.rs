use super::payload::hash;
use std::fmt::Arguments;
use std::time::Duration;

/// All that happened in a simulation, as a hash, and on the standard output if that is wanted.
///
/// The same seed gives the same hash: whatever differs between two runs changes it.
#[derive(Debug)]
pub(super) struct Trace {
    hash: u64,
    steps: u64,
    printed: bool,
}

impl Trace {
    pub(super) fn new(printed: bool) -> Trace {
        Trace {
            hash: 0,
            steps: 0,
            printed,
        }
    }

    /// Notes that something happened, which `numbers` tell from all else.
    pub(super) fn note(&mut self, now: Duration, numbers: &[u64], words: Arguments<'_>) {
        self.steps += 1;
        for number in [now.as_nanos() as u64].iter().chain(numbers) {
            self.hash = hash(&(self.hash.rotate_left(5) ^ number).to_le_bytes());
        }
        if self.printed {
            println!("{:>12.6} {words}", now.as_secs_f64());
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }
}
