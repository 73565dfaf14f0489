//! What a registry says to servers whose results go where routes say.

use super::process::{Dealer, Process};
use super::scenario::Role;
use super::world::{Happening, World};

impl World {
    /// A process asks where the server of that name is, or once more for the one that a DEALER leads
    /// to. Of several that share the name the registry gives any, and also those that have died: it
    /// may not know yet.
    pub(super) fn find(
        &mut self,
        node: usize,
        process: &mut Process,
        index: usize,
        name: Option<String>,
    ) {
        while process.dealers.len() <= index {
            process.dealers.push(Dealer::default());
        }
        let dealer = &mut process.dealers[index];
        dealer.name = name.or(dealer.name.take());
        let Some(name) = &dealer.name else {
            return;
        };
        let nodes = self.scenario.nodes.iter().enumerate();
        let called = nodes
            .filter(|(_, node)| matches!(node.role, Role::Server { .. }) && node.name == *name);
        let called: Vec<usize> = called.map(|(node, _)| node).collect();
        let target = self.dice.pick(&called);
        let is_down = self.is_disturbed() && self.dice.one_in(8);
        let delay = match is_down {
            true => self.dice.milliseconds(200, 5_000),
            false => self.dice.milliseconds(0, 50),
        };
        let found = Happening::Found {
            node,
            life: process.life,
            dealer: index,
            target,
        };
        self.plan(self.now + delay, found);
    }

    /// A DEALER is to lead to that node: if it does not yet, it is made anew.
    pub(super) fn found(&mut self, node: usize, life: u32, dealer: usize, target: usize) {
        let stopped = self.stopped[node];
        if stopped > self.now {
            let found = Happening::Found {
                node,
                life,
                dealer,
                target,
            };
            return self.plan(stopped, found);
        }
        let Some(mut process) = self.processes[node].take() else {
            return;
        };
        if process.life == life && process.dealers[dealer].target != Some(target) {
            let words = format_args!("{node} finds {target} for DEALER {dealer}");
            self.trace
                .note(self.now, &[12, node as u64, target as u64], words);
            process.dealers[dealer].target = Some(target);
            self.reconnect(node, &mut process, dealer);
        }
        self.processes[node] = Some(process);
    }
}
