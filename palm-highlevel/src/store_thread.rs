use crate::engine::{Event, Reading};
use crate::store::{Batch, Room, Store, StoreError};
use crate::{Error, ErrorKind, Result, thread};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, never};
use palm_core::Waker;
use std::thread::JoinHandle;
use std::time::Duration;

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

/// How often a store that has no room is asked whether it has.
const LOOK: Duration = Duration::from_millis(250);

impl StoreThread {
    /// Starts it; it wakes the loop when something is done.
    pub(crate) fn start(name: &str, store: Box<dyn Store>, waker: Waker) -> Result<StoreThread> {
        let (orders, ordered) = bounded(ORDERS);
        let (report, done) = bounded(ORDERS);
        let keeper = Keeper {
            name: name.to_owned(),
            store,
            room: Room::default(),
            report,
            waker,
        };
        let body = move || keeper.obey(&ordered);
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
        // It would wait for ever for somebody to take what it has to say.
        self.done = never();
        if let Some(thread) = self.thread.take() {
            // It ends after what it does; a panic there has been logged.
            let _ = thread.join();
        }
    }
}

/// What runs on the thread.
struct Keeper {
    name: String,
    store: Box<dyn Store>,
    /// What the store had room for last.
    room: Room,
    report: Sender<std::result::Result<Event, StoreError>>,
    waker: Waker,
}

impl Keeper {
    fn obey(mut self, orders: &Receiver<Order>) {
        let mut goes_on = self.look();
        while goes_on {
            let order = match self.room.shortage.is_some() {
                true => orders.recv_timeout(LOOK),
                false => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            goes_on = match order {
                Ok(order) => {
                    let done = self.execute(order);
                    // Before the engine takes in more, it knows for how much there is room.
                    self.look() && self.report(done)
                }
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => false,
            };
        }
    }

    fn execute(&mut self, order: Order) -> std::result::Result<Event, StoreError> {
        match order {
            Order::Write(number, batch) => {
                self.store.write(&batch)?;
                self.store.flush()?;
                Ok(Event::Flushed(number))
            }
            Order::Read(reading) => reading.read(self.store.as_ref()).map(Event::Read),
        }
    }

    /// Looks how much room the store has, and says so where that has changed.
    fn look(&mut self) -> bool {
        let room = match self.store.room() {
            Ok(room) => room,
            Err(error) => return self.report(Err(error)),
        };
        let before = std::mem::replace(&mut self.room, room);
        let name = &self.name;
        match (&before.shortage, &self.room.shortage) {
            (None, Some(why)) => log::warn!("{name}: {why}: who sends waits until there is room"),
            (Some(_), None) => log::info!("{name}: its store has room again: work goes on"),
            _ => {}
        }
        before.bytes == self.room.bytes || self.report(Ok(Event::Room(self.room.bytes)))
    }

    /// Tells the loop; gives back whether there is anything left to do for it.
    fn report(&self, done: std::result::Result<Event, StoreError>) -> bool {
        let failed = done.is_err();
        let gone = self.report.send(done).is_err();
        self.waker.wake();
        !failed && !gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Entries, Groups, LogId, LogState, MemoryStore};
    use bytes::Bytes;
    use palm_core::EventLoop;

    const DEADLINE: Duration = Duration::from_secs(20);

    /// A store that has another room each time, and writes when it is told to.
    struct Slow {
        store: MemoryStore,
        bytes: u64,
        writes: Sender<()>,
        go: Receiver<()>,
    }

    impl Store for Slow {
        fn write(&mut self, batch: &Batch) -> std::result::Result<(), StoreError> {
            self.writes.send(()).unwrap();
            // It ends when the test does.
            let _ = self.go.recv();
            self.store.write(batch)
        }

        fn flush(&mut self) -> std::result::Result<(), StoreError> {
            self.store.flush()
        }

        fn room(&mut self) -> std::result::Result<Room, StoreError> {
            self.bytes += 1;
            Ok(Room {
                bytes: self.bytes,
                shortage: None,
            })
        }

        fn logs(&self) -> std::result::Result<Vec<LogState>, StoreError> {
            self.store.logs()
        }

        fn groups(&self, log: LogId, from: u64) -> Groups<'_> {
            self.store.groups(log, from)
        }

        fn get(&self, key: &[u8]) -> std::result::Result<Option<Bytes>, StoreError> {
            self.store.get(key)
        }

        fn entries(&self, prefix: &[u8]) -> Entries<'_> {
            self.store.entries(prefix)
        }
    }

    #[test]
    fn it_ends_though_nobody_takes_what_it_says() {
        let (writes, writing) = bounded(1);
        let (go, going) = bounded::<()>(0);
        let slow = Slow {
            store: MemoryStore::new(),
            bytes: 0,
            writes,
            go: going,
        };
        let waker = EventLoop::new().unwrap().waker();
        let store = StoreThread::start("s", Box::new(slow), waker).unwrap();
        store.write(1, Batch::new());
        writing.recv_timeout(DEADLINE).unwrap();
        let (dropped, drops) = bounded(1);
        std::thread::spawn(move || {
            drop(store);
            dropped.send(()).unwrap();
        });
        drop(go);
        drops.recv_timeout(DEADLINE).expect("it ends");
    }
}
