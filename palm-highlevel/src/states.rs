use crate::{Failure, FailureKind};
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known so far of the messages whose pieces are gathered one by one, by the tokens of the
/// messages: the functions that gather them share it.
///
/// The loop takes the lock of the map, so that nothing of a user's runs under it: what makes, changes
/// or drops a state runs under the lock of its message at most, where functions run.
#[derive(Debug, Default)]
pub(crate) struct States(Mutex<HashMap<u64, Arc<Mutex<State>>>>);

#[derive(Debug, Default)]
enum State {
    /// No piece has changed it yet.
    #[default]
    Fresh,
    Kept(Box<dyn Any + Send>),
    /// It went with a function that did not end, or failed so.
    Lost(Option<Failure>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl States {
    /// A piece of a message is about to be gathered: from now on it has a state, until it is
    /// [forgotten](Self::forget).
    pub(crate) fn open(&self, token: u64) {
        lock(&self.0).entry(token).or_default();
    }

    fn of(&self, token: u64) -> Option<Arc<Mutex<State>>> {
        lock(&self.0).get(&token).cloned()
    }

    /// Changes the state of a message, which is `init` at first. A panic of `change` leaves none: for
    /// the pieces that follow, the message has lost it.
    pub(crate) fn change<S: Send + 'static, R>(
        &self,
        token: u64,
        init: impl FnOnce() -> S,
        change: impl FnOnce(&mut S) -> R,
    ) -> Result<R, Failure> {
        let Some(state) = self.of(token) else {
            let why = "nobody waits for the message that it is a piece of";
            return Err(Failure::of(FailureKind::Cancelled, why));
        };
        let mut state = lock(&state);
        if let State::Fresh = *state {
            *state = State::Kept(Box::new(init()));
        }
        let mut taken = state.take::<S>()?;
        let result = change(&mut taken);
        *state = State::Kept(taken);
        Ok(result)
    }

    /// The last state of a message, if a piece has changed it. There is no other: whoever asks again
    /// is told why it is gone.
    pub(crate) fn take<S: 'static>(&self, token: u64) -> Result<Option<S>, Failure> {
        let Some(state) = self.of(token) else {
            return Ok(None);
        };
        let mut state = lock(&state);
        match *state {
            State::Fresh => Ok(None),
            _ => state.take().map(|taken| Some(*taken)),
        }
    }

    /// The function that has taken the state of a message failed so.
    pub(crate) fn lose(&self, token: u64, failure: &Failure) {
        if let Some(state) = self.of(token)
            && let State::Lost(why) = &mut *lock(&state)
        {
            why.get_or_insert_with(|| failure.clone());
        }
    }

    /// Forgets a message that nobody waits for any more; gives back its state, if nobody else has it,
    /// to be dropped where that may take long.
    pub(crate) fn forget(&self, token: u64) -> Option<Box<dyn Any + Send>> {
        let state = lock(&self.0).remove(&token)?;
        // A function that still has it drops it.
        let state = Arc::into_inner(state)?.into_inner();
        match state.unwrap_or_else(PoisonError::into_inner) {
            State::Kept(state) => Some(state),
            State::Fresh | State::Lost(_) => None,
        }
    }
}

impl State {
    /// What is kept, which is lost until it is put back.
    fn take<S: 'static>(&mut self) -> Result<Box<S>, Failure> {
        match std::mem::replace(self, State::Lost(None)) {
            State::Kept(state) => state.downcast().map_err(|_| lost(None)),
            State::Fresh => Err(lost(None)),
            State::Lost(why) => {
                let failure = lost(why.as_ref());
                *self = State::Lost(why);
                Err(failure)
            }
        }
    }
}

fn lost(why: Option<&Failure>) -> Failure {
    match why {
        None => Failure::of(
            FailureKind::Panic,
            "what was gathered of it was lost in a panic of the function that gathers",
        ),
        Some(Failure { kind, message }) => Failure::of(
            *kind,
            format!("what was gathered of it went with an attempt that failed: {message}"),
        ),
    }
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
            states.open(token);
            add(token, 1).unwrap();
            states.open(token);
            add(token, 2).unwrap();
        }
        let panic = || states.change(1, || 0u32, |_| panic!("no"));
        assert!(catch_unwind(AssertUnwindSafe(panic)).is_err());
        assert_eq!(add(1, 4).unwrap_err().kind, FailureKind::Panic);
        assert_eq!(states.take::<u32>(1).unwrap_err().kind, FailureKind::Panic);
        assert_eq!(states.take::<u32>(2), Ok(Some(13)));
    }

    #[test]
    fn a_state_is_taken_once() {
        let states = States::default();
        states.open(1);
        assert_eq!(states.take::<u32>(1), Ok(None), "no piece has changed it");
        states.change(1, || 0u32, |sum| *sum += 1).unwrap();
        assert_eq!(states.take::<u32>(1), Ok(Some(1)));
        assert_eq!(states.take::<u32>(1).unwrap_err().kind, FailureKind::Panic);
        states.lose(1, &Failure::new("busy"));
        let failure = states.take::<u32>(1).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Function);
        assert!(failure.message.ends_with(": busy"), "{failure}");
    }

    #[test]
    fn what_is_forgotten_is_not_made_anew() {
        let states = States::default();
        let add = || states.change(1, || 0u32, |sum| *sum += 1);
        states.open(1);
        add().unwrap();
        assert!(states.forget(1).is_some());
        assert_eq!(add().unwrap_err().kind, FailureKind::Cancelled);
        assert!(states.forget(1).is_none());
        assert!(lock(&states.0).is_empty());
    }

    #[test]
    fn what_is_being_changed_is_dropped_by_who_changes_it() {
        let states = States::default();
        states.open(1);
        let gone = Arc::new(());
        let change = |_: &mut Arc<()>| assert!(states.forget(1).is_none());
        states.change(1, || gone.clone(), change).unwrap();
        assert_eq!(Arc::strong_count(&gone), 1);
    }
}
