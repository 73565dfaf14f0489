//! What a command tells once it has valued a portfolio.

use super::output;
use crate::portfolio::Portfolio;

/// So many ids of past trades are shown.
const SHOWN: usize = 10;

/// What there is to tell at the end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) failed: usize,
    past: usize,
    past_shown: Vec<String>,
}

impl Tally {
    pub(crate) fn past(&mut self, id: &str) {
        self.past += 1;
        if self.past_shown.len() < SHOWN {
            self.past_shown.push(id.to_owned());
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        let room = SHOWN - self.past_shown.len();
        self.failed += other.failed;
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
        if self.failed > 0 {
            output::tell(&format!(
                "{} trades failed: npv.csv has #N/A for them, failed.csv the reasons (--output)",
                self.failed
            ));
        }
    }
}
