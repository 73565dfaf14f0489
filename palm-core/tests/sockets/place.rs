//! Where a scenario runs: a transport, a context, an address, and the means to wait without
//! sleeping.

use palm_core::{
    Context, Dealer, Endpoint, EventLoop, Frames, PeerId, Pollable, Router, SocketOptions,
};
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long anything may take. It is long because machines are slow, not because anything is.
const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Inproc,
    Ipc,
    Tcp,
}

pub(crate) struct Place {
    pub(crate) transport: Transport,
    pub(crate) context: Context,
    pub(crate) options: SocketOptions,
    folder: tempfile::TempDir,
    events: RefCell<EventLoop>,
    deadline: Instant,
}

/// Runs `scenario` over every transport.
pub(crate) fn everywhere(scenario: fn(&Place)) {
    for transport in [Transport::Inproc, Transport::Ipc, Transport::Tcp] {
        watched(move || scenario(&Place::new(transport)));
    }
}

/// Runs `scenario` where peers that do not use this crate can take part: an inproc endpoint is
/// reached only through the context that is behind [`Context`].
pub(crate) fn between_processes(scenario: fn(&Place)) {
    for transport in [Transport::Ipc, Transport::Tcp] {
        watched(move || scenario(&Place::new(transport)));
    }
}

/// Runs `scenario` on a thread of its own; one that hangs ends the tests and does not hang them.
pub(crate) fn watched(scenario: impl FnOnce() + Send + 'static) {
    let (done, ends) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _done = done;
        scenario();
    });
    if ends.recv_timeout(2 * DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
        eprintln!("{:?} hangs", std::thread::current().name());
        std::process::abort();
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

impl Place {
    fn new(transport: Transport) -> Place {
        Place {
            transport,
            context: Context::new(),
            options: SocketOptions {
                linger: Duration::ZERO,
                ..SocketOptions::default()
            },
            folder: tempfile::tempdir().unwrap(),
            events: RefCell::new(EventLoop::new().unwrap()),
            deadline: Instant::now() + DEADLINE,
        }
    }

    /// An address to bind, free whenever it is asked for.
    pub(crate) fn endpoint(&self, name: &str) -> Endpoint {
        let text = match self.transport {
            Transport::Inproc => format!("inproc://{name}"),
            Transport::Ipc => format!("ipc://{}/{name}", self.folder.path().display()),
            Transport::Tcp => "tcp://127.0.0.1:*".into(),
        };
        Endpoint::parse(&text).unwrap()
    }

    /// An address that nobody has bound.
    pub(crate) fn nobodys(&self) -> Endpoint {
        if self.transport != Transport::Tcp {
            return self.endpoint("nobody");
        }
        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        Endpoint::parse(&format!("tcp://{address}")).unwrap()
    }

    pub(crate) fn router(&self) -> Router {
        Router::bind(&self.context, &[self.endpoint("router")], &self.options).unwrap()
    }

    pub(crate) fn dealer(&self, router: &Router) -> Dealer {
        Dealer::connect(&self.context, &router.addresses()[0], &self.options).unwrap()
    }

    pub(crate) fn time_left(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{:?}: over its deadline", self.transport);
        left
    }

    /// Waits until one of `sockets` has a message.
    pub(crate) fn await_readable(&self, sockets: &[&dyn Pollable]) {
        let mut events = self.events.borrow_mut();
        loop {
            let ready = events.step(sockets, Some(self.time_left())).unwrap();
            if (0..sockets.len()).any(|index| ready.readable(index)) {
                return;
            }
        }
    }

    pub(crate) fn await_writable(&self, socket: &dyn Pollable) {
        let mut events = self.events.borrow_mut();
        loop {
            events.await_writable(0);
            let ready = events.step(&[socket], Some(self.time_left())).unwrap();
            if ready.writable(0) {
                return;
            }
        }
    }

    /// Asks again until it is so, for what nothing announces, and waits at `sockets` in between.
    pub(crate) fn until(&self, sockets: &[&dyn Pollable], mut so: impl FnMut() -> bool) {
        while !so() {
            let pause = self.time_left().min(Duration::from_millis(5));
            self.events.borrow_mut().step(sockets, Some(pause)).unwrap();
        }
    }

    /// What `receive` gives once it gives something, from a socket that is waited for meanwhile.
    pub(crate) fn next<S: Pollable, T: Debug>(
        &self,
        socket: &mut S,
        mut receive: impl FnMut(&mut S) -> palm_core::Result<Option<T>>,
    ) -> T {
        loop {
            match receive(socket).unwrap() {
                Some(received) => return received,
                None => self.await_readable(&[socket]),
            }
        }
    }

    pub(crate) fn take(&self, router: &Router) -> (PeerId, Frames) {
        loop {
            match router.receive().unwrap() {
                Some(received) => return received,
                None => self.await_readable(&[router]),
            }
        }
    }

    pub(crate) fn answer(&self, dealer: &Dealer) -> Frames {
        loop {
            match dealer.receive().unwrap() {
                Some(frames) => return frames,
                None => self.await_readable(&[dealer]),
            }
        }
    }
}
