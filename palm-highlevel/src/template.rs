use crate::config::check_name;
use crate::engine::{Engine, EngineConfig, Execution, KeyFunction, Output};
use crate::function_threads::{FunctionTable, LEASE, Registered};
use crate::pipelined::Registration;
use crate::runner::Crew;
use crate::running::{End, Published};
use crate::server_loop::{Parts, ServerLoop};
use crate::store::Store;
use crate::{
    Call, Config, Error, ErrorKind, Failure, Function, Piece, Pieces, Result, Retry, Running,
    thread,
};
use bytes::Bytes;
use crossbeam_channel::bounded;
use palm_core::wire::Role;
use palm_core::{Endpoint, Incarnation};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// What stands behind every template: the two choices, and what to bind and connect to.
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) functions: FunctionTable,
    pub(crate) config: Config,
    pub(crate) retry: Option<Retry>,
    pub(crate) faults: Vec<Error>,
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) registration: Option<Registration>,
    /// Whether anything gathers what is scattered under a name.
    gathers: BTreeMap<String, Arc<AtomicU8>>,
}

/// What a template becomes when it starts.
pub(crate) struct Plan {
    pub(crate) role: Role,
    pub(crate) execution: PlannedExecution,
    /// On how many threads functions run here.
    pub(crate) threads: u32,
    pub(crate) output: Output,
    pub(crate) bind: Vec<String>,
    pub(crate) connect: Vec<String>,
}

pub(crate) enum PlannedExecution {
    Serial,
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
            retry: None,
            faults,
            store: None,
            registration: None,
            gathers: BTreeMap::new(),
        }
    }

    /// Registers a function. A fault in its name is kept until the server starts.
    pub(crate) fn function(&mut self, name: &str, function: impl Function) {
        self.faults
            .extend(check_name("function", name, false).err());
        self.register(name, function);
    }

    fn register(&mut self, name: &str, function: impl Function) {
        let registered = Registered {
            function: Arc::new(function),
            lease: LEASE,
        };
        if self.functions.insert(name.to_owned(), registered).is_some() {
            self.faults.push(Error::new(
                ErrorKind::Config,
                format!("the function `{name}` of {} is registered twice", self.name),
            ));
        }
    }

    /// Registers a function that splits messages.
    pub(crate) fn scatter<P, E>(
        &mut self,
        name: &str,
        to: &str,
        split: impl Fn(&Call) -> std::result::Result<P, E> + Send + Sync + 'static,
    ) where
        P: IntoIterator,
        P::Item: Into<Bytes>,
        E: Into<Failure>,
    {
        self.faults.extend(check_name("function", to, false).err());
        let (to, gather) = (to.to_owned(), gathering(name));
        let gathers = self.gathers.entry(name.to_owned()).or_default().clone();
        self.function(name, move |call: &Call| {
            let pieces = split(call).map_err(Into::into)?.into_iter();
            call.submit_all(&to, pieces.map(Into::into).collect());
            match gathers.load(Relaxed) {
                ALL => call.then(&gather),
                EACH => call.gather_each(&gather),
                _ => call.give_pieces(),
            }
            Ok::<_, Failure>(Bytes::new())
        });
    }

    /// Registers the function that goes on with what `scatter` has split under that name.
    pub(crate) fn gather<R, E>(
        &mut self,
        name: &str,
        gather: impl Fn(&Call, Pieces) -> std::result::Result<R, E> + Send + Sync + 'static,
    ) where
        R: Into<Bytes>,
        E: Into<Failure>,
    {
        let gathers = self.gathers.entry(name.to_owned()).or_default();
        gathers.store(ALL, Relaxed);
        let function = move |call: &Call| gather(call, call.pieces()?).map_err(Into::into);
        self.register(&gathering(name), function);
    }

    /// Registers the function that is called with each piece of what `scatter` has split, and in the
    /// end.
    pub(crate) fn gather_each<S: Send + 'static, R, E>(
        &mut self,
        name: &str,
        init: impl Fn() -> S + Send + Sync + 'static,
        each: impl Fn(&mut S, &Call, Piece) -> std::result::Result<(), E> + Send + Sync + 'static,
        end: impl Fn(S, &Call) -> std::result::Result<R, E> + Send + Sync + 'static,
    ) where
        R: Into<Bytes>,
        E: Into<Failure>,
    {
        let gathers = self.gathers.entry(name.to_owned()).or_default();
        gathers.store(EACH, Relaxed);
        let function = move |call: &Call| -> std::result::Result<Bytes, Failure> {
            match call.piece()? {
                (states, parent, Some(piece)) => {
                    let change = |state: &mut S| each(state, call, piece).map_err(Into::into);
                    states.change(parent, &init, change)??;
                    Ok(Bytes::new())
                }
                (states, token, None) => {
                    for piece in call.pieces()?.pieces {
                        piece.result?;
                        piece.parts.into_iter().for_each(|part| call.give(part));
                    }
                    let state = states.take(token)?.unwrap_or_else(&init);
                    let result = end(state, call).map(Into::into).map_err(Into::into);
                    result.inspect_err(|failure| states.lose(token, failure))
                }
            }
        };
        self.register(&gathering(name), function);
    }

    /// Gives a function another lease than the default one.
    pub(crate) fn lease(&mut self, name: &str, lease: Duration) {
        match self.functions.get_mut(name) {
            Some(registered) => registered.lease = lease,
            None => self.faults.push(Error::new(
                ErrorKind::Config,
                format!(
                    "a lease is given to the function `{name}`, which {} does not have: register it first",
                    self.name
                ),
            )),
        }
    }

    /// Starts the server; returns once its sockets are bound.
    pub(crate) fn start(self, plan: Plan) -> Result<Running> {
        let Template {
            name,
            functions,
            config,
            retry,
            faults,
            mut store,
            registration,
            gathers,
        } = self;
        let unsplit = gathers.keys().find(|of| !functions.contains_key(*of));
        if let Some(of) = unsplit {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{name} gathers what nothing scatters: there is no scatter `{of}`"),
            ));
        }
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        config.validate()?;
        let bind: Vec<Endpoint> = parse_all(&plan.bind)?;
        if let Some(registration) = &registration {
            registration.check(&name, &bind)?;
        }
        let connect = parse_all(&plan.connect)?;
        let is_serial = matches!(plan.execution, PlannedExecution::Serial);
        // Those of a master are mostly its workers'.
        let threads = match is_serial || !functions.is_empty() {
            true => plan.threads,
            false => 0,
        };
        let execution = match plan.execution {
            PlannedExecution::Serial => Execution::Serial(threads),
            PlannedExecution::Parallel => Execution::Parallel,
            PlannedExecution::Partitioned(count, key) => Execution::Partitioned(count, key),
        };
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let settings = EngineConfig {
            incarnation: Incarnation::random(),
            wall: wall.unwrap_or_default(),
            name: name.clone(),
            shares: registration.as_ref().is_some_and(|of| of.shares),
            role: plan.role,
            functions: functions.keys().cloned().collect(),
            threads,
            pid: std::process::id(),
            window: config.window(),
            retention: config.retention,
            cache: config.cache_bytes,
            descendants: config.descendants,
            retry,
        };
        let engine = match &mut store {
            Some(store) => Engine::restored(settings, execution, plan.output, store.as_mut())?,
            None => Engine::new(settings, execution, plan.output),
        };
        let published = Arc::new(Published::default());
        let (commands, commanded) = bounded(COMMANDS);
        let (started, starting) = bounded(1);
        let (end, ended) = End::new(&name);
        let parts = Parts {
            name: name.clone(),
            bind,
            connect,
            threads,
            offers: is_serial,
            functions,
            config,
            role: plan.role,
            engine,
            published: published.clone(),
            commanded,
            end,
            store,
            registration,
        };
        thread::spawn(&format!("palm-{name}"), move || {
            match ServerLoop::new(parts) {
                Ok((server, addresses)) => {
                    // Whoever starts a server waits for this.
                    let _ = started.send(Ok(server.started(addresses)));
                    Crew::Lead(server).work();
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        })?;
        let started = starting.recv().map_err(|error| {
            Error::new(ErrorKind::Io, format!("{name} did not start")).caused_by(error)
        })??;
        Ok(Running::new(name, published, commands, started, ended))
    }
}

/// How what is scattered under a name is gathered, if it is: all at once, or one by one.
const ALL: u8 = 1;
const EACH: u8 = 2;

/// The function that gathers what is scattered under a name.
fn gathering(name: &str) -> String {
    format!("@gather-{name}")
}

/// How many commands wait for a server's loop at most.
const COMMANDS: usize = 64;

fn parse_all(texts: &[String]) -> Result<Vec<Endpoint>> {
    texts
        .iter()
        .map(|text| Endpoint::parse(text).map_err(Error::from))
        .collect()
}
