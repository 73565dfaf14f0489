//! Clusters of real processes, which are killed, stopped and restarted at random while jobs of
//! checked messages run.
//!
//! A [`Node`] is what one process is; [`run`] starts a cluster of them and brings it to ruin, and
//! holds what clients got to the rules of delivery.

mod client;
mod cluster;
mod errand;
mod history;
mod link;
mod node;
mod plan;
mod process;
mod report;
mod said;
mod supervisor;
mod topology;

pub use errand::MessageId;
pub use history::{Fault, Violation};
pub use node::Node;
pub use report::Report;
pub use supervisor::{Options, run};
pub use topology::{Kind, Topology};
