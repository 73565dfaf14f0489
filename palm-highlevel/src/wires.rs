use crate::engine::{Action, Address, Event, Reading, Task};
use crate::store::Batch;
use crate::{Config, Result};
use palm_core::wire::Frame;
use palm_core::{
    Context, Dealer, Endpoint, EventLoop, Frames, Pollable, Ready, Router, Sent, SocketOptions,
};
use std::time::Duration;

/// How many frames are taken from a socket before what is ready leaves.
const BURST: usize = 64;

/// How many messages in one turn of the loop make a stream of them.
const STREAM: usize = 8;

/// The sockets of one process and the loop that waits for them: what turns frames into events and
/// actions into frames.
pub(crate) struct Wires {
    // Sockets are dropped before the context that they are of.
    router: Option<Router>,
    dealers: Vec<Wire>,
    context: Context,
    options: SocketOptions,
    pub(crate) events: EventLoop,
    ready: Ready,
    /// How many messages this turn of the loop has moved.
    moved: usize,
}

/// The threads that do what a machine wants done and the loop must not wait for.
pub(crate) trait Threads {
    fn execute(&self, tasks: Vec<Task>);
    fn recall(&self, token: u64);
    fn write(&self, number: u64, batch: Batch);
    fn read(&self, reading: Reading);
}

/// A client's machine has none.
impl Threads for () {
    fn execute(&self, _: Vec<Task>) {}
    fn recall(&self, _: u64) {}
    fn write(&self, _: u64, _: Batch) {}
    fn read(&self, _: Reading) {}
}

struct Wire {
    endpoint: Endpoint,
    dealer: Dealer,
    blocked: bool,
}

impl Wires {
    /// Sockets behind so many I/O threads, unless the configuration brings a context.
    pub(crate) fn new(config: &Config, io_threads: u16) -> Result<Wires> {
        keep_freed_memory();
        let context = config.context.clone();
        Ok(Wires {
            router: None,
            dealers: Vec::new(),
            context: context.unwrap_or_else(|| Context::with_io_threads(io_threads)),
            options: SocketOptions {
                linger: config.drain.min(Duration::from_secs(1)),
                ..SocketOptions::default()
            },
            events: EventLoop::new()?,
            ready: Ready::default(),
            moved: 0,
        })
    }

    pub(crate) fn bind(&mut self, endpoints: &[Endpoint]) -> Result<Vec<Endpoint>> {
        let router = Router::bind(&self.context, endpoints, &self.options)?;
        let addresses = router.addresses().to_vec();
        self.router = Some(router);
        Ok(addresses)
    }

    pub(crate) fn connect(&mut self, endpoint: &Endpoint) -> Result<()> {
        self.dealers.push(Wire {
            dealer: Dealer::connect(&self.context, endpoint, &self.options)?,
            endpoint: endpoint.clone(),
            blocked: true,
        });
        Ok(())
    }

    /// Waits until there is something to do, at most until `deadline`.
    pub(crate) fn wait(&mut self, deadline: Duration) -> Result<&Ready> {
        let now = self.events.now();
        let offset = usize::from(self.router.is_some());
        for (index, wire) in self.dealers.iter().enumerate() {
            if wire.blocked {
                self.events.await_writable(offset + index);
            }
        }
        let router = self.router.iter().map(|router| router as &dyn Pollable);
        let dealers = self
            .dealers
            .iter()
            .map(|wire| &wire.dealer as &dyn Pollable);
        let sockets: Vec<&dyn Pollable> = router.chain(dealers).collect();
        let timeout = deadline.saturating_sub(now);
        self.ready = self.events.step(&sockets, Some(timeout))?;
        // In a stream, whoever woke this thread is mostly in the middle of handing over more: it
        // goes first, and this thread then finds more to do at once. A single message waits for
        // nobody.
        if std::mem::take(&mut self.moved) >= STREAM {
            std::thread::yield_now();
        }
        Ok(&self.ready)
    }

    /// Notes that so many messages were moved that did not come through a socket.
    pub(crate) fn moved(&mut self, messages: usize) {
        self.moved += messages;
    }

    /// Hands in what has come, a burst from each socket.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Event)) -> Result<()> {
        let moved = &mut self.moved;
        let mut each = |event: Event| {
            if let Event::Frame(_, frame) = &event {
                *moved += frame.header.count as usize;
            }
            each(event);
        };
        let offset = usize::from(self.router.is_some());
        if let Some(router) = &self.router
            && self.ready.readable(0)
        {
            for _ in 0..BURST {
                let Some((peer, frames)) = router.receive()? else {
                    break;
                };
                each(read(Address::Peer(peer), frames));
            }
        }
        for (index, wire) in self.dealers.iter_mut().enumerate() {
            let address = Address::Dealer(index);
            if wire.blocked && self.ready.writable(offset + index) {
                wire.blocked = false;
                each(Event::Writable(address));
            }
            if self.ready.readable(offset + index) {
                for _ in 0..BURST {
                    let Some(frames) = wire.dealer.receive()? else {
                        break;
                    };
                    each(read(address, frames));
                }
            }
        }
        Ok(())
    }

    /// Does what a machine wants done; what could not be sent comes back as events.
    pub(crate) fn perform(
        &mut self,
        actions: &mut Vec<Action>,
        threads: &impl Threads,
    ) -> Result<Vec<Event>> {
        let mut failed = Vec::new();
        for action in actions.drain(..) {
            match action {
                Action::Execute(tasks) => threads.execute(tasks),
                Action::Recall(token) => threads.recall(token),
                Action::Write(number, batch) => threads.write(number, batch),
                Action::Read(reading) => threads.read(reading),
                Action::Reconnect(index) => {
                    if let Some(wire) = self.dealers.get_mut(index) {
                        wire.dealer =
                            Dealer::connect(&self.context, &wire.endpoint, &self.options)?;
                        wire.blocked = true;
                    }
                }
                Action::Send(to, frames) => {
                    if let Some(event) = self.send(to, frames)? {
                        failed.push(event);
                    }
                }
            }
        }
        Ok(failed)
    }

    fn send(&mut self, to: Address, frames: Frames) -> Result<Option<Event>> {
        let sent = match to {
            Address::Peer(peer) => match &self.router {
                Some(router) => router.send(peer, frames)?,
                None => Sent::Unreachable,
            },
            Address::Dealer(index) => match self.dealers.get_mut(index) {
                Some(wire) => {
                    let sent = wire.dealer.send(frames)?;
                    wire.blocked |= sent == Sent::NotNow;
                    sent
                }
                None => Sent::Unreachable,
            },
        };
        Ok(match sent {
            Sent::Yes => None,
            Sent::NotNow => Some(Event::Blocked(to)),
            Sent::Unreachable => Some(Event::Unreachable(to)),
        })
    }
}

/// Has the C library's allocator, as glibc's does, keep what is freed instead of giving it back to
/// the system at once: it takes the size of the largest block freed so far for what this process
/// needs again and again. Large messages would otherwise fault in fresh pages each time.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_BLOCK)));
}

/// Just below the size from which glibc stops to learn.
const LARGE_BLOCK: usize = (32 << 20) - (64 << 10);

fn read(from: Address, frames: Frames) -> Event {
    match Frame::read(frames) {
        Ok(frame) => Event::Frame(from, frame),
        Err(error) => Event::BadFrame(from, error.to_string()),
    }
}
