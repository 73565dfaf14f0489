use bytes::Bytes;
use palm_highlevel::store::{
    Batch, Entries, Groups, LogId, LogState, MemoryStore, Store, StoreError, StoreErrorKind,
};
use std::cell::Cell;
use std::iter;

/// What a server's store holds for good, and the batches that a crash may take away.
#[derive(Debug, Default)]
pub(super) struct Disk {
    flushed: MemoryStore,
    written: Vec<(u64, Batch)>,
    /// After so many calls of the store the process that opens it dies, if it is to die then.
    calls: Cell<Option<u32>>,
    died: Cell<bool>,
}

impl Disk {
    /// Takes a batch that is flushed later, if its process lives that long.
    ///
    /// # Errors
    ///
    /// If it breaks a rule of stores.
    pub(super) fn write(&mut self, number: u64, batch: Batch) -> Result<(), StoreError> {
        let mut all = self.flushed.clone();
        for (_, batch) in &self.written {
            all.write(batch)?;
        }
        all.write(&batch)?;
        self.written.push((number, batch));
        Ok(())
    }

    /// Has the batches up to that number be there for good; whether it was written.
    pub(super) fn flush(&mut self, number: u64) -> bool {
        let written = self.written.iter().position(|(other, _)| *other == number);
        let Some(last) = written else {
            return false;
        };
        let batches = self.written.drain(..=last);
        batches
            .map(|(_, batch)| self.flushed.write(&batch))
            .all(|written| written.is_ok())
    }

    /// Loses what is not flushed, unless it `survives` by chance.
    pub(super) fn crash(&mut self, survives: bool) {
        if let Some((number, _)) = self.written.last()
            && survives
        {
            self.flush(*number);
        }
        self.written.clear();
    }

    /// Has the next process that opens it die after so many calls.
    pub(super) fn dies_after(&mut self, calls: Option<u32>) {
        self.calls.set(calls);
    }

    /// Whether the last process that opened it died of that.
    pub(super) fn has_died(&self) -> bool {
        self.died.get()
    }

    /// What a new process finds.
    pub(super) fn open(&mut self) -> Opening<'_> {
        self.died.set(false);
        Opening(self)
    }

    /// What can be read of it.
    pub(super) fn reader(&self) -> &MemoryStore {
        &self.flushed
    }
}

/// The store of a process that opens it.
pub(super) struct Opening<'a>(&'a mut Disk);

impl Opening<'_> {
    /// One more call, which its process may not live to see the end of.
    fn call(&self) -> Result<(), StoreError> {
        let calls = &self.0.calls;
        match calls.get() {
            Some(0) => {
                calls.set(None);
                self.0.died.set(true);
                Err(StoreError::new(StoreErrorKind::Io, "its process has died"))
            }
            Some(left) => {
                calls.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The number of what is written in an opening; those of engines begin at 1.
const OPENING: u64 = 0;

impl Store for Opening<'_> {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.call()?;
        self.0.write(OPENING, batch.clone())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.call()?;
        self.0.flush(OPENING);
        Ok(())
    }

    fn logs(&self) -> Result<Vec<LogState>, StoreError> {
        self.call()?;
        self.0.flushed.logs()
    }

    fn groups(&self, log: LogId, from: u64) -> Groups<'_> {
        match self.call() {
            Ok(()) => self.0.flushed.groups(log, from),
            Err(error) => Box::new(iter::once(Err(error))),
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.call()?;
        self.0.flushed.get(key)
    }

    fn entries(&self, prefix: &[u8]) -> Entries<'_> {
        match self.call() {
            Ok(()) => self.0.flushed.entries(prefix),
            Err(error) => Box::new(iter::once(Err(error))),
        }
    }
}
