use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;

use super::{LogId, StoreError, StoreErrorKind};

/// The most messages in one group, so that a mark rewrites at most 8 KiB.
pub const MAX_GROUP: u32 = 65_536;

/// The longest key of an entry, in bytes.
pub const MAX_KEY: usize = 1_024;

/// What is written together: all of it or nothing, in the order in which it was added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    operations: Vec<Operation>,
}

/// One step of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// See [`Batch::append`].
    Append {
        /// The log that grows.
        log: LogId,
        /// The number of the first message.
        first: u64,
        /// How many messages the group has.
        count: u32,
        /// The messages.
        bytes: Bytes,
    },
    /// See [`Batch::mark`].
    Mark {
        /// The log of the message.
        log: LogId,
        /// The number of the message.
        number: u64,
    },
    /// See [`Batch::trim`].
    Trim {
        /// The log that is cut.
        log: LogId,
        /// The last number that is forgotten.
        up_to: u64,
    },
    /// See [`Batch::forget`].
    Forget {
        /// The log that is forgotten.
        log: LogId,
    },
    /// See [`Batch::put`].
    Put {
        /// The key of the entry.
        key: Bytes,
        /// Its new value.
        value: Bytes,
    },
    /// See [`Batch::delete`].
    Delete {
        /// The key of the entry.
        key: Bytes,
    },
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a group of `count` messages numbered from `first`, which continues the log: 1 in a
    /// log that is new. `bytes` holds all of them in an encoding that the store does not look into.
    pub fn append(
        &mut self,
        log: LogId,
        first: u64,
        count: u32,
        bytes: impl Into<Bytes>,
    ) -> &mut Self {
        let bytes = bytes.into();
        self.push(Operation::Append {
            log,
            first,
            count,
            bytes,
        })
    }

    /// Marks a message as done. A group of which all messages are done or trimmed is deleted. A
    /// message that was done or trimmed before stays so.
    pub fn mark(&mut self, log: LogId, number: u64) -> &mut Self {
        self.push(Operation::Mark { log, number })
    }

    /// Forgets the messages of a log up to and including a number, done or not. The log goes on
    /// with the numbers that follow. A lower number than was trimmed before changes nothing.
    pub fn trim(&mut self, log: LogId, up_to: u64) -> &mut Self {
        self.push(Operation::Trim { log, up_to })
    }

    /// Forgets a log with everything it holds and how far it had come; if it is appended to again,
    /// it begins at 1. Forgetting an unknown log changes nothing.
    pub fn forget(&mut self, log: LogId) -> &mut Self {
        self.push(Operation::Forget { log })
    }

    /// Sets the value of an entry, in place of any that it had.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        let (key, value) = (key.into(), value.into());
        self.push(Operation::Put { key, value })
    }

    /// Deletes an entry, if there is one.
    pub fn delete(&mut self, key: impl Into<Bytes>) -> &mut Self {
        let key = key.into();
        self.push(Operation::Delete { key })
    }

    /// Adds what a later batch does, so that both become one.
    pub fn absorb(&mut self, later: Batch) {
        if self.operations.is_empty() {
            self.operations = later.operations;
        } else {
            self.operations.extend(later.operations);
        }
    }

    /// Whether it does nothing.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Whether anybody is waiting for it to be durable. What was trimmed or forgotten and comes back
    /// after a crash is trimmed again: that alone is worth no flush.
    pub fn needs_flush(&self) -> bool {
        let idle = |operation: &Operation| {
            matches!(operation, Operation::Trim { .. } | Operation::Forget { .. })
        };
        !self.operations.iter().all(idle)
    }

    /// Its steps, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Checks the rules of a store, which calls this before it changes anything. `last` gives the
    /// highest number ever appended to a log, 0 for an unknown one; it is asked once for each log.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Refused`] for
    /// - a group that does not continue its log, is empty or has more than [`MAX_GROUP`] messages,
    /// - a mark or a trim of a number that was never appended,
    /// - a key of more than [`MAX_KEY`] bytes;
    ///
    /// and whatever `last` fails with.
    pub fn check(
        &self,
        mut last: impl FnMut(LogId) -> Result<u64, StoreError>,
    ) -> Result<(), StoreError> {
        let mut ends = BTreeMap::new();
        for operation in &self.operations {
            let log = match operation {
                Operation::Append { log, .. }
                | Operation::Mark { log, .. }
                | Operation::Trim { log, .. }
                | Operation::Forget { log } => *log,
                Operation::Put { key, .. } | Operation::Delete { key } => {
                    check_key(key)?;
                    continue;
                }
            };
            let end = match ends.entry(log) {
                Entry::Occupied(end) => end.into_mut(),
                Entry::Vacant(end) => end.insert(last(log)?),
            };
            *end = operation.end_after(log, *end)?;
        }
        Ok(())
    }

    fn push(&mut self, operation: Operation) -> &mut Self {
        self.operations.push(operation);
        self
    }
}

impl Operation {
    /// The end of its log after this operation, `end` being the one before, or why it is refused.
    fn end_after(&self, log: LogId, end: u64) -> Result<u64, StoreError> {
        match *self {
            Operation::Append { first, count, .. } => {
                if !(1..=MAX_GROUP).contains(&count) {
                    return Err(refused(format!(
                        "a group of {count} messages for {log}: it needs 1 to {MAX_GROUP}"
                    )));
                }
                if end.checked_add(1) != Some(first) {
                    return Err(refused(format!(
                        "a group that begins at {first} does not continue {log}, which ends at {end}"
                    )));
                }
                end.checked_add(u64::from(count))
                    .ok_or_else(|| refused(format!("{log} has run out of numbers at {end}")))
            }
            Operation::Mark { number, .. } if number == 0 || number > end => Err(refused(format!(
                "message {number} of {log} cannot be done: the log ends at {end}"
            ))),
            Operation::Trim { up_to, .. } if up_to > end => Err(refused(format!(
                "{log} cannot be trimmed up to {up_to}: it ends at {end}"
            ))),
            Operation::Forget { .. } => Ok(0),
            _ => Ok(end),
        }
    }
}

fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.len() > MAX_KEY {
        return Err(refused(format!(
            "a key of {} bytes: the longest has {MAX_KEY}",
            key.len()
        )));
    }
    Ok(())
}

fn refused(message: String) -> StoreError {
    StoreError::new(StoreErrorKind::Refused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId(7);

    fn refusal(batch: &Batch, end: u64) -> Option<String> {
        let result = batch.check(|_| Ok(end));
        result.err().map(|error| {
            assert_eq!(error.kind(), StoreErrorKind::Refused);
            error.to_string()
        })
    }

    #[test]
    fn a_log_grows_without_gaps() {
        let append = |first, count| {
            let mut batch = Batch::new();
            batch.append(LOG, first, count, "");
            batch
        };
        assert_eq!(refusal(&append(11, 5), 10), None);
        assert_eq!(
            refusal(&append(12, 5), 10).as_deref(),
            Some("a group that begins at 12 does not continue log 7, which ends at 10")
        );
        for (first, count, end) in [
            (10, 1, 10),
            (11, 0, 10),
            (11, MAX_GROUP + 1, 10),
            (u64::MAX, 2, u64::MAX - 1),
            (0, 1, u64::MAX),
        ] {
            assert!(
                refusal(&append(first, count), end).is_some(),
                "{first} {count} {end}"
            );
        }
    }

    #[test]
    fn later_steps_see_what_earlier_ones_did() {
        let mut batch = Batch::new();
        batch
            .append(LOG, 1, 2, "")
            .mark(LOG, 2)
            .append(LOG, 3, 1, "");
        batch.trim(LOG, 3).forget(LOG).append(LOG, 1, 1, "");
        assert_eq!(refusal(&batch, 0), None);
        batch.mark(LOG, 2);
        assert!(refusal(&batch, 0).is_some(), "the log was begun anew");
    }

    #[test]
    fn what_was_never_appended_is_neither_done_nor_trimmed() {
        for number in [0, 11] {
            assert!(refusal(Batch::new().mark(LOG, number), 10).is_some());
        }
        assert!(refusal(Batch::new().trim(LOG, 11), 10).is_some());
        assert_eq!(refusal(Batch::new().trim(LOG, 0).mark(LOG, 10), 10), None);
    }

    #[test]
    fn keys_are_short() {
        let key = |len| Bytes::from(vec![0; len]);
        assert_eq!(refusal(Batch::new().put(key(MAX_KEY), ""), 0), None);
        assert!(refusal(Batch::new().put(key(MAX_KEY + 1), ""), 0).is_some());
        assert!(refusal(Batch::new().delete(key(MAX_KEY + 1)), 0).is_some());
    }

    #[test]
    fn only_forgetting_needs_no_flush() {
        let mut batch = Batch::new();
        assert!(!batch.needs_flush());
        batch.trim(LOG, 1).forget(LOG);
        assert!(!batch.needs_flush());
        let mut later = Batch::new();
        later.mark(LOG, 1);
        batch.absorb(later);
        assert!(batch.needs_flush());
        assert_eq!(batch.operations().len(), 3);
    }
}
