use palm_highlevel::store::{Batch, MemoryStore, Store};
use palm_persist::SledStore;
use tempfile::TempDir;

/// A store, with what is needed to open it again.
pub(crate) struct Kept {
    store: Option<Box<dyn Store>>,
    /// Where it is, if it is on disk.
    folder: Option<TempDir>,
}

impl Kept {
    pub(crate) fn memory() -> Self {
        Self {
            store: Some(Box::new(MemoryStore::new())),
            folder: None,
        }
    }

    pub(crate) fn sled() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let store = SledStore::open(folder.path()).expect("a new store opens");
        Self {
            store: Some(Box::new(store)),
            folder: Some(folder),
        }
    }

    pub(crate) fn store(&mut self) -> &mut dyn Store {
        self.store.as_deref_mut().expect("it is open between calls")
    }

    /// Writes a batch and flushes it.
    pub(crate) fn write(&mut self, fill: impl FnOnce(&mut Batch)) {
        let mut batch = Batch::new();
        fill(&mut batch);
        self.store()
            .write(&batch)
            .expect("the batch keeps the rules");
        self.store().flush().expect("it is flushed");
    }

    /// Closes the store and opens it again, if it outlives that.
    pub(crate) fn reopen(&mut self) {
        if let Some(folder) = &self.folder {
            self.store = None;
            let store = SledStore::open(folder.path()).expect("it was closed in order");
            self.store = Some(Box::new(store));
        }
    }

    /// Checks the store as it is, and once more after a reopening.
    pub(crate) fn check(&mut self, check: impl Fn(&dyn Store)) {
        check(self.store());
        self.reopen();
        check(self.store());
    }
}
