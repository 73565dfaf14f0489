//! Clusters of real processes, which are killed, stopped and restarted at random while jobs of
//! checked messages run.
//!
//! A [`Node`] is what one process is; [`run`] starts a cluster of them and brings it to ruin, and
//! holds what clients got to the rules of delivery. A [`Scenario`] is one job with one thing that goes
//! wrong. A [`Reopening`] kills a master with a store again and again.

mod address;
mod client;
mod cluster;
mod errand;
mod family;
mod halt;
mod history;
mod link;
mod node;
mod pipeline;
mod plan;
mod process;
mod quota;
mod reopening;
mod report;
mod said;
mod scenario;
mod supervisor;
mod telling;
mod topology;

pub use errand::MessageId;
pub use halt::{Fault, Violation};
pub use node::Node;
pub use reopening::{Reopened, Reopening};
pub use report::Report;
pub use scenario::{Comparison, Mishap, Scenario};
pub use supervisor::{Options, run};
pub use topology::{Kind, Topology};
