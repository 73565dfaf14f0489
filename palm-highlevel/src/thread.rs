//! Where threads come from.

use crate::{Error, ErrorKind, Result};
use std::thread::{Builder, JoinHandle};

/// The most bytes of a thread's name that the system shows.
const LONGEST_NAME: usize = 15;

/// Spawns a thread called `name`, or as much of it as the system shows.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let end = name.floor_char_boundary(LONGEST_NAME);
    Builder::new()
        .name(name[..end].replace('\0', " "))
        .spawn(body)
        .map_err(|error| Error::new(ErrorKind::Io, "a thread can't be started").caused_by(error))
}
