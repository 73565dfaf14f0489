//! How the servers of a simulation are put together.

use super::dice::Dice;
use super::scenario::{Execution, Node, Onward, Role};
use palm_core::lane::Credit;

/// The servers among which a function may choose the next one.
pub(super) const CHOICES: [&str; 3] = ["a", "b", "c"];

/// The way of a client's messages.
pub(super) struct Journey {
    pub(super) route: String,
    /// The servers of each stage, of which one executes a message, or a branch of it.
    stages: Vec<Vec<usize>>,
    /// Into how many branches each message is split; 0 if into none.
    pub(super) branches: u32,
    /// Among how many servers the first function may choose the next one instead; none if 0.
    pub(super) choices: u8,
}

impl Journey {
    fn new(route: &str, stages: Vec<Vec<usize>>) -> Journey {
        Journey {
            route: route.to_owned(),
            stages,
            branches: 0,
            choices: 0,
        }
    }

    /// Where the client sends to.
    pub(super) fn entry(&self) -> usize {
        self.stages[0][0]
    }

    /// Where it listens, if it is elsewhere.
    pub(super) fn exit(&self) -> Option<usize> {
        let last = self.stages.last()?.first().copied();
        last.filter(|last| *last != self.entry())
    }

    pub(super) fn stages(&self) -> u16 {
        self.stages.len() as u16
    }

    /// The stages at which a message is tried again that has failed: the order of a partition leaves no
    /// room for that.
    pub(super) fn retried(&self, nodes: &[Node]) -> Vec<u16> {
        let retries = |server: &usize| match nodes[*server].role {
            Role::Server {
                execution, retry, ..
            } => retry.is_some() && !matches!(execution, Execution::Partitioned(_)),
            _ => false,
        };
        let stages = (0..).zip(&self.stages);
        let retried = stages.filter(|(_, servers)| servers.iter().all(retries));
        retried.map(|(stage, _)| stage).collect()
    }

    /// The stages that may kill who executes them: a serial server would die of them for ever.
    pub(super) fn expendable(&self, nodes: &[Node]) -> Vec<u16> {
        let is_serial = |server: &usize| {
            let execution = nodes[*server].execution();
            matches!(execution, Some(Execution::Serial(_)))
        };
        let stages = (0..).zip(&self.stages);
        let expendable = stages.filter(|(_, servers)| !servers.iter().any(is_serial));
        expendable.map(|(stage, _)| stage).collect()
    }
}

/// Draws the servers and their workers, and the ways through them that clients may take.
pub(super) fn servers(dice: &mut Dice, nodes: &mut Vec<Node>) -> Vec<Journey> {
    let journey = match dice.below(10) {
        0 => {
            let threads = dice.between(1, 2) as u32;
            let only = server(nodes, "m", Execution::Serial(threads), &[]);
            Journey::new("m.work", vec![vec![only]])
        }
        1 | 2 => {
            let only = server(nodes, "m", Execution::Parallel, &[]);
            workers(dice, nodes, only, 1, 4);
            Journey::new("m.work", vec![vec![only]])
        }
        3 => {
            let partitions = dice.between(1, 3);
            let execution = Execution::Partitioned(partitions as u32);
            let only = server(nodes, "m", execution, &[]);
            workers(dice, nodes, only, partitions, 4);
            Journey::new("m.work", vec![vec![only]])
        }
        4 | 5 => {
            let partitions = dice.between(1, 2);
            let (execution, least) = match dice.below(3) {
                0 => (Execution::Serial(1), 0),
                1 => (Execution::Parallel, 1),
                _ => (Execution::Partitioned(partitions as u32), partitions),
            };
            let last = server(nodes, "s", execution, &[]);
            let first = server(nodes, "m", Execution::Parallel, &[last]);
            workers(dice, nodes, first, 1, 3);
            if least > 0 {
                workers(dice, nodes, last, least, 3);
            }
            // What the message says has precedence over what the server does, which is the same.
            let route = dice.pick(&["m.work", "m.work s.work"]);
            Journey::new(route, vec![vec![first], vec![last]])
        }
        6 => {
            let last = serial_or_parallel(dice, nodes, "z", &[]);
            let middle = serial_or_parallel(dice, nodes, "y", &[last]);
            let first = serial_or_parallel(dice, nodes, "m", &[middle]);
            Journey::new("m.work", vec![vec![first], vec![middle], vec![last]])
        }
        7 => {
            let sink = serial_or_parallel(dice, nodes, "z", &[]);
            let count = dice.between(2, 3) as usize;
            let branches: Vec<usize> = CHOICES[..count]
                .iter()
                .map(|name| serial_or_parallel(dice, nodes, name, &[sink]))
                .collect();
            let tee = serial_or_parallel(dice, nodes, "m", &branches);
            let filters = dice.one_in(3);
            if let Role::Server {
                onward: Onward::Next { filtered, .. },
                ..
            } = &mut nodes[tee].role
            {
                *filtered = filters;
            }
            Journey {
                branches: if filters { 0 } else { count as u32 },
                choices: if dice.one_in(2) { count as u8 } else { 0 },
                ..Journey::new("m.work", vec![vec![tee], branches, vec![sink]])
            }
        }
        _ => return by_route(dice, nodes),
    };
    vec![journey]
}

/// Servers that find each other by name, of which two may share one, and ways through them, which may
/// go back to where they have been.
fn by_route(dice: &mut Dice, nodes: &mut Vec<Node>) -> Vec<Journey> {
    let names = &["m", "x", "y", "z"][..dice.between(2, 4) as usize];
    let mut servers: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        // A gap: a client may also send to a name that several share, and listen to all of those that
        // share the last one. Here it knows one server for each.
        let is_between = place > 0 && place + 1 < names.len();
        let count = if is_between && dice.one_in(3) { 2 } else { 1 };
        let sharing = (0..count).map(|_| serial_or_parallel(dice, nodes, name, &[]));
        let sharing: Vec<usize> = sharing.collect();
        for server in &sharing {
            if let Role::Server { onward, .. } = &mut nodes[*server].role {
                *onward = Onward::Route { shares: count > 1 };
            }
        }
        servers.push((name, sharing));
    }
    let ways = dice.between(1, 2);
    let journeys = (0..ways).map(|_| {
        let mut way = servers.clone();
        way.retain(|(_, sharing)| sharing.len() > 1 || !dice.one_in(4));
        let is_known = |(_, sharing): &(&str, Vec<usize>)| sharing.len() == 1;
        if !(way.first().is_some_and(is_known) && way.last().is_some_and(is_known)) {
            way.clone_from(&servers);
        }
        if dice.one_in(3) {
            let last = dice.below(way.len() as u64) as usize;
            let back = dice.below(last as u64 + 1) as usize;
            let again = way[back..].to_vec();
            way.truncate(last + 1);
            way.extend(again);
        }
        let route = way.iter().map(|(name, _)| format!("{name}.work"));
        let route: Vec<String> = route.collect();
        let stages = way.into_iter().map(|(_, sharing)| sharing);
        Journey::new(&route.join(" "), stages.collect())
    });
    journeys.collect()
}

fn serial_or_parallel(
    dice: &mut Dice,
    nodes: &mut Vec<Node>,
    name: &str,
    nexts: &[usize],
) -> usize {
    let parallel = dice.one_in(2);
    let execution = match parallel {
        true => Execution::Parallel,
        false => Execution::Serial(dice.between(1, 2) as u32),
    };
    let server = server(nodes, name, execution, nexts);
    if parallel {
        workers(dice, nodes, server, 1, 2);
    }
    server
}

fn server(nodes: &mut Vec<Node>, name: &str, execution: Execution, nexts: &[usize]) -> usize {
    let named = |next: &usize| (*next, nodes[*next].name.clone());
    let nexts = nexts.iter().map(named).collect();
    nodes.push(Node {
        name: name.to_owned(),
        role: Role::Server {
            execution,
            onward: Onward::Next {
                servers: nexts,
                filtered: false,
            },
            durable: false,
            retry: None,
        },
        window: Credit::default(),
    });
    nodes.len() - 1
}

fn workers(dice: &mut Dice, nodes: &mut Vec<Node>, master: usize, least: u64, most: u64) {
    for number in 1..=dice.between(least, most) {
        let name = format!("{}w{number}", nodes[master].name);
        let threads = dice.between(1, 3) as u32;
        nodes.push(Node {
            name,
            role: Role::Worker { master, threads },
            window: Credit::default(),
        });
    }
}
