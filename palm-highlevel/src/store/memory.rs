use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::{Batch, Bitmap, Entries, Group, Groups, LogId, LogState, Operation, Store, StoreError};

/// A store in the memory of the process, which it does not outlive. Flushing does nothing.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    logs: BTreeMap<LogId, Log>,
    entries: BTreeMap<Bytes, Bytes>,
}

#[derive(Clone, Debug, Default)]
struct Log {
    last: u64,
    trimmed: u64,
    /// The groups that have open messages, by the number of their first.
    groups: BTreeMap<u64, Group>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Append {
                log,
                first,
                count,
                bytes,
            } => {
                let group = Group {
                    log: *log,
                    first: *first,
                    done: Bitmap::new(*count),
                    bytes: bytes.clone(),
                };
                let log = self.logs.entry(*log).or_default();
                log.last = group.last();
                log.groups.insert(*first, group);
            }
            Operation::Mark { log, number } => {
                if let Some(log) = self.logs.get_mut(log) {
                    log.mark(*number);
                }
            }
            Operation::Trim { log, up_to } => {
                if let Some(log) = self.logs.get_mut(log) {
                    log.trim(*up_to);
                }
            }
            Operation::Forget { log } => {
                self.logs.remove(log);
            }
            Operation::Put { key, value } => {
                self.entries.insert(key.clone(), value.clone());
            }
            Operation::Delete { key } => {
                self.entries.remove(key);
            }
        }
    }
}

impl Log {
    /// The group that holds a number, if that group has open messages.
    fn holding(&mut self, number: u64) -> Option<&mut Group> {
        let (_, group) = self.groups.range_mut(..=number).next_back()?;
        (number <= group.last()).then_some(group)
    }

    fn mark(&mut self, number: u64) {
        let Some(group) = self.holding(number) else {
            return;
        };
        // The offset is below the count of the group, which is a u32.
        group.done.set((number - group.first) as u32);
        if group.done.is_full() {
            let first = group.first;
            self.groups.remove(&first);
        }
    }

    fn trim(&mut self, up_to: u64) {
        self.trimmed = self.trimmed.max(up_to);
        while let Some(mut group) = self.groups.first_entry() {
            let group = group.get_mut();
            if group.first > up_to {
                break;
            }
            group.done.set_first(up_to - group.first + 1);
            if !group.done.is_full() {
                break;
            }
            self.groups.pop_first();
        }
    }
}

impl Store for MemoryStore {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        batch.check(|log| Ok(self.logs.get(&log).map_or(0, |log| log.last)))?;
        for operation in batch.operations() {
            self.apply(operation);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn logs(&self) -> Result<Vec<LogState>, StoreError> {
        let state = |(id, log): (&LogId, &Log)| LogState {
            id: *id,
            last: log.last,
            trimmed: log.trimmed,
        };
        Ok(self.logs.iter().map(state).collect())
    }

    fn groups(&self, log: LogId, from: u64) -> Groups<'_> {
        let groups = self.logs.get(&log).into_iter().flat_map(move |log| {
            let before = log.groups.range(..from).next_back();
            let before = before.filter(|(_, group)| group.last() >= from);
            before.into_iter().chain(log.groups.range(from..))
        });
        Box::new(groups.map(|(_, group)| Ok(group.clone())))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.entries.get(key).cloned())
    }

    fn entries(&self, prefix: &[u8]) -> Entries<'_> {
        let prefix = prefix.to_vec();
        let from = (Bound::Included(&prefix[..]), Bound::Unbounded);
        let entries = self.entries.range::<[u8], _>(from);
        Box::new(
            entries
                .take_while(move |(key, _)| key.starts_with(&prefix))
                .map(|(key, value)| Ok((key.clone(), value.clone()))),
        )
    }
}
