use crate::engine::{self, Action, Address, BUNCH, Event, Reading, Task};
use crate::store::Batch;
use crate::{Config, Result};
use palm_core::wire::{Frame, Outcome};
use palm_core::{
    Context, Dealer, Endpoint, EventLoop, Frames, Pollable, Ready, Router, Sent, SocketOptions,
};
use std::time::Duration;

/// How many frames, of a [`BUNCH`] of messages in all, are taken from a socket before what is ready
/// leaves.
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
    fn execute(&self, tasks: Vec<Task>, brief: bool);
    fn recall(&self, token: u64);
    fn write(&self, number: u64, batch: Batch);
    /// To find a server by its name, or the same as before once more.
    fn find(&self, index: usize, name: Option<String>);
    fn read(&self, reading: Reading);
}

/// A client's machine has none.
impl Threads for () {
    fn execute(&self, _: Vec<Task>, _: bool) {}
    fn recall(&self, _: u64) {}
    fn write(&self, _: u64, _: Batch) {}
    fn find(&self, _: usize, _: Option<String>) {}
    fn read(&self, _: Reading) {}
}

/// A DEALER and where it leads to, once that is found.
#[derive(Default)]
struct Wire {
    led: Option<(Endpoint, Dealer)>,
    blocked: bool,
    /// Which of the sockets it is that are waited for.
    slot: usize,
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

    /// The context of its sockets.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    pub(crate) fn bind(&mut self, endpoints: &[Endpoint]) -> Result<Vec<Endpoint>> {
        let router = Router::bind(&self.context, endpoints, &self.options)?;
        let addresses = router.addresses().to_vec();
        self.router = Some(router);
        Ok(addresses)
    }

    pub(crate) fn connect(&mut self, endpoint: &Endpoint) -> Result<()> {
        self.lead(self.dealers.len(), endpoint.clone())
    }

    /// Has the DEALER with that index lead to `endpoint`, if it does not yet.
    pub(crate) fn lead(&mut self, index: usize, endpoint: Endpoint) -> Result<()> {
        while self.dealers.len() <= index {
            self.dealers.push(Wire::default());
        }
        let wire = &mut self.dealers[index];
        if wire.led.as_ref().is_none_or(|(old, _)| *old != endpoint) {
            let dealer = Dealer::connect(&self.context, &endpoint, &self.options)?;
            wire.led = Some((endpoint, dealer));
            wire.blocked = true;
        }
        Ok(())
    }

    /// Has the DEALER with that index lead nowhere, until it is led again.
    pub(crate) fn cut(&mut self, index: usize) {
        if let Some(wire) = self.dealers.get_mut(index) {
            wire.led = None;
        }
    }

    /// Waits until there is something to do, at most until `deadline`.
    pub(crate) fn wait(&mut self, deadline: Duration) -> Result<&Ready> {
        let now = self.events.now();
        let slots = usize::from(self.router.is_some())..;
        let led = self.dealers.iter_mut().filter(|wire| wire.led.is_some());
        for (slot, wire) in slots.zip(led) {
            wire.slot = slot;
            if wire.blocked {
                self.events.await_writable(slot);
            }
        }
        let router = self.router.iter().map(|router| router as &dyn Pollable);
        let dealers = self.dealers.iter().filter_map(|wire| wire.led.as_ref());
        let dealers = dealers.map(|(_, dealer)| dealer as &dyn Pollable);
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
        // Gives back whether it is enough for a turn.
        let mut each = |event: Event| {
            if let Event::Frame(_, frame) = &event {
                *moved += messages(frame);
            }
            each(event);
            *moved >= BUNCH
        };
        if let Some(router) = &self.router
            && self.ready.readable(0)
        {
            for _ in 0..BURST {
                let Some((peer, frames)) = router.receive()? else {
                    break;
                };
                if each(read(Address::Peer(peer), frames)) {
                    break;
                }
            }
        }
        for (index, wire) in self.dealers.iter_mut().enumerate() {
            let address = Address::Dealer(index);
            let Some((_, dealer)) = &wire.led else {
                continue;
            };
            if wire.blocked && self.ready.writable(wire.slot) {
                wire.blocked = false;
                each(Event::Writable(address));
            }
            if self.ready.readable(wire.slot) {
                for _ in 0..BURST {
                    let Some(frames) = dealer.receive()? else {
                        break;
                    };
                    if each(read(address, frames)) {
                        break;
                    }
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
                Action::Execute(tasks, brief) => threads.execute(tasks, brief),
                Action::Recall(token) => threads.recall(token),
                Action::Write(number, batch) => threads.write(number, batch),
                Action::Read(reading) => threads.read(reading),
                Action::Reconnect(index) => {
                    if let Some(wire) = self.dealers.get_mut(index)
                        && let Some((endpoint, _)) = wire.led.take()
                    {
                        self.lead(index, endpoint)?;
                    }
                    threads.find(index, None);
                }
                Action::Find(index, name) => threads.find(index, Some(name)),
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
                Some(Wire {
                    led: Some((_, dealer)),
                    blocked,
                    ..
                }) => {
                    let sent = dealer.send(frames)?;
                    *blocked |= sent == Sent::NotNow;
                    sent
                }
                // Nobody has found yet where it leads to.
                Some(_) | None => Sent::NotNow,
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

/// How many messages a frame carries.
fn messages(frame: &Frame) -> usize {
    let count = frame.header.count as usize;
    let bundle = frame.records().next();
    match bundle.is_some_and(|(record, _)| record.outcome == Outcome::Bundle) {
        // They are few and large.
        true => {
            let each = frame.records();
            each.map(|(record, payload)| engine::messages(record.outcome, &payload))
                .sum()
        }
        false => count,
    }
}

fn read(from: Address, frames: Frames) -> Event {
    match Frame::read(frames) {
        Ok(frame) => Event::Frame(from, frame),
        Err(error) => Event::BadFrame(from, error.to_string()),
    }
}
