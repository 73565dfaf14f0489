use std::iter;
use std::path::Path;

use bytes::Bytes;
use palm_highlevel::store::{Batch, Entries, Groups, LogId, LogState, Room, Store, StoreError};

use crate::change::Change;
use crate::failure::Failure;
use crate::flushes::Flushes;
use crate::folder::Folder;
use crate::quota::Quota;
use crate::seal::Seal;
use crate::{key, record, stored};

/// A store in a folder on disk. See the [crate](crate) for what it promises.
#[derive(Debug)]
pub struct SledStore {
    // Before the folder, which is unlocked last.
    db: sled::Db,
    /// What the tree is known by.
    seal: Seal,
    flushes: Flushes,
    folder: Folder,
    quota: Quota,
    /// How many bytes the groups have.
    kept: u64,
}

impl SledStore {
    /// Opens the store in a folder, which is created if there is none, and repairs what an end of
    /// its last process during opening may have left behind.
    ///
    /// It blocks while it reads all that the last process left and makes sure that nothing of it is
    /// missing: seconds for gigabytes.
    ///
    /// # Errors
    ///
    /// By [`StoreErrorKind`](palm_highlevel::store::StoreErrorKind):
    /// - `Unsuitable`: the path is a file, or a folder that holds other things than a store;
    /// - `InUse`: another process has it open, or this one has;
    /// - `Format`: it was written by a version with another format;
    /// - `Damaged`: its files cannot be read back. They are then set aside within the folder, where
    ///   the message says, and the next opening begins with an empty store;
    /// - `Full`: the disk has no room for what an opening writes;
    /// - `Io`: the files could not be read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = Folder::open(path.as_ref())?;
        let (db, seal, flushes) = folder.open_db()?;
        let kept = kept(&db).map_err(|failure| failure.in_folder(folder.path()))?;
        Ok(Self {
            db,
            seal,
            flushes,
            folder,
            quota: Quota::default(),
            kept,
        })
    }

    /// Has its server take in no more once its files have `bytes`, until what they hold is less; by
    /// default there is no limit. The files themselves never become smaller, but what is free in
    /// them is used again.
    ///
    /// What counts against it is the size of the files, or three times the bytes of the messages that
    /// they hold, if that is less.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.quota.limit = bytes;
        self
    }

    /// Has its server take in no more while fewer than `bytes` are free on its disk, 256 MiB by
    /// default: what is free is needed to finish what is there already.
    #[must_use]
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.quota.reserve = bytes;
        self
    }

    /// The folder it is in.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn failed(&self) -> impl Fn(Failure) -> StoreError + '_ {
        |failure| failure.in_folder(self.folder.path())
    }
}

impl Store for SledStore {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut change = Change::new(&self.db);
        batch.check(|log| {
            let state = change.log(log).map_err(self.failed())?;
            Ok(state.map_or(0, |state| state.last))
        })?;
        let (writes, size) = change.finish(batch).map_err(self.failed())?;
        let (writes, seal) = writes.seal(&self.db, self.seal).map_err(self.failed())?;
        let written = self.db.apply_batch(writes).map_err(Failure::from);
        written.map_err(self.failed())?;
        self.seal = seal;
        self.kept = self.kept.saturating_add(size.added) - size.deleted;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let flushed = self.db.flush().map_err(Failure::from);
        flushed.map_err(self.failed())?;
        let written = self.flushes.write(self.seal.number);
        written.map_err(|error| Failure::from(sled::Error::from(error)).in_folder(self.path()))
    }

    fn room(&mut self) -> Result<Room, StoreError> {
        let files = self.db.size_on_disk().map_err(Failure::from);
        let files = files.map_err(self.failed())?;
        self.quota.room(self.folder.path(), files, self.kept)
    }

    fn logs(&self) -> Result<Vec<LogState>, StoreError> {
        let state = |item: sled::Result<_>| {
            let (key, value): (sled::IVec, sled::IVec) = item?;
            stored::log_state(&key, &value)
        };
        let states = self.db.scan_prefix(key::LOGS).map(state);
        states.collect::<Result<_, _>>().map_err(self.failed())
    }

    fn groups(&self, log: LogId, from: u64) -> Groups<'_> {
        let first = match stored::group_holding(&self.db, log, from) {
            Ok(holding) => holding.map_or(from, |(first, _)| first),
            Err(failure) => return Box::new(iter::once(Err(self.failed()(failure)))),
        };
        let range = key::group(log, first)..=key::group(log, u64::MAX);
        let groups = self.db.range(range).map(move |item| {
            let group = item.map_err(Failure::from);
            group.and_then(|item| stored::group(&self.db, log, item))
        });
        Box::new(groups.map(|group| group.map_err(self.failed())))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let key = key::entry(key);
        let read = || match self.db.get(&key)? {
            Some(value) => record::read(&self.db, &key, &value).map(Some),
            None => Ok(None),
        };
        read().map_err(self.failed())
    }

    fn entries(&self, prefix: &[u8]) -> Entries<'_> {
        let entries = self.db.scan_prefix(key::entry(prefix)).map(|item| {
            let (key, value) = item?;
            let Some(name) = key::entry_of(&key) else {
                return Err(Failure::record(&key, "it is no entry"));
            };
            let value = record::read(&self.db, &key, &value)?;
            Ok((Bytes::copy_from_slice(name), value))
        });
        Box::new(entries.map(|entry| entry.map_err(self.failed())))
    }
}

/// How many bytes all groups have.
fn kept(db: &sled::Db) -> Result<u64, Failure> {
    let lengths = db.scan_prefix(key::GROUPS).map(|item| {
        let (key, value) = item?;
        record::length(&key, &value)
    });
    lengths.sum()
}
