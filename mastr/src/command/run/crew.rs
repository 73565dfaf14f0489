//! All child processes of a run, and what they have said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::child::{Child, Event};
use super::role::Role;
use crate::aggregation::{Aggregate, Completeness};
use crate::client::{Display, Process, count, seconds};
use crate::cluster::Work;
use crate::command::CommandError;
use crate::command::memory;
use crate::command::report::Report;

/// So many events wait while the terminal is slow.
const EVENTS: usize = 256;
/// So long a child may take to end when it is told to, before it is killed.
const PATIENCE: Duration = Duration::from_secs(7);

/// The child processes, in the order in which they were started.
pub(super) struct Crew {
    children: Vec<Child>,
    sender: SyncSender<Event>,
    events: Receiver<Event>,
    display: Display,
    /// The latest answer of the aggregation.
    table: Option<Aggregate>,
    /// What was started, until the portfolio is accepted: where it is refused, nobody needs to
    /// know.
    started: Option<Vec<String>>,
    /// Whether there is a progress to show.
    is_live: bool,
    /// Whether the children have been told to end.
    is_ending: bool,
    /// What each process has done that counts.
    valued: BTreeMap<u32, Work>,
}

impl Crew {
    pub(super) fn new() -> Self {
        let (sender, events) = sync_channel(EVENTS);
        Self {
            children: Vec::new(),
            sender,
            events,
            display: Display::new(Instant::now()),
            table: None,
            started: Some(Vec::new()),
            is_live: true,
            is_ending: false,
            valued: BTreeMap::new(),
        }
    }

    /// Starts a child; gives back its number.
    pub(super) fn start(
        &mut self,
        role: Role,
        arguments: &[OsString],
    ) -> Result<usize, CommandError> {
        let number = self.children.len();
        let child = Child::start(role, arguments, number, &self.sender)?;
        let line = format!("started {role}, pid {}", child.pid);
        self.children.push(child);
        // Of a master it is told where it is, once it has said so.
        if !role.is_master() {
            self.started(line)?;
        }
        Ok(number)
    }

    pub(super) fn child(&self, number: usize) -> &Child {
        &self.children[number]
    }

    /// Waits at most `timeout` for something to happen; gives back the child that has ended, if
    /// one has. Keeps the display up to date.
    pub(super) fn wait(&mut self, timeout: Duration) -> Result<Option<usize>, CommandError> {
        let ended = match self.events.recv_timeout(timeout) {
            Ok(event) => self.handle(event)?,
            // Invariant: the crew has a sender itself.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        };
        if let Some(table) = &self.table
            && table.market.is_some()
            && self.is_live
        {
            self.display
                .update(Instant::now(), table.total.completeness, Some(table))
                .map_err(CommandError::Unwritable)?;
        }
        Ok(ended)
    }

    fn handle(&mut self, event: Event) -> Result<Option<usize>, CommandError> {
        match event {
            Event::Said(number, report) => self.said(number, report)?,
            // Processes that are ended in the middle of their work complain of one another.
            Event::Told(..) if self.is_ending => {}
            Event::Told(number, line) => {
                let child = &self.children[number];
                let line = match child.role.is_client() {
                    true => line,
                    false => format!("{} {}: {line}", child.role, child.pid),
                };
                self.note(&line)?;
            }
            Event::Closed(number) => {
                return Ok(self.children[number].closed().then_some(number));
            }
        }
        Ok(None)
    }

    fn said(&mut self, number: usize, report: Report) -> Result<(), CommandError> {
        let child = &mut self.children[number];
        match report {
            Report::Bound(address) => {
                let (role, pid) = (child.role, child.pid);
                let line = format!("started {role}, pid {pid}, at {address}");
                child.address = Some(address);
                self.started(line)?;
            }
            Report::Submitting => {
                // The pace is that of the cluster, without the time it took to read files.
                self.display = Display::new(Instant::now());
                for line in self.started.take().unwrap_or_default() {
                    self.note(&line)?;
                }
            }
            Report::Table(table) => self.table = Some(table),
            Report::Worked(trades) => child.worked = Some(trades),
            Report::Valued(valued) => self.valued = valued.into_iter().collect(),
            Report::Peak(peak) => child.peak = Some(peak),
            Report::Did(did) => child.did = Some(did),
        }
        Ok(())
    }

    fn started(&mut self, line: String) -> Result<(), CommandError> {
        match &mut self.started {
            Some(lines) => lines.push(line),
            None => self.note(&line)?,
        }
        Ok(())
    }

    /// Shows a line that stays.
    pub(super) fn note(&mut self, line: &str) -> Result<(), CommandError> {
        self.display.note(line).map_err(CommandError::Unwritable)
    }

    /// How far the aggregation was when it was last asked.
    pub(super) fn progress(&self) -> Completeness {
        self.table
            .as_ref()
            .map(|table| table.total.completeness)
            .unwrap_or_default()
    }

    /// Shows the last answer as the result.
    pub(super) fn show_result(&mut self) -> Result<(), CommandError> {
        self.is_live = false;
        let progress = self.progress();
        let Some(table) = &self.table else {
            return Ok(());
        };
        self.display
            .finish(Instant::now(), progress, table)
            .map_err(CommandError::Unwritable)
    }

    /// Ends all children, and waits until they have; those that do not are killed.
    pub(super) fn end(&mut self) -> Result<(), CommandError> {
        self.is_live = false;
        self.is_ending = true;
        for child in &mut self.children {
            child.end();
        }
        let deadline = Instant::now() + PATIENCE;
        while self.children.iter().any(Child::is_running) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                for child in &mut self.children {
                    child.kill();
                }
            }
            self.wait(left.max(Duration::from_millis(100)))?;
        }
        Ok(())
    }

    /// Writes a line for each process, this one first.
    pub(super) fn show_processes(&mut self, did: String) -> Result<(), CommandError> {
        let mut children: Vec<&Child> = self.children.iter().collect();
        children.sort_by_key(|child| child.role);
        let run = Process {
            role: "run".to_owned(),
            pid: std::process::id(),
            peak: memory::peak(),
            did,
        };
        let others = children.into_iter().map(|child| Process {
            role: child.role.name().to_owned(),
            pid: child.pid,
            peak: child.peak,
            did: self.did(child),
        });
        let processes: Vec<_> = std::iter::once(run).chain(others).collect();
        self.display
            .processes(&processes)
            .map_err(CommandError::Unwritable)
    }

    /// What a child did. Of a valuation worker those trades are told that count, so that they add
    /// up: what a worker did that died, others have done again, and sometimes two do the same.
    fn did(&self, child: &Child) -> String {
        let mut did = match child.role {
            Role::ValuationWorker => {
                let counted = self.valued.get(&child.pid).copied().unwrap_or_default();
                let more = child.worked.unwrap_or(0).saturating_sub(counted.trades);
                let mut did = format!("valued {} trades", count(counted.trades));
                if counted.paths > 0 {
                    did += &format!(", simulated {} paths", count(counted.paths));
                }
                if more > 0 {
                    did += &format!(", and {} that another had valued too", count(more));
                }
                if let Some(counted) = self.valued.get(&child.pid) {
                    let end = self.valued.values().map(|work| work.last).max();
                    let idle = end.unwrap_or_default().saturating_sub(counted.last);
                    did += &format!(
                        "; busy for {}, idle at the end for {}",
                        seconds(counted.busy),
                        seconds(idle)
                    );
                }
                did
            }
            _ => child.did.clone().unwrap_or_default(),
        };
        if child.did.is_none() {
            let separator = if did.is_empty() { "" } else { ", then " };
            did += &format!("{separator}{}", child.ending());
        }
        did
    }
}
