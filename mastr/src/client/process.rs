//! What each process of a run did.

use serde::{Deserialize, Serialize};

use crate::client::cell;

/// A process that took part in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its role, as on the command line (`valuation-worker`).
    pub role: String,
    /// Its process id.
    pub pid: u32,
    /// How much memory it had at most, in bytes, if that is known.
    pub peak: Option<u64>,
    /// What it did, in a few words.
    pub did: String,
}

/// A line for each process, in the order given: role, process id, the most memory it had, what it did.
///
/// ```
/// use mastr::client::{Process, render_processes};
///
/// let worker = Process {
///     role: "valuation-worker".into(),
///     pid: 4712,
///     peak: Some(17_200_000),
///     did: "valued 98 trades".into(),
/// };
/// assert_eq!(render_processes(&[worker]), "valuation-worker  4712  18 MB  valued 98 trades\n");
/// ```
pub fn render_processes(processes: &[Process]) -> String {
    let peak = |process: &Process| {
        let megabytes = process.peak.map(|bytes| bytes.div_ceil(1_000_000));
        megabytes.map_or_else(String::new, |megabytes| {
            format!("{} MB", cell::count(megabytes))
        })
    };
    let widest = |text: &dyn Fn(&Process) -> String| {
        let widths = processes.iter().map(|process| cell::width(&text(process)));
        widths.max().unwrap_or(0)
    };
    let roles = widest(&|process| cell::clean(&process.role));
    let pids = widest(&|process| process.pid.to_string());
    let peaks = widest(&peak);
    let mut text = String::new();
    for process in processes {
        let line = [
            cell::left(&cell::clean(&process.role), roles),
            cell::right(&process.pid.to_string(), pids),
            cell::right(&peak(process), peaks),
            cell::clean(&process.did),
        ]
        .join("  ");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_aligned() {
        let process = |role: &str, pid, peak, did: &str| Process {
            role: role.into(),
            pid,
            peak,
            did: did.into(),
        };
        assert_eq!(
            render_processes(&[
                process(
                    "valuation-master",
                    99,
                    Some(9_000_000),
                    "passed on 200 trades"
                ),
                process("valuation-worker", 12345, None, "valued 98 trades"),
                process("aggregation-worker", 3, Some(1_234_567_890), ""),
            ]),
            "\
valuation-master       99      9 MB  passed on 200 trades
valuation-worker    12345            valued 98 trades
aggregation-worker      3  1,235 MB
"
        );
        assert_eq!(render_processes(&[]), "");
    }
}
