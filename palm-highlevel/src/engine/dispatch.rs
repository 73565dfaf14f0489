use super::ledger::{Entry, FunctionId, Ledger, State};
use super::link::Link;
use super::links::Links;
use super::parcel::Parcel;
use super::slab::Key;
use palm_core::wire::Outcome;
use std::collections::VecDeque;
use std::time::Duration;

/// About how much work a worker holds in advance.
const PREFETCH: u64 = 20_000_000;

/// The most messages that a worker holds in advance.
const MOST: u64 = 1 << 16;

/// After how many deaths while it was alone a message is given up.
pub(crate) const CHARGES: u8 = 3;

/// How long a message waits for a worker that offers its function, while others are there.
const PATIENCE: Duration = Duration::from_secs(3);

/// Parallel execution: any worker that offers the function and has room.
///
/// Invariant: `in_flight` of a worker is the number of entries in state `With` it. A suspect is
/// with a worker that holds nothing else.
#[derive(Debug, Default)]
pub(crate) struct Dispatch {
    queues: Vec<Queue>,
    /// The queue that is served first next time.
    turn: usize,
    /// Those that may have killed a process: a queue for each function, whoever sent them.
    suspects: Vec<Queue>,
    workers: Vec<Worker>,
}

/// What is ready for one function, in order.
#[derive(Debug)]
struct Queue {
    /// The sender; nobody in particular, of suspects.
    origin: Option<Key>,
    function: FunctionId,
    ready: VecDeque<Key>,
    /// Since when no worker that is there offers the function.
    stranded: Option<Duration>,
}

#[derive(Debug)]
struct Worker {
    link: Key,
    functions: Vec<FunctionId>,
    /// Whether it can take what is being given out: it is there, and offers the function.
    able: bool,
    threads: u64,
    /// Nanoseconds that it takes for a message, as it says; 0 if it doesn't know yet.
    pace: u64,
    in_flight: u64,
    /// It is given nothing until it holds nothing, and then a suspect.
    reserved: bool,
    /// Since when it holds a suspect and nothing else.
    alone: Option<Duration>,
}

impl Worker {
    fn limit(&self, thrifty: bool) -> u64 {
        match self.pace {
            pace if pace > 0 && !thrifty => (PREFETCH / pace).clamp(self.threads, MOST),
            _ => self.threads,
        }
    }

    fn room(&self, thrifty: bool) -> u64 {
        match self.reserved || self.alone.is_some() {
            true => 0,
            false => self.limit(thrifty).saturating_sub(self.in_flight),
        }
    }
}

impl Dispatch {
    /// A worker is there.
    pub(crate) fn join(&mut self, link: Key, functions: Vec<FunctionId>, threads: u32) {
        self.workers.retain(|worker| worker.link != link);
        self.workers.push(Worker {
            link,
            functions,
            able: false,
            threads: u64::from(threads.max(1)),
            pace: 0,
            in_flight: 0,
            reserved: false,
            alone: None,
        });
    }

    /// A worker has left; what it held is to be pushed again.
    pub(crate) fn leave(&mut self, link: Key) {
        self.workers.retain(|worker| worker.link != link);
    }

    /// How fast a worker says that it is.
    pub(crate) fn pace(&mut self, link: Key, pace: u32) {
        if let Some(worker) = self.worker(link) {
            worker.pace = u64::from(pace);
        }
    }

    fn worker(&mut self, link: Key) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.link == link)
    }

    /// Whether the worker is there.
    pub(crate) fn knows(&self, link: Key) -> bool {
        self.workers.iter().any(|worker| worker.link == link)
    }

    /// Whether the worker holds one suspect and nothing else.
    pub(crate) fn is_alone(&self, link: Key) -> bool {
        self.workers
            .iter()
            .any(|worker| worker.link == link && worker.alone.is_some())
    }

    /// Whether the worker was given its suspect at `now`: what breaks in the same turn of the loop
    /// was broken before.
    pub(crate) fn is_alone_since(&self, link: Key, now: Duration) -> bool {
        self.workers
            .iter()
            .any(|worker| worker.link == link && worker.alone == Some(now))
    }

    /// Queues an entry behind all others of its sender and function.
    pub(crate) fn push(&mut self, key: Key, entry: &Entry) {
        self.queue(entry).ready.push_back(key);
    }

    /// Queues an entry before all others, as it was under way already; a suspect behind them.
    pub(crate) fn push_again(&mut self, key: Key, entry: &Entry) {
        match entry.suspect {
            true => self.queue(entry).ready.push_back(key),
            false => self.queue(entry).ready.push_front(key),
        }
    }

    fn queue(&mut self, entry: &Entry) -> &mut Queue {
        let (queues, origin) = match entry.suspect {
            true => (&mut self.suspects, None),
            false => (&mut self.queues, Some(entry.origin.link)),
        };
        let function = entry.function;
        let found = queues
            .iter()
            .position(|queue| queue.origin == origin && queue.function == function);
        let index = found.unwrap_or_else(|| {
            queues.push(Queue {
                origin,
                function,
                ready: VecDeque::new(),
                stranded: None,
            });
            queues.len() - 1
        });
        &mut queues[index]
    }

    /// Forgets the queues of a sender that has gone; what was in them is to leave the ledger.
    pub(crate) fn drop_origin(&mut self, origin: Key) {
        self.queues.retain(|queue| queue.origin != Some(origin));
    }

    /// An entry is no longer with `link`.
    pub(crate) fn returned(&mut self, link: Key) {
        if let Some(worker) = self.worker(link) {
            worker.in_flight = worker.in_flight.saturating_sub(1);
            worker.alone = None;
        }
    }

    /// Gives workers what is ready, as far as they have room and `open` says that there is room
    /// for the endings of what that sender sent. A `thrifty` server has no room for many results, and
    /// gives nothing in advance.
    pub(crate) fn dispatch(
        &mut self,
        links: &mut Links,
        ledger: &mut Ledger,
        now: Duration,
        thrifty: bool,
        open: impl Fn(&Links, Key) -> bool,
    ) {
        self.dispatch_suspects(links, ledger, now);
        let count = self.queues.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let queue = &self.queues[index];
            if !queue.ready.is_empty() && queue.origin.is_none_or(|origin| open(links, origin)) {
                self.serve(index, thrifty, links, ledger);
            }
        }
        self.turn = (self.turn + 1) % count.max(1);
    }

    fn serve(&mut self, index: usize, thrifty: bool, links: &mut Links, ledger: &mut Ledger) {
        let queue = &mut self.queues[index];
        let ready = queue.ready.len() as u64;
        let mut able = 0;
        for worker in &mut self.workers {
            worker.able = worker.functions.contains(&queue.function)
                && links.get(worker.link).is_some_and(Link::is_up);
            able += u64::from(worker.able);
        }
        if able == 0 {
            return;
        }
        queue.stranded = None;
        // Small enough to spread evenly, large enough to choose seldom.
        let portion = ready.div_ceil(2 * able);
        while !queue.ready.is_empty() {
            let best = self
                .workers
                .iter_mut()
                .filter(|worker| worker.able && worker.room(thrifty) > 0)
                .min_by_key(|worker| worker.in_flight * worker.pace.max(1));
            let Some(worker) = best else { return };
            let count = portion
                .min(worker.room(thrifty))
                .min(queue.ready.len() as u64);
            let Some(link) = links.get_mut(worker.link) else {
                return;
            };
            for key in queue.ready.drain(..count as usize) {
                if is_ready(ledger, key, queue.function) && give(key, worker.link, link, ledger) {
                    worker.in_flight += 1;
                }
            }
        }
    }

    /// Gives each suspect to a worker that holds nothing else; one that could take it is kept free
    /// for the first of each function.
    fn dispatch_suspects(&mut self, links: &mut Links, ledger: &mut Ledger, now: Duration) {
        for worker in &mut self.workers {
            worker.reserved = false;
        }
        for queue in &mut self.suspects {
            while let Some(&key) = queue.ready.front() {
                if !is_ready(ledger, key, queue.function) {
                    queue.ready.pop_front();
                    continue;
                }
                let free = self
                    .workers
                    .iter_mut()
                    .filter(|worker| {
                        worker.alone.is_none()
                            && !worker.reserved
                            && worker.functions.contains(&queue.function)
                            && links.get(worker.link).is_some_and(Link::is_up)
                    })
                    .min_by_key(|worker| worker.in_flight);
                let Some(worker) = free else { break };
                if worker.in_flight > 0 {
                    worker.reserved = true;
                    break;
                }
                let Some(link) = links.get_mut(worker.link) else {
                    break;
                };
                queue.ready.pop_front();
                if give(key, worker.link, link, ledger) {
                    worker.in_flight = 1;
                    worker.alone = Some(now);
                }
            }
        }
    }

    /// The entries that have waited too long for a function that none of the workers offers.
    pub(crate) fn stranded(&mut self, now: Duration) -> Vec<Key> {
        let mut stranded = Vec::new();
        for queue in self.queues.iter_mut().chain(&mut self.suspects) {
            let offered = self
                .workers
                .iter()
                .any(|worker| worker.functions.contains(&queue.function));
            if queue.ready.is_empty() || offered || self.workers.is_empty() {
                queue.stranded = None;
                continue;
            }
            let since = *queue.stranded.get_or_insert(now);
            if now.saturating_sub(since) >= PATIENCE {
                stranded.extend(queue.ready.drain(..));
            }
        }
        stranded
    }
}

/// Whether an entry that was queued for a function still waits for it: it may have ended since, or its
/// function have made others, by the word of a worker that was taken for dead.
fn is_ready(ledger: &Ledger, key: Key, function: FunctionId) -> bool {
    let ready = |entry: &Entry| entry.state == State::Ready && entry.function == function;
    ledger.get(key).is_some_and(ready)
}

/// Puts an entry on the lane to a worker; `false` if it has ended meanwhile.
pub(super) fn give(key: Key, worker: Key, link: &mut Link, ledger: &mut Ledger) -> bool {
    let Some(entry) = ledger.get_mut(key) else {
        return false;
    };
    entry.state = State::With(worker);
    entry.tries += 1;
    let parcel = Parcel {
        sequence: entry.sequence,
        token: key.token(),
        attempt: entry.tries,
        stage: entry.stage,
        outcome: Outcome::Pending,
        route: entry.route.clone(),
        extras: entry.extras.clone(),
        deadline: entry.deadline,
        payload: entry.payload.clone(),
        origin: None,
    };
    link.out.push(parcel);
    true
}
