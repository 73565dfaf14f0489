//! The engine behind every server: pure state machines that neither send nor wait nor read a
//! clock.
//!
//! ```text
//! frames ─▶ links ─▶ intake ─▶ ledger ─▶ execution ─▶ outbox ─▶ links ─▶ frames
//! ```
//!
//! [`Engine::step`] takes the time and an [`Event`], changes the state and appends the
//! [`Action`]s to a buffer of the caller's. A thin loop feeds it in a process; a simulation feeds
//! the very same code.
//!
//! | rule | where |
//! |---|---|
//! | lanes: order, positions, credit | `palm_core::lane` |
//! | who meets whom: incarnations, `WhoAreYou` | `greetings` |
//! | heartbeats, silence, new sockets | `links`, `link` |
//! | what is taken in | `intake` |
//! | which lanes a message goes by again | `passages` |
//! | what has not ended | `ledger` |
//! | who executes what | `local`, `dispatch`, `partitions` |
//! | who is to blame for a death | `blame` |
//! | deadlines and waits | `timed` |
//! | cancelling | `cancel` |
//! | messages that make messages | `families` |
//! | many of them as one | `siblings` |
//! | a client's messages as one | `bundles` |
//! | values by key | `cache` |
//! | clients that come back | `sessions` |
//! | who comes and goes | `peers` |
//! | endings and settlement | `outbox` |
//! | the next servers | `onward` |
//! | what is kept in a store, and brought back | `journal`, `recovery` |
//! | what waits in the store alone | `backlog` |

mod backlog;
mod blame;
mod bundles;
mod cache;
mod cancel;
mod choices;
mod dispatch;
mod event;
mod families;
mod functions;
mod greetings;
mod homeward;
mod inspect;
mod intake;
mod journal;
mod ledger;
mod link;
mod links;
mod local;
mod me;
mod onward;
mod outbox;
mod parcel;
mod partitions;
mod passages;
mod peers;
mod recovery;
mod routes;
mod sessions;
mod siblings;
mod slab;
mod stored;
mod timed;

pub use crate::made::{Child, Made, Then};
pub use crate::siblings::Siblings;
pub use backlog::{Read, Reading};
pub(crate) use bundles::messages;
pub(crate) use cache::{CACHE, CacheOrder};
pub use event::{Action, Address, Done, Event, PartitionId, Task};
pub use inspect::{EntryView, LaneView, ParcelView};
pub(crate) use links::{Heard, Links, Welcome};
pub(crate) use me::Me;
pub(crate) use parcel::{Parcel, Taken};
pub(crate) use slab::Key;

use backlog::Backlog;
use cache::Cache;
use dispatch::{CHARGES, Dispatch};
use functions::Functions;
use homeward::Homeward;
use journal::Journal;
use ledger::{Entry, FunctionId, Ledger};
use link::State as LinkState;
use local::Local;
use onward::Onward;
use palm_core::lane::Credit;
use palm_core::wire::{Outcome, Progress, Role};
use palm_core::{Incarnation, Message, Step};
use parcel::Origin;
use partitions::Partitions;
use rustc_hash::FxHashMap;
use sessions::Sessions;
use std::collections::BTreeMap;
use std::time::Duration;
use stored::CancelWord;
use timed::Timed;

use crate::dead_letter::DeadLetters;
use crate::{DeadLetter, Failure, FailureKind, Retry};

/// How many messages move together at most, in a frame, in a turn of a loop, to a thread: of many small
/// ones the first are not to wait for the last, here and at every server that they come to.
pub(crate) const BUNCH: usize = 512;

/// How often the engine looks after its peers.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// How the engine executes functions.
pub enum Execution {
    /// In this process, on so many threads.
    Serial(u32),
    /// By any worker.
    Parallel,
    /// By the worker that owns the partition of the message's key.
    Partitioned(u32, KeyFunction),
}

/// Tells the key of a message; messages of one key go to one worker.
pub type KeyFunction = Box<dyn Fn(&Message) -> u64 + Send>;

/// Where the engine's endings go.
#[derive(Debug)]
pub enum Output {
    /// To the client that sent the message.
    Reply,
    /// To these servers, which it connects to as DEALER 0, 1, 2 ….
    Next(Vec<Next>),
    /// To the server that the next step of the message's route names, which it connects to when that
    /// is first needed; to the client once the route is over.
    Route,
}

/// One of the servers that results go on to.
pub struct Next {
    /// The function there, for messages whose own route is over.
    pub step: Step,
    /// Which results it takes; all, if that is `None`.
    pub filter: Option<Filter>,
}

/// Tells whether a next server takes a result.
pub type Filter = Box<dyn Fn(&[u8]) -> bool + Send>;

impl Next {
    fn takes(&self, result: &[u8]) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(result))
    }
}

impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Next({})", self.step)
    }
}

/// What an engine is told before it starts.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// This life of the process.
    pub incarnation: Incarnation,
    /// The time on the wall, since 1970, when the engine's clock is at zero.
    pub wall: Duration,
    /// The process's name.
    pub name: String,
    /// Whether others have the same name, and share its work.
    pub shares: bool,
    /// What it is to those it connects to.
    pub role: Role,
    /// The functions it offers: of a master, those that it executes itself.
    pub functions: Vec<String>,
    /// How many threads execute them.
    pub threads: u32,
    /// The operating system's number of the process.
    pub pid: u32,
    /// How many messages, and bytes of them, one sender may have unfinished here.
    pub window: Credit,
    /// How long what belongs to a peer that does not answer is kept for it.
    pub retention: Duration,
    /// How many bytes keys and values of the cache may have.
    pub cache: u64,
    /// How many messages may come of one.
    pub descendants: u64,
    /// Which failures of functions are tried again.
    pub retry: Option<Retry>,
}

/// What an engine has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages taken in.
    pub received: u64,
    /// Messages that ended with success, but for orders to the cache.
    pub succeeded: u64,
    /// Messages that ended otherwise, with the same exception.
    pub failed: u64,
    /// Messages that were given out again, as their worker died or left.
    pub requeued: u64,
    /// Messages that were tried again after their function failed.
    pub retried: u64,
    /// Messages that were given up because processes died of them, or hung.
    pub dead_letters: u64,
    /// Workers that died or left.
    pub workers_lost: u64,
    /// Frames that were none, or that could not be.
    pub bad_frames: u64,
    /// Messages that have not ended: in the ledger, or waiting in the store.
    pub unfinished: u64,
}

/// A server's or a worker's state machine.
pub struct Engine {
    links: Links,
    functions: Functions,
    ledger: Ledger,
    executor: Executor,
    /// What a master executes itself.
    own: Local,
    homeward: Homeward,
    descendants: u64,
    /// The links to the next servers, if the output is `Next`.
    onward: Onward,
    /// Endings for clients that are not here, or not yet.
    unclaimed: BTreeMap<Incarnation, Unclaimed>,
    counts: Counts,
    retry: Option<Retry>,
    timed: Timed,
    letters: DeadLetters,
    /// What is to be written, if there is a store.
    journal: Option<Journal>,
    /// Nothing more is taken in, as the store has no room for it.
    is_closed: bool,
    backlog: Backlog,
    cache: Cache,
    sessions: Sessions,
    retention: Duration,
    /// Words that mean some of a bundle that is being executed.
    cancelled: FxHashMap<Key, Vec<CancelWord>>,
    /// What functions are to be told of, once the event is dealt with.
    recalled: Vec<Action>,
    draining: bool,
    /// The time of the event that is being dealt with.
    now: Duration,
    taken: Vec<Taken>,
}

/// What waits for a client that is not here.
#[derive(Default)]
struct Unclaimed {
    /// The lane that keeps it in the store, if there is one.
    lane: Option<u32>,
    /// Since when, not counting times in which this process was stopped.
    since: Duration,
    parcels: Vec<Parcel>,
    /// The client has left, or did not come in time: nothing waits for it any more.
    gone: bool,
}

enum Executor {
    Local(Local),
    Workers(Dispatch),
    Owners(Partitions, KeyFunction),
}

impl Engine {
    /// An engine at rest. A worker opens the link to its master as DEALER 0, a server with next
    /// ones those to them.
    pub fn new(config: EngineConfig, execution: Execution, output: Output) -> Engine {
        let (executor, threads) = match execution {
            Execution::Serial(threads) => (Executor::Local(Local::new(threads)), threads),
            Execution::Parallel => (Executor::Workers(Dispatch::default()), 0),
            Execution::Partitioned(count, key) => {
                (Executor::Owners(Partitions::new(count), key), 0)
            }
        };
        let by_route = matches!(output, Output::Route);
        let nexts = match output {
            Output::Reply | Output::Route => Vec::new(),
            Output::Next(nexts) => nexts,
        };
        let opens = usize::from(config.role == Role::Worker) + nexts.len();
        let me = Me {
            incarnation: config.incarnation,
            life: config.incarnation,
            epoch: 0,
            name: config.name,
            shares: config.shares,
            role: config.role,
            functions: config.functions,
            threads,
            session: None,
            pid: config.pid,
            bundles: config.role == Role::Server && threads == 1,
        };
        let mut links = Links::new(me, config.window);
        let opened: Vec<Key> = (0..opens).map(|_| links.open(Duration::ZERO)).collect();
        let mut functions = Functions::default();
        let own = match executor {
            Executor::Local(_) => Vec::new(),
            _ => links
                .me
                .functions
                .iter()
                .map(|name| functions.id(name))
                .collect(),
        };
        let cache = Cache::new(config.cache, functions.id(CACHE));
        Engine {
            links,
            functions,
            ledger: Ledger::new(),
            executor,
            own: Local::only(config.threads, own),
            homeward: Homeward::default(),
            descendants: config.descendants,
            onward: Onward::new(opened, nexts, by_route),
            unclaimed: BTreeMap::new(),
            counts: Counts::default(),
            retry: config.retry,
            timed: Timed::default(),
            letters: DeadLetters::default(),
            journal: None,
            is_closed: false,
            backlog: Backlog::default(),
            cache,
            sessions: Sessions::default(),
            retention: config.retention,
            cancelled: FxHashMap::default(),
            recalled: Vec::new(),
            draining: false,
            now: Duration::ZERO,
            taken: Vec::new(),
        }
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        Counts {
            bad_frames: self.links.bad_frames,
            unfinished: self.in_ledger() + self.backlog.len(),
            dead_letters: self.letters.count(),
            ..self.counts
        }
    }

    /// How many messages the ledger holds.
    fn in_ledger(&self) -> u64 {
        match self.links.me.bundles {
            true => self
                .ledger
                .iter()
                .map(|(_, entry)| entry.count() as u64)
                .sum(),
            false => self.ledger.len() as u64,
        }
    }

    /// By when, at the latest, it wants an [`Event::Tick`].
    pub fn next_deadline(&self, now: Duration) -> Duration {
        now + TICK
    }

    /// Whether an engine that was told to drain has nothing left to wait for.
    pub fn is_drained(&self) -> bool {
        let busy = match &self.executor {
            Executor::Local(local) => local.is_busy(),
            _ => self.own.is_busy(),
        };
        self.draining && !busy && self.journal.as_ref().is_none_or(Journal::is_idle)
    }

    /// Whether nothing is on its way to anybody.
    pub fn is_delivered(&self) -> bool {
        self.links
            .iter()
            .all(|(_, link)| !link.is_up() || link.out.is_empty())
    }

    /// Takes one event at time `now`, and appends what is to be done to `actions`.
    pub fn step(&mut self, now: Duration, event: Event, actions: &mut Vec<Action>) {
        self.now = now;
        match event {
            Event::Frame(from, frame) => self.frame(now, from, &frame, actions),
            Event::BadFrame(from, why) => self.links.bad_frame(from, &why),
            Event::Unreachable(address) => self.unreachable(now, address),
            Event::Blocked(address) => self.links.blocked(now, address),
            Event::Writable(address) => self.links.writable(now, address, actions),
            Event::Executed { done, all } => self.executed(done, all),
            Event::Tick => self.tick(now, actions),
            Event::Flush => self.flush(now, actions),
            Event::Progress(progress) => self.progress(progress),
            Event::Overdue(token, why) => self.overdue(Key::from_token(token), &why),
            Event::Flushed(number) => self.flushed(number),
            Event::Read(read) => self.read(read),
            Event::Room(bytes) => self.room(bytes),
            Event::DropLetter(number) => self.drop_letter(number),
            Event::Drain => self.drain(),
        }
        actions.append(&mut self.recalled);
    }

    /// Says good-bye to everybody; what is not finished is for others to do.
    pub fn bye(&mut self, reason: &str, actions: &mut Vec<Action>) {
        self.links.bye(reason, actions);
    }

    fn frame(
        &mut self,
        now: Duration,
        from: Address,
        frame: &palm_core::wire::Frame,
        actions: &mut Vec<Action>,
    ) {
        let mut taken = std::mem::take(&mut self.taken);
        match self.links.hear(now, from, frame, &mut taken, actions) {
            Heard::Nothing => {}
            Heard::Joined(key) => self.joined(now, key, actions),
            Heard::Returned(key) => self.returned(key),
            Heard::Moved(key) => self.moved(key),
            Heard::Welcomed(key, welcome) => self.welcomed(key, welcome),
            Heard::Messages(key, peer) => {
                if peer.restarted {
                    self.void();
                }
                if peer.returned {
                    self.returned(key);
                }
                self.note_progress(key);
                self.keep_taken(key, &taken);
                self.defer(key, &mut taken);
                self.take_in(key, frame.header.pace, &mut taken);
                self.release(key);
            }
            Heard::Left(key, reason) => {
                self.release(key);
                self.says_bye(now, key, &reason);
            }
            Heard::Refused(key, reason) => self.refused(key, &reason),
        }
        taken.clear();
        self.taken = taken;
    }

    fn tick(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let mut lost = Vec::new();
        self.links.tick(now, &mut lost, actions);
        for key in lost {
            let is_worker = self.links.get(key).is_some_and(|link| {
                link.peer.role == Role::Worker && matches!(link.address, Address::Peer(_))
            });
            if is_worker {
                self.worker_gone(key, false, "it was silent for 3 s");
            }
        }
        let retention = self.retention;
        self.bury_retired();
        let forgotten = |link: &link::Link| {
            !link.retired
                && matches!(link.state, LinkState::Lost { since } if now.saturating_sub(since) >= retention)
        };
        let expired: Vec<Key> = self
            .links
            .iter()
            .filter(|(_, link)| forgotten(link))
            .map(|(key, _)| key)
            .collect();
        for key in expired {
            self.left(key, "it did not come back");
        }
        self.give_up_broken(now);
        let awake = self.links.awake(now);
        self.fail_stranded(awake);
        self.drop_unclaimed(awake);
        self.run_timed();
        self.read_backlog(true, actions);
    }

    fn executed(&mut self, done: Vec<Done>, all: bool) {
        let local = match &mut self.executor {
            Executor::Local(local) => local,
            _ => &mut self.own,
        };
        let nanoseconds = done.iter().map(|done| done.nanoseconds).sum();
        let messages = done.iter().map(|done| done.messages).sum();
        local.ended(messages, nanoseconds, all);
        for Done {
            token,
            outcome,
            payload,
            made,
            ..
        } in done
        {
            let key = Key::from_token(token);
            match (outcome, made) {
                (Outcome::Failure, _) => self.failed(key, payload),
                (Outcome::Success, Some(made)) => self.commit(key, *made, payload),
                (Outcome::Bundle | Outcome::Siblings, _) if self.links.me.role != Role::Worker => {
                    self.bundle_ended(key, outcome, payload);
                }
                (outcome, _) => self.end(key, outcome, payload),
            }
        }
    }

    /// Passes on to the master, if there is one, how far functions here say that they are.
    fn progress(&mut self, progress: Vec<(u64, String)>) {
        for (token, text) in progress {
            let Some(entry) = self.ledger.get(Key::from_token(token)) else {
                continue;
            };
            let (token, attempt) = (entry.token, entry.attempt);
            if self.links.me.role == Role::Worker
                && let Some(link) = self.links.get_mut(entry.origin.link)
            {
                link.progress.push(Progress {
                    token,
                    attempt,
                    text,
                });
            }
        }
    }

    /// A function here hangs: its message ends with that; to a worker's master that is no ending
    /// yet.
    fn overdue(&mut self, key: Key, why: &str) {
        let failure = Failure::of(FailureKind::Lease, why).encode();
        match self.ledger.get(key).is_some_and(|entry| entry.bundle > 0) {
            true => self.bundle_hangs(key, failure),
            false => self.end(key, Outcome::Failure, failure),
        }
    }

    fn drop_letter(&mut self, number: u64) {
        if self.letters.drop_letter(number)
            && let Some(journal) = &mut self.journal
        {
            journal.keep_letter(number, None);
        }
    }

    /// The dead letters that are kept, the oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.iter()
    }

    fn flush(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if !self.draining {
            self.dispatch(actions);
        }
        let pace = match &self.executor {
            Executor::Local(local) => local.pace(),
            _ => 0,
        };
        self.write(actions);
        self.read_backlog(false, actions);
        self.links.flush(now, pace, actions);
    }

    fn dispatch(&mut self, actions: &mut Vec<Action>) {
        let (onward, now, thrifty) = (&self.onward, self.now, self.is_closed);
        let again = self.retry.is_some();
        self.own
            .dispatch(&mut self.ledger, None, again, thrifty, actions);
        match &mut self.executor {
            Executor::Local(local) => {
                let partition = self.links.iter().find_map(|(_, link)| link.partition);
                if thrifty && self.links.iter().any(|(_, link)| link.is_behind()) {
                    return;
                }
                local.dispatch(&mut self.ledger, partition, again, thrifty, actions);
            }
            Executor::Workers(dispatch) => {
                let open = |links: &Links, entry: &Entry| onward.has_room(links, entry, thrifty);
                dispatch.dispatch(&mut self.links, &mut self.ledger, now, thrifty, open);
            }
            Executor::Owners(partitions, _) => {
                partitions.dispatch(&mut self.links, &mut self.ledger);
            }
        }
    }

    fn drain(&mut self) {
        self.draining = true;
        let local = match &mut self.executor {
            Executor::Local(local) => local,
            _ => &mut self.own,
        };
        for key in local.give_back() {
            self.ledger.remove(key);
        }
    }
}

fn partition_lost(worker: &str) -> Failure {
    Failure::of(
        FailureKind::PartitionLost,
        format!("its partition was lost with worker {worker}, and what that had applied with it"),
    )
}
