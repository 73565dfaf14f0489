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
        /// The servers that its results go on to, and their names.
        nexts: Vec<(usize, String)>,
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
    /// Into how many branches each message is split; 0 if into none.
    pub(super) branches: u32,
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
    /// The function of one message in so many submits others; of none if 0.
    pub(super) families: u64,
    /// How long the application takes to come back for endings.
    pub(super) take_every: Duration,
    /// Whether the client says good-bye once it has all endings.
    pub(super) leaves: bool,
}

impl Scenario {
    /// Whether messages reach the servers in the order in which their clients send them.
    pub(super) fn is_in_order(&self) -> bool {
        let chained =
            |node: &Node| matches!(&node.role, Role::Server { nexts, .. } if !nexts.is_empty());
        !self.nodes.iter().any(chained)
    }

    pub(super) fn draw(dice: &mut Dice) -> Scenario {
        let mut nodes = Vec::new();
        let topology = servers(dice, &mut nodes);
        let (entry, exit) = (topology.entry, topology.exit);
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
        let Role::Server { execution, .. } = nodes[entry].role else {
            unreachable!("clients send to servers");
        };
        let quiet = dice.milliseconds(2_000, 25_000);
        let clients = dice.between(1, 3);
        for number in 1..=clients {
            let window = window(dice, narrow);
            let role = Role::Client {
                entry,
                exit,
                job: job(dice, &topology, narrow, quiet, execution),
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

/// Where clients send to, and what becomes of their messages.
struct Topology {
    entry: usize,
    /// Where they listen, if it is elsewhere.
    exit: Option<usize>,
    route: &'static str,
    stages: u16,
    branches: u32,
}

impl Topology {
    fn one(only: usize) -> Topology {
        Topology {
            entry: only,
            exit: None,
            route: "m.work",
            stages: 1,
            branches: 0,
        }
    }
}

/// The servers and their workers.
fn servers(dice: &mut Dice, nodes: &mut Vec<Node>) -> Topology {
    match dice.below(8) {
        0 => {
            let threads = dice.between(1, 2) as u32;
            Topology::one(server(nodes, "m", Execution::Serial(threads), &[]))
        }
        1 | 2 => {
            let only = server(nodes, "m", Execution::Parallel, &[]);
            workers(dice, nodes, only, 1, 4);
            Topology::one(only)
        }
        3 => {
            let partitions = dice.between(1, 3);
            let execution = Execution::Partitioned(partitions as u32);
            let only = server(nodes, "m", execution, &[]);
            workers(dice, nodes, only, partitions, 4);
            Topology::one(only)
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
            Topology {
                entry: first,
                exit: Some(last),
                // What the message says has precedence over what the server does, which is the same.
                route: dice.pick(&["m.work", "m.work s.work"]),
                stages: 2,
                branches: 0,
            }
        }
        6 => {
            let last = serial_or_parallel(dice, nodes, "z", &[]);
            let middle = serial_or_parallel(dice, nodes, "y", &[last]);
            let first = serial_or_parallel(dice, nodes, "m", &[middle]);
            Topology {
                entry: first,
                exit: Some(last),
                route: "m.work",
                stages: 3,
                branches: 0,
            }
        }
        _ => {
            let sink = serial_or_parallel(dice, nodes, "z", &[]);
            let names = ["a", "b", "c"];
            let count = dice.between(2, 3) as usize;
            let branches: Vec<usize> = names[..count]
                .iter()
                .map(|name| serial_or_parallel(dice, nodes, name, &[sink]))
                .collect();
            let tee = serial_or_parallel(dice, nodes, "m", &branches);
            Topology {
                entry: tee,
                exit: Some(sink),
                route: "m.work",
                stages: 3,
                branches: count as u32,
            }
        }
    }
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
            nexts,
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

fn job(
    dice: &mut Dice,
    topology: &Topology,
    narrow: bool,
    quiet: Duration,
    execution: Execution,
) -> JobPlan {
    // A serial server would die of poison for ever.
    let has_workers = !matches!(execution, Execution::Serial(_));
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
        route: topology.route.to_owned(),
        stages: topology.stages,
        branches: topology.branches,
        count,
        pause,
        cost: dice.pick(&[0, 200, 5_000, 5_000, 100_000]),
        padding: dice.pick(&[0, 100, 100, 2_000, 40_000]),
        poison: match has_workers && dice.one_in(4) {
            true => dice.between(20, 100),
            false => 0,
        },
        failing: dice.pick(&[0, 0, 10]),
        // Children have the keys of their parents, whose owner has to end those first.
        families: match execution {
            Execution::Partitioned(_) => 0,
            Execution::Serial(_) | Execution::Parallel => dice.pick(&[0, 0, 3, 10]),
        },
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
