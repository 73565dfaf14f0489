use crate::engine::Task;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

/// What a thread is given at a time: tasks, to be executed one after another.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    next: VecDeque<Task>,
    wanted: Arc<Wanted>,
}

/// For which tasks of a chunk somebody waits: their tokens in order, 0 in the place of others.
///
/// It is apart from the tasks so that the loop can recall one wherever its chunk is, and looks
/// through many in no time.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Vec<AtomicU64>);

impl Chunk {
    pub(crate) fn new(tasks: Vec<Task>) -> Chunk {
        let tokens = tasks.iter().map(|task| AtomicU64::new(task.token));
        Chunk {
            wanted: Arc::new(Wanted(tokens.collect())),
            next: tasks.into(),
        }
    }

    /// How many are left, those included that nobody waits for.
    pub(crate) fn len(&self) -> usize {
        self.next.len()
    }

    /// By which its tasks are recalled, as long as it is anywhere.
    pub(crate) fn wanted(&self) -> Weak<Wanted> {
        Arc::downgrade(&self.wanted)
    }

    /// The next task that somebody waits for.
    pub(crate) fn next(&mut self) -> Option<Task> {
        loop {
            let at = self.wanted.0.len() - self.next.len();
            let task = self.next.pop_front()?;
            if self.wanted.0[at].load(Relaxed) != 0 {
                return Some(task);
            }
        }
    }
}

impl Wanted {
    /// Nobody waits for this task any more; gives back whether it is one of these.
    pub(crate) fn recall(&self, token: u64) -> bool {
        let found = self.0.iter().find(|of| of.load(Relaxed) == token);
        if let Some(found) = found {
            found.store(0, Relaxed);
        }
        found.is_some()
    }
}

#[cfg(test)]
impl Task {
    /// A task for the function `s.f` of the message with the same number.
    pub(crate) fn numbered(token: u64) -> Task {
        use palm_core::{Id, Incarnation, Message, Path, Route};
        let client = Incarnation::from_number(1);
        Task {
            token,
            message: Message {
                id: Id {
                    client,
                    sequence: token,
                    path: Path::ROOT,
                },
                route: Arc::new(Route::parse(client, 1, "s.f").unwrap()),
                stage: 0,
                cache: None,
                payload: Default::default(),
            },
            partition: None,
            parent: None,
            siblings: false,
            bundle: false,
            pieces: None,
        }
    }
}
