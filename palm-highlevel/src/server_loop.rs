use crate::engine::{Action, Engine, Event, Reading, Task};
use crate::function_threads::{FunctionTable, FunctionThreads};
use crate::home::Home;
use crate::pipelined::{Announcement, Presence, Registration};
use crate::runner::{Ended, Led, Runner};
use crate::running::{End, Published, Started};
use crate::store::{Batch, Store};
use crate::store_thread::StoreThread;
use crate::wires::{Threads, Wires};
use crate::{Config, Error, ErrorKind, Result};
use crossbeam_channel::Receiver;
use palm_core::wire::Role;
use palm_core::{Endpoint, Incarnation};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a server's loop is made of.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) bind: Vec<Endpoint>,
    pub(crate) connect: Vec<Endpoint>,
    pub(crate) threads: u32,
    /// Whether the functions are all that it offers.
    pub(crate) offers: bool,
    pub(crate) functions: FunctionTable,
    pub(crate) config: Config,
    pub(crate) role: Role,
    pub(crate) engine: Engine,
    pub(crate) published: Arc<Published>,
    pub(crate) commanded: Receiver<Event>,
    pub(crate) end: End,
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) registration: Option<Registration>,
}

/// The threads that a server has beside its loop.
struct Helpers {
    functions: FunctionThreads,
    store: Option<StoreThread>,
    presence: Option<Presence>,
}

impl Threads for Helpers {
    fn execute(&self, tasks: Vec<Task>, brief: bool) {
        self.functions.execute(tasks, brief);
    }

    fn recall(&self, token: u64) {
        self.functions.recall(token);
    }

    fn write(&self, number: u64, batch: Batch) {
        if let Some(store) = &self.store {
            store.write(number, batch);
        }
    }

    fn find(&self, index: usize, name: Option<String>) {
        if let Some(presence) = &self.presence {
            presence.find(index, name);
        }
    }

    fn read(&self, reading: Reading) {
        if let Some(store) = &self.store {
            store.read(reading);
        }
    }
}

/// The thin loop: sockets and threads on one side, the engine on the other. The thread that has it leads
/// the server.
pub(crate) struct ServerLoop {
    engine: Engine,
    wires: Wires,
    helpers: Helpers,
    role: Role,
    published: Arc<Published>,
    commanded: Receiver<Event>,
    tick_at: Duration,
    /// What is to be done, in this turn.
    actions: Vec<Action>,
    drain: Duration,
    /// Until when what runs may end, and why this process leaves, once it does.
    leaving: Option<(Duration, String)>,
    /// The function that made a worker leave.
    hung: Option<Error>,
    /// The last to be dropped: the sockets are closed then.
    end: Option<End>,
}

/// How a turn of the loop ends.
enum Turn {
    Next,
    /// The server is to end now.
    Last,
}

impl ServerLoop {
    /// Makes the sockets, and starts the function threads.
    pub(crate) fn new(parts: Parts) -> Result<(Box<ServerLoop>, Vec<Endpoint>)> {
        // What is bound serves many connections, what only connects serves one.
        let io_threads = if parts.bind.is_empty() { 1 } else { 2 };
        let mut wires = Wires::new(&parts.config, io_threads)?;
        let addresses = match parts.bind.is_empty() {
            true => Vec::new(),
            false => wires.bind(&parts.bind)?,
        };
        for endpoint in &parts.connect {
            wires.connect(endpoint)?;
        }
        let waker = wires.events.waker();
        // Those of a master are its workers' as well.
        let offered = parts
            .offers
            .then(|| parts.functions.keys().cloned().collect());
        let presence = match (&parts.registration, addresses.first()) {
            (Some(Registration { registry, shares }), Some(address)) => {
                let said = Announcement {
                    name: parts.name.clone(),
                    address: address.to_string(),
                    functions: offered,
                    shares: *shares,
                    life: Incarnation::random().number(),
                };
                let waker = waker.clone();
                Some(Presence::start(registry, &parts.config, said, waker)?)
            }
            _ => None,
        };
        // A server is where it is bound, a worker's is the one that it connects to.
        let home = addresses.first().or(parts.connect.first());
        let home = home.ok_or_else(|| {
            let why = format!("{} neither binds nor connects anywhere", parts.name);
            Error::new(ErrorKind::Config, why)
        })?;
        let config = Config {
            context: Some(wires.context()),
            session: None,
            ..parts.config.clone()
        };
        let home = Home::new(home.clone(), config);
        let (name, threads) = (&parts.name, parts.threads);
        let functions =
            FunctionThreads::start(name, threads, parts.functions, home, parts.role, &waker)?;
        let start = |store| StoreThread::start(&parts.name, store, waker);
        let store = parts.store.map(start).transpose()?;
        let server = Box::new(ServerLoop {
            engine: parts.engine,
            wires,
            helpers: Helpers {
                functions,
                store,
                presence,
            },
            role: parts.role,
            published: parts.published,
            commanded: parts.commanded,
            tick_at: Duration::ZERO,
            actions: Vec::new(),
            drain: parts.config.drain,
            leaving: None,
            hung: None,
            end: Some(parts.end),
        });
        Ok((server, addresses))
    }

    pub(crate) fn started(&self, addresses: Vec<Endpoint>) -> Started {
        Started {
            addresses,
            stop: self.wires.events.stop_handle(),
            waker: self.wires.events.waker(),
        }
    }

    /// Leads the server until it has ended, or until another thread leads: then this one is to follow,
    /// if there is something to.
    pub(crate) fn lead(mut self: Box<ServerLoop>) -> Option<Arc<Runner>> {
        loop {
            match self.turn() {
                Ok(Turn::Next) => {}
                Ok(Turn::Last) => {
                    self.leave();
                    return None;
                }
                Err(error) => {
                    self.end(Err(error));
                    return None;
                }
            }
            // What takes less time than to wake a thread.
            if let Some((chunk, runner)) = self.helpers.functions.next_own() {
                match runner.execute_leading(chunk, self) {
                    Led::On(server) => self = server,
                    Led::Overtaken(runner) => return runner,
                }
            }
        }
    }

    /// Notes that another thread leads now.
    pub(crate) fn overtaken(&mut self) {
        self.helpers.functions.overtaken();
    }

    fn turn(&mut self) -> Result<Turn> {
        if self.helpers.functions.have_ended() {
            // What this thread has executed leaves first.
            let now = self.wires.events.now();
            self.hand_in_executed(now);
            self.step(now, Event::Flush);
            self.perform(now)?;
        }
        let until = match self.helpers.functions.has_own() {
            true => Duration::ZERO,
            false => self.tick_at,
        };
        let stopped = self.wires.wait(until)?.stopped();
        let now = self.wires.events.now();
        if stopped {
            self.begin_to_leave(now, "it was told to stop");
        }
        self.hand_in(now)?;
        // Sockets are read before timers fire: what was heard counts.
        if now >= self.tick_at {
            self.watch_functions(now)?;
            self.step(now, Event::Tick);
            self.tick_at = self.engine.next_deadline(now);
            self.published.publish(&self.engine);
        }
        self.step(now, Event::Flush);
        self.perform(now)?;
        if let Some((until, _)) = self.leaving
            && (self.engine.is_drained() || now >= until)
        {
            return Ok(Turn::Last);
        }
        Ok(Turn::Next)
    }

    fn step(&mut self, now: Duration, event: Event) {
        self.engine.step(now, event, &mut self.actions);
    }

    fn begin_to_leave(&mut self, now: Duration, why: &str) {
        if self.leaving.is_none() {
            self.leaving = Some((now + self.drain, why.to_owned()));
            self.step(now, Event::Drain);
        }
    }

    fn hand_in(&mut self, now: Duration) -> Result<()> {
        let (engine, actions) = (&mut self.engine, &mut self.actions);
        self.wires
            .receive(|event| engine.step(now, event, actions))?;
        self.hand_in_executed(now);
        let (engine, actions) = (&mut self.engine, &mut self.actions);
        while let Some(presence) = &self.helpers.presence
            && let Some((index, endpoint)) = presence.found()
        {
            // What is announced where nobody can be concerns those messages alone: it is asked for again.
            if let Err(error) = self.wires.lead(index, endpoint) {
                log::error!("a server that was found is not connected to: {error}");
            }
        }
        while let Ok(event) = self.commanded.try_recv() {
            engine.step(now, event, actions);
        }
        if let Some(store) = &self.helpers.store {
            while let Some(event) = store.done()? {
                engine.step(now, event, actions);
            }
        }
        Ok(())
    }

    fn hand_in_executed(&mut self, now: Duration) {
        while let Some(ended) = self.helpers.functions.ended() {
            self.hand_in_ended(now, ended);
        }
    }

    fn hand_in_ended(&mut self, now: Duration, Ended { done, all }: Ended) {
        let messages: u64 = done.iter().map(|done| done.messages).sum();
        self.wires.moved(messages as usize);
        self.step(now, Event::Executed { done, all });
    }

    /// Passes on what functions say of how far they are, and what has ended before one that takes long;
    /// deals with those that hang: a server goes on with another thread; a worker leaves, so that whoever
    /// started it can start another.
    fn watch_functions(&mut self, now: Duration) -> Result<()> {
        for ended in self.helpers.functions.ended_before_others() {
            self.hand_in_ended(now, ended);
        }
        let progress = self.helpers.functions.progress();
        if !progress.is_empty() {
            self.step(now, Event::Progress(progress));
        }
        if self.hung.is_some() {
            return Ok(());
        }
        for hangs in self.helpers.functions.overdue(Instant::now()) {
            let why = format!("its function ran for {:?} without a word", hangs.lease);
            let leaves = self.role == Role::Worker;
            if !leaves {
                let Some(ended) = self.helpers.functions.replace(&hangs)? else {
                    continue;
                };
                for ended in ended {
                    self.hand_in_ended(now, ended);
                }
            }
            self.step(now, Event::Overdue(hangs.token, why.clone()));
            if leaves {
                self.hung = Some(Error::new(ErrorKind::Lease, why.clone()));
                self.begin_to_leave(now, &why);
            }
        }
        Ok(())
    }

    fn perform(&mut self, now: Duration) -> Result<()> {
        for event in self.wires.perform(&mut self.actions, &self.helpers)? {
            self.step(now, event);
        }
        Ok(())
    }

    fn leave(mut self: Box<ServerLoop>) {
        let idle = self.engine.is_drained();
        let why = self.leaving.take().map_or(String::new(), |(_, why)| why);
        self.engine.bye(&why, &mut self.actions);
        let said = self.wires.perform(&mut self.actions, &self.helpers);
        self.published.publish(&self.engine);
        self.helpers.functions.stop(idle);
        let hung = self.hung.take().map_or(Ok(()), Err);
        self.end(said.map(drop).and(hung));
    }

    /// Closes the sockets, and says how the loop has ended.
    fn end(mut self: Box<ServerLoop>, result: Result<()>) {
        let end = self.end.take();
        drop(self);
        if let Some(mut end) = end {
            end.say(result);
        }
    }
}
