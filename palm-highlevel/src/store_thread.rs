use crate::engine::{Event, Reading};
use crate::store::{Batch, Store, StoreError};
use crate::{Error, ErrorKind, Result, thread};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use palm_core::Waker;
use std::thread::JoinHandle;

/// The thread that owns a server's store: it writes one batch after another, flushes, reads back
/// what waits, and wakes the loop. The loop never waits for the disk.
pub(crate) struct StoreThread {
    orders: Option<Sender<Order>>,
    done: Receiver<std::result::Result<Event, StoreError>>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Write(u64, Batch),
    Read(Reading),
}

/// The engine has one batch written, and one part of a log read, at a time: handing over never
/// blocks.
const ORDERS: usize = 2;

impl StoreThread {
    /// Starts it; it wakes the loop when something is done.
    pub(crate) fn start(name: &str, store: Box<dyn Store>, waker: Waker) -> Result<StoreThread> {
        let (orders, ordered) = bounded(ORDERS);
        let (report, done) = bounded(ORDERS);
        let body = move || obey(store, &ordered, &report, &waker);
        Ok(StoreThread {
            orders: Some(orders),
            done,
            thread: Some(thread::spawn(&format!("st-{name}"), body)?),
        })
    }

    /// Has a batch written and flushed.
    pub(crate) fn write(&self, number: u64, batch: Batch) {
        self.order(Order::Write(number, batch));
    }

    /// Has a part of a log read.
    pub(crate) fn read(&self, reading: Reading) {
        self.order(Order::Read(reading));
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that has ended has said why.
            let _ = orders.send(order);
        }
    }

    /// What was done since the last call, if anything was.
    pub(crate) fn done(&self) -> Result<Option<Event>> {
        match self.done.try_recv() {
            Ok(done) => Ok(Some(done?)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Error::new(
                ErrorKind::Store,
                "the thread that writes the store has panicked, and the log says why: start the \
                 server again, nothing that was flushed is lost",
            )),
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It ends after what it does; a panic there has been logged.
            let _ = thread.join();
        }
    }
}

fn obey(
    mut store: Box<dyn Store>,
    orders: &Receiver<Order>,
    report: &Sender<std::result::Result<Event, StoreError>>,
    waker: &Waker,
) {
    for order in orders {
        let done = match order {
            Order::Write(number, batch) => {
                let written = store.write(&batch).and_then(|()| store.flush());
                written.map(|()| Event::Flushed(number))
            }
            Order::Read(reading) => reading.read(store.as_ref()).map(Event::Read),
        };
        let failed = done.is_err();
        let gone = report.send(done).is_err();
        waker.wake();
        if failed || gone {
            return;
        }
    }
}
