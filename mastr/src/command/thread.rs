//! Threads that commands have beside their own.

use std::io;
use std::thread::{Builder, JoinHandle};

use super::CommandError;

/// Starts a thread of that name.
pub(super) fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, CommandError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| no_thread(&error))
}

fn no_thread(error: &io::Error) -> CommandError {
    CommandError::Failed(format!("the system gives no thread: {error}"))
}
