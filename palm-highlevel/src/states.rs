use crate::{Failure, FailureKind};
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known so far of the messages whose pieces are gathered one by one, by the tokens of the
/// messages: the functions that gather them share it.
#[derive(Debug, Default)]
pub(crate) struct States(Mutex<HashMap<u64, Arc<Mutex<State>>>>);

type State = Option<Box<dyn Any + Send>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl States {
    /// Changes the state of a message, which is `init` at first. A panic of `change` leaves none: for
    /// the pieces that follow, the message has lost it.
    pub(crate) fn change<S: Send + 'static, R>(
        &self,
        token: u64,
        init: impl FnOnce() -> S,
        change: impl FnOnce(&mut S) -> R,
    ) -> Result<R, Failure> {
        let state = {
            let mut states = lock(&self.0);
            let fresh = || Arc::new(Mutex::new(Some(Box::new(init()) as Box<dyn Any + Send>)));
            states.entry(token).or_insert_with(fresh).clone()
        };
        let mut state = lock(&state);
        let mut taken = state.take().and_then(|state| state.downcast().ok());
        let result = taken.as_deref_mut().map(change);
        *state = taken.map(|state: Box<S>| state as Box<dyn Any + Send>);
        result.ok_or_else(lost)
    }

    /// The last state of a message, if a piece has changed it; nobody asks again.
    pub(crate) fn take<S: 'static>(&self, token: u64) -> Result<Option<S>, Failure> {
        let Some(state) = lock(&self.0).remove(&token) else {
            return Ok(None);
        };
        let state = lock(&state).take().and_then(|state| state.downcast().ok());
        state.map(|state| Some(*state)).ok_or_else(lost)
    }

    /// Forgets a message that nobody waits for any more.
    pub(crate) fn forget(&self, token: u64) {
        lock(&self.0).remove(&token);
    }
}

fn lost() -> Failure {
    Failure::of(
        FailureKind::Panic,
        "what was gathered of it was lost in a panic of the function that gathers",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_panic_loses_the_state_of_one_message_alone() {
        let states = States::default();
        let add = |token, more: u32| states.change(token, || 10u32, |sum| *sum += more);
        for token in [1, 2] {
            add(token, 1).unwrap();
            add(token, 2).unwrap();
        }
        let panic = || states.change(1, || 0u32, |_| panic!("no"));
        assert!(catch_unwind(AssertUnwindSafe(panic)).is_err());
        assert_eq!(add(1, 4).unwrap_err().kind, FailureKind::Panic);
        assert_eq!(states.take::<u32>(1).unwrap_err().kind, FailureKind::Panic);
        assert_eq!(states.take::<u32>(2), Ok(Some(13)));
        assert_eq!(states.take::<u32>(2), Ok(None));
    }
}
