use palm_highlevel::store::{Batch, MemoryStore, Store, StoreError};

/// What a server's store holds for good, and the batch that a crash may take away.
#[derive(Debug, Default)]
pub(super) struct Disk {
    flushed: MemoryStore,
    written: Option<(u64, Batch)>,
}

impl Disk {
    /// Takes a batch that is flushed later, if its process lives that long.
    ///
    /// # Errors
    ///
    /// If it breaks a rule of stores.
    pub(super) fn write(&mut self, number: u64, batch: Batch) -> Result<(), StoreError> {
        self.flushed.clone().write(&batch)?;
        self.written = Some((number, batch));
        Ok(())
    }

    /// Has the batch with that number be there for good; whether it was written.
    pub(super) fn flush(&mut self, number: u64) -> bool {
        let written = self.written.take_if(|(written, _)| *written == number);
        written.is_some_and(|(_, batch)| self.flushed.write(&batch).is_ok())
    }

    /// Loses what is not flushed, unless it `survives` by chance.
    pub(super) fn crash(&mut self, survives: bool) {
        if let Some((number, _)) = self.written
            && survives
        {
            self.flush(number);
        }
        self.written = None;
    }

    /// What a new process finds.
    pub(super) fn store(&mut self) -> &mut MemoryStore {
        &mut self.flushed
    }

    /// What can be read of it.
    pub(super) fn reader(&self) -> &MemoryStore {
        &self.flushed
    }
}
