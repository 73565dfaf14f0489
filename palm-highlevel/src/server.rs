use crate::config::check_name;
use crate::engine::{Action, Counts, Engine, EngineConfig, Event, Execution, KeyFunction, Output};
use crate::function_threads::{FunctionTable, FunctionThreads};
use crate::wires::Wires;
use crate::{Config, Error, ErrorKind, Function, Result, thread};
use crossbeam_channel::bounded;
use palm_core::wire::Role;
use palm_core::{Endpoint, Incarnation, StopHandle};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A server or worker that runs on a thread of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    name: String,
    addresses: Vec<Endpoint>,
    stop: StopHandle,
    counts: Arc<Mutex<Counts>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Running {
    /// The name that it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is bound to, with wildcard ports made real; nothing for a worker.
    pub fn addresses(&self) -> &[Endpoint] {
        &self.addresses
    }

    /// The first of [`addresses`](Self::addresses), as a client or a worker takes it.
    ///
    /// # Panics
    ///
    /// If there is none: workers bind nothing.
    pub fn address(&self) -> &str {
        self.addresses.first().expect("a server is bound").as_str()
    }

    /// What it has done, as of a tenth of a second ago at most.
    pub fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    /// Tells it to stop: it takes in nothing new, ends what runs, says good-bye. Does not wait.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// A handle that stops it from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until it has ended: because it was stopped, or because it can't go on. It does not
    /// stop it.
    ///
    /// # Errors
    ///
    /// What made it end, if nobody stopped it.
    pub fn join(mut self) -> Result<Counts> {
        self.wait()?;
        Ok(self.counts())
    }

    fn wait(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::new(
                ErrorKind::Io,
                format!(
                    "the loop of {} panicked: this is a defect of PALM",
                    self.name
                ),
            )),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Err(error) = self.wait() {
            log::error!("{}: {error}", self.name);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What stands behind every template: the two choices, and what to bind and connect to.
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) functions: FunctionTable,
    pub(crate) config: Config,
    pub(crate) faults: Vec<Error>,
}

/// What a template becomes when it starts.
pub(crate) struct Plan {
    pub(crate) role: Role,
    pub(crate) execution: PlannedExecution,
    pub(crate) output: Output,
    pub(crate) bind: Vec<String>,
    pub(crate) connect: Option<String>,
}

pub(crate) enum PlannedExecution {
    Serial(u32),
    Parallel,
    Partitioned(u32, KeyFunction),
}

impl Template {
    pub(crate) fn new(name: impl Into<String>) -> Template {
        let name = name.into();
        let faults = check_name("server", &name, true)
            .err()
            .into_iter()
            .collect();
        Template {
            name,
            functions: FunctionTable::new(),
            config: Config::default(),
            faults,
        }
    }

    /// Registers a function. A fault in its name is kept until the server starts.
    pub(crate) fn function(&mut self, name: &str, function: impl Function) {
        self.faults
            .extend(check_name("function", name, false).err());
        if self
            .functions
            .insert(name.to_owned(), Arc::new(function))
            .is_some()
        {
            self.faults.push(Error::new(
                ErrorKind::Config,
                format!("the function `{name}` of {} is registered twice", self.name),
            ));
        }
    }

    /// Starts the server; returns once its sockets are bound.
    pub(crate) fn start(self, plan: Plan) -> Result<Running> {
        let Template {
            name,
            functions,
            config,
            faults,
        } = self;
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        config.validate()?;
        let bind: Vec<Endpoint> = parse_all(&plan.bind)?;
        let connect = plan.connect.as_deref().map(Endpoint::parse).transpose()?;
        let threads = match plan.execution {
            PlannedExecution::Serial(threads) => threads,
            _ => 0,
        };
        let execution = match plan.execution {
            PlannedExecution::Serial(threads) => Execution::Serial(threads),
            PlannedExecution::Parallel => Execution::Parallel,
            PlannedExecution::Partitioned(count, key) => Execution::Partitioned(count, key),
        };
        let engine = Engine::new(
            EngineConfig {
                incarnation: Incarnation::random(),
                name: name.clone(),
                role: plan.role,
                functions: functions.keys().cloned().collect(),
                pid: std::process::id(),
                window: config.window(),
                retry: None,
            },
            execution,
            plan.output,
        );
        let counts = Arc::new(Mutex::new(Counts::default()));
        let published = counts.clone();
        let (started, starting) = bounded(1);
        let loop_name = name.clone();
        let thread = thread::spawn(&format!("palm-{name}"), move || {
            let body = || -> Result<(ServerLoop, Vec<Endpoint>)> {
                // What is bound serves many connections, what only connects serves one.
                let io_threads = if bind.is_empty() { 1 } else { 2 };
                let mut wires = Wires::new(&config, io_threads)?;
                let addresses = match bind.is_empty() {
                    true => Vec::new(),
                    false => wires.bind(&bind)?,
                };
                if let Some(endpoint) = &connect {
                    wires.connect(endpoint)?;
                }
                let waker = wires.events.waker();
                let threads = FunctionThreads::start(&loop_name, threads, functions, &waker)?;
                let server = ServerLoop {
                    engine,
                    wires,
                    threads,
                    counts: published,
                    drain: config.drain,
                };
                Ok((server, addresses))
            };
            match body() {
                Ok((server, addresses)) => {
                    let stop = server.wires.events.stop_handle();
                    // Whoever starts a server waits for this.
                    let _ = started.send(Ok((addresses, stop)));
                    server.run()
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    Ok(())
                }
            }
        })?;
        let (addresses, stop) = starting.recv().map_err(|error| {
            Error::new(ErrorKind::Io, format!("{name} did not start")).caused_by(error)
        })??;
        Ok(Running {
            name,
            addresses,
            stop,
            counts,
            thread: Some(thread),
        })
    }
}

fn parse_all(texts: &[String]) -> Result<Vec<Endpoint>> {
    texts
        .iter()
        .map(|text| Endpoint::parse(text).map_err(Error::from))
        .collect()
}

/// The thin loop: sockets and threads on one side, the engine on the other.
struct ServerLoop {
    engine: Engine,
    wires: Wires,
    threads: FunctionThreads,
    counts: Arc<Mutex<Counts>>,
    drain: Duration,
}

impl ServerLoop {
    fn run(mut self) -> Result<()> {
        let mut tick_at = Duration::ZERO;
        let mut drain_until = None;
        let mut actions = Vec::new();
        loop {
            let stopped = self.wires.wait(tick_at)?.stopped();
            let now = self.wires.events.now();
            if stopped && drain_until.is_none() {
                drain_until = Some(now + self.drain);
                self.engine.step(now, Event::Drain, &mut actions);
            }
            self.hand_in(now, &mut actions)?;
            // Sockets are read before timers fire: what was heard counts.
            if now >= tick_at {
                self.engine.step(now, Event::Tick, &mut actions);
                tick_at = self.engine.next_deadline(now);
                *lock(&self.counts) = self.engine.counts();
            }
            self.engine.step(now, Event::Flush, &mut actions);
            self.perform(now, &mut actions)?;
            if let Some(until) = drain_until
                && (self.engine.is_drained() || now >= until)
            {
                return self.leave(actions);
            }
        }
    }

    fn hand_in(&mut self, now: Duration, actions: &mut Vec<Action>) -> Result<()> {
        let engine = &mut self.engine;
        self.wires
            .receive(|event| engine.step(now, event, actions))?;
        while let Some(ended) = self.threads.ended() {
            self.wires.moved(ended.done.len());
            let event = Event::Executed {
                done: ended.done,
                all: ended.all,
            };
            engine.step(now, event, actions);
        }
        Ok(())
    }

    fn perform(&mut self, now: Duration, actions: &mut Vec<Action>) -> Result<()> {
        let threads = &self.threads;
        let failed = self
            .wires
            .perform(actions, |tasks| threads.execute(tasks))?;
        for event in failed {
            self.engine.step(now, event, actions);
        }
        Ok(())
    }

    fn leave(mut self, mut actions: Vec<Action>) -> Result<()> {
        let idle = self.engine.is_drained();
        self.engine.bye("it was told to stop", &mut actions);
        self.wires.perform(&mut actions, |_| {})?;
        *lock(&self.counts) = self.engine.counts();
        self.threads.stop(idle);
        Ok(())
    }
}
