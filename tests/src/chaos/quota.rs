//! How often a function may be executed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What functions wait for when it is used up. A clone is the same quota.
#[derive(Clone, Debug, Default)]
pub(super) struct Quota(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    left: u64,
    used: u64,
}

impl Quota {
    /// Takes one, as soon as there is one.
    pub(super) fn take(&self) {
        let mut state = self.state();
        while state.left == 0 {
            let wait = self.0.1.wait(state);
            state = wait.unwrap_or_else(PoisonError::into_inner);
        }
        state.left -= 1;
        state.used += 1;
    }

    /// Allows so many from now on.
    pub(super) fn allow(&self, left: u64) {
        self.state().left = left;
        self.0.1.notify_all();
    }

    /// How many were taken.
    pub(super) fn used(&self) -> u64 {
        self.state().used
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
