use super::BUNCH;
use super::event::{Action, Task};
use super::ledger::{FunctionId, Ledger, State};
use super::slab::Key;
use std::collections::VecDeque;

/// About how much work one thread is given at a time, in nanoseconds.
const CHUNK: u64 = 500_000;

/// What it may cost to wake another thread and to be woken by it, in nanoseconds: what is done in less
/// time is done sooner by the thread that has it.
const BRIEF: u64 = 200_000;

/// Serial execution: functions run in this process.
#[derive(Debug)]
pub(crate) struct Local {
    queue: VecDeque<Key>,
    /// The functions, if there are others elsewhere.
    functions: Vec<FunctionId>,
    threads: u64,
    /// Chunks that are with the threads, running or next.
    chunks: u64,
    /// Nanoseconds that a message takes on one thread, smoothed; `None` before the first has
    /// ended.
    pace: Option<u64>,
    /// The same without times that are out of line: those of a thread that had to wait for the processor.
    calm: Option<u64>,
    /// What a message of the last chunk has taken.
    last: u64,
}

impl Local {
    pub(crate) fn new(threads: u32) -> Local {
        Local {
            queue: VecDeque::new(),
            functions: Vec::new(),
            threads: u64::from(threads.max(1)),
            chunks: 0,
            pace: None,
            calm: None,
            last: u64::MAX,
        }
    }

    /// Executes these functions alone.
    pub(crate) fn only(threads: u32, functions: Vec<FunctionId>) -> Local {
        Local {
            functions,
            ..Local::new(threads)
        }
    }

    /// Whether it is here that the function is executed, where others are elsewhere.
    pub(crate) fn offers(&self, function: FunctionId) -> bool {
        self.functions.contains(&function)
    }

    /// Whether so many messages are executed as one: that is brief, and there is no other thread that
    /// might have some of them.
    pub(crate) fn takes_bundle(&self, messages: u64) -> bool {
        self.threads == 1 && self.is_brief(messages)
    }

    /// Whether so many messages are expected to take next to no time.
    fn is_brief(&self, messages: u64) -> bool {
        let is_brief = |pace: u64| pace.saturating_mul(messages) <= BRIEF;
        self.calm.is_some_and(is_brief)
    }

    pub(crate) fn push(&mut self, key: Key) {
        self.queue.push_back(key);
    }

    /// Queues an entry before all others.
    pub(crate) fn push_again(&mut self, key: Key) {
        self.queue.push_front(key);
    }

    /// Nanoseconds a message takes this process, all threads together; 0 if not known yet.
    pub(crate) fn pace(&self) -> u32 {
        let pace = self.pace.map_or(0, |pace| (pace / self.threads).max(1));
        u32::try_from(pace).unwrap_or(u32::MAX)
    }

    /// Whether functions run or are about to.
    pub(crate) fn is_busy(&self) -> bool {
        self.chunks > 0
    }

    /// Notes that so many messages of a chunk have ended, after so many nanoseconds; `all` if no
    /// others of that chunk will.
    pub(crate) fn ended(&mut self, messages: u64, nanoseconds: u64, all: bool) {
        self.chunks = self.chunks.saturating_sub(u64::from(all));
        let Some(each) = nanoseconds.checked_div(messages) else {
            return;
        };
        let smoothed = |pace: Option<u64>, each| match pace {
            Some(pace) => (3 * pace + each) / 4,
            None => each,
        };
        self.pace = Some(smoothed(self.pace, each));
        self.calm = Some(smoothed(self.calm, each.min(self.last)));
        self.last = each;
    }

    /// Takes what has not been given to a thread yet.
    pub(crate) fn give_back(&mut self) -> Vec<Key> {
        self.queue.drain(..).collect()
    }

    /// Gives the threads what they can do next: each has one chunk and finds the next one ready.
    /// If a message may be executed `again`, its payload is kept meanwhile. A `thrifty` server has no
    /// room for many results: a chunk is one message.
    pub(crate) fn dispatch(
        &mut self,
        ledger: &mut Ledger,
        partition: Option<super::event::PartitionId>,
        again: bool,
        thrifty: bool,
        actions: &mut Vec<Action>,
    ) {
        while self.chunks < 2 * self.threads && !self.queue.is_empty() {
            let share = match self.threads {
                1 => u64::MAX,
                threads => (self.queue.len() as u64).div_ceil(threads),
            };
            let paced = match self.pace {
                Some(pace) if !thrifty => (CHUNK / pace.max(1)).clamp(1, BUNCH as u64),
                _ => 1,
            };
            let count = share.min(paced);
            let mut tasks = Vec::with_capacity(self.queue.len().min(count as usize));
            let mut messages = 0;
            let mut brief = self.threads == 1;
            while messages < count
                && let Some(key) = self.queue.pop_front()
            {
                // What was cancelled meanwhile is no longer there.
                let entry = ledger.get_mut(key);
                let Some(entry) = entry.filter(|entry| entry.state == State::Ready) else {
                    continue;
                };
                entry.state = State::Running;
                entry.tries += 1;
                messages += entry.count() as u64;
                tasks.push(Task {
                    token: key.token(),
                    message: match again || entry.bundle > 0 {
                        true => entry.message(),
                        false => entry.take_message(),
                    },
                    partition,
                    parent: entry.kin.as_ref().and_then(|kin| kin.gathered()),
                    siblings: entry.siblings,
                    bundle: entry.bundle > 0,
                    pieces: entry
                        .family
                        .as_ref()
                        .and_then(|family| family.pieces.clone()),
                });
                if entry.siblings {
                    // They are a chunk already.
                    brief = false;
                    break;
                }
            }
            if !tasks.is_empty() {
                self.chunks += 1;
                brief &= self.is_brief(messages);
                actions.push(Action::Execute(tasks, brief));
            }
        }
    }
}
