//! A door that functions wait at until a test opens it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Closed at first. A clone is the same gate. Open it before what waits at it is to be joined.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    waiting: u64,
    open: bool,
}

impl Gate {
    /// Waits until the gate is open.
    pub fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting += 1;
        while !state.open {
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
    }

    /// Lets all pass from now on.
    pub fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        changed.notify_all();
    }

    /// How many wait.
    pub fn waiting(&self) -> u64 {
        let (state, _) = &*self.0;
        state.lock().unwrap_or_else(PoisonError::into_inner).waiting
    }
}
