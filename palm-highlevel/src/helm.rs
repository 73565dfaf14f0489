//! Who leads a server, and who follows.
//!
//! The thread that owns a server's loop leads. What takes less time than waking a thread it executes
//! itself; meanwhile it leaves the loop at the helm. The thread that follows executes what takes longer;
//! while it has nothing of that, it looks after the helm from time to time. If the loop is there, and
//! nothing was left there since the look before, it takes the loop and leads from now on; whoever has left
//! it follows, once it is done. So no function keeps a server from answering, however long it takes.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many looks without anything to see end a watch: half a second.
const QUIET: u32 = 25;

/// Where a loop is left, and what is known of who may take it from there.
#[derive(Debug)]
pub(crate) struct Helm<T> {
    left: Mutex<Option<T>>,
    /// How often something was announced or taken so far: odd while something is here or about to be.
    times: AtomicU64,
    /// Somebody looks after it.
    watched: AtomicBool,
    /// How much the follower has to do, or is about to be given.
    occupied: AtomicUsize,
}

/// What a follower has seen of the helm.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    times: u64,
    quiet: u32,
}

/// What a look at the helm says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look<T> {
    /// To look again soon.
    Again,
    /// Nothing has been left there for long: who leaves something will say so.
    Enough,
    /// To lead from now on.
    Lead(T),
}

impl<T> Helm<T> {
    pub(crate) fn new() -> Helm<T> {
        Helm {
            left: Mutex::new(None),
            times: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            occupied: AtomicUsize::new(0),
        }
    }

    fn left(&self) -> MutexGuard<'_, Option<T>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody follows who has nothing to do, and would take what is left here.
    pub(crate) fn has_follower(&self) -> bool {
        self.occupied.load(SeqCst) == 0
    }

    /// Notes that the follower has one more thing to do.
    pub(crate) fn occupy(&self) {
        self.occupied.fetch_add(1, SeqCst);
    }

    /// Notes that it has one thing less to do.
    pub(crate) fn vacate(&self) {
        let before = self.occupied.fetch_sub(1, SeqCst);
        debug_assert!(before > 0, "nothing was to do");
    }

    /// Notes that another follows instead of one that will not do what it has to do.
    pub(crate) fn replaced(&self) {
        self.watched.store(false, SeqCst);
        self.vacate();
    }

    /// Says that something is about to be left here; gives back whether the follower must be told to
    /// watch.
    pub(crate) fn announce(&self) -> bool {
        // Either this sees that nobody watches any more, or who is about to stop sees this.
        self.times.fetch_add(1, SeqCst);
        !self.watched.swap(true, SeqCst)
    }

    /// Leaves here what was announced.
    pub(crate) fn leave(&self, what: T) {
        *self.left() = Some(what);
    }

    /// Takes back what this thread has left here, if nobody else has taken it.
    pub(crate) fn fetch(&self) -> Option<T> {
        self.take(&mut self.left())
    }

    fn take(&self, left: &mut Option<T>) -> Option<T> {
        let what = left.take()?;
        self.times.fetch_add(1, SeqCst);
        Some(what)
    }

    /// What a follower sees that has nothing to do. If it is to lead, whoever has left the helm counts as
    /// busy from then on.
    pub(crate) fn look(&self, watch: &mut Watch) -> Look<T> {
        let mut left = self.left();
        let times = self.times.load(SeqCst);
        if times != watch.times {
            *watch = Watch { times, quiet: 0 };
            return Look::Again;
        }
        if let Some(what) = self.take(&mut left) {
            self.occupy();
            self.watched.store(false, SeqCst);
            return Look::Lead(what);
        }
        watch.quiet += 1;
        if watch.quiet < QUIET || times % 2 == 1 {
            return Look::Again;
        }
        self.watched.store(false, SeqCst);
        match self.times.load(SeqCst) == times {
            true => Look::Enough,
            false => {
                self.watched.store(true, SeqCst);
                Look::Again
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_for_long_is_taken_once() {
        let helm = Helm::new();
        let mut watch = Watch::default();
        assert!(helm.announce(), "nobody watches yet");
        helm.leave(1);
        assert_eq!(helm.look(&mut watch), Look::Again, "it is new");
        assert!(helm.has_follower());
        assert_eq!(helm.look(&mut watch), Look::Lead(1));
        assert!(!helm.has_follower(), "who has left it is busy");
        assert_eq!(helm.fetch(), None);
        helm.vacate();
        assert!(helm.has_follower());
        assert!(helm.announce(), "who took it does not watch any more");
    }

    #[test]
    fn what_is_fetched_and_left_again_is_not_taken() {
        let helm = Helm::new();
        let mut watch = Watch::default();
        for n in 0..10 {
            assert_eq!(helm.announce(), n == 0);
            assert_eq!(helm.look(&mut watch), Look::Again);
            helm.leave(n);
            assert_eq!(helm.fetch(), Some(n));
        }
        assert_eq!(helm.look(&mut watch), Look::Again, "there is nothing");
    }

    #[test]
    fn what_is_announced_is_waited_for() {
        let helm = Helm::new();
        let mut watch = Watch::default();
        assert!(helm.announce());
        for _ in 0..1000 {
            assert_eq!(helm.look(&mut watch), Look::Again);
        }
        helm.leave(1);
        assert_eq!(helm.look(&mut watch), Look::Lead(1));
    }

    #[test]
    fn who_sees_nothing_for_long_has_seen_enough() {
        let helm = Helm::new();
        let mut watch = Watch::default();
        assert!(helm.announce());
        helm.leave(1);
        assert_eq!(helm.fetch(), Some(1));
        let again = (0..1000).find(|_| helm.look(&mut watch) == Look::Enough);
        assert_eq!(again, Some(QUIET), "the first look sees that it was left");
        assert!(helm.announce(), "it is to be told");
    }
}
