use crate::{EventLoop, Frames, Link, Part, PeerId, Pollable, Result, Sent, StopHandle, Waker};
use std::collections::VecDeque;
use std::time::Duration;

/// The parts of a server by names of its own: sockets, timers, other threads and the word to stop
/// come to one `match`.
///
/// A part is a socket that was bound or connected. Plugged in, its messages are events, and
/// [`send`](Self::send) sends by it. With [`bypass`](Self::bypass) it answers by a function of its
/// own, past the match.
///
/// ```
/// use palm_core::{Context, Endpoint, Event, Frames, Rep, Req, Switchboard};
/// use std::time::Duration;
///
/// #[derive(Clone, Copy, PartialEq)]
/// enum Part { Words, Report }
///
/// # fn main() -> palm_core::Result<()> {
/// let (context, options) = (Context::new(), Default::default());
/// let any = [Endpoint::parse("tcp://127.0.0.1:*")?];
/// let words = Rep::bind(&context, &any, &options)?;
/// let health = Rep::bind(&context, &any, &options)?;
/// let addresses = [words.addresses(), health.addresses()].concat();
///
/// let mut board = Switchboard::new()?;
/// board.plug(Part::Words, words);
/// board.bypass(health, |_| Some(Frames::one("alive")));
/// board.every(Part::Report, Duration::from_millis(10));
///
/// let stop = board.stop_handle();
/// let client = std::thread::spawn(move || -> palm_core::Result<[Option<Frames>; 2]> {
///     let answers = [0, 1].map(|index| {
///         let server = &addresses[index..=index];
///         let req = Req::connect(&Context::new(), server, &Default::default())?;
///         req.ask(Frames::one("spam"), Duration::from_secs(10))
///     });
///     stop.stop();
///     let [counted, health] = answers;
///     Ok([counted?, health?])
/// });
///
/// let mut count = 0;
/// while let Some(event) = board.wait()? {
///     match event {
///         Event::Message(Part::Words, peer, word) => {
///             count += 1;
///             let text = String::from_utf8_lossy(&word.first);
///             board.send(Part::Words, peer, Frames::one(format!("{text} {count}")))?;
///         }
///         Event::Timer(Part::Report) => println!("{count} words"),
///         _ => {}
///     }
/// }
/// let answers = client.join().unwrap()?;
/// assert_eq!(answers, [Some(Frames::one("spam 1")), Some(Frames::one("alive"))]);
/// # Ok(()) }
/// ```
pub struct Switchboard<N> {
    events: EventLoop,
    stop: StopHandle,
    parts: Vec<Plugged<N>>,
    timers: Vec<Timer<N>>,
    ready: VecDeque<Event<N>>,
}

/// What comes to the `match` of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<N> {
    /// A message came by a part; by a [`Router`](crate::Router), from that peer. That of a
    /// [`Sub`](crate::Sub) has the topic as its first part and the payload as its second; that of a
    /// [`Pub`](crate::Pub) is what the topics begin with that somebody now listens to.
    Message(N, Option<PeerId>, Frames),
    /// Before the next message of a [`Sub`](crate::Sub), so many of its topic and publisher are
    /// missing.
    Missed(N, u64),
    /// A part that had no room ([`Sent::NotNow`]) has some again.
    Writable(N),
    /// The timer of that name is due.
    Timer(N),
    /// A [`Waker`] woke the server: another thread has handed something over.
    Woken,
}

struct Plugged<N> {
    socket: Box<dyn Part>,
    role: Role<N>,
    /// What the socket has not taken yet.
    waiting: VecDeque<(Option<PeerId>, Frames)>,
    /// Somebody was told that there is no room.
    refused: bool,
}

enum Role<N> {
    Named(N),
    Bypass(Box<dyn FnMut(Frames) -> Option<Frames>>),
}

struct Timer<N> {
    name: N,
    at: Duration,
    period: Option<Duration>,
}

/// So many messages a part gives at a time, that no other part waits for long.
const BATCH: usize = 100;

impl<N: Copy + PartialEq> Switchboard<N> {
    /// So many messages wait for each part that can't send them yet.
    pub const QUEUE: usize = 1_000;

    /// One without parts, whose time begins now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the system gives no pipe.
    pub fn new() -> Result<Switchboard<N>> {
        let events = EventLoop::new()?;
        Ok(Switchboard {
            stop: events.stop_handle(),
            events,
            parts: Vec::new(),
            timers: Vec::new(),
            ready: VecDeque::new(),
        })
    }

    /// Plugs a part in under a name, in place of another of that name. There is room for
    /// [`EventLoop::MAX_SOCKETS`] in all.
    pub fn plug(&mut self, name: N, socket: impl Part + 'static) {
        self.parts.retain(|part| !part.is(name));
        self.add(Role::Named(name), Box::new(socket));
    }

    /// Plugs in a part that answers each message by `answer`, if it gives something, to who sent it.
    /// It never comes to the match, and has no name.
    pub fn bypass(
        &mut self,
        socket: impl Part + 'static,
        answer: impl FnMut(Frames) -> Option<Frames> + 'static,
    ) {
        self.add(Role::Bypass(Box::new(answer)), Box::new(socket));
    }

    fn add(&mut self, role: Role<N>, socket: Box<dyn Part>) {
        self.parts.push(Plugged {
            socket,
            role,
            waiting: VecDeque::new(),
            refused: false,
        });
    }

    /// Sends by the part of that name; by a [`Router`](crate::Router), to that peer, and by a
    /// [`Pub`](crate::Pub), under the topic that is the first of the frames. It never blocks.
    ///
    /// What the socket does not take yet, as long as it has no connection, waits for it here, up to
    /// [`QUEUE`](Self::QUEUE) messages. Beyond that it says [`Sent::NotNow`], and
    /// [`Event::Writable`] tells when there is room.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfTurn`](crate::ErrorKind::OutOfTurn) if the part does not send, or not now;
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    ///
    /// # Panics
    ///
    /// If no part has that name.
    pub fn send(
        &mut self,
        name: N,
        peer: impl Into<Option<PeerId>>,
        frames: Frames,
    ) -> Result<Sent> {
        let part = self.parts.iter_mut().find(|part| part.is(name));
        let part = part.expect("a part is plugged in before something is sent by it");
        part.send(peer.into(), frames)
    }

    /// Sends the frames that `link` has for its peer, to be called whenever it may have some. Gives
    /// [`Sent::Unreachable`] if the peer is gone, and [`Sent::NotNow`] as [`send`](Self::send) does;
    /// what was not sent then the link sends again, in its time.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// If no part has that name.
    pub fn send_link(
        &mut self,
        name: N,
        peer: impl Into<Option<PeerId>>,
        link: &mut Link,
    ) -> Result<Sent> {
        let peer = peer.into();
        while let Some(frames) = link.frame()? {
            let sent = self.send(name, peer, frames)?;
            if sent != Sent::Yes {
                return Ok(sent);
            }
        }
        Ok(Sent::Yes)
    }

    /// Has [`Event::Timer`] come once, after `delay`; a timer of that name before is forgotten.
    pub fn after(&mut self, name: N, delay: Duration) {
        self.set(name, delay, None);
    }

    /// Has [`Event::Timer`] come each `period`, for the first time after one; a timer of that name
    /// before is forgotten. Those that a busy or sleeping server could not have in time come once.
    pub fn every(&mut self, name: N, period: Duration) {
        self.set(name, period, Some(period));
    }

    fn set(&mut self, name: N, delay: Duration, period: Option<Duration>) {
        self.timers.retain(|timer| timer.name != name);
        let at = self.events.now().saturating_add(delay);
        self.timers.push(Timer { name, at, period });
        self.events.schedule(at);
    }

    /// The time since it was made.
    pub fn now(&self) -> Duration {
        self.events.now()
    }

    /// A handle that has [`Event::Woken`] come, for any thread.
    pub fn waker(&self) -> Waker {
        self.events.waker()
    }

    /// A handle that ends the server, for any thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// The next event. It blocks until there is one, or the server is stopped: then it is `None`,
    /// now and ever after, whatever was still to come. Of each part messages come in their order;
    /// messages come before timers that are due at the same time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, or there are more parts than the
    /// loop takes.
    pub fn wait(&mut self) -> Result<Option<Event<N>>> {
        while !self.stop.is_stopped() {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            self.step()?;
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<()> {
        for (index, part) in self.parts.iter().enumerate() {
            if !part.waiting.is_empty() {
                self.events.await_writable(index);
            }
        }
        let sockets = self.parts.iter().map(|part| &*part.socket as &dyn Pollable);
        // What a part has read already no socket tells of.
        let holds = self.parts.iter().any(|part| part.socket.holds());
        let timeout = holds.then_some(Duration::ZERO);
        let found = self.events.step(&sockets.collect::<Vec<_>>(), timeout)?;
        for (index, part) in self.parts.iter_mut().enumerate() {
            if found.writable(index) {
                part.flush(&mut self.ready)?;
            }
            if found.readable(index) || part.socket.holds() {
                part.receive(&mut self.ready)?;
            }
        }
        if found.woken() {
            self.ready.push_back(Event::Woken);
        }
        if found.timer() {
            self.fire();
        }
        Ok(())
    }

    fn fire(&mut self) {
        let now = self.events.now();
        self.timers.sort_by_key(|timer| timer.at);
        let (events, ready) = (&mut self.events, &mut self.ready);
        self.timers.retain_mut(|timer| {
            if timer.at > now {
                return true;
            }
            ready.push_back(Event::Timer(timer.name));
            let Some(period) = timer.period else {
                return false;
            };
            timer.at = timer.at.saturating_add(period);
            if timer.at <= now {
                timer.at = now.saturating_add(period);
            }
            events.schedule(timer.at);
            true
        });
    }
}

impl<N: Copy + PartialEq> Plugged<N> {
    fn is(&self, name: N) -> bool {
        matches!(&self.role, Role::Named(own) if *own == name)
    }

    fn send(&mut self, peer: Option<PeerId>, frames: Frames) -> Result<Sent> {
        if self.waiting.is_empty() {
            // What has a peer is never told to wait.
            let spare = peer.is_none().then(|| frames.clone());
            match (self.socket.give(peer, frames)?, spare) {
                (Sent::NotNow, Some(frames)) => self.waiting.push_back((peer, frames)),
                (sent, _) => return Ok(sent),
            }
            return Ok(Sent::Yes);
        }
        if self.waiting.len() >= Switchboard::<N>::QUEUE {
            self.refused = true;
            return Ok(Sent::NotNow);
        }
        self.waiting.push_back((peer, frames));
        Ok(Sent::Yes)
    }

    /// Sends what waits, as much as the socket takes.
    fn flush(&mut self, ready: &mut VecDeque<Event<N>>) -> Result<()> {
        while let Some((peer, frames)) = self.waiting.front() {
            if self.socket.give(*peer, frames.clone())? == Sent::NotNow {
                return Ok(());
            }
            self.waiting.pop_front();
        }
        if let Role::Named(name) = self.role
            && std::mem::take(&mut self.refused)
        {
            ready.push_back(Event::Writable(name));
        }
        Ok(())
    }

    fn receive(&mut self, ready: &mut VecDeque<Event<N>>) -> Result<()> {
        for _ in 0..BATCH {
            let Some(taken) = self.socket.take()? else {
                break;
            };
            match &mut self.role {
                Role::Named(name) => {
                    if taken.missed > 0 {
                        ready.push_back(Event::Missed(*name, taken.missed));
                    }
                    ready.push_back(Event::Message(*name, taken.peer, taken.frames));
                }
                Role::Bypass(answer) => {
                    if let Some(answer) = answer(taken.frames) {
                        self.send(taken.peer, answer)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<N> std::fmt::Debug for Switchboard<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Switchboard")
            .field("parts", &self.parts.len())
            .field("timers", &self.timers.len())
            .finish()
    }
}
