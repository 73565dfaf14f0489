//! How fast somebody values the trades of an engine.

use rustix::time::{ClockId, clock_gettime};

use super::CommandError;
use super::engine::Engine;

/// Somebody who can value all trades of the book.
pub(super) trait Contender {
    /// Who it is, and by which method it values the trades of `engine`.
    fn name(&self, engine: Engine) -> String;

    /// Values the trades of `engine` over and over for so many seconds, but at least once.
    fn measure(&mut self, engine: Engine, seconds: f64) -> Result<Measured, CommandError>;
}

/// What one has measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// Units a second.
    pub(super) rate: f64,
    /// What all trades are worth together, in their own currency; in scenarios the sum over these.
    pub(super) npv: f64,
}

impl Measured {
    /// Of a `pass` over all trades, which does so many `units` and gives what the trades are worth.
    pub(super) fn over(seconds: f64, units: usize, mut pass: impl FnMut() -> f64) -> Self {
        let start = processor_seconds();
        let mut passes = 0.0;
        loop {
            let npv = pass();
            passes += 1.0;
            let spent = processor_seconds() - start;
            if spent >= seconds {
                return Self {
                    rate: passes * units as f64 / spent,
                    npv,
                };
            }
        }
    }
}

/// What this thread has had of the processor. On a machine that others use too it says more than a clock.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}
