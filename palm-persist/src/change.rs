use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use palm_highlevel::store::{Batch, Bitmap, LogId, LogState, Operation};
use sled::Tree;

use crate::failure::Failure;
use crate::writes::Writes;
use crate::{key, record, stored};

/// Works out what a batch changes in the tree, reading what it needs of it and writing nothing.
///
/// A group that many marks fall into is read and written once.
pub(crate) struct Change<'a> {
    tree: &'a Tree,
    writes: Writes,
    /// The logs the batch meets as they are after it; `None` for one that does not exist.
    logs: BTreeMap<LogId, Option<LogState>>,
    /// The groups the batch meets that have open messages after it, by log and first number.
    open: BTreeMap<(LogId, u64), Open>,
    /// The groups in the tree that the batch deletes.
    deleted: BTreeSet<(LogId, u64)>,
    /// The last of what the batch does to each entry.
    entries: BTreeMap<Bytes, Option<Bytes>>,
    /// The bytes of the groups that it adds and deletes.
    size: Size,
}

/// By how many bytes the groups of a tree become more and less.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) added: u64,
    pub(crate) deleted: u64,
}

struct Open {
    done: Bitmap,
    changed: bool,
    /// Its messages, if they are not in the tree yet.
    new: Option<Bytes>,
}

impl<'a> Change<'a> {
    pub(crate) fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            writes: Writes::default(),
            logs: BTreeMap::new(),
            open: BTreeMap::new(),
            deleted: BTreeSet::new(),
            entries: BTreeMap::new(),
            size: Size::default(),
        }
    }

    /// The state of a log, before the batch if it is asked for before [`Change::finish`].
    pub(crate) fn log(&mut self, log: LogId) -> Result<Option<LogState>, Failure> {
        if let Some(state) = self.logs.get(&log) {
            return Ok(*state);
        }
        let state = stored::log(self.tree, log)?;
        self.logs.insert(log, state);
        Ok(state)
    }

    /// Everything that is to be written for a batch that keeps the rules, and what that does to the
    /// size of the groups.
    pub(crate) fn finish(mut self, batch: &Batch) -> Result<(Writes, Size), Failure> {
        for operation in batch.operations() {
            match operation {
                Operation::Append {
                    log,
                    first,
                    count,
                    bytes,
                } => self.append(*log, *first, *count, bytes)?,
                Operation::Mark { log, number } => self.mark(*log, *number)?,
                Operation::Trim { log, up_to } => self.trim(*log, *up_to)?,
                Operation::Forget { log } => self.forget(*log)?,
                Operation::Put { key, value } => {
                    self.entries.insert(key.clone(), Some(value.clone()));
                }
                Operation::Delete { key } => {
                    self.entries.insert(key.clone(), None);
                }
            }
        }
        // Deletions are in the writes by now. What is inserted under the same key replaces them.
        self.write_logs();
        self.write_groups();
        self.write_entries()?;
        Ok((self.writes, self.size))
    }

    fn append(&mut self, log: LogId, first: u64, count: u32, bytes: &Bytes) -> Result<(), Failure> {
        let trimmed = self.log(log)?.map_or(0, |state| state.trimmed);
        let state = LogState {
            id: log,
            last: first + u64::from(count) - 1,
            trimmed,
        };
        self.logs.insert(log, Some(state));
        let group = Open {
            done: Bitmap::new(count),
            changed: false,
            new: Some(bytes.clone()),
        };
        self.open.insert((log, first), group);
        Ok(())
    }

    fn mark(&mut self, log: LogId, number: u64) -> Result<(), Failure> {
        let Some(first) = self.holding(log, number)? else {
            return Ok(());
        };
        if let Some(group) = self.open.get_mut(&(log, first)) {
            // The offset is below the length of the bitmap, which is a u32.
            group.changed |= group.done.set((number - first) as u32);
        }
        self.delete_if_full(log, first)
    }

    fn trim(&mut self, log: LogId, up_to: u64) -> Result<(), Failure> {
        let Some(mut state) = self.log(log)? else {
            return Ok(());
        };
        if up_to <= state.trimmed {
            return Ok(());
        }
        state.trimmed = up_to;
        self.logs.insert(log, Some(state));
        // The group that is cut through is met like one with a mark, the others go unread.
        self.holding(log, up_to)?;
        self.delete_stored(log, up_to)?;
        let cut = self.met(log, up_to);
        for first in cut {
            if let Some(group) = self.open.get_mut(&(log, first)) {
                group.changed |= group.done.set_first(up_to - first + 1);
            }
            self.delete_if_full(log, first)?;
        }
        Ok(())
    }

    fn forget(&mut self, log: LogId) -> Result<(), Failure> {
        for first in self.met(log, u64::MAX) {
            self.open.remove(&(log, first));
        }
        self.delete_stored(log, u64::MAX)?;
        self.logs.insert(log, None);
        Ok(())
    }

    /// Meets the group that holds a number and gives its first, if it still has open messages.
    fn holding(&mut self, log: LogId, number: u64) -> Result<Option<u64>, Failure> {
        let met = self.open.range((log, 0)..=(log, number)).next_back();
        if let Some((&(_, first), group)) = met
            && number - first < u64::from(group.done.len())
        {
            return Ok(Some(first));
        }
        let stored = stored::group_holding(self.tree, log, number)?;
        let Some((first, count)) =
            stored.filter(|(first, _)| !self.deleted.contains(&(log, *first)))
        else {
            return Ok(None);
        };
        let group = Open {
            done: stored::done(self.tree, log, first, count)?,
            changed: false,
            new: None,
        };
        self.open.insert((log, first), group);
        Ok(Some(first))
    }

    /// The first numbers of the open groups the batch has met that begin at or before a number.
    fn met(&self, log: LogId, up_to: u64) -> Vec<u64> {
        let met = self.open.range((log, 0)..=(log, up_to));
        met.map(|(&(_, first), _)| first).collect()
    }

    fn delete_if_full(&mut self, log: LogId, first: u64) -> Result<(), Failure> {
        let met = self.open.get(&(log, first));
        let Some(Open { new, .. }) = met.filter(|group| group.done.is_full()) else {
            return Ok(());
        };
        let in_tree = new.is_none();
        self.open.remove(&(log, first));
        if in_tree {
            let key = key::group(log, first);
            if let Some(value) = self.tree.get(&key)? {
                self.delete(log, first, &key, &value)?;
            }
        }
        Ok(())
    }

    /// Deletes the groups in the tree that begin at or before a number and that the batch has not
    /// met.
    fn delete_stored(&mut self, log: LogId, up_to: u64) -> Result<(), Failure> {
        for item in self.tree.range(key::group(log, 0)..=key::group(log, up_to)) {
            let (key, value) = item?;
            let Some(first) = key::first_of(&key) else {
                return Err(Failure::record(&key, "it has no number"));
            };
            let met = self.open.contains_key(&(log, first));
            if !met && !self.deleted.contains(&(log, first)) {
                self.delete(log, first, &key, &value)?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, log: LogId, first: u64, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        record::remove(&mut self.writes, key, value)?;
        self.size.deleted += record::length(key, value)?;
        self.writes.remove(key::done(log, first));
        self.deleted.insert((log, first));
        Ok(())
    }

    fn write_logs(&mut self) {
        for (log, state) in &self.logs {
            match state {
                Some(state) => {
                    let mut value = [0; 16];
                    value[..8].copy_from_slice(&state.last.to_be_bytes());
                    value[8..].copy_from_slice(&state.trimmed.to_be_bytes());
                    self.writes.insert(key::log(*log), value);
                }
                None => self.writes.remove(key::log(*log)),
            }
        }
    }

    fn write_groups(&mut self) {
        for (&(log, first), group) in &self.open {
            if let Some(bytes) = &group.new {
                let head = group.done.len().to_be_bytes();
                record::insert(&mut self.writes, &key::group(log, first), &head, bytes);
                self.size.added += (head.len() + bytes.len()) as u64;
            }
            if group.changed {
                self.writes
                    .insert(key::done(log, first), group.done.to_bytes());
            }
        }
    }

    fn write_entries(&mut self) -> Result<(), Failure> {
        for (key, value) in &self.entries {
            let key = key::entry(key);
            let stored = self.tree.get(&key)?;
            match (value, stored) {
                (Some(value), stored) => {
                    if let Some(stored) = stored {
                        record::shorten(&mut self.writes, &key, &stored, value.len())?;
                    }
                    record::insert(&mut self.writes, &key, &[], value);
                }
                (None, Some(stored)) => record::remove(&mut self.writes, &key, &stored)?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}
