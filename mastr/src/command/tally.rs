//! What a command tells once it has valued a portfolio.

use super::{ALL_VALUED, SOME_FAILED, output};
use crate::fault::{Fault, Faults};
use crate::portfolio::Portfolio;

/// So many ids of past trades are shown.
const SHOWN: usize = 10;

/// What there is to tell at the end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    failed: Faults,
    past: usize,
    past_shown: Vec<String>,
}

impl Tally {
    pub(crate) fn failed(&mut self, id: &str, reason: &str) {
        self.failed.push(Fault::of_trade(id, reason));
    }

    pub(crate) fn past(&mut self, id: &str) {
        self.past += 1;
        if self.past_shown.len() < SHOWN {
            self.past_shown.push(id.to_owned());
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        let room = SHOWN - self.past_shown.len();
        self.failed.append(other.failed);
        self.past += other.past;
        self.past_shown
            .extend(other.past_shown.into_iter().take(room));
    }

    pub(crate) fn tell(&self, portfolio: &Portfolio) {
        if self.past > 0 {
            let shown = self.past_shown.join(", ");
            let more = if self.past > SHOWN { ", …" } else { "" };
            output::tell(&format!(
                "{} trades are past on {} and worth zero: {shown}{more}",
                self.past,
                portfolio.as_of()
            ));
        }
        if !self.failed.is_empty() {
            output::tell(&self.failed);
            output::tell(&format!(
                "{} of {} trades failed: npv.csv has #N/A for them, failed.csv all reasons (--output)",
                self.failed.count(),
                portfolio.entries().len()
            ));
        }
    }

    /// The exit status that tells whether any has failed.
    pub(crate) fn status(&self) -> u8 {
        match self.failed.is_empty() {
            true => ALL_VALUED,
            false => SOME_FAILED,
        }
    }
}
