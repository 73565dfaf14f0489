//! A dynamic event tree on palm-core alone: a simulation whose every result opens new branches.
//!
//! A reactor has been shut down and is cooled by two pumps. Hour by hour a worker simulates the
//! plant until something may happen: a pump fails, a pump is repaired. Each of these opens a branch
//! with its own probability. A branch ends when the plant is cold or too hot, and is cut when it has
//! become too unlikely.
//!
//! ```sh
//! cargo run --release -p examples --bin event_tree
//! ```
//!
//! It prints
//!
//! ```text
//! 121631 branches simulated, 157492 ended, 56427 cut
//!     safe 0.947235468405 = 0x0f27e060e6899f4491913f6da211700 / 2^120
//!  damaged 0.052761517428 = 0x00d81c75fd6bbe7dee23dfb4101d900 / 2^120
//!      cut 0.000003014168 = 0x000003291c0aa23d804ae0de4dd1000 / 2^120
//!    total exactly 1
//! ```
//!
//! and, for whoever looks on, how many branches each worker had. Those numbers differ from one run to
//! the next; what is above never does, whatever `--workers N` are there, and with `--kill`, which
//! kills the first of them in the middle. `--threshold K` cuts at a probability of 2^-K.

use palm_core::{
    Context, Dealer, Endpoint, Event, Frames, Incarnation, Link, PeerId, Received, Router, Sent,
    Switchboard, codec,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command};
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Probabilities are multiples of 2^-120, and so are all of their sums: exact, in any order. Each
/// hour divides them by 256 at most, which 15 hours may.
const CERTAIN: u128 = 1 << 120;
const HOURS: u32 = 15;

const HEARTBEAT: Duration = Duration::from_millis(100);

/// So many heartbeats without a word, and a peer is taken for dead.
const SILENT: u32 = 50;

/// So many branches are with a worker at a time.
const WINDOW: u64 = 500;

/// The plant after so many hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Plant {
    hour: u32,
    /// Of the core, in thousandths of a degree.
    temperature: i64,
    pumps: u8,
}

/// A branch, and how probable it is.
#[derive(Debug, Serialize, Deserialize)]
struct Branch {
    plant: Plant,
    probability: u128,
}

/// What a branch goes on as, each with its probability, of 256.
type Outcomes = Vec<(u8, Plant)>;

impl Plant {
    const TOO_HOT: i64 = 600_000;
    const COLD: i64 = 95_000;

    fn is_damaged(&self) -> bool {
        self.temperature >= Plant::TOO_HOT
    }

    fn is_over(&self) -> bool {
        self.is_damaged() || self.temperature <= Plant::COLD || self.hour == HOURS
    }

    /// An hour later: the decay heat falls with time, and each pump takes away its part of what the
    /// core is warmer than the sea. In integers, which are the same on every machine.
    fn after_an_hour(&self) -> Plant {
        let heat = 120_000 - 3_000 * i64::from(self.hour);
        let cooling = (self.temperature - 15_000) / 6 * i64::from(self.pumps);
        Plant {
            hour: self.hour + 1,
            temperature: self.temperature + heat - cooling,
            pumps: self.pumps,
        }
    }

    fn outcomes(&self) -> Outcomes {
        let next = self.after_an_hour();
        let with = |pumps| Plant { pumps, ..next };
        match self.pumps {
            0 => vec![(204, with(0)), (52, with(1))],
            1 => vec![(223, with(1)), (7, with(0)), (26, with(2))],
            _ => vec![(248, with(2)), (7, with(1)), (1, with(0))],
        }
    }
}

/// What is known of the tree.
#[derive(Default)]
struct Tree {
    /// To be simulated; the latest first, so that they stay few.
    open: Vec<Branch>,
    branches: u64,
    damaged: u128,
    safe: u128,
    cut: u128,
    ended: u64,
    cuts: u64,
}

impl Tree {
    fn grow(&mut self, from: u128, outcomes: Outcomes, threshold: u128) {
        for (share, plant) in outcomes {
            let probability = from / 256 * u128::from(share);
            if plant.is_over() {
                self.ended += 1;
                match plant.is_damaged() {
                    true => self.damaged += probability,
                    false => self.safe += probability,
                }
            } else if probability < threshold {
                self.cuts += 1;
                self.cut += probability;
            } else {
                self.open.push(Branch { plant, probability });
            }
        }
    }

    fn print(&self) {
        println!(
            "{} branches simulated, {} ended, {} cut",
            self.branches, self.ended, self.cuts
        );
        for (what, part) in [
            ("safe", self.safe),
            ("damaged", self.damaged),
            ("cut", self.cut),
        ] {
            let share = part as f64 / CERTAIN as f64;
            println!("{what:>8} {share:.12} = {part:#033x} / 2^120");
        }
        assert_eq!(self.safe + self.damaged + self.cut, CERTAIN);
        println!("   total exactly 1");
    }
}

/// A worker as the coordinator knows it.
struct Worker {
    link: Link,
    name: String,
    done: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Peers,
    Heartbeat,
}

struct Coordinator {
    board: Switchboard<Part>,
    me: Incarnation,
    workers: BTreeMap<PeerId, Worker>,
    /// Who is lost stays lost, whatever of theirs is still on its way.
    lost: BTreeSet<PeerId>,
    tree: Tree,
    threshold: u128,
}

impl Coordinator {
    fn receive(&mut self, peer: PeerId, frames: Frames) -> Result<()> {
        if self.lost.contains(&peer) {
            return Ok(());
        }
        let me = self.me;
        let worker = self.workers.entry(peer).or_insert_with(|| Worker {
            link: Link::new(me, 1),
            name: String::new(),
            done: 0,
        });
        let received = match worker.link.receive(frames) {
            Ok(received) => received,
            Err(error) => return self.lose(peer, &error.to_string()),
        };
        for received in received {
            match received {
                Received::Message { number, payload } => {
                    worker.name = String::from_utf8_lossy(&payload).into_owned();
                    worker.link.answer(number, "welcome")?;
                }
                Received::Answer { question, payload } => {
                    let branch: Branch = codec::decode(&question)?;
                    let outcomes = codec::decode(&payload)?;
                    worker.done += 1;
                    self.tree.branches += 1;
                    self.tree.grow(branch.probability, outcomes, self.threshold);
                }
            }
        }
        Ok(())
    }

    /// Gives each worker as many branches as it has room for, once it has begun.
    fn give(&mut self, begun: bool) -> Result<()> {
        let mut gone = Vec::new();
        for (peer, worker) in &mut self.workers {
            while begun
                && worker.link.pending() < WINDOW as usize
                && let Some(branch) = self.tree.open.pop()
            {
                worker.link.push(codec::encode(&branch)?)?;
            }
            let sent = self.board.send_link(Part::Peers, *peer, &mut worker.link)?;
            if sent == Sent::Unreachable {
                gone.push(*peer);
            }
        }
        gone.into_iter()
            .try_for_each(|peer| self.lose(peer, "it is gone"))
    }

    /// What a worker has not done others do.
    fn lose(&mut self, peer: PeerId, why: &str) -> Result<()> {
        let Some(worker) = self.workers.remove(&peer) else {
            return Ok(());
        };
        self.lost.insert(peer);
        let count = worker.link.pending();
        for branch in worker.link.unanswered() {
            self.tree.open.push(codec::decode(branch)?);
        }
        let Worker { name, done, .. } = worker;
        eprintln!("worker {name} had {done} branches, and {count} that go to others: {why}");
        Ok(())
    }

    fn beat(&mut self) -> Result<()> {
        let mut silent = Vec::new();
        for (peer, worker) in &mut self.workers {
            if worker.link.tick() >= SILENT {
                silent.push(*peer);
            }
        }
        silent
            .into_iter()
            .try_for_each(|peer| self.lose(peer, "it is silent"))
    }

    fn is_done(&self) -> bool {
        self.tree.open.is_empty()
            && self
                .workers
                .values()
                .all(|worker| worker.link.pending() == 0)
    }
}

/// Processes that end with this one.
struct Crew(Vec<Child>);

impl Crew {
    fn hire(count: usize, address: &Endpoint) -> Result<Crew> {
        let program = std::env::current_exe()?;
        let mut crew = Crew(Vec::new());
        for name in 1..=count {
            let mut command = Command::new(&program);
            let command = command.args(["worker", address.as_str(), &name.to_string()]);
            crew.0.push(command.spawn()?);
        }
        Ok(crew)
    }

    fn is_gone(&mut self) -> Result<bool> {
        for child in &mut self.0 {
            if child.try_wait()?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Both do nothing if it has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn coordinate(workers: usize, threshold: u32, mut kill: bool) -> Result<()> {
    let any = [Endpoint::parse("tcp://127.0.0.1:*")?];
    let router = Router::bind(&Context::new(), &any, &Default::default())?;
    let mut crew = Crew::hire(workers, &router.addresses()[0])?;
    let mut board = Switchboard::new()?;
    board.plug(Part::Peers, router);
    board.every(Part::Heartbeat, HEARTBEAT);
    let plant = Plant {
        hour: 0,
        temperature: 320_000,
        pumps: 2,
    };
    let mut coordinator = Coordinator {
        board,
        me: Incarnation::random(),
        workers: BTreeMap::new(),
        lost: BTreeSet::new(),
        tree: Tree::default(),
        threshold: CERTAIN >> threshold,
    };
    coordinator.tree.open.push(Branch {
        plant,
        probability: CERTAIN,
    });
    let mut begun = false;
    while let Some(event) = coordinator.board.wait()? {
        match event {
            Event::Message(Part::Peers, Some(peer), frames) => coordinator.receive(peer, frames)?,
            Event::Timer(Part::Heartbeat) if crew.is_gone()? => {
                return Err("all workers are gone".into());
            }
            Event::Timer(Part::Heartbeat) => coordinator.beat()?,
            _ => {}
        }
        let names = coordinator.workers.values().map(|worker| &worker.name);
        let here = names.filter(|name| !name.is_empty()).count();
        // Whoever comes late to a tree that is grown in a second would have nothing to do.
        begun |= here == workers;
        if coordinator.is_done() {
            break;
        }
        coordinator.give(begun)?;
        let first = coordinator
            .workers
            .values()
            .find(|worker| worker.name == "1");
        if kill && first.is_some_and(|first| first.done >= 1_000 && first.link.pending() > 0) {
            crew.0[0].kill()?;
            kill = false;
        }
    }
    for Worker { name, done, .. } in coordinator.workers.values() {
        eprintln!("worker {name} had {done} branches");
    }
    coordinator.tree.print();
    Ok(())
}

/// Simulates the branches that come, until the coordinator is gone.
fn work(coordinator: &str, name: &str) -> Result<()> {
    let coordinator = Endpoint::parse(coordinator)?;
    let dealer = Dealer::connect(&Context::new(), &coordinator, &Default::default())?;
    let mut board = Switchboard::new()?;
    board.plug(Part::Peers, dealer);
    board.every(Part::Heartbeat, HEARTBEAT);
    let mut link = Link::new(Incarnation::random(), WINDOW);
    link.push(name.to_owned())?;
    loop {
        board.send_link(Part::Peers, None, &mut link)?;
        match board.wait()? {
            Some(Event::Message(_, _, frames)) => {
                for received in link.receive(frames)? {
                    if let Received::Message { number, payload } = received {
                        let branch: Branch = codec::decode(&payload)?;
                        link.answer(number, codec::encode(&branch.plant.outcomes())?)?;
                    }
                }
            }
            Some(Event::Timer(_)) if link.tick() >= SILENT => return Ok(()),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = arguments.iter().map(String::as_str);
    let (mut workers, mut threshold, mut kill) = (2, 32, false);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("an argument lacks its value");
        match argument {
            "worker" => return work(value()?, value()?),
            "--workers" => workers = value()?.parse()?,
            "--threshold" => threshold = value()?.parse()?,
            "--kill" => kill = true,
            other => return Err(format!("{other} is not what it takes; see its source").into()),
        }
    }
    if workers == 0 || (kill && workers == 1) || threshold > 120 {
        return Err("it takes a worker, another one with --kill, and a threshold up to 120".into());
    }
    coordinate(workers, threshold, kill)
}
