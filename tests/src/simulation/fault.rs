use std::collections::BTreeMap;
use std::fmt;

/// What the simulation does to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A server's process is killed and starts again some time later.
    ServerCrash,
    /// So is that of a server with a store, when it has written a batch that is not flushed.
    CrashWritten,
    /// When that batch forgets what has left and was taken.
    CrashTrimming,
    /// When a batch is flushed and it has not heard of it.
    CrashFlushed,
    /// When it has heard of it and done nothing with it.
    CrashHeard,
    /// When it has sent a part of what it has to send.
    CrashSent,
    /// When it has heard that what it sent was taken, and written nothing of it.
    CrashReleased,
    /// When it takes the place of another one and opens the store.
    CrashOpening,
    /// A worker's process is killed and starts again.
    WorkerCrash,
    /// A client's process is killed; another client comes instead.
    ClientCrash,
    /// A client leaves in order while its messages are under way.
    ClientLeaves,
    /// A worker is told to stop: it drains, says good-bye and joins again later as another process.
    WorkerLeaves,
    /// A message kills the worker that executes it.
    Poison,
    /// A process is stopped for up to 10 s, and then has everything at once.
    Stall,
    /// A connection breaks and is made again.
    Break,
    /// A connection breaks, and one end learns of it up to 3 s later.
    HalfBreak,
    /// Nothing comes through a connection for up to 10 s, and then everything at once.
    Freeze,
    /// Nothing comes through a connection for up to 10 s, or ever again, and what was sent is lost.
    Partition,
    /// A ROUTER takes no frames for its peers for some time.
    Blocked,
    /// A process's clock jumps ahead by up to an hour.
    ClockJump,
    /// All functions of a process are a hundred times as slow for some time.
    SlowFunctions,
    /// A client's application takes no endings for up to 10 s.
    SlowConsumer,
    /// A server's store has no room for more for up to 10 s.
    FullDisk,
    /// A frame is lost.
    Loss,
    /// A frame comes twice.
    Duplicate,
    /// A frame is overtaken by later ones.
    Reorder,
    /// A frame comes up to 5 s late, after later ones.
    Delay,
    /// An application cancels all that it has submitted.
    Cancel,
    /// The deadline of a message passes.
    Expiry,
    /// A function fails and is to be called again.
    FailsOnce,
    /// A function never ends.
    Hang,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 31] = [
        Fault::ServerCrash,
        Fault::CrashWritten,
        Fault::CrashTrimming,
        Fault::CrashFlushed,
        Fault::CrashHeard,
        Fault::CrashSent,
        Fault::CrashReleased,
        Fault::CrashOpening,
        Fault::WorkerCrash,
        Fault::ClientCrash,
        Fault::ClientLeaves,
        Fault::WorkerLeaves,
        Fault::Poison,
        Fault::Stall,
        Fault::Break,
        Fault::HalfBreak,
        Fault::Freeze,
        Fault::Partition,
        Fault::Blocked,
        Fault::ClockJump,
        Fault::SlowFunctions,
        Fault::SlowConsumer,
        Fault::FullDisk,
        Fault::Loss,
        Fault::Duplicate,
        Fault::Reorder,
        Fault::Delay,
        Fault::Cancel,
        Fault::Expiry,
        Fault::FailsOnce,
        Fault::Hang,
    ];

    /// The moments at which a server with a store may be killed once it has opened it.
    pub(super) const MOMENTS: [Fault; 6] = [
        Fault::CrashWritten,
        Fault::CrashTrimming,
        Fault::CrashFlushed,
        Fault::CrashHeard,
        Fault::CrashSent,
        Fault::CrashReleased,
    ];

    /// Those that are planned for a time and hit a process or a connection.
    pub(super) const PLANNED: [Fault; 15] = [
        Fault::ServerCrash,
        Fault::WorkerCrash,
        Fault::ClientCrash,
        Fault::ClientLeaves,
        Fault::WorkerLeaves,
        Fault::Stall,
        Fault::Break,
        Fault::HalfBreak,
        Fault::Freeze,
        Fault::Partition,
        Fault::Blocked,
        Fault::ClockJump,
        Fault::SlowFunctions,
        Fault::SlowConsumer,
        Fault::FullDisk,
    ];
}

/// How often each fault was injected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Injected(BTreeMap<Fault, u64>);

impl Injected {
    pub(super) fn count(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// Adds those of another simulation.
    pub fn add(&mut self, other: &Injected) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }

    /// How often one was.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or_default()
    }
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (fault, count)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{fault:?} {count}")?;
        }
        Ok(())
    }
}
