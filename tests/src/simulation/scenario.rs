use super::dice::Dice;
use super::fault::Fault;
use palm_core::lane::Credit;
use std::time::Duration;

/// What a simulation consists of: the processes, their jobs, and what is done to them. All of it
/// is drawn from the seed.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) nodes: Vec<Node>,
    /// The shortest and the longest time of a frame on its way.
    pub(super) latency: (Duration, Duration),
    pub(super) rates: Rates,
    /// When each of the planned faults comes, in order.
    pub(super) faults: Vec<(Duration, Fault)>,
    /// No fault begins from here on.
    pub(super) quiet: Duration,
}

/// Of ten thousand frames, how many meet with what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) loss: u64,
    pub(super) duplicate: u64,
    pub(super) reorder: u64,
    pub(super) delay: u64,
}

impl Rates {
    pub(super) fn are_any(&self) -> bool {
        self.loss + self.duplicate + self.reorder + self.delay > 0
    }
}

/// A place for a process: one after another may have it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) window: Credit,
}

#[derive(Clone, Debug)]
pub(super) enum Role {
    Server {
        execution: Execution,
        next: Option<usize>,
        /// Whether it has a store.
        durable: bool,
    },
    Worker {
        master: usize,
        threads: u32,
    },
    Client {
        entry: usize,
        exit: Option<usize>,
        job: JobPlan,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Execution {
    Serial(u32),
    Parallel,
    Partitioned(u32),
}

/// What a client's application does.
#[derive(Clone, Debug)]
pub(super) struct JobPlan {
    pub(super) route: String,
    pub(super) stages: u16,
    pub(super) count: u64,
    /// The time between two submissions, at most.
    pub(super) pause: Duration,
    /// The most that a function takes, in microseconds.
    pub(super) cost: u32,
    /// The most bytes that a message is padded with.
    pub(super) padding: u32,
    /// One message in so many kills who executes it; none if 0.
    pub(super) poison: u64,
    /// One message in so many fails; none if 0.
    pub(super) failing: u64,
    /// How long the application takes to come back for endings.
    pub(super) take_every: Duration,
    /// Whether the client says good-bye once it has all endings.
    pub(super) leaves: bool,
}

impl Scenario {
    /// Whether messages reach the servers in the order in which their clients send them.
    pub(super) fn is_in_order(&self) -> bool {
        let chained = |node: &Node| matches!(node.role, Role::Server { next: Some(_), .. });
        !self.nodes.iter().any(chained)
    }

    pub(super) fn draw(dice: &mut Dice) -> Scenario {
        let mut nodes = Vec::new();
        let (entry, exit, route) = servers(dice, &mut nodes);
        let narrow = dice.one_in(3);
        for node in &mut nodes {
            node.window = window(dice, narrow);
            if let Role::Server {
                execution: Execution::Serial(_) | Execution::Parallel,
                durable,
                ..
            } = &mut node.role
            {
                *durable = dice.one_in(2);
            }
        }
        let has_workers = nodes
            .iter()
            .any(|node| matches!(node.role, Role::Worker { .. }));
        let quiet = dice.milliseconds(2_000, 25_000);
        let clients = dice.between(1, 3);
        for number in 1..=clients {
            let window = window(dice, narrow);
            let role = Role::Client {
                entry,
                exit,
                job: job(dice, &route, narrow, quiet, has_workers),
            };
            let name = format!("client{number}");
            nodes.push(Node { name, role, window });
        }
        Scenario {
            nodes,
            latency: latency(dice),
            rates: rates(dice),
            faults: faults(dice, quiet),
            quiet,
        }
    }
}

/// The servers and their workers; gives back the entry, the exit if it is another, and the route.
fn servers(dice: &mut Dice, nodes: &mut Vec<Node>) -> (usize, Option<usize>, String) {
    match dice.below(6) {
        0 => {
            let threads = dice.between(1, 2) as u32;
            let only = server(nodes, "m", Execution::Serial(threads), None);
            (only, None, "m.work".to_owned())
        }
        1 | 2 => {
            let only = server(nodes, "m", Execution::Parallel, None);
            workers(dice, nodes, only, 1, 4);
            (only, None, "m.work".to_owned())
        }
        3 => {
            let partitions = dice.between(1, 3);
            let execution = Execution::Partitioned(partitions as u32);
            let only = server(nodes, "m", execution, None);
            workers(dice, nodes, only, partitions, 4);
            (only, None, "m.work".to_owned())
        }
        _ => {
            let partitions = dice.between(1, 2);
            let (execution, least) = match dice.below(3) {
                0 => (Execution::Serial(1), 0),
                1 => (Execution::Parallel, 1),
                _ => (Execution::Partitioned(partitions as u32), partitions),
            };
            let last = server(nodes, "s", execution, None);
            let first = server(nodes, "m", Execution::Parallel, Some(last));
            workers(dice, nodes, first, 1, 3);
            if least > 0 {
                workers(dice, nodes, last, least, 3);
            }
            (first, Some(last), "m.work s.work".to_owned())
        }
    }
}

fn server(nodes: &mut Vec<Node>, name: &str, execution: Execution, next: Option<usize>) -> usize {
    nodes.push(Node {
        name: name.to_owned(),
        role: Role::Server {
            execution,
            next,
            durable: false,
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

/// A wide window, or one that may be tiny.
fn window(dice: &mut Dice, narrow: bool) -> Credit {
    match narrow {
        true => Credit {
            number: dice.pick(&[1 << 17, 16, 4, 2, 1]),
            bytes: dice.pick(&[64 << 20, 4096, 200, 1]),
        },
        false => Credit {
            number: dice.pick(&[1 << 17, 1 << 17, 1000, 128]),
            bytes: dice.pick(&[64 << 20, 64 << 20, 64 << 10]),
        },
    }
}

fn job(dice: &mut Dice, route: &str, narrow: bool, quiet: Duration, has_workers: bool) -> JobPlan {
    let count = match narrow {
        true => dice.between(5, 20),
        false => dice.between(5, 200),
    };
    // Half of the jobs last about as long as there are faults, the others begin with all.
    let pause = match dice.one_in(2) {
        true => quiet.mul_f64(1.5) / count as u32,
        false => Duration::ZERO,
    };
    JobPlan {
        route: route.to_owned(),
        stages: route.split_whitespace().count() as u16,
        count,
        pause,
        cost: dice.pick(&[0, 200, 5_000, 5_000, 100_000]),
        padding: dice.pick(&[0, 100, 100, 2_000, 40_000]),
        poison: match has_workers && dice.one_in(4) {
            true => dice.between(20, 100),
            false => 0,
        },
        failing: dice.pick(&[0, 0, 10]),
        take_every: Duration::from_millis(dice.pick(&[0, 0, 1, 50, 500])),
        leaves: dice.one_in(2),
    }
}

fn latency(dice: &mut Dice) -> (Duration, Duration) {
    let microseconds = dice.pick(&[(20, 60), (50, 500), (500, 20_000)]);
    (
        Duration::from_micros(microseconds.0),
        Duration::from_micros(microseconds.1),
    )
}

/// TCP alone in half of the simulations, in the others what it would never do as well.
fn rates(dice: &mut Dice) -> Rates {
    let mut rates = Rates::default();
    if dice.one_in(2) {
        for rate in [
            &mut rates.loss,
            &mut rates.duplicate,
            &mut rates.reorder,
            &mut rates.delay,
        ] {
            *rate = dice.pick(&[0, 50, 500, 2000]);
        }
    }
    rates
}

/// Faults of some kinds, at random times before it is quiet.
fn faults(dice: &mut Dice, quiet: Duration) -> Vec<(Duration, Fault)> {
    let kinds: Vec<Fault> = Fault::PLANNED
        .into_iter()
        .filter(|_| dice.one_in(3))
        .collect();
    if kinds.is_empty() {
        return Vec::new();
    }
    let count = dice.between(1, 16);
    let mut faults: Vec<(Duration, Fault)> = (0..count)
        .map(|_| (dice.duration(Duration::ZERO, quiet), dice.pick(&kinds)))
        .collect();
    faults.sort();
    faults
}
