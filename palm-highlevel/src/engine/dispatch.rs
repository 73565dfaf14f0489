use super::ledger::{Entry, FunctionId, Ledger, State};
use super::link::Link;
use super::links::Links;
use super::parcel::Parcel;
use super::siblings::split;
use super::slab::Key;
use std::collections::VecDeque;
use std::time::Duration;

/// About how much work a worker holds in advance.
const PREFETCH: u64 = 20_000_000;

/// The most messages that a worker holds in advance.
const MOST: u64 = 1 << 16;

/// About how much work a worker is given as one message of siblings, and the most of them.
const SHARE: u64 = 500_000;
const MOST_SIBLINGS: u64 = 512;

/// After how many deaths while it was alone a message is given up.
pub(crate) const CHARGES: u8 = 3;

/// How long a message waits for a worker that offers its function, while others are there.
const PATIENCE: Duration = Duration::from_secs(3);

/// Parallel execution: any worker that offers the function and has room.
///
/// Invariant: `in_flight` of a worker is the number of messages whose entries are `With` it. A
/// suspect is with a worker that holds nothing else.
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
    /// Where on their routes they are: what is further on never waits for what is behind it.
    stage: u16,
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
    /// One of its functions has hung: it ends what it holds, and leaves.
    leaves: bool,
}

impl Worker {
    fn limit(&self, thrifty: bool) -> u64 {
        match self.pace {
            pace if pace > 0 && !thrifty => (PREFETCH / pace).clamp(self.threads, MOST),
            _ => self.threads,
        }
    }

    fn room(&self, thrifty: bool) -> u64 {
        match self.reserved || self.alone.is_some() || self.leaves {
            true => 0,
            false => self.limit(thrifty).saturating_sub(self.in_flight),
        }
    }

    /// About how many messages it takes in a second; a guess as long as it doesn't know itself, which
    /// matters little, as it has little room then.
    fn speed(&self) -> u64 {
        match self.pace {
            0 => self.threads,
            pace => (1_000_000_000 / pace).max(1),
        }
    }

    /// How many siblings of `count` it is given as one message: each of its threads has some.
    fn siblings(&self, count: u64) -> u64 {
        let share = SHARE / (self.pace * self.threads).max(1);
        count
            .div_ceil(self.threads)
            .min(share)
            .clamp(1, MOST_SIBLINGS)
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
            threads: u64::from(threads).clamp(1, MOST),
            pace: 0,
            in_flight: 0,
            reserved: false,
            alone: None,
            leaves: false,
        });
    }

    /// A worker has left; what it held is to be pushed again.
    pub(crate) fn leave(&mut self, link: Key) {
        self.workers.retain(|worker| worker.link != link);
    }

    /// A worker is about to leave: it is given nothing more.
    pub(crate) fn leaves(&mut self, link: Key) {
        if let Some(worker) = self.worker(link) {
            worker.leaves = true;
        }
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
        let (function, stage) = (entry.function, entry.stage);
        let found = queues.iter().position(|queue| {
            (queue.origin, queue.function, queue.stage) == (origin, function, stage)
        });
        let index = found.unwrap_or_else(|| {
            queues.push(Queue {
                origin,
                function,
                stage,
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

    /// So many messages are no longer with `link`.
    pub(crate) fn returned(&mut self, link: Key, count: usize) {
        if let Some(worker) = self.worker(link) {
            worker.in_flight = worker.in_flight.saturating_sub(count as u64);
            worker.alone = None;
        }
    }

    /// Gives workers what is ready, as far as they have room and `open` says that there is room
    /// for the endings of what is like the first of a queue. A `thrifty` server has no room for many
    /// results, and gives nothing in advance.
    pub(crate) fn dispatch(
        &mut self,
        links: &mut Links,
        ledger: &mut Ledger,
        now: Duration,
        thrifty: bool,
        open: impl Fn(&Links, &Entry) -> bool,
    ) {
        self.dispatch_suspects(links, ledger, now);
        let count = self.queues.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let queue = &mut self.queues[index];
            while let Some(&key) = queue.ready.front()
                && !is_ready(ledger, key, queue.function)
            {
                queue.ready.pop_front();
            }
            let first = queue.ready.front().and_then(|key| ledger.get(*key));
            if first.is_some_and(|first| open(links, first)) {
                self.serve(index, thrifty, links, ledger);
            }
        }
        self.turn = (self.turn + 1) % count.max(1);
    }

    fn serve(&mut self, index: usize, thrifty: bool, links: &mut Links, ledger: &mut Ledger) {
        let queue = &mut self.queues[index];
        let first = queue.ready.front().and_then(|key| ledger.get(*key));
        let ready = queue.ready.len() - 1 + first.map_or(1, Entry::count);
        let mut speed = 0;
        for worker in &mut self.workers {
            worker.able = worker.functions.contains(&queue.function)
                && links.get(worker.link).is_some_and(Link::is_up);
            speed += if worker.able { worker.speed() } else { 0 };
        }
        if speed == 0 {
            return;
        }
        queue.stranded = None;
        while !queue.ready.is_empty() {
            let best = self
                .workers
                .iter_mut()
                .filter(|worker| worker.able && worker.room(thrifty) > 0)
                .min_by_key(|worker| worker.in_flight * worker.pace.max(1));
            let Some(worker) = best else { return };
            // All are to be done at the same time, and to be chosen seldom.
            let portion = (ready as u64 * worker.speed()).div_ceil(speed);
            let mut left = portion.min(worker.room(thrifty));
            let siblings = worker.siblings(left);
            let Some(link) = links.get_mut(worker.link) else {
                return;
            };
            while left > 0
                && let Some(key) = queue.ready.pop_front()
            {
                if !is_ready(ledger, key, queue.function) {
                    continue;
                }
                let most = left.min(siblings) as usize;
                if let Some(others) = split(ledger, key, most) {
                    queue.ready.push_front(others);
                }
                let given = give(key, worker.link, link, ledger) as u64;
                worker.in_flight += given;
                left = left.saturating_sub(given);
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
                            && !worker.leaves
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
                if give(key, worker.link, link, ledger) > 0 {
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

/// Puts an entry on the lane to a worker; gives back how many messages that are, none if it has ended
/// meanwhile.
pub(super) fn give(key: Key, worker: Key, link: &mut Link, ledger: &mut Ledger) -> usize {
    let Some(entry) = ledger.get_mut(key) else {
        return 0;
    };
    entry.state = State::With(worker);
    entry.tries += 1;
    let (outcome, payload) = entry.to_execute();
    let parcel = Parcel {
        sequence: entry.sequence,
        token: key.token(),
        attempt: entry.tries,
        stage: entry.stage,
        outcome,
        route: entry.route.clone(),
        extras: entry.extras.clone(),
        deadline: entry.deadline,
        payload,
        origin: None,
        recurs: false,
    };
    link.out.push(parcel);
    entry.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::slab::Slab;

    #[test]
    fn a_worker_has_no_more_room_than_there_is_whatever_it_says() {
        let link = Slab::new().insert(());
        for (threads, pace) in [(0, 0), (u32::MAX, 0), (u32::MAX, 1), (1, u32::MAX)] {
            let mut dispatch = Dispatch::default();
            dispatch.join(link, Vec::new(), threads);
            dispatch.pace(link, pace);
            let worker = dispatch.worker(link).unwrap();
            for thrifty in [false, true] {
                assert!(
                    (1..=MOST).contains(&worker.limit(thrifty)),
                    "{threads}, {pace}"
                );
            }
        }
    }
}
