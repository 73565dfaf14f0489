use crate::config::check_name;
use crate::engine::{Engine, EngineConfig, Execution, KeyFunction, Output};
use crate::function_threads::{FunctionTable, LEASE, Registered};
use crate::pipelined::Registration;
use crate::running::Published;
use crate::server_loop::{Parts, ServerLoop};
use crate::store::Store;
use crate::{Config, Error, ErrorKind, Function, Result, Retry, Running, thread};
use crossbeam_channel::bounded;
use palm_core::wire::Role;
use palm_core::{Endpoint, Incarnation};
use std::sync::Arc;
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
}

/// What a template becomes when it starts.
pub(crate) struct Plan {
    pub(crate) role: Role,
    pub(crate) execution: PlannedExecution,
    pub(crate) output: Output,
    pub(crate) bind: Vec<String>,
    pub(crate) connect: Vec<String>,
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
            retry: None,
            faults,
            store: None,
            registration: None,
        }
    }

    /// Registers a function. A fault in its name is kept until the server starts.
    pub(crate) fn function(&mut self, name: &str, function: impl Function) {
        self.faults
            .extend(check_name("function", name, false).err());
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
        } = self;
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        config.validate()?;
        let bind: Vec<Endpoint> = parse_all(&plan.bind)?;
        let connect = parse_all(&plan.connect)?;
        let threads = match plan.execution {
            PlannedExecution::Serial(threads) => threads,
            _ => 0,
        };
        let execution = match plan.execution {
            PlannedExecution::Serial(threads) => Execution::Serial(threads),
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
            pid: std::process::id(),
            window: config.window(),
            retention: config.retention,
            cache: config.cache_bytes,
            retry,
        };
        let engine = match &mut store {
            Some(store) => Engine::restored(settings, execution, plan.output, store.as_mut())?,
            None => Engine::new(settings, execution, plan.output),
        };
        let published = Arc::new(Published::default());
        let (commands, commanded) = bounded(COMMANDS);
        let (started, starting) = bounded(1);
        let parts = Parts {
            name: name.clone(),
            bind,
            connect,
            threads,
            functions,
            config,
            role: plan.role,
            engine,
            published: published.clone(),
            commanded,
            store,
            registration,
        };
        let thread = thread::spawn(&format!("palm-{name}"), move || {
            match ServerLoop::new(parts) {
                Ok((server, addresses)) => {
                    // Whoever starts a server waits for this.
                    let _ = started.send(Ok(server.started(addresses)));
                    server.run()
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    Ok(())
                }
            }
        })?;
        let started = starting.recv().map_err(|error| {
            Error::new(ErrorKind::Io, format!("{name} did not start")).caused_by(error)
        })??;
        Ok(Running::new(name, published, commands, started, thread))
    }
}

/// How many commands wait for a server's loop at most.
const COMMANDS: usize = 64;

fn parse_all(texts: &[String]) -> Result<Vec<Endpoint>> {
    texts
        .iter()
        .map(|text| Endpoint::parse(text).map_err(Error::from))
        .collect()
}
