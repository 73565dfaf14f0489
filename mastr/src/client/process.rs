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
    /// What it did, in a few words.
    pub did: String,
}

/// A line for each process, in the order given: role, process id, what it did.
///
/// ```
/// use mastr::client::{Process, render_processes};
///
/// let worker = Process { role: "valuation-worker".into(), pid: 4712, did: "valued 98 trades".into() };
/// assert_eq!(render_processes(&[worker]), "valuation-worker  4712  valued 98 trades\n");
/// ```
pub fn render_processes(processes: &[Process]) -> String {
    let widest = |text: fn(&Process) -> String| {
        let widths = processes.iter().map(|process| cell::width(&text(process)));
        widths.max().unwrap_or(0)
    };
    let roles = widest(|process| cell::clean(&process.role));
    let pids = widest(|process| process.pid.to_string());
    let mut text = String::new();
    for process in processes {
        let line = [
            cell::left(&cell::clean(&process.role), roles),
            cell::right(&process.pid.to_string(), pids),
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
        let process = |role: &str, pid, did: &str| Process {
            role: role.into(),
            pid,
            did: did.into(),
        };
        assert_eq!(
            render_processes(&[
                process("valuation-master", 99, "passed on 200 trades"),
                process("valuation-worker", 12345, "valued 98 trades"),
                process("aggregation-worker", 3, ""),
            ]),
            "\
valuation-master       99  passed on 200 trades
valuation-worker    12345  valued 98 trades
aggregation-worker      3
"
        );
        assert_eq!(render_processes(&[]), "");
    }
}
