//! What a command tells once it has valued a portfolio.

use std::collections::{BTreeMap, BTreeSet};

use super::{ALL_VALUED, SOME_FAILED, output};
use crate::fault::{Fault, Faults};
use crate::time::Date;

/// So many ids of past trades are shown.
const SHOWN: usize = 10;

/// What there is to tell at the end: of the trades in the order of their ids, however they came.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    failed: u64,
    /// The first of them, by id.
    failed_shown: BTreeMap<String, String>,
    past: u64,
    past_shown: BTreeSet<String>,
}

impl Tally {
    pub(crate) fn past(&mut self, id: &str) {
        self.past += 1;
        self.past_shown.insert(id.to_owned());
        if self.past_shown.len() > SHOWN {
            self.past_shown.pop_last();
        }
    }

    pub(crate) fn failed(&mut self, id: &str, reason: &str) {
        self.failed += 1;
        self.failed_shown.insert(id.to_owned(), reason.to_owned());
        if self.failed_shown.len() > Faults::SHOWN {
            self.failed_shown.pop_last();
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.failed += other.failed;
        self.failed_shown.extend(other.failed_shown);
        while self.failed_shown.len() > Faults::SHOWN {
            self.failed_shown.pop_last();
        }
        self.past += other.past;
        self.past_shown.extend(other.past_shown);
        while self.past_shown.len() > SHOWN {
            self.past_shown.pop_last();
        }
    }

    pub(crate) fn tell(&self, as_of: Date, trades: usize) {
        if self.past > 0 {
            let shown: Vec<_> = self.past_shown.iter().map(String::as_str).collect();
            let more = if self.past > SHOWN as u64 {
                ", …"
            } else {
                ""
            };
            output::tell(&format!(
                "{} trades are past on {as_of} and worth zero: {}{more}",
                self.past,
                shown.join(", ")
            ));
        }
        if self.failed > 0 {
            let mut faults = Faults::new();
            for (id, reason) in &self.failed_shown {
                faults.push(Fault::of_trade(id, reason));
            }
            faults.count_more(self.failed - self.failed_shown.len() as u64);
            output::tell(&faults);
            output::tell(&format!(
                "{} of {trades} trades failed: npv.csv has #N/A for them, failed.csv all reasons (--output)",
                self.failed
            ));
        }
    }

    /// The exit status that tells whether any has failed.
    pub(crate) fn status(&self) -> u8 {
        match self.failed {
            0 => ALL_VALUED,
            _ => SOME_FAILED,
        }
    }
}
