use super::backlog::{Read, Reading};
use crate::made::{Made, Pieces};
use crate::siblings::Siblings;
use crate::store::Batch;
use bytes::Bytes;
use palm_core::wire::{Frame, Outcome};
use palm_core::{Frames, Id, Message, PeerId};
use std::sync::Arc;

/// Where a frame comes from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A connection of the server's ROUTER.
    Peer(PeerId),
    /// The DEALER with that index, through which this process connects to another.
    Dealer(usize),
}

/// What happens to a machine.
#[derive(Debug)]
pub enum Event {
    /// A frame was received and read.
    Frame(Address, Frame),
    /// Bytes were received that are no frame, for that reason.
    BadFrame(Address, String),
    /// A frame could not be sent: nobody is at that address any more.
    Unreachable(Address),
    /// A frame could not be sent because nothing takes it now; or now something does.
    Blocked(Address),
    /// The address takes frames again.
    Writable(Address),
    /// Functions have ended that an [`Action::Execute`] asked for.
    Executed {
        /// Those that have ended since the last such event.
        done: Vec<Done>,
        /// Whether these are the last of that action.
        all: bool,
    },
    /// Functions have said how far they are, by the tokens of their tasks.
    Progress(Vec<(u64, String)>),
    /// A function has run for longer than its lease without saying how far it is: the token of its
    /// task, and the sentence for people.
    Overdue(u64, String),
    /// The batch with that number is in the store for good.
    Flushed(u64),
    /// The store has room for about so many more bytes, beside all batches that were handed over.
    Room(u64),
    /// What an [`Action::Read`] asked for.
    Read(Read),
    /// A dead letter is to be forgotten.
    DropLetter(u64),
    /// The time that [`next_deadline`](crate::engine::Engine::next_deadline) named has come.
    Tick,
    /// All that was ready has been handed in: what is ready is to leave.
    Flush,
    /// The process is to end: nothing new is taken in.
    Drain,
}

/// What a machine wants done.
#[derive(Debug)]
pub enum Action {
    /// To send these frames.
    Send(Address, Frames),
    /// To execute these, one after another, on one thread; `true` if that is expected to be brief: to
    /// take no longer than it may take to wake a thread and be woken by it.
    Execute(Vec<Task>, bool),
    /// To tell the function that executes the task with this token that nobody waits for it.
    Recall(u64),
    /// To write this batch, the next one by its number, and to say once it is flushed.
    Write(u64, Batch),
    /// To read this from the store.
    Read(Reading),
    /// To replace the DEALER with that index by a new one to the same endpoint.
    Reconnect(usize),
    /// To find the server of that name, and to connect to it with the DEALER of that index, the next
    /// one; and to find it again when that is to be replaced.
    Find(usize, String),
}

/// A function to be executed.
#[derive(Debug)]
pub struct Task {
    /// Which entry of the ledger it is.
    pub token: u64,
    /// The message, standing at the function's step.
    pub message: Message,
    /// Which partition of the master's the message is of, if the master has partitions.
    pub partition: Option<PartitionId>,
    /// The token of the message that this one is a piece of, if it is being gathered.
    pub parent: Option<u64>,
    /// Whether it is several: the payload holds those of siblings, of which this is the first, and
    /// they end as [`Outcome::Siblings`].
    pub siblings: bool,
    /// Whether it is several: the payload holds those of a bundle, of which this is the first. How they
    /// have ended may be said of some first; all with success is [`Outcome::Bundle`], anything else
    /// [`Outcome::Siblings`].
    pub bundle: bool,
    /// What came of the messages that another function has submitted, if this one goes on in the same
    /// process; otherwise the payload says it.
    pub pieces: Option<Arc<Pieces>>,
}

impl Task {
    /// The messages that it is, each as a task of its own.
    ///
    /// # Errors
    ///
    /// What is wrong with the payload, if it holds none.
    pub fn each(self) -> Result<impl Iterator<Item = Task>, String> {
        let siblings = Siblings::decode(&self.message.payload)?;
        let each = (0..).zip(siblings).map(move |(further, (_, payload))| {
            let first = &self.message;
            let id = match self.bundle {
                true => Id {
                    sequence: first.id.sequence.wrapping_add(u64::from(further)),
                    ..first.id.clone()
                },
                false => Id {
                    path: first.id.path.sibling(further),
                    ..first.id
                },
            };
            Task {
                message: Message {
                    id,
                    route: first.route.clone(),
                    cache: first.cache.clone(),
                    payload,
                    ..*first
                },
                siblings: false,
                bundle: false,
                pieces: None,
                ..self
            }
        });
        Ok(each)
    }
}

/// How a function ended.
#[derive(Debug)]
pub struct Done {
    /// The token of its [`Task`].
    pub token: u64,
    /// Success or failure; success of a function that has made more than a result; or that of each
    /// sibling.
    pub outcome: Outcome,
    /// The result, or the encoded [`Failure`](crate::Failure), or what was made, or all of these.
    pub payload: Bytes,
    /// What was made, if that goes to nobody but this process: its result is the payload.
    pub made: Option<Box<Made>>,
    /// How many messages the time is of: of siblings and of a bundle more than one, or none.
    pub messages: u64,
    /// How long they took, in nanoseconds.
    pub nanoseconds: u64,
}

/// One partition of a master whose messages go to workers by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct PartitionId {
    /// Which one, from 0.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}
