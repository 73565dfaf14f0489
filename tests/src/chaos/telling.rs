//! A store that says how much it holds.

use super::said::{Said, say};
use bytes::Bytes;
use palm_highlevel::store::{
    Batch, Entries, Groups, LogId, LogState, Operation, Store, StoreError,
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Says after each flush, if it is to tell, how many accepted messages are there for good that have
/// not ended.
pub(super) struct TellingStore<S> {
    store: S,
    telling: bool,
    /// Those that a server has read of it or written since.
    held: AtomicU64,
}

impl<S> TellingStore<S> {
    pub(super) fn new(store: S, telling: bool) -> TellingStore<S> {
        TellingStore {
            store,
            telling,
            held: AtomicU64::new(0),
        }
    }
}

/// Whether a log holds what was taken in, and not what leaves: as the engine numbers them.
fn is_intake(log: LogId) -> bool {
    log.0.is_multiple_of(2)
}

impl<S: Store> Store for TellingStore<S> {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.store.write(batch)?;
        for operation in batch.operations() {
            match operation {
                Operation::Append { log, count, .. } if is_intake(*log) => {
                    self.held.fetch_add(u64::from(*count), Relaxed);
                }
                Operation::Mark { log, .. } if is_intake(*log) => {
                    self.held.fetch_sub(1, Relaxed);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.store.flush()?;
        if self.telling {
            say(&Said::Holds(self.held.load(Relaxed)));
        }
        Ok(())
    }

    fn logs(&self) -> Result<Vec<LogState>, StoreError> {
        self.store.logs()
    }

    fn groups(&self, log: LogId, from: u64) -> Groups<'_> {
        let groups = self.store.groups(log, from);
        Box::new(groups.inspect(move |group| {
            if let Ok(group) = group
                && is_intake(log)
            {
                self.held.fetch_add(group.open().count() as u64, Relaxed);
            }
        }))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.store.get(key)
    }

    fn entries(&self, prefix: &[u8]) -> Entries<'_> {
        self.store.entries(prefix)
    }
}
