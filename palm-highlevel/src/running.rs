use crate::engine::{Counts, Engine, Event};
use crate::{DeadLetter, Error, ErrorKind, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use palm_core::{Endpoint, StopHandle, Waker};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A server or worker that runs on threads of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    name: String,
    addresses: Vec<Endpoint>,
    stop: StopHandle,
    published: Arc<Published>,
    commands: Sender<Event>,
    waker: Waker,
    ended: Receiver<Result<()>>,
}

/// What a loop says once its sockets are bound.
pub(crate) struct Started {
    pub(crate) addresses: Vec<Endpoint>,
    pub(crate) stop: StopHandle,
    pub(crate) waker: Waker,
}

/// Where a loop says how it has ended: once, at the latest when this is dropped.
#[derive(Debug)]
pub(crate) struct End {
    server: String,
    told: Option<Sender<Result<()>>>,
}

impl End {
    /// For the loop of `server`; what it says is received there.
    pub(crate) fn new(server: &str) -> (End, Receiver<Result<()>>) {
        let (sender, receiver) = bounded(1);
        let server = server.to_owned();
        let told = Some(sender);
        (End { server, told }, receiver)
    }

    pub(crate) fn say(&mut self, result: Result<()>) {
        if let Some(told) = self.told.take() {
            // Nobody may wait for it.
            let _ = told.send(result);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let why = format!(
            "the loop of {} panicked: this is a defect of PALM",
            self.server
        );
        self.say(Err(Error::new(ErrorKind::Io, why)));
    }
}

/// What a server's loop lets others see.
#[derive(Debug, Default)]
pub(crate) struct Published {
    counts: Mutex<Counts>,
    letters: Mutex<Vec<DeadLetter>>,
}

impl Published {
    /// What the engine has done, and its dead letters if there are others than before.
    pub(crate) fn publish(&self, engine: &Engine) {
        let counts = engine.counts();
        let before = std::mem::replace(&mut *lock(&self.counts), counts);
        let mut letters = lock(&self.letters);
        if before.dead_letters != counts.dead_letters
            || engine.dead_letters().count() != letters.len()
        {
            *letters = engine.dead_letters().cloned().collect();
        }
    }
}

impl Running {
    pub(crate) fn new(
        name: String,
        published: Arc<Published>,
        commands: Sender<Event>,
        started: Started,
        ended: Receiver<Result<()>>,
    ) -> Running {
        Running {
            name,
            addresses: started.addresses,
            stop: started.stop,
            published,
            commands,
            waker: started.waker,
            ended,
        }
    }

    /// The name that it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is bound to, with wildcard ports made real; nothing for a worker.
    pub fn addresses(&self) -> &[Endpoint] {
        &self.addresses
    }

    /// The first of [`addresses`](Self::addresses), as a client or a worker takes it.
    ///
    /// # Panics
    ///
    /// If there is none: workers bind nothing.
    pub fn address(&self) -> &str {
        self.addresses.first().expect("a server is bound").as_str()
    }

    /// What it has done, as of a tenth of a second ago at most.
    pub fn counts(&self) -> Counts {
        *lock(&self.published.counts)
    }

    /// The messages that it has given up and keeps for people, the oldest first, as of a tenth of a
    /// second ago at most. [`DeadLetter::retry`] sends one again.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        lock(&self.published.letters).clone()
    }

    /// Forgets the dead letter with that number, if there is one.
    pub fn drop_dead_letter(&self, number: u64) {
        // A server that has ended has none.
        let _ = self.commands.send(Event::DropLetter(number));
        self.waker.wake();
    }

    /// Tells it to stop: it takes in nothing new, ends what runs, says good-bye. Does not wait.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// A handle that stops it from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Waits until it has ended: because it was stopped, or because it can't go on. It does not
    /// stop it.
    ///
    /// # Errors
    ///
    /// What made it end, if nobody stopped it.
    pub fn join(mut self) -> Result<Counts> {
        self.wait()?;
        Ok(self.counts())
    }

    fn wait(&mut self) -> Result<()> {
        // Who has waited before has been told.
        self.ended.recv().unwrap_or(Ok(()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Err(error) = self.wait() {
            log::error!("{}: {error}", self.name);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
