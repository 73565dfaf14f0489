use crate::{Error, ErrorKind, Pollable, Result};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Waits on one thread for sockets, timers, other threads and the word to stop.
///
/// The loop owns no socket: each [`step`](EventLoop::step) is given those to wait for, so that a
/// server composes its own.
///
/// ```
/// use palm_core::EventLoop;
/// use std::time::Duration;
///
/// let mut events = EventLoop::new().unwrap();
/// events.schedule(events.now() + Duration::from_millis(1));
/// let waker = events.waker();
/// std::thread::spawn(move || waker.wake());
///
/// let (mut woken, mut fired) = (false, false);
/// while !(woken && fired) {
///     let ready = events.step(&[], None).unwrap();
///     woken |= ready.woken();
///     fired |= ready.timer();
/// }
/// ```
pub struct EventLoop {
    start: Instant,
    receiver: PipeReader,
    shared: Arc<Shared>,
    timers: BinaryHeap<Reverse<Duration>>,
    writable: Vec<bool>,
}

struct Shared {
    sender: PipeWriter,
    /// Something was handed over since the loop last looked.
    pending: AtomicBool,
    /// The loop may be about to wait.
    waiting: AtomicBool,
    stopped: AtomicBool,
}

/// Wakes an [`EventLoop`] from any thread. A clone wakes the same loop.
#[derive(Clone)]
pub struct Waker(Arc<Shared>);

/// Tells an [`EventLoop`] to stop, from any thread. A clone stops the same loop.
#[derive(Clone)]
pub struct StopHandle(Waker);

/// What a step found.
#[derive(Clone, Debug, Default)]
pub struct Ready {
    readable: Indices,
    writable: Indices,
    woken: bool,
    timer: bool,
    stopped: bool,
}

/// Some of the sockets of a step, one bit each.
#[derive(Clone, Debug, Default)]
struct Indices([u64; EventLoop::MAX_SOCKETS.div_ceil(64)]);

impl Indices {
    fn add(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn contains(&self, index: usize) -> bool {
        let word = self.0.get(index / 64);
        word.is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}

/// What to wait for at a socket.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Interest {
    writable: bool,
}

impl Interest {
    pub(crate) fn events(self) -> zmq::PollEvents {
        match self.writable {
            true => zmq::POLLIN | zmq::POLLOUT,
            false => zmq::POLLIN,
        }
    }
}

impl EventLoop {
    /// The most sockets in one step: nearly as many as libzmq gives one context.
    pub const MAX_SOCKETS: usize = 1000;

    /// A loop whose time begins now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the system gives no pipe.
    pub fn new() -> Result<EventLoop> {
        let (receiver, sender) = std::io::pipe()
            .map_err(|error| Error::new(ErrorKind::Io, "a pipe can't be made").caused_by(error))?;
        Ok(EventLoop {
            start: Instant::now(),
            receiver,
            shared: Arc::new(Shared {
                sender,
                pending: AtomicBool::new(false),
                waiting: AtomicBool::new(false),
                stopped: AtomicBool::new(false),
            }),
            timers: BinaryHeap::new(),
            writable: Vec::new(),
        })
    }

    /// The time since the loop was made.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A handle that wakes the loop.
    pub fn waker(&self) -> Waker {
        Waker(self.shared.clone())
    }

    /// A handle that stops the loop.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.waker())
    }

    /// Ends a step at `at`, by the loop's own time, once.
    pub fn schedule(&mut self, at: Duration) {
        if self.timers.peek() != Some(&Reverse(at)) {
            self.timers.push(Reverse(at));
        }
    }

    /// Has the next step end also when the socket at `index` takes messages again.
    pub fn await_writable(&mut self, index: usize) {
        if self.writable.len() <= index {
            self.writable.resize(index + 1, false);
        }
        self.writable[index] = true;
    }

    /// Waits until a socket is readable, a timer fires, a waker wakes, a stop handle stops, or
    /// `timeout` is over; `None` waits as long as it takes, zero not at all. A signal
    /// ends the step with nothing ready.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if there are more than [`MAX_SOCKETS`](Self::MAX_SOCKETS), or libzmq
    /// refuses to wait.
    pub fn step(&mut self, sockets: &[&dyn Pollable], timeout: Option<Duration>) -> Result<Ready> {
        if sockets.len() > EventLoop::MAX_SOCKETS {
            return Err(Error::new(
                ErrorKind::Io,
                format!("{} sockets are too many for one loop", sockets.len()),
            ));
        }
        self.shared.waiting.store(true, SeqCst);
        // From here on a waker writes to the pipe; what it handed over before is seen here.
        let timeout = match self.shared.pending.load(SeqCst) {
            true => Some(Duration::ZERO),
            false => self.time_left(timeout),
        };
        let polled = self.poll(sockets, timeout);
        self.shared.waiting.store(false, SeqCst);
        self.writable.clear();
        let mut ready = polled?;
        ready.woken = self.shared.pending.swap(false, SeqCst);
        ready.stopped = self.shared.stopped.load(SeqCst);
        let now = self.now();
        while self.timers.peek().is_some_and(|Reverse(at)| *at <= now) {
            self.timers.pop();
            ready.timer = true;
        }
        Ok(ready)
    }

    fn time_left(&self, timeout: Option<Duration>) -> Option<Duration> {
        let timer = self
            .timers
            .peek()
            .map(|Reverse(at)| at.saturating_sub(self.now()));
        match (timeout, timer) {
            (Some(timeout), Some(timer)) => Some(timeout.min(timer)),
            (timeout, timer) => timeout.or(timer),
        }
    }

    fn poll(&mut self, sockets: &[&dyn Pollable], timeout: Option<Duration>) -> Result<Ready> {
        let fd = self.receiver.as_raw_fd();
        let mut items = Vec::with_capacity(sockets.len() + 1);
        items.push(zmq::PollItem::from_fd(fd, zmq::POLLIN));
        for (index, socket) in sockets.iter().enumerate() {
            let writable = self.writable.get(index).copied().unwrap_or(false);
            items.push(socket.poll_item(Interest { writable }));
        }
        let milliseconds = timeout.map_or(-1, |timeout| {
            // Rounded up: a timer must not fire early and then spin until its time.
            i64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
        });
        match zmq::poll(&mut items, milliseconds) {
            Ok(_) | Err(zmq::Error::EINTR) => {}
            Err(error) => {
                return Err(Error::new(ErrorKind::Io, "waiting failed").caused_by(error));
            }
        }
        let mut ready = Ready::default();
        for (index, item) in items[1..].iter().enumerate() {
            if item.is_readable() {
                ready.readable.add(index);
            }
            if item.is_writable() {
                ready.writable.add(index);
            }
        }
        if items[0].is_readable() {
            // There is one byte for each step at most, so that this neither blocks nor falls behind.
            let _ = (&self.receiver).read(&mut [0; 64]);
        }
        Ok(ready)
    }
}

impl std::fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLoop")
            .field("timers", &self.timers.len())
            .finish()
    }
}

impl Waker {
    /// Ends the step that the loop is in, or its next one. What was handed over before the call is
    /// seen by the loop after that step. It never blocks, and costs a system call only if the loop
    /// waits.
    pub fn wake(&self) {
        let Shared {
            sender,
            pending,
            waiting,
            ..
        } = &*self.0;
        if !pending.swap(true, SeqCst) && waiting.load(SeqCst) {
            // The loop holds the other end for as long as it lives: who wakes a dead one is late.
            let _ = (&mut &*sender).write(&[0]);
        }
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waker")
    }
}

impl StopHandle {
    /// Has this and every later step say that the loop is [`stopped`](Ready::stopped).
    pub fn stop(&self) {
        self.0.0.stopped.store(true, SeqCst);
        self.0.wake();
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.0.0.stopped.load(SeqCst)
    }
}

impl std::fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StopHandle({})", self.is_stopped())
    }
}

impl Ready {
    /// Whether the socket at `index` of the step has a message.
    pub fn readable(&self, index: usize) -> bool {
        self.readable.contains(index)
    }

    /// Whether the socket at `index`, for which it was awaited, takes messages.
    pub fn writable(&self, index: usize) -> bool {
        self.writable.contains(index)
    }

    /// Whether a waker woke the loop.
    pub fn woken(&self) -> bool {
        self.woken
    }

    /// Whether a timer fired.
    pub fn timer(&self) -> bool {
        self.timer
    }

    /// Whether the loop is to stop.
    pub fn stopped(&self) -> bool {
        self.stopped
    }
}
