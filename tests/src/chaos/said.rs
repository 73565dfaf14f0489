//! What the processes of a run say on their standard outputs, a line each.

use super::errand::{MessageId, Trail};
use palm_highlevel::Failure;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// The process is there.
    Ready,
    /// A client is about to submit the job of that number.
    Job(u64),
    /// A client got an ending.
    Ending {
        /// Of that job of its,
        job: u64,
        /// of that message,
        index: u64,
        /// with this.
        what: What,
    },
    /// A client got as many endings of the job as it submitted messages.
    Whole(u64),
    /// A client that was told to finish has done so.
    Finished,
    /// So many accepted messages are in the store of a master for good.
    Holds(u64),
    /// A worker begins its next execution.
    Begins(MessageId),
    /// A worker has ended the execution of that number.
    Ends(u64),
}

/// What a client got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// A result, or those of all branches.
    Results(Vec<Trail>),
    /// A result that is none: what is wrong with it.
    Garbage(String),
    /// A failure.
    Failure(Failure),
}

/// Says a line to whoever started this process. If nobody listens any more, the process is about
/// to be ended.
pub(super) fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_vec(said) else {
        return;
    };
    line.push(b'\n');
    // In one piece, so that a kill can't tear it.
    let _ = io::stdout().lock().write_all(&line);
}
