use crate::chunk::Chunk;
use crate::engine::{Done, Task};
use crate::made::Made;
use crate::siblings::Siblings;
use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::wire::{OWN_FRAME, Outcome};
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What one function thread is at, shared with the loop that watches it.
#[derive(Debug)]
pub(crate) struct Watch {
    epoch: Instant,
    /// The task that runs; 0 if none does.
    token: AtomicU64,
    /// How many calls have begun: which one runs. Siblings have one token.
    turn: AtomicU64,
    /// When it began, or last said how far it is: milliseconds since the epoch.
    since: AtomicU64,
    /// How many milliseconds it may go without a word.
    lease: AtomicU64,
    /// The last task that nobody waits for any more.
    recalled: AtomicU64,
    /// What a task said last of how far it is, with its token, until the loop has taken it.
    said: Mutex<Option<(u64, String)>>,
    has_said: AtomicBool,
    /// What a call has made so far beside its result, and which one; whether there may be something.
    made: Mutex<Option<(u64, Made)>>,
    has_made: AtomicBool,
    /// `since` may be older than the call: the time is not read for each.
    is_coarse: AtomicBool,
    /// The call that the loop has seen running last, and when it saw that first.
    seen: Mutex<(u64, Instant)>,
    /// What is known of how long the messages of a bundle take, and was not handed over.
    timed: Mutex<Timed>,
    work: Mutex<Work>,
    /// The thread hangs: what it was to do was given to another.
    abandoned: AtomicBool,
}

/// So many messages have taken so long.
#[derive(Debug, Default)]
struct Timed {
    messages: u64,
    nanoseconds: u64,
}

/// What the thread is to do next, and what has ended that the loop was not told.
#[derive(Debug, Default)]
struct Work {
    chunk: Chunk,
    /// The task that was taken last, until it has ended; 0 if there is none.
    taken: u64,
    ended: Vec<Done>,
    /// What has ended of the bundle that was taken last, and is not in `ended`.
    bundle: Siblings,
    /// Whether some of that has not succeeded.
    failed: bool,
}

impl Work {
    /// What has ended of a bundle is one word.
    fn close_bundle(&mut self, timed: &Mutex<Timed>) {
        if self.bundle.count() == 0 {
            return;
        }
        let outcome = match std::mem::take(&mut self.failed) {
            true => Outcome::Siblings,
            false => Outcome::Bundle,
        };
        let Timed {
            messages,
            nanoseconds,
        } = std::mem::take(&mut *lock(timed));
        self.ended.push(Done {
            token: self.taken,
            outcome,
            payload: self.bundle.encode(),
            made: None,
            messages,
            nanoseconds,
        });
        self.bundle.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    pub(crate) fn new() -> Watch {
        Watch {
            epoch: Instant::now(),
            token: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            since: AtomicU64::new(0),
            lease: AtomicU64::new(0),
            recalled: AtomicU64::new(0),
            said: Mutex::new(None),
            has_said: AtomicBool::new(false),
            made: Mutex::new(None),
            has_made: AtomicBool::new(false),
            is_coarse: AtomicBool::new(false),
            seen: Mutex::new((0, Instant::now())),
            timed: Mutex::default(),
            work: Mutex::default(),
            abandoned: AtomicBool::new(false),
        }
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_millis() as u64
    }

    /// The thread has these to do.
    pub(crate) fn give(&self, chunk: Chunk) {
        let mut work = lock(&self.work);
        work.ended.reserve(chunk.len());
        work.chunk = chunk;
    }

    /// The thread's next task; `None` after the last, and for a thread that was abandoned.
    pub(crate) fn next(&self) -> Option<Task> {
        self.take(&mut lock(&self.work))
    }

    fn take(&self, work: &mut Work) -> Option<Task> {
        let task = work.chunk.next();
        work.taken = task.as_ref().map_or(0, |task| task.token);
        if self.recalled.load(Relaxed) == work.taken {
            // It comes again, for something else.
            self.recalled.store(0, Relaxed);
        }
        task
    }

    /// A task has ended so; gives back the next one. What a thread ends that was abandoned nobody waits
    /// for.
    pub(crate) fn ended(&self, done: Done) -> Option<Task> {
        let mut work = lock(&self.work);
        if !self.is_abandoned() {
            work.ended.push(done);
        }
        self.take(&mut work)
    }

    /// The next message of a bundle has ended so.
    pub(crate) fn ended_one(&self, outcome: Outcome, payload: Bytes) {
        let mut work = lock(&self.work);
        if self.is_abandoned() {
            return;
        }
        // Large results go on one by one.
        if !work.bundle.has_room(&payload, OWN_FRAME) {
            work.close_bundle(&self.timed);
        }
        work.failed |= outcome != Outcome::Success;
        if !work.bundle.push(outcome, payload) {
            let why = "its result has no room beside what tells that it is one";
            let failure = Failure::of(FailureKind::TooLarge, why).encode();
            work.failed = true;
            work.bundle.push(Outcome::Failure, failure);
        }
    }

    /// A bundle is executed from `now`, with that lease for each message: the time is
    /// [read](Self::passed) less often.
    pub(crate) fn begin_bundle(&self, lease: Duration, now: Instant) {
        self.is_coarse.store(true, Relaxed);
        self.since.store(self.milliseconds(now), Relaxed);
        self.lease.store(lease.as_millis() as u64, Relaxed);
    }

    /// So many messages of a bundle have taken the time from one time to another.
    pub(crate) fn passed(&self, messages: u64, from: Instant, now: Instant) {
        let passed = now.duration_since(from).as_nanos() as u64;
        let mut timed = lock(&self.timed);
        timed.messages += messages;
        timed.nanoseconds += passed;
        self.since.store(self.milliseconds(now), Relaxed);
    }

    /// All of a bundle has ended; gives back the next task.
    pub(crate) fn ended_bundle(&self) -> Option<Task> {
        self.is_coarse.store(false, Relaxed);
        let mut work = lock(&self.work);
        work.close_bundle(&self.timed);
        self.take(&mut work)
    }

    /// Has `take` have what has ended since the last call: the thread hands it over, or, while a function
    /// takes long, the loop fetches it. Nobody else does meanwhile, so that nothing comes before what has
    /// ended before it.
    pub(crate) fn take_ended<T>(&self, take: impl FnOnce(Vec<Done>) -> T) -> T {
        let mut work = lock(&self.work);
        work.close_bundle(&self.timed);
        take(std::mem::take(&mut work.ended))
    }

    /// A call begins; gives back which one it is.
    pub(crate) fn begin(&self, token: u64, lease: Duration, now: Instant) -> u64 {
        // Who reads the token reads a time and a lease that are as new.
        self.since.store(self.milliseconds(now), Relaxed);
        self.lease.store(lease.as_millis() as u64, Relaxed);
        self.begin_next(token)
    }

    /// Another call begins, with the lease of the last one, and perhaps later than that.
    pub(crate) fn begin_next(&self, token: u64) -> u64 {
        // No other thread writes it.
        let turn = self.turn.load(Relaxed) + 1;
        self.turn.store(turn, Release);
        self.token.store(token, Release);
        turn
    }

    /// The call has ended; gives back what it has made.
    pub(crate) fn end(&self) -> Option<Made> {
        self.token.store(0, Relaxed);
        if !self.has_made.load(Acquire) {
            return None;
        }
        let mut made = lock(&self.made);
        self.has_made.store(false, Relaxed);
        let turn = self.turn.load(Relaxed);
        let of_this = made.take().filter(|(of, _)| *of == turn);
        of_this.map(|(_, made)| made)
    }

    /// Changes what that call has made; nothing happens if it has ended.
    pub(crate) fn make(&self, turn: u64, change: impl FnOnce(&mut Made)) {
        let mut made = lock(&self.made);
        if self.running(turn).is_none() {
            return;
        }
        match &mut *made {
            Some((of, made)) if *of == turn => change(made),
            // An earlier call ended while a clone of it made something.
            none => change(&mut none.insert((turn, Made::default())).1),
        }
        self.has_made.store(true, Release);
    }

    /// The task of that call, if it has not ended.
    fn running(&self, turn: u64) -> Option<u64> {
        let token = self.token.load(Acquire);
        (token != 0 && self.turn.load(Acquire) == turn).then_some(token)
    }

    /// That call says how far it is, and its lease begins again; nothing happens if it has ended.
    pub(crate) fn say(&self, turn: u64, text: String) {
        let mut said = lock(&self.said);
        let Some(token) = self.running(turn) else {
            return;
        };
        // The next call may have begun meanwhile, later than this.
        let now = self.milliseconds(Instant::now());
        self.since.fetch_max(now, Relaxed);
        *said = Some((token, text));
        self.has_said.store(true, Release);
    }

    /// What a function has said since the last call, with its task.
    pub(crate) fn take_said(&self) -> Option<(u64, String)> {
        if !self.has_said.swap(false, Acquire) {
            return None;
        }
        lock(&self.said).take()
    }

    /// The task that has gone without a word for longer than its lease, which call of it that is, and
    /// that lease.
    pub(crate) fn overdue(&self, now: Instant) -> Option<(u64, u64, Duration)> {
        // Read first: what is read of a later call than this one is at most too new.
        let turn = self.turn.load(Acquire);
        let token = self.token.load(Acquire);
        let lease = self.lease.load(Relaxed);
        let silent = self
            .milliseconds(now)
            .saturating_sub(self.since.load(Relaxed));
        let seen = {
            let mut seen = lock(&self.seen);
            if seen.0 != turn {
                *seen = (turn, now);
            }
            now.saturating_duration_since(seen.1).as_millis() as u64
        };
        let runs = !self.is_coarse.load(Relaxed) || seen > lease;
        let over = token != 0 && silent > lease && runs && !self.abandoned.load(Relaxed);
        over.then(|| (token, turn, Duration::from_millis(lease)))
    }

    /// The process was stopped for `pause` until now: that is not time in which the function was
    /// silent.
    pub(crate) fn forgive(&self, pause: Duration, now: Instant) {
        let seen = &mut lock(&self.seen).1;
        *seen = (*seen + pause).min(now);
        let pause = pause.as_millis() as u64;
        let now = self.milliseconds(now);
        let shifted = |since: u64| Some((since + pause).min(now));
        // A function that begins meanwhile, or says something, is at most forgiven as much.
        let _ = self.since.fetch_update(Relaxed, Relaxed, shifted);
    }

    /// Nobody waits for this task any more, of which its chunk knows already: if it was taken before that,
    /// it may ask.
    pub(crate) fn recall(&self, token: u64) {
        if lock(&self.work).taken == token {
            self.recalled.store(token, Relaxed);
        }
    }

    pub(crate) fn is_recalled(&self, token: u64) -> bool {
        self.recalled.load(Relaxed) == token || self.abandoned.load(Relaxed)
    }

    /// Gives the thread up if that call is what it is at; gives back what it was to do after the task
    /// that hangs, and what has ended before.
    pub(crate) fn abandon(&self, token: u64, turn: u64) -> Option<(Vec<Task>, Vec<Done>)> {
        // A call has ended before its task does, which takes this lock: as long as it is held, the thread
        // takes nothing else.
        let mut work = lock(&self.work);
        if self.running(turn) != Some(token) {
            return None;
        }
        self.abandoned.store(true, Relaxed);
        let left = std::iter::from_fn(|| work.chunk.next()).collect();
        work.close_bundle(&self.timed);
        Some((left, std::mem::take(&mut work.ended)))
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_extends_the_lease() {
        let watch = Watch::new();
        let start = watch.epoch;
        let lease = Duration::from_secs(30);
        let turn = watch.begin(7, lease, start);
        assert_eq!(watch.overdue(start + lease), None);
        let later = start + lease + Duration::from_millis(1);
        assert_eq!(watch.overdue(later), Some((7, turn, lease)));
        // The word is said now, which is after the start.
        watch.say(turn, "half".into());
        assert_eq!(watch.take_said(), Some((7, "half".into())));
        assert_eq!(watch.take_said(), None);
        assert_eq!(watch.overdue(Instant::now() + lease / 2), None);
        watch.end();
        assert_eq!(watch.overdue(later + lease), None);
    }

    #[test]
    fn in_a_bundle_the_lease_begins_once_the_loop_has_seen_the_call() {
        let watch = Watch::new();
        let (start, lease) = (watch.epoch, Duration::from_secs(30));
        let later = |more: u64| start + lease + Duration::from_millis(more);
        watch.begin_bundle(lease, start);
        watch.begin_next(7);
        watch.end();
        // The time was not read since the first began.
        let turn = watch.begin_next(7);
        assert_eq!(watch.overdue(later(1)), None);
        assert_eq!(watch.overdue(later(1) + lease), None);
        let late = later(2) + lease;
        assert_eq!(watch.overdue(late), Some((7, turn, lease)));
        watch.end();
    }

    #[test]
    fn a_bundle_is_handed_over_in_parts_with_the_time_that_is_known() {
        let watch = Watch::new();
        watch.give(Chunk::new(vec![Task::numbered(7)]));
        assert_eq!(watch.next().unwrap().token, 7);
        let start = watch.epoch;
        watch.begin_bundle(Duration::from_secs(1), start);
        let part = |watch: &Watch| {
            let done = watch.take_ended(|mut done| done.pop()).unwrap();
            let count = Siblings::count_in(&done.payload);
            (
                done.token,
                done.outcome,
                count,
                done.messages,
                done.nanoseconds,
            )
        };
        watch.ended_one(Outcome::Success, "a".into());
        assert_eq!(part(&watch), (7, Outcome::Bundle, 1, 0, 0));
        watch.ended_one(Outcome::Success, "b".into());
        watch.ended_one(Outcome::Failure, "c".into());
        watch.passed(3, start, start + Duration::from_nanos(90));
        assert_eq!(part(&watch), (7, Outcome::Siblings, 2, 3, 90));
        watch.ended_one(Outcome::Success, "d".into());
        assert!(watch.ended_bundle().is_none());
        assert_eq!(part(&watch), (7, Outcome::Bundle, 1, 0, 0));
        assert_eq!(watch.take_ended(|done| done.len()), 0);
    }

    #[test]
    fn a_word_is_of_the_call_that_says_it() {
        let watch = Watch::new();
        let lease = Duration::from_secs(30);
        let first = watch.begin(7, lease, watch.epoch);
        watch.say(first, "done".into());
        watch.end();
        let second = watch.begin(8, lease, watch.epoch);
        assert_eq!(watch.take_said(), Some((7, "done".into())));
        let later = watch.epoch + lease + Duration::from_millis(1);
        watch.say(first, "a clone of the first call".into());
        assert_eq!(watch.take_said(), None);
        assert_eq!(watch.overdue(later), Some((8, second, lease)));
        watch.end();
        watch.say(second, "too late".into());
        assert_eq!(watch.take_said(), None);
    }

    #[test]
    fn a_pause_of_the_process_is_forgiven() {
        let watch = Watch::new();
        let second = Duration::from_secs(1);
        let turn = watch.begin(7, 30 * second, watch.epoch);
        let back = watch.epoch + 70 * second;
        watch.forgive(60 * second, back);
        assert_eq!(watch.overdue(back + 20 * second), None);
        let late = back + 21 * second;
        assert_eq!(watch.overdue(late), Some((7, turn, 30 * second)));
        watch.forgive(60 * second, back);
        assert_eq!(watch.overdue(back + 30 * second), None);
    }

    #[test]
    fn what_is_recalled_is_told_or_does_not_begin() {
        let watch = Watch::new();
        let chunk = Chunk::new([6, 7, 8, 9].map(Task::numbered).into());
        let wanted = chunk.wanted().upgrade().unwrap();
        let recall = |token| {
            assert!(wanted.recall(token));
            watch.recall(token);
        };
        assert!(!wanted.recall(5));
        // Before the thread has it, before it is taken, and before its function begins.
        recall(6);
        watch.give(chunk);
        recall(8);
        assert_eq!(watch.next().unwrap().token, 7);
        assert!(!watch.is_recalled(7));
        recall(7);
        watch.begin(7, Duration::ZERO, watch.epoch);
        assert!(watch.is_recalled(7));
        watch.end();
        assert_eq!(watch.next().unwrap().token, 9);
        assert!(!watch.is_recalled(9));
        assert!(watch.next().is_none());

        watch.give(Chunk::new(vec![Task::numbered(7)]));
        assert_eq!(watch.next().unwrap().token, 7);
        assert!(!watch.is_recalled(7), "it comes for something else");
    }
}
