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
    let mut shown = String::new();
    for c in name.chars().filter(|c| *c != '\0') {
        if shown.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        shown.push(c);
    }
    Builder::new()
        .name(shown)
        .spawn(body)
        .map_err(|error| Error::new(ErrorKind::Io, "a thread can't be started").caused_by(error))
}
