//! The server that gives everything to the worker that owns its partition.

use std::num::NonZeroU32;

use palm_highlevel::{Running, standalone};

/// Binds the master to `endpoint`. It waits for `workers` workers, each of which owns one
/// partition.
///
/// # Errors
///
/// If the endpoint is none or cannot be bound.
pub fn bind(endpoint: &str, workers: NonZeroU32) -> palm_highlevel::Result<Running> {
    standalone::Master::partitioned("aggregation", workers.get(), |message| {
        partition(&message.payload)
    })
    .bind(endpoint)
}

/// The partition that a payload is for: its first four bytes.
fn partition(payload: &[u8]) -> u64 {
    let number = payload
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes));
    // What is too short for a partition is for the first one, which will refuse it.
    number.unwrap_or(0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_partition() {
        assert_eq!(partition(&[1, 2, 0, 0, 9]), 513);
        assert_eq!(partition(&[1, 2, 0]), 0);
    }
}
