use super::disk::Disk;
use super::family::Function;
use super::payload::Start;
use super::scenario::{Execution, JobPlan, Node, Onward, Role};
use bytes::Bytes;
use palm_core::wire::{self, Frame, Outcome};
use palm_core::{Frames, Incarnation, Message, PeerId, Route, Step};
use palm_highlevel::Retry;
use palm_highlevel::client::machine::{Arrival, ClientMachine, Receipt, Submission};
use palm_highlevel::engine::{
    self, Action, Address, Done, Engine, EngineConfig, Event, Filter, LaneView, Next, Output,
};
use palm_highlevel::store::StoreError;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How often a server that tries messages again executes one that fails.
const ATTEMPTS: u32 = 2;

/// One life of a process: its machine and what the thin loops around it have besides sockets.
pub(super) struct Process {
    pub(super) incarnation: Incarnation,
    /// Whom clients and servers know it as: with a store, as the first process that had it.
    pub(super) identity: Incarnation,
    pub(super) life: u32,
    pub(super) machine: Machine,
    /// When it started.
    born: Duration,
    /// How far its clock is ahead.
    pub(super) ahead: Duration,
    /// By its own clock.
    pub(super) tick_at: Duration,
    /// When it has its next turn.
    pub(super) turn_at: Option<Duration>,
    pub(super) last_turn: Duration,
    pub(super) router: VecDeque<(PeerId, Frames)>,
    pub(super) dealers: Vec<Dealer>,
    /// Until when each of its function threads is busy.
    pub(super) threads: Vec<Duration>,
    pub(super) ended: VecDeque<(Vec<Done>, bool)>,
    /// The tasks whose functions have hung for longer than their lease.
    pub(super) overdue: VecDeque<u64>,
    /// The tasks that nobody waits for any more.
    pub(super) recalled: BTreeSet<u64>,
    /// What its store has done since its last turn.
    pub(super) stored: VecDeque<Event>,
    pub(super) actions: Vec<Action>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) stopping: bool,
    pub(super) drain_until: Option<Duration>,
    /// Its functions are slow until then.
    pub(super) slow: Duration,
    /// Its ROUTER takes no frames until then.
    pub(super) blocked: Duration,
    pub(super) application: Option<Application>,
}

/// What runs in a process.
pub(super) enum Machine {
    Server(Box<Engine>),
    Client(Box<ClientMachine>),
}

/// A DEALER of a process.
#[derive(Debug, Default)]
pub(super) struct Dealer {
    /// The node that it connects to, once that is found.
    pub(super) target: Option<usize>,
    /// The name of the server that it is to lead to, if it has to be found.
    pub(super) name: Option<String>,
    /// How often it was made anew.
    pub(super) made: u32,
    pub(super) connection: Option<u32>,
    /// A frame could not be sent: the loop waits until one can be.
    pub(super) blocked: bool,
    pub(super) inbox: VecDeque<Frames>,
}

/// What an application has handed to its client.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) index: u64,
    /// How often the application had cancelled all before.
    pub(super) round: u32,
    pub(super) payload: Bytes,
    /// When it expires, by the clock of the process.
    pub(super) expires: Option<Duration>,
}

/// What uses a client.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) plan: JobPlan,
    pub(super) route: Arc<Route>,
    pub(super) submitted: u64,
    /// Handed to the client, which has no room for them yet.
    pub(super) waiting: VecDeque<Submitted>,
    /// How often it has cancelled all that it had submitted.
    pub(super) round: u32,
    /// Whether the client is to hear of that.
    pub(super) cancels: bool,
    pub(super) ended: u64,
    /// Endings that have come and are not taken yet.
    pub(super) here: Vec<Receipt>,
    /// Endings that are taken, of which the client does not know yet.
    pub(super) taken: Vec<Receipt>,
    /// It takes nothing until then.
    pub(super) busy: Duration,
    pub(super) take_planned: bool,
}

/// The only job of a client.
const JOB: u64 = 1;

impl Application {
    fn new(plan: JobPlan, incarnation: Incarnation) -> Application {
        let route = Route::parse(incarnation, JOB, &plan.route).expect("the route of a scenario");
        Application {
            plan,
            route: Arc::new(route),
            submitted: 0,
            waiting: VecDeque::new(),
            round: 0,
            cancels: false,
            ended: 0,
            here: Vec::new(),
            taken: Vec::new(),
            busy: Duration::ZERO,
            take_planned: false,
        }
    }

    /// Whether it has submitted all, and has taken all endings.
    pub(super) fn is_done(&self) -> bool {
        self.submitted == self.plan.count
            && self.ended == self.plan.count
            && self.here.is_empty()
            && self.taken.is_empty()
    }
}

impl Process {
    pub(super) fn start(
        node: &Node,
        number: usize,
        life: u32,
        incarnation: Incarnation,
        now: Duration,
        disk: &mut Disk,
    ) -> Result<Process, StoreError> {
        let mut identity = incarnation;
        let (machine, targets, threads) = match &node.role {
            Role::Server {
                execution,
                onward,
                durable,
                ..
            } => {
                let disk = durable.then_some(disk);
                if disk.is_some() {
                    identity = first_life(incarnation);
                }
                server(node, incarnation, *execution, onward, now, disk)?
            }
            Role::Worker { master, threads } => {
                let config = config(node, incarnation, wire::Role::Worker, now);
                let execution = engine::Execution::Serial(*threads);
                let engine = Engine::new(config, execution, Output::Reply);
                (Machine::Server(Box::new(engine)), vec![*master], *threads)
            }
            Role::Client { entry, exit, .. } => {
                let name = format!("{}-{incarnation}", node.name);
                let listens = exit.is_some();
                let machine = ClientMachine::new(
                    incarnation,
                    name,
                    number as u32,
                    node.window,
                    listens,
                    None,
                );
                let targets = [Some(*entry), *exit].into_iter().flatten().collect();
                (Machine::Client(Box::new(machine)), targets, 0)
            }
        };
        let application = match &node.role {
            Role::Client { job, .. } => Some(Application::new(job.clone(), incarnation)),
            _ => None,
        };
        Ok(Process {
            incarnation,
            identity,
            life,
            machine,
            born: now,
            ahead: Duration::ZERO,
            tick_at: Duration::ZERO,
            turn_at: None,
            last_turn: now,
            router: VecDeque::new(),
            dealers: targets
                .into_iter()
                .map(|target| Dealer {
                    target: Some(target),
                    blocked: true,
                    ..Dealer::default()
                })
                .collect(),
            threads: vec![now; threads as usize],
            ended: VecDeque::new(),
            overdue: VecDeque::new(),
            recalled: BTreeSet::new(),
            stored: VecDeque::new(),
            actions: Vec::new(),
            arrivals: Vec::new(),
            stopping: false,
            drain_until: None,
            slow: Duration::ZERO,
            blocked: Duration::ZERO,
            application,
        })
    }

    /// What its clock says.
    pub(super) fn clock(&self, now: Duration) -> Duration {
        now - self.born + self.ahead
    }

    /// When its clock says `local`.
    pub(super) fn world_time(&self, local: Duration) -> Duration {
        (local + self.born).saturating_sub(self.ahead)
    }

    pub(super) fn step(&mut self, now: Duration, event: Event) {
        let local = self.clock(now);
        match &mut self.machine {
            Machine::Server(engine) => engine.step(local, event, &mut self.actions),
            Machine::Client(client) => {
                client.step(local, event, &mut self.arrivals, &mut self.actions);
            }
        }
    }

    pub(super) fn tick(&mut self, now: Duration) {
        let local = self.clock(now);
        if local >= self.tick_at {
            self.step(now, Event::Tick);
            self.tick_at = match &self.machine {
                Machine::Server(engine) => engine.next_deadline(local),
                Machine::Client(client) => client.next_deadline(local),
            };
        }
    }

    pub(super) fn bye(&mut self) {
        match &mut self.machine {
            Machine::Server(engine) => engine.bye("it was told to stop", &mut self.actions),
            Machine::Client(client) => client.bye(&mut self.actions),
        }
    }

    /// What a client's loop does for its application: receipts and cancelling first, then submissions. Gives
    /// back what it has sent.
    pub(super) fn take_commands(&mut self, now: Duration) -> Vec<u64> {
        let now = self.clock(now);
        let (Machine::Client(client), Some(application)) =
            (&mut self.machine, &mut self.application)
        else {
            return Vec::new();
        };
        for receipt in application.taken.drain(..) {
            client.take(receipt);
        }
        let (cancels, round) = (std::mem::take(&mut application.cancels), application.round);
        let arrivals = &mut self.arrivals;
        application.waiting.retain(|waiting| {
            let outcome = match waiting.expires {
                _ if cancels && waiting.round < round => Outcome::Cancelled,
                Some(at) if at <= now => Outcome::Expired,
                _ => return true,
            };
            client.end_unsent(JOB, waiting.index, outcome, arrivals);
            false
        });
        if cancels {
            client.cancel(JOB, round, &application.route);
        }
        let mut sent = Vec::new();
        while client.has_room()
            && let Some(submitted) = application.waiting.pop_front()
        {
            let submission = Submission {
                job: JOB,
                index: submitted.index,
                round: submitted.round,
                route: application.route.clone(),
                payload: submitted.payload,
                deadline: submitted.expires.map(|at| at.saturating_sub(now)),
            };
            client.submit(now, submission);
            sent.push(submitted.index);
        }
        sent
    }

    /// Whether there is something to do before the next tick.
    pub(super) fn is_ready(&self, network_open: impl Fn(u32) -> bool) -> bool {
        !self.router.is_empty()
            || !self.ended.is_empty()
            || !self.overdue.is_empty()
            || !self.stored.is_empty()
            || self.dealers.iter().any(|dealer| {
                !dealer.inbox.is_empty()
                    || dealer.blocked && dealer.connection.is_some_and(&network_open)
            })
    }

    pub(super) fn lanes(&self) -> Vec<LaneView> {
        match &self.machine {
            Machine::Server(engine) => engine.lanes().collect(),
            Machine::Client(client) => client.lanes().collect(),
        }
    }

    /// How many messages it keeps that it has sent to clients and servers.
    pub(super) fn kept(&self) -> u64 {
        let lanes = self.lanes().into_iter();
        let lanes = lanes.filter(|lane| lane.role != wire::Role::Worker);
        lanes.map(|lane| lane.kept.number).sum()
    }

    pub(super) fn engine(&self) -> Option<&Engine> {
        match &self.machine {
            Machine::Server(engine) => Some(engine),
            Machine::Client(_) => None,
        }
    }

    /// Whether a server or worker that was told to stop may end now.
    pub(super) fn is_drained(&self, now: Duration) -> bool {
        let late = self.drain_until.is_some_and(|until| now >= until);
        self.drain_until.is_some() && (late || self.engine().is_some_and(Engine::is_drained))
    }
}

/// What bytes from a peer are to a machine.
pub(super) fn read(from: Address, frames: Frames) -> Event {
    match Frame::read(frames) {
        Ok(frame) => Event::Frame(from, frame),
        Err(error) => Event::BadFrame(from, error.to_string()),
    }
}

fn server(
    node: &Node,
    incarnation: Incarnation,
    execution: Execution,
    onward: &Onward,
    now: Duration,
    disk: Option<&mut Disk>,
) -> Result<(Machine, Vec<usize>, u32), StoreError> {
    let (execution, threads) = match execution {
        Execution::Serial(threads) => (engine::Execution::Serial(threads), threads),
        Execution::Parallel => (engine::Execution::Parallel, 0),
        Execution::Partitioned(count) => {
            let key = Box::new(|message: &Message| message.id.sequence);
            (engine::Execution::Partitioned(count, key), 0)
        }
    };
    let nexts = match onward {
        Onward::Next { servers, .. } => servers.as_slice(),
        Onward::Route { .. } => &[],
    };
    let targets = nexts.iter().map(|(target, _)| *target).collect();
    let output = match onward {
        Onward::Next { servers, .. } if servers.is_empty() => Output::Reply,
        Onward::Next { servers, filtered } => {
            let among = filtered.then_some(servers.len());
            let nexts = servers.iter().zip(0..);
            let nexts = nexts.map(|((_, name), index)| next(name, index, among));
            Output::Next(nexts.collect())
        }
        Onward::Route { .. } => Output::Route,
    };
    let mut config = config(node, incarnation, wire::Role::Server, now);
    if let Role::Server { retry, .. } = node.role {
        config.retry = retry.map(|wait| Retry::new(ATTEMPTS).backoff(wait));
    }
    config.shares = matches!(onward, Onward::Route { shares: true });
    if threads == 0 {
        // They are its workers'.
        config.functions.clear();
    }
    let engine = match disk {
        Some(disk) => Engine::restored(config, execution, output, &mut disk.open())?,
        None => Engine::new(config, execution, output),
    };
    Ok((Machine::Server(Box::new(engine)), targets, threads))
}

/// The function that results go on to at the server of that name, or those do of which it is the one among
/// so many.
fn next(name: &str, index: usize, among: Option<usize>) -> Next {
    let step = Step {
        server: name.to_owned(),
        function: Function::Work.name().to_owned(),
    };
    let filter = among.map(|count| -> Filter {
        Box::new(move |result| {
            let start = Start::read(result);
            start.is_some_and(|start| start.taker(count) == index)
        })
    });
    Next { step, filter }
}

/// The first process of a node.
pub(super) fn first_life(incarnation: Incarnation) -> Incarnation {
    Incarnation::from_number(incarnation.number() >> 32 << 32 | 1)
}

fn config(node: &Node, incarnation: Incarnation, role: wire::Role, now: Duration) -> EngineConfig {
    EngineConfig {
        incarnation,
        wall: now,
        name: node.name.clone(),
        shares: false,
        role,
        functions: Function::names(),
        pid: incarnation.number() as u32,
        window: node.window,
        threads: 0,
        descendants: 1 << 20,
        cache: 0,
        retry: None,
        retention: Duration::from_secs(60),
    }
}
