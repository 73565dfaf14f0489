//! Who kills, stops and restarts, from a seed.

use super::cluster::Cluster;
use super::halt::{Fault, Halt, Violation};
use super::plan::Load;
use super::report::Report;
use super::topology::{Kind, Plan, Topology};
use crate::history::Chance;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a run is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program whose subcommand `node` is every process of the run.
    pub program: PathBuf,
    /// How the cluster is put together.
    pub topology: Topology,
    /// How many processes are killed.
    pub kills: u32,
    /// What decides who is killed when, and all else that is drawn.
    pub seed: u64,
    /// How many unfinished messages one sender may have at a server; drawn, if it is left open.
    pub window: Option<u64>,
    /// Whether masters have stores on disk.
    pub durable: bool,
    /// Whether to say what happens while it happens.
    pub verbose: bool,
}

/// How often the supervisor looks up from listening.
const LOOK: Duration = Duration::from_millis(10);

/// How long after a kill everybody may take to get on again. A server that restarts is sent again
/// what is not settled, and what a killed client has not fetched keeps all behind it unsettled for a
/// minute.
const RECOVERY: Duration = Duration::from_secs(90);

/// How long one message may take, whatever happens.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long everything may take to end once nobody is killed any more.
const END: Duration = Duration::from_secs(60);

/// What is executed so soon after a restart may have been received before.
const AFTERGLOW: Duration = Duration::from_millis(50);

/// For how long a victim that has nothing to do is waited for to get something.
const AIM: Duration = Duration::from_secs(1);

/// After how long of a recovery nobody is stopped any more.
const LENIENT: Duration = Duration::from_secs(10);

/// Where a run is.
enum Phase {
    /// Everybody is to get on after that moment.
    Recovering { after: Instant },
    /// All is well; the next kill is then.
    Calm { until: Instant },
    /// That member is to be killed, at the latest then.
    Aiming { victim: usize, until: Instant },
}

struct Supervisor {
    cluster: Cluster,
    chance: Chance,
    kills: u32,
    victims: [Kind; 6],
    phase: Phase,
    next_stop: Instant,
    report: Report,
}

/// Runs it.
///
/// # Errors
///
/// If the system refuses processes or what they need.
pub fn run(options: &Options) -> io::Result<Report> {
    let mut chance = Chance(options.seed);
    let load = Load {
        seed: options.seed,
        messages: None,
        poison: None,
    };
    let folder = options.durable.then(tempfile::tempdir).transpose()?;
    let stores = folder.as_ref().map(TempDir::path);
    let plan = Plan::new(options.topology, options.window, stores, load, &mut chance)?;
    let cluster = Cluster::start(&options.program, plan, load, options.verbose)?;
    let now = Instant::now();
    let mut supervisor = Supervisor {
        cluster,
        chance,
        kills: options.kills,
        victims: options.topology.victims(),
        phase: Phase::Recovering { after: now },
        next_stop: now + Duration::from_secs(1),
        report: Report::default(),
    };
    let violation = match supervisor.run() {
        Ok(()) => None,
        Err(Halt::Violation(violation)) => Some(violation),
        Err(Halt::Refused(error)) => return Err(error),
    };
    let mut report = supervisor.report;
    report.conclude(&supervisor.cluster, violation, now.elapsed());
    Ok(report)
}

impl Supervisor {
    fn run(&mut self) -> Result<(), Halt> {
        while self.report.killed() < self.kills || self.is_recovering().is_some() {
            self.cluster.listen(Instant::now() + LOOK)?;
            self.turn(Instant::now())?;
        }
        self.finish()
    }

    fn is_recovering(&self) -> Option<Instant> {
        match self.phase {
            Phase::Recovering { after } => Some(after),
            _ => None,
        }
    }

    fn turn(&mut self, now: Instant) -> Result<(), Halt> {
        self.restart(now)?;
        self.cluster.go_on_due(now)?;
        self.stop(now)?;
        if let Some(then) = now.checked_sub(PATIENCE)
            && let Some(id) = self.cluster.history.overdue(then)
        {
            return Err(Violation::late(id, PATIENCE).into());
        }
        match self.phase {
            Phase::Recovering { after } => {
                let took = now.saturating_duration_since(after);
                let laggards = self.cluster.laggards(after + AFTERGLOW);
                if self.cluster.is_complete() && laggards.is_empty() {
                    self.cluster.note("everybody gets on".into());
                    self.report.recovered(took);
                    let calm = Duration::from_millis(self.chance.below(250));
                    self.phase = Phase::Calm { until: now + calm };
                } else if took > RECOVERY {
                    let text = format!("{laggards:?} do not get on for {} s", took.as_secs());
                    return Err(Violation::general(Fault::Broken, text).into());
                }
            }
            Phase::Calm { until } if now >= until && self.cluster.is_complete() => {
                let victim = self.draw_victim();
                // One in ten is killed whatever it does.
                let patience = match self.chance.below(10) {
                    0 => Duration::ZERO,
                    _ => AIM,
                };
                let until = now + patience;
                self.phase = Phase::Aiming { victim, until };
            }
            Phase::Calm { .. } => {}
            Phase::Aiming { victim, until } => {
                let at_work = self.cluster.is_at_work(victim);
                if self.cluster.life(victim).is_none() {
                    // It has died of what it executed.
                    self.phase = Phase::Calm { until: now };
                } else if at_work || now >= until {
                    self.kill(victim, at_work, now)?;
                }
            }
        }
        Ok(())
    }

    fn draw_victim(&mut self) -> usize {
        let kinds = self.victims;
        let kind = kinds[self.chance.below(kinds.len() as u64) as usize];
        let of_kind: Vec<usize> = self.cluster.of_kind(kind).collect();
        of_kind[self.chance.below(of_kind.len() as u64) as usize]
    }

    fn kill(&mut self, victim: usize, at_work: bool, now: Instant) -> io::Result<()> {
        // Half of them are back at once.
        let pause = self.chance.below(2) * self.chance.below(1500);
        let restart_at = now + Duration::from_millis(pause);
        let kind = self.cluster.members[victim].part.kind;
        self.cluster.kill(victim, restart_at)?;
        self.report.kill(kind, at_work);
        self.phase = Phase::Recovering { after: restart_at };
        Ok(())
    }

    fn restart(&mut self, now: Instant) -> io::Result<()> {
        let chance = &mut self.chance;
        self.cluster.restart_due(now, || chance.below(8) == 0)
    }

    /// Stops somebody now and then, one at a time.
    fn stop(&mut self, now: Instant) -> io::Result<()> {
        let long = self
            .is_recovering()
            .is_some_and(|since| now.saturating_duration_since(since) > LENIENT);
        if long || now < self.next_stop || self.cluster.is_anyone_stopped() {
            return Ok(());
        }
        self.next_stop = now + Duration::from_millis(500 + self.chance.below(4000));
        let victim = self.chance.below(self.cluster.members.len() as u64) as usize;
        if self.cluster.life(victim).is_some() {
            // Most are short; what is over 3 s makes a process count as dead.
            let longest = [500, 2500, 6000][self.chance.below(3) as usize];
            let time = Duration::from_millis(100 + self.chance.below(longest - 99));
            self.cluster.stop(victim, now + time)?;
            self.report.stops += 1;
        }
        Ok(())
    }

    /// Nobody is killed or stopped any more: everything has to end.
    fn finish(&mut self) -> Result<(), Halt> {
        let now = Instant::now();
        self.cluster.go_on_due(now + END)?;
        let clients = self.cluster.finish();
        while !self.cluster.has_finished(&clients) {
            self.cluster.listen(Instant::now() + LOOK)?;
            self.restart(Instant::now())?;
            if now.elapsed() >= END {
                return Err(self.unfinished().into());
            }
        }
        self.cluster.end()
    }

    /// Not everything has ended, though nothing keeps it from that.
    fn unfinished(&self) -> Violation {
        match self.cluster.history.lost().next() {
            Some(id) => Violation::late(id, END),
            None => Violation::general(Fault::Broken, "not every client finishes"),
        }
    }
}
