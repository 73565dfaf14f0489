use super::dice::Dice;
use super::disk::Disk;
use super::family;
use super::fault::{Fault, Injected};
use super::functions::Ended;
use super::network::{Network, Way};
use super::payload::{Kind, Start};
use super::process::{Machine, Process, Submitted};
use super::scenario::{Role, Scenario};
use super::trace::Trace;
use super::wiretap::Wiretap;
use super::witness::{Violation, Witness};
use palm_core::{Frames, Incarnation, Path};
use palm_highlevel::engine::Reading;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

/// Processes, the network between them, what happens next, and what is known of it all.
pub(super) struct World {
    pub(super) scenario: Scenario,
    pub(super) now: Duration,
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    pub(super) dice: Dice,
    pub(super) trace: Trace,
    pub(super) injected: Injected,
    pub(super) processes: Vec<Option<Box<Process>>>,
    /// How many processes each node has had.
    pub(super) lives: Vec<u32>,
    /// Until when the process of each node is stopped.
    pub(super) stopped: Vec<Duration>,
    /// The store of each node, which outlasts its processes.
    pub(super) disks: Vec<Disk>,
    /// At which moment the process of each node is to die.
    pub(super) moments: Vec<Option<Fault>>,
    pub(super) network: Network,
    pub(super) wiretap: Wiretap,
    pub(super) witness: Witness,
    pub(super) violation: Option<Violation>,
    /// Until when faults that have begun last.
    pub(super) disturbed: Duration,
    /// The last server that was killed, and until when it recovers.
    pub(super) recovering: (usize, Duration),
    /// How much longer than undisturbed the functions and the applications take.
    pub(super) work: Duration,
    turns: u64,
}

/// Something that happens at a time.
pub(super) enum Happening {
    Start(usize),
    Turn(usize, u32),
    Connect {
        node: usize,
        life: u32,
        dealer: usize,
        made: u32,
    },
    /// The registry has said to which node a DEALER is to lead.
    Found {
        node: usize,
        life: u32,
        dealer: usize,
        target: usize,
    },
    Deliver(u32, Way, Frames),
    Close(u32, Way),
    Executed(usize, u32, Vec<Ended>, bool),
    /// The lease of a task has run out.
    Overdue(usize, u32, u64),
    Flushed(usize, u32, u64),
    Read(usize, u32, Reading),
    Room(usize, u32),
    Die(usize, u32),
    Submit(usize, u32),
    Take(usize, u32),
    Cancel(usize, u32),
    Strike(Fault),
}

struct Planned {
    at: Duration,
    number: u64,
    happening: Happening,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Planned) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Planned) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Planned) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// After how many turns everything is looked at.
const CHECK_EVERY: u64 = 64;

/// How long after the last fault, and the work itself, everything has to have ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server keeps what a client that has gone does not fetch; what came before on the same
/// lane waits for it.
const RETENTION: Duration = Duration::from_secs(61);

/// How long after the last ending everything has to be at rest.
const REST: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn new(seed: u64, printed: bool) -> World {
        let mut dice = Dice::new(seed);
        let scenario = Scenario::draw(&mut dice);
        let count = scenario.nodes.len();
        let mut world = World {
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            planned: 0,
            dice,
            trace: Trace::new(printed),
            injected: Injected::default(),
            processes: (0..count).map(|_| None).collect(),
            lives: vec![0; count],
            stopped: vec![Duration::ZERO; count],
            disks: (0..count).map(|_| Disk::default()).collect(),
            moments: vec![None; count],
            network: Network::default(),
            wiretap: Wiretap::default(),
            witness: Witness::default(),
            violation: None,
            disturbed: Duration::ZERO,
            recovering: (0, Duration::ZERO),
            work: work(&scenario),
            turns: 0,
            scenario,
        };
        // Enough frames that are lost or late are the silence of a worker.
        world.witness.workers_lost = world.scenario.rates.are_any();
        world
            .trace
            .note(world.now, &[seed], format_args!("{:#?}", world.scenario));
        for node in 0..count {
            let at = world.dice.milliseconds(0, 500);
            world.plan(at, Happening::Start(node));
        }
        for (at, fault) in world.scenario.faults.clone() {
            world.plan(at, Happening::Strike(fault));
        }
        world
    }

    pub(super) fn plan(&mut self, at: Duration, happening: Happening) {
        self.planned += 1;
        self.queue.push(Reverse(Planned {
            at,
            number: self.planned,
            happening,
        }));
    }

    /// Whether frames may still meet with faults.
    pub(super) fn is_disturbed(&self) -> bool {
        self.now < self.scenario.quiet
    }

    /// Notes that a fault lasts until then.
    pub(super) fn disturb(&mut self, until: Duration) {
        self.disturbed = self.disturbed.max(until);
    }

    /// Runs until everything has ended and is at rest, or a rule is broken.
    pub(super) fn run(&mut self) {
        let mut rest_at = None;
        while self.violation.is_none()
            && let Some(Reverse(Planned { at, happening, .. })) = self.queue.pop()
        {
            self.now = at;
            self.happen(happening);
            let calm = self.scenario.quiet.max(self.disturbed);
            if self.now < calm || !self.turns.is_multiple_of(8) {
                continue;
            }
            let retention = RETENTION * self.witness.clients_gone();
            match rest_at {
                None if self.is_done() => {
                    let ours = retention.min(2 * RETENTION);
                    rest_at = Some(self.now + REST + ours);
                }
                None if self.now > calm + PATIENCE + self.work + retention => {
                    return self.fail(Violation::Lost(format!(
                        "rule 8: {:?} after the last fault {}",
                        self.now - calm,
                        self.unfinished()
                    )));
                }
                Some(at) if self.now >= at => return self.check_rest(),
                _ => {}
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Start(node) => self.start(node),
            Happening::Turn(node, life) => {
                let now = self.now;
                let due = self
                    .process(node, life)
                    .is_some_and(|process| process.turn_at == Some(now));
                if due {
                    self.turn(node);
                    self.turns += 1;
                    self.check_process(node);
                    if self.turns.is_multiple_of(CHECK_EVERY) {
                        self.check_all();
                    }
                }
            }
            Happening::Connect {
                node,
                life,
                dealer,
                made,
            } => self.connect(node, life, dealer, made),
            Happening::Found {
                node,
                life,
                dealer,
                target,
            } => self.found(node, life, dealer, target),
            Happening::Deliver(connection, way, frames) => self.deliver(connection, way, frames),
            Happening::Close(connection, way) => self.close(connection, way),
            Happening::Executed(node, life, done, all) => self.executed(node, life, done, all),
            Happening::Overdue(node, life, token) => self.overdue(node, life, token),
            Happening::Flushed(node, life, number) => self.flushed(node, life, number),
            Happening::Read(node, life, reading) => self.read_back(node, life, reading),
            Happening::Room(node, life) => self.make_room(node, life),
            Happening::Die(node, life) => {
                if self.process(node, life).is_some() {
                    if self.stopped[node] > self.now {
                        return self.plan(self.stopped[node], Happening::Die(node, life));
                    }
                    self.injected.count(Fault::Poison);
                    let delay = self.dice.milliseconds(20, 500);
                    self.kill(node, delay, "poisoned");
                }
            }
            Happening::Submit(node, life) => self.submit(node, life),
            Happening::Take(node, life) => self.take(node, life),
            Happening::Cancel(node, life) => self.cancel(node, life),
            Happening::Strike(fault) => self.strike(fault),
        }
    }

    pub(super) fn fail(&mut self, violation: Violation) {
        let words = format!("VIOLATION {violation:?}");
        self.trace
            .note(self.now, &[u64::MAX], format_args!("{words}"));
        self.violation.get_or_insert(violation);
    }

    /// The process of a node, if it is still in that life.
    pub(super) fn process(&mut self, node: usize, life: u32) -> Option<&mut Process> {
        let process = self.processes[node].as_deref_mut()?;
        (process.life == life).then_some(process)
    }

    pub(super) fn name(&self, node: usize) -> &str {
        &self.scenario.nodes[node].name
    }

    fn start(&mut self, node: usize) {
        if self.processes[node].is_some() {
            return;
        }
        self.lives[node] += 1;
        let life = self.lives[node];
        let incarnation = Incarnation::from_number((node as u64 + 1) << 32 | u64::from(life));
        let process = Process::start(
            &self.scenario.nodes[node],
            node,
            life,
            incarnation,
            self.now,
            &mut self.disks[node],
        );
        let process = match process {
            Ok(process) => process,
            Err(_) if self.disks[node].has_died() => return self.died_opening(node),
            Err(error) => {
                let message = format!("rule 5: {} can't start: {error}", self.name(node));
                return self.fail(Violation::Broken(message));
            }
        };
        self.opened(node);
        if self.is_durable(node) {
            self.wiretap.keeps(process.identity);
        }
        let words = format!("{} starts as {incarnation}", self.name(node));
        self.trace.note(
            self.now,
            &[1, incarnation.number()],
            format_args!("{words}"),
        );
        if let Role::Client { job, .. } = &self.scenario.nodes[node].role {
            self.witness.client(incarnation, job.stages, job.branches);
            let cancelled = job.cancel_after;
            self.plan(self.now, Happening::Submit(node, life));
            if let Some(after) = cancelled {
                self.plan(self.now + after, Happening::Cancel(node, life));
            }
        }
        self.stopped[node] = self.now;
        let dealers = process.dealers.len();
        self.processes[node] = Some(Box::new(process));
        for dealer in 0..dealers {
            self.plan(
                self.now,
                Happening::Connect {
                    node,
                    life,
                    dealer,
                    made: 0,
                },
            );
        }
        self.wake(node, self.now);
    }

    /// Kills the process of a node; another starts after `delay`.
    pub(super) fn kill(&mut self, node: usize, delay: Duration, why: &str) {
        let Some(process) = self.processes[node].take() else {
            return;
        };
        let words = format!("{} dies: {why}", self.name(node));
        self.trace
            .note(self.now, &[2, node as u64], format_args!("{words}"));
        if let Machine::Client(_) = process.machine {
            self.witness.gone(process.incarnation);
        }
        if let Role::Worker { .. } = self.scenario.nodes[node].role {
            self.witness.workers_lost = true;
        }
        let survives = self.dice.one_in(2);
        self.disks[node].crash(survives);
        self.arm_opening(node);
        // Mostly the other ends learn of it at once, sometimes only by silence.
        let abruptly = self.dice.one_in(6);
        for connection in self.network.of_process(node, process.life) {
            let ours = match self.network.get(connection) {
                Some(found) if found.router == (node, process.life) => Way::ToRouter,
                _ => Way::ToDealer,
            };
            self.network.close(connection, ours);
            let delay = match abruptly {
                true => self.dice.milliseconds(500, 3_000),
                false => self.dice.duration(Duration::ZERO, self.scenario.latency.1),
            };
            self.plan(self.now + delay, Happening::Close(connection, ours.other()));
        }
        self.plan(self.now + delay, Happening::Start(node));
        self.disturb(self.now + delay);
        self.check_all();
    }

    /// Whether the server of a node has a store.
    pub(super) fn is_durable(&self, node: usize) -> bool {
        matches!(
            self.scenario.nodes[node].role,
            Role::Server { durable: true, .. }
        )
    }

    /// Has a process's next turn come no later than `at`, unless it is stopped.
    pub(super) fn wake(&mut self, node: usize, at: Duration) {
        /// How long a turn takes at least.
        const TURN: Duration = Duration::from_micros(10);
        let stopped = self.stopped[node];
        let Some(process) = self.processes[node].as_deref_mut() else {
            return;
        };
        let at = at.max(stopped).max(process.last_turn + TURN);
        if process
            .turn_at
            .is_none_or(|turn| at < turn || turn <= self.now)
        {
            process.turn_at = Some(at);
            let life = process.life;
            self.plan(at, Happening::Turn(node, life));
        }
    }

    fn submit(&mut self, node: usize, life: u32) {
        let now = self.now;
        let dice = &mut self.dice;
        let Some(process) = self.processes[node]
            .as_deref_mut()
            .filter(|process| process.life == life)
        else {
            return;
        };
        let incarnation = process.incarnation;
        let local = process.clock(now);
        let Some(application) = &mut process.application else {
            return;
        };
        let plan = &application.plan;
        let mut next = None;
        while application.submitted < plan.count {
            let once_in = |dice: &mut Dice, n: u64| n > 0 && dice.one_in(n);
            let kind = if once_in(dice, plan.poison) {
                Kind::Poison
            } else if once_in(dice, plan.failing) {
                Kind::Failing
            } else if once_in(dice, plan.flaky) {
                Kind::Flaky
            } else if once_in(dice, plan.hanging) {
                Kind::Hanging
            } else {
                Kind::Plain
            };
            let stage = match kind {
                Kind::Plain => 0,
                Kind::Failing => plan.fails_at,
                Kind::Flaky => plan.flaky_at,
                Kind::Hanging => plan.hangs_at,
                Kind::Poison => plan.poison_at,
            };
            let has_family = kind == Kind::Plain && once_in(dice, plan.families);
            let is_lethal = plan.poison > 0 && plan.poison_at == 0;
            let family = match has_family {
                true => Start::family(dice, is_lethal),
                false => 0,
            };
            application.submitted += 1;
            let chooses = plan.choices > 0 && dice.one_in(2);
            let choice = match chooses {
                true => dice.between(1, u64::from(plan.choices)) as u8,
                false => 0,
            };
            let start = Start {
                client: incarnation.number(),
                sequence: application.submitted,
                kind,
                stage,
                cost: dice.below(u64::from(plan.cost) + 1) as u32,
                padding: dice.below(u64::from(plan.padding) + 1) as u32,
                family,
                choice,
            };
            self.work += more_work(&start);
            let hurried = once_in(dice, plan.hurried);
            let until = match hurried {
                true => Some(local + dice.duration(Duration::ZERO, plan.deadline)),
                false => None,
            };
            application.waiting.push_back(Submitted {
                index: application.submitted - 1,
                round: application.round,
                payload: start.payload(),
                expires: until,
            });
            self.witness.submitted(incarnation, &start, hurried);
            let numbers = [3, incarnation.number(), application.submitted];
            let words = format_args!("{incarnation} submits {start:?}");
            self.trace.note(now, &numbers, words);
            if plan.pause > Duration::ZERO && application.submitted % plan.burst == 0 {
                next = Some(now + dice.duration(Duration::ZERO, plan.pause));
                break;
            }
        }
        if let Some(at) = next {
            self.plan(at, Happening::Submit(node, life));
        }
        self.wake(node, self.now);
    }

    /// The application has all cancelled that it has submitted.
    fn cancel(&mut self, node: usize, life: u32) {
        let now = self.now;
        let Some(process) = self.process(node, life) else {
            return;
        };
        let incarnation = process.incarnation;
        let Some(application) = &mut process.application else {
            return;
        };
        application.round += 1;
        application.cancels = true;
        self.injected.count(Fault::Cancel);
        self.witness.cancelled(incarnation);
        let numbers = [12, incarnation.number()];
        let words = format_args!("{incarnation} cancels all");
        self.trace.note(now, &numbers, words);
        self.wake(node, now);
    }

    /// The application comes back for its endings.
    fn take(&mut self, node: usize, life: u32) {
        let (now, stopped) = (self.now, self.stopped[node]);
        let Some(process) = self.process(node, life) else {
            return;
        };
        let Some(application) = &mut process.application else {
            return;
        };
        let free = application.busy.max(stopped);
        if free > now {
            return self.plan(free, Happening::Take(node, life));
        }
        application.take_planned = false;
        let here = std::mem::take(&mut application.here);
        application.taken.extend(here);
        self.wake(node, now);
    }

    /// Whether all jobs have ended.
    fn is_done(&self) -> bool {
        let nodes = self.scenario.nodes.iter().zip(&self.processes);
        nodes
            .filter(|(node, _)| matches!(node.role, Role::Client { .. }))
            .all(|(_, process)| {
                let application = process.as_ref().and_then(|p| p.application.as_ref());
                application.is_none_or(|application| application.is_done())
            })
    }

    fn unfinished(&self) -> String {
        let mut words = String::new();
        for process in self.processes.iter().flatten() {
            if let Some(application) = &process.application {
                let unfinished = self.witness.unfinished(process.incarnation);
                let waiting = application.waiting.len();
                words += &format!(
                    "; {} has submitted {} of {}, {waiting} wait, and {} have not ended: {:?}",
                    process.incarnation,
                    application.submitted,
                    application.plan.count,
                    unfinished.len(),
                    unfinished.first(),
                );
            }
        }
        words
    }
}

/// The time that a message takes beyond what each does: for its children, and for who dies of it.
fn more_work(start: &Start) -> Duration {
    let all = family::all(start, &Path::ROOT);
    let deaths = all
        .iter()
        .filter(|start| matches!(start.kind, Kind::Poison | Kind::Hanging));
    let calls = all[1..]
        .iter()
        .map(|start| 3 * Duration::from_micros(u64::from(start.cost)) + Duration::from_secs(1));
    Duration::from_secs(20) * deaths.count() as u32 + calls.sum::<Duration>()
}

/// The time that all functions take one after another, and the applications and tiny windows with
/// them.
fn work(scenario: &Scenario) -> Duration {
    let narrowest = scenario
        .nodes
        .iter()
        .map(|node| node.window.number.min(node.window.bytes / 100))
        .min();
    let at_a_time = (narrowest.unwrap_or_default() / 2).max(1) as u32;
    let mut work = Duration::ZERO;
    for node in &scenario.nodes {
        if let Role::Client { job, .. } = &node.role {
            let functions = Duration::from_micros(u64::from(job.cost)) * u32::from(job.stages);
            let lockstep = (Duration::from_secs(3) + job.take_every) / at_a_time;
            work += (functions + lockstep) * job.count as u32;
        }
    }
    work
}
