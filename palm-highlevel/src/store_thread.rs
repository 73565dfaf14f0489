use crate::store::{Batch, Store, StoreError};
use crate::{Result, thread};
use crossbeam_channel::{Receiver, Sender, bounded};
use palm_core::Waker;
use std::thread::JoinHandle;

/// The thread that owns a server's store: it writes one batch after another, flushes, and wakes the
/// loop. The loop never waits for the disk.
pub(crate) struct StoreThread {
    batches: Option<Sender<(u64, Batch)>>,
    flushed: Receiver<std::result::Result<u64, StoreError>>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Starts it; it wakes the loop when a batch is flushed.
    pub(crate) fn start(name: &str, store: Box<dyn Store>, waker: Waker) -> Result<StoreThread> {
        // The engine has one batch written at a time, so that handing over never blocks.
        let (batches, todo) = bounded(1);
        let (done, flushed) = bounded(1);
        let body = move || write_all(store, &todo, &done, &waker);
        Ok(StoreThread {
            batches: Some(batches),
            flushed,
            thread: Some(thread::spawn(&format!("st-{name}"), body)?),
        })
    }

    /// Has a batch written and flushed.
    pub(crate) fn write(&self, number: u64, batch: Batch) {
        if let Some(batches) = &self.batches {
            // A thread that has ended has said why.
            let _ = batches.send((number, batch));
        }
    }

    /// The number of the batch that was flushed, if one was since the last call.
    pub(crate) fn flushed(&self) -> Result<Option<u64>> {
        let flushed = self.flushed.try_recv().ok();
        Ok(flushed.transpose()?)
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // It ends after the batch that it writes; a panic there has been logged.
            let _ = thread.join();
        }
    }
}

fn write_all(
    mut store: Box<dyn Store>,
    todo: &Receiver<(u64, Batch)>,
    done: &Sender<std::result::Result<u64, StoreError>>,
    waker: &Waker,
) {
    for (number, batch) in todo {
        let written = store.write(&batch).and_then(|()| store.flush());
        let failed = written.is_err();
        let gone = done.send(written.map(|()| number)).is_err();
        waker.wake();
        if failed || gone {
            return;
        }
    }
}
