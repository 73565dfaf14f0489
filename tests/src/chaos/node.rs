//! What a process of a run is: a client, a master, a worker or a link.

use super::client::{self, Access};
use super::errand::{Step, Trail};
use super::family;
use super::link;
use super::pipeline::{self, Stage};
use super::plan::Load;
use super::said::{Said, say};
use super::telling::TellingStore;
use bytes::Bytes;
use clap::{Args, Subcommand};
use palm_highlevel::{Call, Client, Config, Failure, Running, chained, pipelined, standalone};
use palm_persist::SledStore;
use std::error::Error;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A process and what it has to know.
#[derive(Args, Clone, Debug)]
pub struct Node {
    /// The number of its life, which no other process of the run has.
    #[arg(long)]
    pub life: u64,
    /// How many unfinished messages one sender may have there.
    #[arg(long)]
    pub window: u64,
    /// What it is.
    #[command(subcommand)]
    pub role: Role,
}

/// What a process is.
#[derive(Subcommand, Clone, Debug)]
pub enum Role {
    /// A server, with next ones or without.
    Master {
        /// The name that routes call it by.
        name: String,
        /// What it binds.
        endpoint: String,
        /// The servers that its results go to.
        #[arg(long)]
        next: Vec<String>,
        /// Whether it executes by itself, and has no workers.
        #[arg(long)]
        serial: bool,
        /// The folder of its store, if it has one.
        #[arg(long)]
        store: Option<PathBuf>,
        /// Whether it says how much the store holds.
        #[arg(long)]
        telling: bool,
    },
    /// The registry of a pipeline.
    Registry {
        /// What it binds.
        endpoint: String,
        /// The folder of its store, if it has one.
        #[arg(long)]
        store: Option<PathBuf>,
    },
    /// A server of a pipeline.
    Stage {
        /// The name that routes call it by.
        name: String,
        /// What it binds.
        endpoint: String,
        /// Where the registry is.
        registry: String,
        /// Whether it has workers, and executes nothing by itself.
        #[arg(long)]
        hub: bool,
        /// Whether others have its name.
        #[arg(long)]
        shared: bool,
        /// The folder of its store, if it has one.
        #[arg(long)]
        store: Option<PathBuf>,
    },
    /// A worker.
    Worker {
        /// Its name.
        name: String,
        /// Where its master is.
        master: String,
        /// How many threads it has.
        threads: u32,
    },
    /// A client.
    Client {
        /// Where the first server is, or the registry.
        entry: String,
        /// The functions that its messages go through.
        route: String,
        /// Where the last server is, if that is another one.
        #[arg(long)]
        exit: Option<String>,
        /// Whether it asks the registry for the servers of its route.
        #[arg(long)]
        asks: bool,
        #[command(flatten)]
        load: Load,
    },
    /// A link.
    Link {
        /// Where it listens.
        listen: SocketAddr,
        /// Where it leads to.
        target: SocketAddr,
    },
}

impl Node {
    /// The words of a command line that stand for it.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![format!("--life={}", self.life)];
        words.push(format!("--window={}", self.window));
        match &self.role {
            Role::Master {
                name,
                endpoint,
                next,
                serial,
                store,
                telling,
            } => {
                words.extend(["master".into(), name.clone(), endpoint.clone()]);
                words.extend(next.iter().map(|next| format!("--next={next}")));
                words.extend(store.iter().map(|store| stored(store)));
                words.extend(serial.then(|| "--serial".into()));
                words.extend(telling.then(|| "--telling".into()));
            }
            Role::Registry { endpoint, store } => {
                words.extend(["registry".into(), endpoint.clone()]);
                words.extend(store.iter().map(|store| stored(store)));
            }
            Role::Stage {
                name,
                endpoint,
                registry,
                hub,
                shared,
                store,
            } => {
                words.extend(["stage".into(), name.clone()]);
                words.extend([endpoint.clone(), registry.clone()]);
                words.extend(hub.then(|| "--hub".into()));
                words.extend(shared.then(|| "--shared".into()));
                words.extend(store.iter().map(|store| stored(store)));
            }
            Role::Worker {
                name,
                master,
                threads,
            } => {
                let threads = threads.to_string();
                words.extend(["worker".into(), name.clone(), master.clone(), threads]);
            }
            Role::Client {
                entry,
                route,
                exit,
                asks,
                load,
            } => {
                words.extend(["client".into(), entry.clone(), route.clone()]);
                words.extend(exit.iter().map(|exit| format!("--exit={exit}")));
                words.extend(asks.then(|| "--asks".into()));
                words.push(format!("--seed={}", load.seed));
                words.extend(load.messages.map(|count| format!("--messages={count}")));
                words.extend(load.poison.map(|index| format!("--poison={index}")));
            }
            Role::Link { listen, target } => {
                words.extend(["link".into(), listen.to_string(), target.to_string()]);
            }
        }
        words
    }

    /// Is it, until the process is killed or its standard input ends; a client also ends by itself
    /// once it is told to finish.
    ///
    /// # Errors
    ///
    /// What keeps it from being what it is to be.
    pub fn run(self) -> Result<(), Box<dyn Error>> {
        die_with_parent();
        log_to_parent();
        let config = Config {
            window_messages: self.window,
            ..Config::default()
        };
        match self.role {
            Role::Master {
                name,
                endpoint,
                next,
                serial,
                store,
                telling,
            } => {
                end_with_input();
                let store = store.map(SledStore::open).transpose()?;
                let store = store
                    .map(|store| TellingStore::new(store, telling))
                    .into_iter();
                let next = next.iter();
                let executions = Mutex::new(0);
                let run = move |call: &Call| execute(self.life, &executions, call, call.payload());
                serve(match (serial, next.len()) {
                    (false, 0) => {
                        let master = standalone::Master::new(name)
                            .config(config)
                            .scatter("scatter", "piece", family::split)
                            .gather("scatter", family::join);
                        let master = store.fold(master, standalone::Master::store);
                        master.bind(&endpoint)?
                    }
                    (false, _) => {
                        let master = chained::Master::new(name).config(config);
                        let master = store.fold(master, chained::Master::store);
                        let master = next.fold(master, |master, next| master.next("run", next));
                        master.bind(&endpoint)?
                    }
                    (true, 0) => {
                        let server = chained::Sink::new(name).function("run", run);
                        let server = store.fold(server.config(config), chained::Sink::store);
                        server.bind(&endpoint)?
                    }
                    (true, _) => {
                        let server = chained::Server::new(name).function("run", run);
                        let server = store.fold(server.config(config), chained::Server::store);
                        let server = next.fold(server, |server, next| server.next("run", next));
                        server.bind(&endpoint)?
                    }
                })
            }
            Role::Registry { endpoint, store } => {
                end_with_input();
                serve(pipeline::registry(&endpoint, store, config)?)
            }
            Role::Stage {
                name,
                endpoint,
                registry,
                hub,
                shared,
                store,
            } => {
                end_with_input();
                let stage = Stage {
                    name,
                    endpoint,
                    registry,
                    hub,
                    shared,
                    store,
                    config,
                };
                let executions = Mutex::new(0);
                let run = move |call: &Call| execute(self.life, &executions, call, call.payload());
                serve(stage.start(run)?)
            }
            Role::Worker {
                name,
                master,
                threads,
            } => {
                end_with_input();
                let (executions, life) = (Arc::new(Mutex::new(0)), self.life);
                let execute =
                    move |call: &Call, message: &[u8]| execute(life, &executions, call, message);
                let whole = execute.clone();
                let worker = standalone::Worker::new(name)
                    .config(config)
                    .threads(threads)
                    .function("run", move |call: &Call| whole(call, call.payload()))
                    .function("piece", move |call: &Call| {
                        family::piece(call, |message| execute(call, message))
                    })
                    .function("split", |call: &Call| {
                        for piece in family::split(call)? {
                            call.submit("piece", piece);
                        }
                        call.then("join");
                        Ok::<_, Failure>(Bytes::new())
                    })
                    .function("join", |call: &Call| family::join(call, call.pieces()?));
                serve(worker.connect(&master)?)
            }
            Role::Client {
                entry,
                route,
                exit,
                asks,
                load,
            } => {
                let access = match asks {
                    true => Access::Asks(pipelined::Client::start(&entry, config)?),
                    false => Access::Told(Client::start(&entry, exit.as_deref(), config)?),
                };
                client::run(self.life, &access, &route, &load)
            }
            Role::Link { listen, target } => {
                end_with_input();
                link::run(listen, target)
            }
        }
    }
}

fn stored(folder: &Path) -> String {
    format!("--store={}", folder.display())
}

fn serve(running: Running) -> Result<(), Box<dyn Error>> {
    say(&Said::Ready);
    running.join()?;
    Err("it has ended, though nobody stopped it".into())
}

/// The function of every worker: does what the errand of a message asks, and adds a step to its
/// trail.
fn execute(
    life: u64,
    executions: &Mutex<u64>,
    call: &Call,
    message: &[u8],
) -> Result<Bytes, Failure> {
    let mut trail = Trail::decode(message)?;
    let errand = trail.errand;
    let count = {
        let mut executions = executions.lock().map_err(|error| error.to_string())?;
        *executions += 1;
        say(&Said::Begins(errand.id));
        *executions
    };
    if errand.poison == Some(call.message().stage) {
        process::abort();
    }
    let time = Duration::from_micros(errand.microseconds.into());
    match errand.busy {
        true => {
            let until = Instant::now() + time;
            while Instant::now() < until {
                black_box(errand);
            }
        }
        false => thread::sleep(time),
    }
    trail.steps.push(Step {
        worker: life,
        count,
    });
    let result = trail.encode();
    say(&Said::Ends(count));
    Ok(result)
}

/// What is logged goes to the standard error, a line each.
fn log_to_parent() {
    let filter = env_logger::Env::default().default_filter_or("info");
    env_logger::Builder::from_env(filter)
        .format(|line, record| writeln!(line, "{} {}", record.level(), record.args()))
        .init();
}

/// Has the system kill this process when the thread that started it is no more, even while this
/// process is stopped and can't see it.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where this fails, the end of the standard input remains.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

/// Ends this process when its standard input ends: the process that started it is no more.
fn end_with_input() {
    thread::spawn(|| {
        let mut word = [0; 16];
        while std::io::stdin().read(&mut word).is_ok_and(|read| read > 0) {}
        process::exit(0);
    });
}
