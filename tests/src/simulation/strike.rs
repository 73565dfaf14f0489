//! The planned faults.
//!
//! In memory mode any one process may die at a time while the client lives, so a server is only
//! killed if no other is down, or was less than [`RECOVERY`] ago: "in recovery" is the time from a
//! server's death until its next process has run for so long. Workers, whose master has all that
//! they hold, die at any time, and so do clients, whose messages then concern nobody.

use super::fault::Fault;
use super::network::Way;
use super::scenario::Role;
use super::world::{Happening, World};
use palm_highlevel::engine::Event;
use std::time::Duration;

/// How long after its start a server counts as recovered.
pub(super) const RECOVERY: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn strike(&mut self, fault: Fault) {
        let struck = match fault {
            Fault::ServerCrash => self.crash(fault, is_server),
            Fault::WorkerCrash => self.crash(fault, is_worker),
            Fault::ClientCrash => self.crash(fault, is_client),
            Fault::ClientLeaves => self.order_to_stop(is_client),
            Fault::WorkerLeaves => self.order_to_stop(is_worker),
            Fault::Stall => self.stall(),
            Fault::Break | Fault::HalfBreak | Fault::Freeze | Fault::Partition => {
                self.strike_connection(fault)
            }
            Fault::Blocked | Fault::ClockJump | Fault::SlowFunctions | Fault::SlowConsumer => {
                self.hamper(fault)
            }
            Fault::FullDisk => self.fill_disk(),
            // These come of their own.
            _ => None,
        };
        if let Some(whom) = struck {
            self.injected.count(fault);
            let numbers = [11, fault as u64, whom as u64];
            self.trace
                .note(self.now, &numbers, format_args!("{fault:?} of {whom}"));
        }
    }

    fn choose(&mut self, fits: impl Fn(&Role) -> bool) -> Option<usize> {
        let nodes: Vec<usize> = (0..self.processes.len())
            .filter(|node| self.processes[*node].is_some())
            .filter(|node| fits(&self.scenario.nodes[*node].role))
            .collect();
        (!nodes.is_empty()).then(|| self.dice.pick(&nodes))
    }

    fn crash(&mut self, fault: Fault, fits: impl Fn(&Role) -> bool) -> Option<usize> {
        if fault == Fault::ServerCrash && self.is_recovering() {
            return None;
        }
        let node = self.choose(fits)?;
        if fault == Fault::ServerCrash && self.is_durable(node) && !self.dice.one_in(4) {
            self.arm(node);
            return None;
        }
        let delay = self.dice.milliseconds(20, 5_000);
        if fault == Fault::ServerCrash {
            self.recovering = (node, self.now + delay + RECOVERY);
        }
        self.kill(node, delay, "killed");
        Some(node)
    }

    fn is_recovering(&self) -> bool {
        self.now < self.recovering.1
    }

    /// Whether another server than that one is down, or was a moment ago.
    pub(super) fn is_another_recovering(&self, node: usize) -> bool {
        self.is_recovering() && self.recovering.0 != node
    }

    fn order_to_stop(&mut self, fits: impl Fn(&Role) -> bool) -> Option<usize> {
        let node = self.choose(fits)?;
        let process = self.processes[node].as_mut()?;
        process.stopping = true;
        if process.application.is_some() {
            self.witness.gone(process.incarnation);
        }
        self.wake(node, self.now);
        Some(node)
    }

    fn stall(&mut self) -> Option<usize> {
        let node = self.choose(|_| true)?;
        let process = self.processes[node].as_mut()?;
        let life = process.life;
        let until = self.now + self.dice.milliseconds(100, 10_000);
        self.stopped[node] = until;
        process.turn_at = None;
        if is_worker(&self.scenario.nodes[node].role) {
            self.witness.workers_lost = true;
        }
        self.disturb(until);
        // The transport's own heartbeats close a connection whose other end is stopped; sometimes
        // they have not done so when it goes on.
        let noticed = self.now + Duration::from_secs(4);
        if until > noticed && !self.dice.one_in(3) {
            for id in self.network.of_process(node, life) {
                let own = match self.network.get(id) {
                    Some(connection) if connection.router == (node, life) => Way::ToRouter,
                    _ => Way::ToDealer,
                };
                self.plan(noticed, Happening::Close(id, own.other()));
                self.plan(until + self.scenario.latency.0, Happening::Close(id, own));
            }
        }
        self.wake(node, until);
        Some(node)
    }

    fn strike_connection(&mut self, fault: Fault) -> Option<usize> {
        let open = self.network.open();
        if open.is_empty() {
            return None;
        }
        let id = self.dice.pick(&open);
        let until = self.now + self.dice.milliseconds(50, 10_000);
        let late = self.now + self.dice.milliseconds(50, 3_000);
        let first = self.dice.pick(&[Way::ToRouter, Way::ToDealer]);
        let mute = self.dice.one_in(4);
        self.witness.workers_lost = true;
        match fault {
            Fault::Break => {
                self.plan(self.now, Happening::Close(id, Way::ToRouter));
                self.plan(self.now, Happening::Close(id, Way::ToDealer));
            }
            Fault::HalfBreak => {
                self.plan(self.now, Happening::Close(id, first));
                self.plan(late, Happening::Close(id, first.other()));
                self.disturb(late);
            }
            Fault::Freeze => {
                self.network.get_mut(id)?.frozen = until;
                self.disturb(until);
            }
            _ if mute => self.network.get_mut(id)?.cut = Duration::MAX,
            _ => {
                self.network.get_mut(id)?.cut = until;
                self.disturb(until);
            }
        }
        Some(id as usize)
    }

    fn fill_disk(&mut self) -> Option<usize> {
        let node = self.choose(|role| matches!(role, Role::Server { durable: true, .. }))?;
        let until = self.now + self.dice.milliseconds(100, 10_000);
        let process = self.processes[node].as_mut()?;
        process.stored.push_back(Event::Room(0));
        let life = process.life;
        self.plan(until, Happening::Room(node, life));
        self.disturb(until);
        self.wake(node, self.now);
        Some(node)
    }

    fn hamper(&mut self, fault: Fault) -> Option<usize> {
        let node = match fault {
            Fault::ClockJump => self.choose(|_| true)?,
            Fault::Blocked => self.choose(is_server)?,
            Fault::SlowConsumer => self.choose(is_client)?,
            _ => self.choose(|role| !is_client(role))?,
        };
        let until = self.now + self.dice.milliseconds(100, 10_000);
        let jump = match self.dice.one_in(2) {
            true => self.dice.milliseconds(100, 10_000),
            false => self.dice.milliseconds(10_000, 3_600_000),
        };
        let process = self.processes[node].as_mut()?;
        match fault {
            Fault::ClockJump => process.ahead += jump,
            Fault::Blocked => process.blocked = until,
            Fault::SlowFunctions => process.slow = until,
            _ => {
                if let Some(application) = &mut process.application {
                    application.busy = until;
                }
            }
        }
        if fault != Fault::ClockJump {
            self.disturb(until);
        }
        self.wake(node, self.now);
        Some(node)
    }
}

fn is_server(role: &Role) -> bool {
    matches!(role, Role::Server { .. })
}

fn is_worker(role: &Role) -> bool {
    matches!(role, Role::Worker { .. })
}

fn is_client(role: &Role) -> bool {
    matches!(role, Role::Client { .. })
}
