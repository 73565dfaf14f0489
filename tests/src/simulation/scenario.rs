use super::dice::Dice;
use super::fault::Fault;
use super::topology::{self, Journey};
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
        onward: Onward,
        /// Whether it has a store.
        durable: bool,
        /// How long it waits before it tries a message again whose function has failed, if it does.
        retry: Option<Duration>,
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

/// Where the results of a server go.
#[derive(Clone, Debug)]
pub(super) enum Onward {
    /// On to these servers, of these names; to clients, if there are none. If they are `filtered`, a message
    /// goes on to [one of them](super::payload::Start::taker), and to all otherwise.
    Next {
        servers: Vec<(usize, String)>,
        filtered: bool,
    },
    /// Where the route of the message says. Others may share the server's name.
    Route { shares: bool },
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
    /// How many it submits at a time.
    pub(super) burst: u64,
    /// The most that a function takes, in microseconds.
    pub(super) cost: u32,
    /// The most bytes that a message is padded with.
    pub(super) padding: u32,
    /// Among how many servers a function may choose the next one; none if 0.
    pub(super) choices: u8,
    /// One message in so many kills who executes it; none if 0.
    pub(super) poison: u64,
    /// At which stage.
    pub(super) poison_at: u16,
    /// A function of one message in so many hangs; of none if 0.
    pub(super) hanging: u64,
    /// At which stage.
    pub(super) hangs_at: u16,
    /// One message in so many fails; none if 0.
    pub(super) failing: u64,
    /// At which stage.
    pub(super) fails_at: u16,
    /// One message in so many fails once, and then does not; none if 0.
    pub(super) flaky: u64,
    /// At which stage.
    pub(super) flaky_at: u16,
    /// One message in so many has a deadline; none if 0.
    pub(super) hurried: u64,
    /// The longest time until that.
    pub(super) deadline: Duration,
    /// After how long the application cancels what it has submitted, if it does.
    pub(super) cancel_after: Option<Duration>,
    /// The function of one message in so many submits others; of none if 0.
    pub(super) families: u64,
    /// How long the application takes to come back for endings.
    pub(super) take_every: Duration,
    /// Whether the client says good-bye once it has all endings.
    pub(super) leaves: bool,
}

impl Node {
    /// How it executes, if it is a server.
    pub(super) fn execution(&self) -> Option<Execution> {
        match self.role {
            Role::Server { execution, .. } => Some(execution),
            _ => None,
        }
    }
}

impl Scenario {
    /// Whether messages reach the servers in the order in which their clients send them.
    pub(super) fn is_in_order(&self) -> bool {
        let goes_on = |node: &Node| match &node.role {
            Role::Server { onward, .. } => match onward {
                Onward::Next { servers, .. } => !servers.is_empty(),
                Onward::Route { .. } => true,
            },
            _ => false,
        };
        !self.nodes.iter().any(goes_on)
    }

    pub(super) fn draw(dice: &mut Dice) -> Scenario {
        let mut nodes = Vec::new();
        let journeys = topology::servers(dice, &mut nodes);
        let narrow = dice.one_in(3);
        // What takes several messages as one.
        let plain = dice.one_in(3);
        for node in &mut nodes {
            node.window = window(dice, narrow);
            match &mut node.role {
                Role::Server {
                    execution: Execution::Serial(threads),
                    ..
                } if plain => *threads = 1,
                Role::Server {
                    execution: Execution::Serial(_) | Execution::Parallel,
                    durable,
                    ..
                } => *durable = dice.one_in(2),
                _ => {}
            }
        }
        let retries = dice.one_in(3);
        for node in &mut nodes {
            if let Role::Server { retry, .. } = &mut node.role {
                *retry = retries.then(|| Duration::from_millis(dice.pick(&[0, 50, 1_000])));
            }
        }
        let quiet = dice.milliseconds(2_000, 25_000);
        let clients = dice.between(1, 3);
        for number in 1..=clients {
            let window = window(dice, narrow);
            let journey = &journeys[dice.below(journeys.len() as u64) as usize];
            let role = Role::Client {
                entry: journey.entry(),
                exit: journey.exit(),
                job: job(dice, journey, &nodes, narrow, quiet),
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
    journey: &Journey,
    nodes: &[Node],
    narrow: bool,
    quiet: Duration,
) -> JobPlan {
    let expendable = journey.expendable(nodes);
    let retried = journey.retried(nodes);
    let hurries = dice.one_in(3);
    let count = match narrow {
        true => dice.between(5, 20),
        false => dice.between(5, 200),
    };
    // Half of the jobs last about as long as there are faults, the others begin with all.
    let burst = dice.pick(&[1, 1, 10, 50]);
    let pause = match dice.one_in(2) {
        true => quiet.mul_f64(1.5) / count.div_ceil(burst) as u32,
        false => Duration::ZERO,
    };
    JobPlan {
        route: journey.route.clone(),
        stages: journey.stages(),
        branches: journey.branches,
        choices: journey.choices,
        count,
        pause,
        burst,
        cost: dice.pick(&[0, 0, 200, 5_000, 5_000, 100_000]),
        padding: dice.pick(&[0, 100, 100, 2_000, 40_000]),
        poison: match !expendable.is_empty() && dice.one_in(4) {
            true => dice.between(20, 100),
            false => 0,
        },
        poison_at: match expendable.is_empty() {
            true => 0,
            false => dice.pick(&expendable),
        },
        hanging: match dice.one_in(4) {
            true => dice.between(20, 100),
            false => 0,
        },
        hangs_at: dice.below(u64::from(journey.stages())) as u16,
        failing: dice.pick(&[0, 0, 10]),
        fails_at: dice.below(u64::from(journey.stages())) as u16,
        flaky: match retried.is_empty() {
            true => 0,
            false => dice.pick(&[0, 3, 10]),
        },
        flaky_at: match retried.is_empty() {
            true => 0,
            false => dice.pick(&retried),
        },
        hurried: match hurries {
            true => dice.pick(&[1, 3, 10]),
            false => 0,
        },
        deadline: Duration::from_millis(dice.pick(&[1, 100, 2_000, 10_000])),
        cancel_after: dice.one_in(4).then(|| dice.duration(Duration::ZERO, quiet)),
        // Children have the keys of their parents, whose owner has to end those first.
        families: match nodes[journey.entry()].execution() {
            Some(Execution::Partitioned(_)) => 0,
            _ => dice.pick(&[0, 0, 3, 10]),
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
