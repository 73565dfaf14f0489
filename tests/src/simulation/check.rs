//! What holds after every step.

use super::network::Way;
use super::scenario::{Node, Role};
use super::wiretap::{News, Sent};
use super::witness::Violation;
use super::world::World;
use palm_core::wire::{self, Frame, Outcome};
use palm_core::{Id, Incarnation, Path};
use palm_highlevel::engine::{LaneView, PartitionId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// By how much a result, with all that is made beside it, may be larger than its message, in bytes.
const GROWTH: u64 = 2048;

/// After how long a silent process counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(3);

fn role_of(nodes: &[Node], incarnation: Incarnation) -> Option<&Role> {
    let node = (incarnation.number() >> 32) as usize;
    let node = nodes.get(node.checked_sub(1)?)?;
    Some(&node.role)
}

pub(super) fn is_worker(nodes: &[Node], incarnation: Incarnation) -> bool {
    matches!(role_of(nodes, incarnation), Some(Role::Worker { .. }))
}

/// A message, and those that it is a branch of.
fn lineage(id: Id) -> impl Iterator<Item = Id> {
    let ordinals = id.path.ordinals().to_vec();
    (0..=ordinals.len()).map(move |depth| Id {
        path: ordinals[..depth]
            .iter()
            .fold(Path::ROOT, |path, ordinal| path.child(*ordinal)),
        ..id.clone()
    })
}

impl World {
    /// Rules 2, 3 and 6, by what is said on the wire: who tells whom of what, and how often, and
    /// that what is settled has ended.
    pub(super) fn check_news(&mut self, frame: &Frame, way: Way, news: &News) {
        let (sender, receiver) = (frame.header.sender, frame.header.receiver);
        let is_server = |of| matches!(self.role_of(of), Some(Role::Server { .. }));
        let is_worker = |of| matches!(self.role_of(of), Some(Role::Worker { .. }));
        let (from_worker, to_worker) = (is_worker(sender), is_worker(receiver));
        let (from_server, to_server) = (is_server(sender), is_server(receiver));
        let lane = (sender, receiver, frame.header.lane, way);
        for sent in news.sent.iter().filter(|sent| !sent.is_word()) {
            if to_server && !from_worker {
                self.witness.given(receiver, sent);
            }
            let told = match (from_server, to_worker) {
                (true, true) => {
                    self.witness.handed(sender, receiver, sent);
                    Ok(())
                }
                (true, false) => self.witness.sent_on(lane, sent),
                (false, _) if from_worker => self.witness.answered(sender, receiver, sent),
                (false, _) => Ok(()),
            };
            if let Err(violation) = told {
                return self.fail(violation);
            }
        }
        let from_client = matches!(self.role_of(sender), Some(Role::Client { .. }));
        let settled = news.settled.iter().filter(|sent| !sent.is_word());
        for Sent { id, .. } in settled {
            if from_client {
                self.witness.heard(id);
            }
            if from_server && !to_worker && !self.is_safe(id, None) {
                let message = format!("rule 3: {sender} settles message {id}, which has not ended");
                return self.fail(Violation::Lost(message));
            }
        }
    }

    /// Rule 3: whether a message needs no holder but this one.
    fn is_safe(&self, id: &Id, but: Option<Incarnation>) -> bool {
        let is_kept = |id: &Id| self.wiretap.keepers(id).any(|by| Some(by) != but);
        self.witness.is_safe(id, &is_kept)
    }

    pub(super) fn is_worker(&self, incarnation: Incarnation) -> bool {
        is_worker(&self.scenario.nodes, incarnation)
    }

    fn role_of(&self, incarnation: Incarnation) -> Option<&Role> {
        role_of(&self.scenario.nodes, incarnation)
    }

    /// Rules 7 and 9 in the process that has just had a turn.
    pub(super) fn check_process(&mut self, node: usize) {
        let Some(process) = &self.processes[node] else {
            return;
        };
        if let Some(lane) = process.lanes().iter().find(|lane| self.is_over(lane)) {
            let message = format!(
                "rule 7: {} holds too much: {lane:?}, of messages of {} bytes",
                process.incarnation, self.wiretap.largest
            );
            return self.fail(Violation::Broken(message));
        }
        let Some(engine) = process.engine() else {
            return;
        };
        let (master, life) = (process.identity, process.life);
        let suspects: Vec<_> = engine.unfinished().filter(|entry| entry.suspect).collect();
        let mut held: BTreeMap<Option<Incarnation>, u64> = BTreeMap::new();
        if !suspects.is_empty() {
            for entry in engine.unfinished() {
                *held.entry(entry.with).or_default() += 1;
            }
        }
        for entry in suspects {
            let (processes, stopped, now) = (&self.processes, &self.stopped, self.now);
            // One that is stopped while its connection is broken can't be told from a dead one.
            let calm = |node: &usize| stopped[*node] + DEAD_AFTER < now;
            let is_alive = |worker: Incarnation| {
                let mut nodes = (0..processes.len()).filter(calm);
                nodes.any(|node| {
                    let process = processes[node].as_ref();
                    process.is_some_and(|process| process.incarnation == worker)
                })
            };
            let alone = held.get(&entry.with) == Some(&1);
            if let Err(violation) = self
                .witness
                .charged((master, life), &entry, alone, is_alive)
            {
                return self.fail(violation);
            }
        }
    }

    /// Whether more is held of a lane, with its endings, than its window and one largest message;
    /// or whether endings are kept that the window does not count.
    fn is_over(&self, lane: &LaneView) -> bool {
        let (window, held, kept) = (lane.window, lane.held, lane.kept);
        let budget = window.bytes + self.wiretap.largest + GROWTH * held.number;
        let uncounted = lane.role == wire::Role::Client
            && self.scenario.is_in_order()
            && kept.bytes > held.bytes;
        held.bytes > budget || held.number > window.number + 1 || uncounted
    }

    /// Rule 3: what has not ended is held by its client, and by the server that has accepted it.
    pub(super) fn check_all(&mut self) {
        let wrong = (0..self.processes.len()).find_map(|node| self.check_custody(node));
        if let Some(message) = wrong {
            self.fail(Violation::Lost(message));
        }
    }

    fn check_custody(&self, node: usize) -> Option<String> {
        let process = self.processes[node].as_ref()?;
        match &process.machine {
            super::process::Machine::Client(client) => {
                if self.witness.is_gone(process.incarnation) {
                    return None;
                }
                let kept: BTreeSet<u64> = client.kept().collect();
                let unfinished = self.witness.unfinished(process.incarnation);
                let lost = unfinished.into_iter().find(|&sequence| {
                    let id = Id {
                        client: process.incarnation,
                        sequence,
                        path: Path::ROOT,
                    };
                    !kept.contains(&sequence) && !self.is_safe(&id, None)
                })?;
                Some(format!(
                    "rule 3: {} no longer keeps message {lost}, which has not ended",
                    process.incarnation
                ))
            }
            super::process::Machine::Server(engine) => {
                if let Role::Worker { .. } = self.scenario.nodes[node].role {
                    return None;
                }
                let waiting = match engine.waiting(self.disks[node].reader()) {
                    Ok(waiting) => waiting,
                    Err(error) => return Some(error.to_string()),
                };
                let entries = engine.unfinished().map(|entry| entry.id);
                let leaving = engine.outgoing().map(|parcel| parcel.id);
                let here = entries.chain(waiting).chain(leaving);
                // Who holds a branch of a message holds the message.
                let held: BTreeSet<Id> = here.flat_map(lineage).collect();
                let senders = |sender| !self.is_worker(sender);
                let server = process.identity;
                // What was accepted for good stays here until another has accepted it for good.
                let mut custody = self.wiretap.in_custody(server, senders);
                custody.extend(self.wiretap.taken(server).cloned());
                let lost = custody
                    .into_iter()
                    .find(|id| !held.contains(id) && !self.is_safe(id, Some(server)))?;
                Some(format!(
                    "rule 3: {} has accepted message {lost} and does not hold it",
                    process.incarnation
                ))
            }
        }
    }

    /// A partition's messages are executed once each, in the order of their client.
    pub(super) fn check_partition(
        &mut self,
        master: Incarnation,
        partition: PartitionId,
        client: Incarnation,
        sequence: u64,
    ) {
        if sequence % u64::from(partition.of) != u64::from(partition.number) {
            let message = format!("message {sequence} of {client} is in partition {partition:?}");
            return self.fail(Violation::Broken(message));
        }
        // What comes through another server comes in the order in which that had it executed.
        if self.scenario.is_in_order()
            && let Err(violation) = self
                .witness
                .apply(master, partition.number, client, sequence)
        {
            self.fail(violation);
        }
    }

    /// Once all jobs have ended, nobody holds anything of them.
    pub(super) fn check_rest(&mut self) {
        self.check_all();
        for process in self.processes.iter().flatten() {
            let Some(engine) = process.engine() else {
                continue;
            };
            let entry = engine
                .unfinished()
                .find(|entry| !self.witness.is_gone(entry.id.client));
            // What workers are given, and told of it, is theirs, until one that has gone is forgotten.
            let to_worker = |outcome| {
                matches!(
                    outcome,
                    Outcome::Pending | Outcome::Cancel | Outcome::CancelJob
                )
            };
            let parcel = engine.outgoing().find(|parcel| {
                !to_worker(parcel.outcome) && !self.witness.is_gone(parcel.id.client)
            });
            if entry.is_some() || parcel.is_some() {
                let message = format!(
                    "{} still holds, though all has ended: {entry:?} {parcel:?}",
                    process.incarnation
                );
                return self.fail(Violation::Broken(message));
            }
        }
    }
}
