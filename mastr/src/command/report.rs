//! What a process of the cluster tells whoever started it.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::lifeline::Supervision;
use super::memory;
use crate::aggregation::Aggregate;
use crate::cluster::Work;

/// What a process of the cluster tells on standard output: to its supervisor all of it, as a line
/// of JSON each; to a person where it is bound and, at the end, what it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Report {
    /// A server is bound to this address.
    Bound(String),
    /// A portfolio has no faults, or its faults are to be skipped, and it is being submitted.
    Submitting,
    /// How far the aggregation is.
    Table(Aggregate),
    /// How many trades a valuation worker has worked on.
    Worked(u64),
    /// What each process has done that counts, by its id.
    Valued(Vec<(u32, Work)>),
    /// How much memory the process had at most, in bytes.
    Peak(u64),
    /// What the process did, in a few words.
    Did(String),
}

impl Supervision {
    /// Tells what the process did, at its end, and how much memory it took.
    pub(super) fn did(self, did: String) {
        if let Some(peak) = memory::peak() {
            self.report(&Report::Peak(peak));
        }
        self.report(&Report::Did(did));
    }

    /// Tells `report`, if anybody listens.
    pub(super) fn report(self, report: &Report) {
        let line = match (self.supervised, report) {
            (true, report) => match serde_json::to_string(report) {
                Ok(line) => line,
                Err(error) => return log::error!("{report:?} cannot be told: {error}"),
            },
            (false, Report::Bound(address)) => address.clone(),
            (false, Report::Did(did)) => did.clone(),
            (false, _) => return,
        };
        let mut stdout = io::stdout().lock();
        // Whoever does not listen any more does not need to know.
        drop(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aggregation::{Partition, Query};

    #[test]
    fn what_is_told_is_understood() {
        let query = Query::parse("Desk", "npv,count").unwrap();
        let table = Partition::new().query(&query).unwrap().finish().unwrap();
        for report in [
            Report::Bound("tcp://127.0.0.1:1".into()),
            Report::Submitting,
            Report::Table(table),
            Report::Worked(7),
            Report::Valued(vec![(
                1,
                Work {
                    trades: 2,
                    paths: 3,
                    busy: Duration::from_nanos(4),
                    last: Duration::from_secs(5),
                },
            )]),
            Report::Peak(8),
            Report::Did("valued\n7 trades".into()),
        ] {
            let line = serde_json::to_string(&report).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Report>(&line).unwrap(), report);
        }
    }
}
