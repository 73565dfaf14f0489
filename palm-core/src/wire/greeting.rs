use crate::Incarnation;
use crate::lane::Mark;
use serde::{Deserialize, Serialize};

/// What a process is to the one it greets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// It sends messages and awaits their endings.
    Client,
    /// It executes functions for a master.
    Worker,
    /// It serves; to the next server it is the previous one.
    Server,
}

/// The body of `Hello` and `Welcome`: who I am, and where I stand with your lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The name that people gave the process.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Goes up durably at every start of a process with a store; 0 without.
    pub epoch: u64,
    /// Whom I last took you to be; [`Incarnation::UNKNOWN`] if this is the first time.
    pub you: Incarnation,
    /// Where I stand with your lane; `None` if I have nothing of it.
    pub mark: Option<Mark>,
    /// How far you were with my lane when you said so last; 0 if you never did.
    pub accepted: u64,
    /// The functions that I offer, in a worker.
    pub functions: Vec<String>,
    /// How many messages I can execute at a time, in a worker.
    pub threads: u32,
    /// The partition that the receiver, a worker, owns, and of how many.
    pub partition: Option<(u32, u32)>,
    /// The client that the sender's messages are of, if that is not its incarnation but a session
    /// that outlasts it.
    pub session: Option<u64>,
    /// How many messages I leave unsettled on my lane to you; I wait beyond that.
    pub window: u64,
    /// The operating system's number of my process, for people.
    pub pid: u32,
    /// Whether you may send me several messages [as one](super::Outcome::Bundle).
    pub bundles: bool,
}

impl Greeting {
    /// What is taken to be so of a peer that has not greeted yet.
    pub fn nobody() -> Greeting {
        Greeting {
            name: String::new(),
            role: Role::Server,
            epoch: 0,
            you: Incarnation::UNKNOWN,
            mark: None,
            accepted: 0,
            functions: Vec::new(),
            threads: 0,
            partition: None,
            session: None,
            window: u64::MAX,
            pid: 0,
            bundles: false,
        }
    }
}
