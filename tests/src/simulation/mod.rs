//! A simulation of whole clusters: the very state machines that run in servers, workers and
//! clients, with simulated loops, sockets, functions, clocks and applications around them.
//!
//! Everything in it is a function of a seed: the processes, the jobs, and what goes wrong. After
//! every step it is checked that the rules of delivery hold:
//!
//! | rule | where |
//! |---|---|
//! | 1: one ending of each id, and nothing after it | `witness` |
//! | 2: an ending descends from the submission through results that were given | `descent` |
//! | 2: what goes on with a message has all that its functions have submitted, in order | `descent` |
//! | 3: what has not ended has a holder | `check` |
//! | 4: what a lane accepted is 1..n, with one content each | `wiretap`, `witness` |
//! | 5: nothing leaves before it is flushed | `wiretap`: a server that has crashed contradicts itself otherwise |
//! | 6: what is settled has ended | `check` |
//! | 7: nothing is sent beyond the credit, nothing held beyond the budget | `wiretap`, `check` |
//! | 8: everything ends once no faults come | `world` |
//! | 9: charges are for deaths while alone | `check`, `witness` |
//! | 10: positions, credit, generations and epochs go up | `wiretap` |
//!

mod call;
mod check;
mod descent;
mod dice;
mod disk;
mod family;
mod fault;
mod functions;
mod moment;
mod network;
mod payload;
mod process;
mod registry;
mod scenario;
mod strike;
mod topology;
mod trace;
mod turn;
mod wiretap;
mod witness;
mod world;

pub use fault::{Fault, Injected};
pub use witness::Violation;

use std::time::Duration;
use world::World;

/// What came of a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it was drawn from.
    pub seed: u64,
    /// The hash of all that happened.
    pub trace: u64,
    /// How many things happened.
    pub steps: u64,
    /// How much time was simulated.
    pub time: Duration,
    /// The faults that were injected.
    pub injected: Injected,
    /// The first rule that was broken, if one was.
    pub violation: Option<Violation>,
}

/// Runs the simulation of a seed to its end, or until a rule is broken; prints all that happens
/// if it is to be `printed`.
pub fn run(seed: u64, printed: bool) -> Report {
    let mut world = World::new(seed, printed);
    world.run();
    Report {
        seed,
        trace: world.trace.hash(),
        steps: world.trace.steps(),
        time: world.now,
        injected: world.injected,
        violation: world.violation,
    }
}
