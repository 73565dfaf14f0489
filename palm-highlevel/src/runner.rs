use crate::chunk::Chunk;
use crate::engine::{Done, Task};
use crate::function_threads::{FunctionTable, Registered};
use crate::helm::{self, Helm, Look};
use crate::home::Home;
use crate::made::Made;
use crate::server_loop::ServerLoop;
use crate::siblings::Siblings;
use crate::watch::Watch;
use crate::{Call, Failure, FailureKind, Function, Result, thread};
use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use palm_core::Waker;
use palm_core::wire::{MAX_PAYLOAD, Outcome};
use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After how long a thread hands over what has ended, though it has more to do.
const HAND_OVER: Duration = Duration::from_millis(1);

/// How often a thread without anything to do looks after the helm: a look costs tens of microseconds, and
/// two of them are for how long nobody may hear of a server.
const LOOK: Duration = Duration::from_millis(20);

/// After how many messages of a bundle the time is read: that takes longer than some functions.
const CLOCK: u64 = 8;

/// Where one function runs at a time, mostly on a thread of its own.
pub(crate) struct Seat {
    pub(crate) runner: Arc<Runner>,
    /// Ends when nobody is there any more.
    pub(crate) gone: Receiver<Infallible>,
}

/// What a thread is to do.
pub(crate) enum Order {
    Execute(Chunk),
    /// To look after the helm.
    Watch,
    /// To drop what was gathered of a message that nobody waits for any more, which may take long.
    Drop(Box<dyn Any + Send>),
}

/// What one thread hands over.
pub(crate) struct Ended {
    pub(crate) done: Vec<Done>,
    /// Whether these are the last of what it was given.
    pub(crate) all: bool,
}

/// What executes tasks in a seat.
pub(crate) struct Runner {
    pub(crate) server: String,
    pub(crate) functions: Arc<FunctionTable>,
    pub(crate) home: Arc<Home>,
    pub(crate) helm: Arc<Helm<Box<ServerLoop>>>,
    pub(crate) todo: Receiver<Order>,
    pub(crate) ended: Sender<Ended>,
    pub(crate) waker: Waker,
    pub(crate) watch: Arc<Watch>,
    /// What functions have made goes to the master of this worker.
    pub(crate) tells_master: bool,
    /// As long as somebody is in the seat, this is.
    pub(crate) _here: Sender<Infallible>,
}

/// A thread of a server, which leads it or follows.
pub(crate) enum Crew {
    Lead(Box<ServerLoop>),
    Follow(Arc<Runner>),
}

impl Crew {
    /// Leads and follows in turn, until the server has ended.
    pub(crate) fn work(self) {
        let mut next = Some(self);
        while let Some(crew) = next {
            next = match crew {
                Crew::Lead(server) => server.lead().map(Crew::Follow),
                Crew::Follow(runner) => runner.follow().map(|mut server| {
                    server.overtaken();
                    Crew::Lead(server)
                }),
            };
        }
    }
}

/// How what a thread that led has executed went.
pub(crate) enum Led {
    /// It still leads.
    On(Box<ServerLoop>),
    /// Another thread leads: this one follows, unless what it executed was given up as hanging.
    Overtaken(Option<Arc<Runner>>),
}

impl Runner {
    /// Another seat of the same kind, with a watch of its own, and a thread in it.
    pub(crate) fn start(&self) -> Result<Seat> {
        let (here, gone) = bounded(0);
        let runner = Arc::new(Runner {
            server: self.server.clone(),
            functions: self.functions.clone(),
            home: self.home.clone(),
            helm: self.helm.clone(),
            todo: self.todo.clone(),
            ended: self.ended.clone(),
            waker: self.waker.clone(),
            watch: Arc::new(Watch::new()),
            tells_master: self.tells_master,
            _here: here,
        });
        let crew = Crew::Follow(runner.clone());
        thread::spawn(&format!("fn-{}", self.server), move || crew.work())?;
        Ok(Seat { runner, gone })
    }

    /// Does what it is told to, until nobody tells it anything any more, or it is to lead `Some` loop.
    fn follow(self: Arc<Runner>) -> Option<Box<ServerLoop>> {
        let mut watch = None;
        loop {
            let order = match &watch {
                Some(_) => self.todo.recv_timeout(LOOK),
                None => self.todo.recv().map_err(RecvTimeoutError::from),
            };
            match order {
                Ok(Order::Watch) => watch = Some(helm::Watch::default()),
                Ok(Order::Drop(state)) => {
                    self.drop_state(state);
                    self.helm.vacate();
                }
                Ok(Order::Execute(chunk)) => self.execute(chunk).ok()?,
                Err(RecvTimeoutError::Timeout) => match self.helm.look(watch.as_mut()?) {
                    Look::Again => {}
                    Look::Enough => watch = None,
                    Look::Lead(server) => return Some(server),
                },
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Executes on a thread that follows; an error if it is not to go on.
    fn execute(&self, chunk: Chunk) -> std::result::Result<(), ()> {
        self.run_all(chunk)?;
        self.hand_over_last()
    }

    fn hand_over_last(&self) -> std::result::Result<(), ()> {
        self.hand_over(true)?;
        // What comes next the thread that leads may execute itself, and after what was executed here.
        self.helm.vacate();
        self.waker.wake();
        Ok(())
    }

    /// Executes on the thread that leads `server`, from which another takes it if that is not brief.
    pub(crate) fn execute_leading(self: Arc<Runner>, chunk: Chunk, server: Box<ServerLoop>) -> Led {
        self.helm.leave(server);
        let ran = self.run_all(chunk);
        if ran.is_err() {
            // Another leads, and whatever is at the helm now it has left.
            return Led::Overtaken(None);
        }
        if let Some(server) = self.helm.fetch() {
            // The loop that this goes to is at hand.
            let _ = self.hand_over(true);
            return Led::On(server);
        }
        let follows = self.hand_over_last();
        Led::Overtaken(follows.is_ok().then_some(self))
    }

    fn drop_state(&self, state: Box<dyn Any + Send>) {
        if catch_unwind(AssertUnwindSafe(|| drop(state))).is_err() {
            let server = &self.server;
            log::warn!("{server}: what was gathered of a message panicked when it was dropped");
        }
    }

    /// Runs one task after another; an error if nobody wants to know how they end. What has ended last is
    /// to be handed over.
    fn run_all(&self, chunk: Chunk) -> std::result::Result<(), ()> {
        let mut start = Instant::now();
        let mut handed_over = start;
        self.watch.give(chunk);
        let mut next = self.watch.next();
        while let Some(task) = next {
            if start.duration_since(handed_over) >= HAND_OVER {
                self.hand_over(false)?;
                self.waker.wake();
                handed_over = start;
            }
            next = match (task.bundle, task.siblings) {
                (true, _) => self.run_bundle(task, &mut start)?,
                (_, true) => self.watch.ended(self.run_siblings(task, &mut start)),
                _ => self.watch.ended(self.run_one(task, &mut start)),
            };
            if self.watch.is_abandoned() {
                return Err(());
            }
        }
        Ok(())
    }

    fn hand_over(&self, all: bool) -> std::result::Result<(), ()> {
        let send = |done| self.ended.send(Ended { done, all });
        self.watch.take_ended(send).map_err(|_| ())
    }

    /// Runs a bundle from `now`, which moves on to when all of it has ended; gives back the next task. How
    /// its messages end is known one by one.
    fn run_bundle(&self, task: Task, now: &mut Instant) -> std::result::Result<Option<Task>, ()> {
        let (token, first) = (task.token, task.message.id.sequence);
        let messages = match Siblings::read(&task.message.payload) {
            Ok(messages) => messages,
            Err(why) => {
                let failure = Failure::of(FailureKind::Refused, why);
                return Ok(self.watch.ended(failed(token, &failure)));
            }
        };
        let name = function_of(&task);
        let Some(Registered { function, lease }) = self.functions.get(name) else {
            return Ok(self.watch.ended(failed(token, &self.unknown(name))));
        };
        self.watch.begin_bundle(*lease, *now);
        let (watch, home) = (self.watch.clone(), self.home.clone());
        let mut call = Call::new(task, 0, watch, home);
        let (mut read, mut handed_over) = (*now, *now);
        let mut untimed = 0;
        for (further, (_, payload)) in (0..).zip(messages) {
            if untimed == CLOCK {
                *now = Instant::now();
                self.watch.passed(untimed, read, *now);
                (read, untimed) = (*now, 0);
                if now.duration_since(handed_over) >= HAND_OVER {
                    self.hand_over(false)?;
                    self.waker.wake();
                    handed_over = *now;
                }
            }
            untimed += 1;
            let turn = self.watch.begin_next(token);
            call.go_on(first.wrapping_add(further), payload, turn);
            let (outcome, payload) = match self.invoke(&**function, &call) {
                Ok((result, None)) => (Outcome::Success, result),
                Ok((result, Some(made))) => match made.encode(&result) {
                    Ok(made) => (Outcome::Made, made),
                    Err(failure) => (Outcome::Failure, failure.encode()),
                },
                Err(failure) => (Outcome::Failure, failure.encode()),
            };
            self.watch.ended_one(outcome, payload);
            if self.watch.is_abandoned() {
                return Err(());
            }
        }
        *now = Instant::now();
        self.watch.passed(untimed, read, *now);
        Ok(self.watch.ended_bundle())
    }

    /// Runs siblings from `now`, which moves on to when they have ended: one after another, as long
    /// as they are wanted and it does not take too long.
    fn run_siblings(&self, task: Task, now: &mut Instant) -> Done {
        let (token, begun) = (task.token, *now);
        let siblings = match task.each() {
            Ok(siblings) => siblings,
            Err(why) => return failed(token, &Failure::of(FailureKind::Refused, why)),
        };
        let until = begun + HAND_OVER;
        let mut ended = Siblings::default();
        for sibling in siblings {
            let late = *now >= until || self.watch.is_recalled(token);
            if late && ended.count() > 0 {
                break;
            }
            let Done {
                outcome, payload, ..
            } = self.run_one(sibling, now);
            if self.watch.is_abandoned() || !ended.push(outcome, payload) {
                break;
            }
        }
        Done {
            token,
            outcome: Outcome::Siblings,
            payload: ended.encode(),
            made: None,
            messages: ended.count(),
            nanoseconds: now.duration_since(begun).as_nanos() as u64,
        }
    }

    /// Runs one from `now`, which moves on to when it has ended.
    fn run_one(&self, task: Task, now: &mut Instant) -> Done {
        let (token, begun) = (task.token, *now);
        let ended = self.run_function(task, begun);
        *now = Instant::now();
        Done {
            nanoseconds: now.duration_since(begun).as_nanos() as u64,
            ..ended.unwrap_or_else(|failure| failed(token, &failure))
        }
    }

    fn run_function(&self, task: Task, now: Instant) -> std::result::Result<Done, Failure> {
        let token = task.token;
        let name = function_of(&task);
        let Some(Registered { function, lease }) = self.functions.get(name) else {
            return Err(self.unknown(name));
        };
        let turn = self.watch.begin(token, *lease, now);
        let (watch, home) = (self.watch.clone(), self.home.clone());
        let call = Call::new(task, turn, watch, home);
        let (result, made) = self.invoke(&**function, &call)?;
        let (outcome, payload, made) = match made {
            Some(made) if self.tells_master => (Outcome::Made, made.encode(&result)?, None),
            made => (Outcome::Success, result, made.map(Box::new)),
        };
        Ok(Done {
            token,
            outcome,
            payload,
            made,
            messages: 1,
            nanoseconds: 0,
        })
    }

    /// Calls a function; gives back its result, and what it has made beside that.
    fn invoke(
        &self,
        function: &dyn Function,
        call: &Call,
    ) -> std::result::Result<(Bytes, Option<Made>), Failure> {
        let result = catch_unwind(AssertUnwindSafe(|| function.call(call)));
        let made = self.watch.end();
        let result = result.unwrap_or_else(|panic| Err(self.panicked(call, &*panic)))?;
        match result.len() > MAX_PAYLOAD {
            true => Err(too_large(&result)),
            false => Ok((result, made)),
        }
    }

    fn unknown(&self, name: &str) -> Failure {
        let known: Vec<&str> = self.functions.keys().map(String::as_str).collect();
        Failure::of(
            FailureKind::Unknown,
            format!(
                "{} has no function `{name}`; it has {}",
                self.server,
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            ),
        )
    }

    fn panicked(&self, call: &Call, panic: &(dyn Any + Send)) -> Failure {
        let said = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        let step = call
            .message()
            .step()
            .map_or("", |step| step.function.as_str());
        Failure::of(
            FailureKind::Panic,
            format!("the function `{step}` panicked: {said}"),
        )
    }
}

fn function_of(task: &Task) -> &str {
    let step = task.message.step();
    step.map_or("", |step| step.function.as_str())
}

fn too_large(result: &Bytes) -> Failure {
    let size = result.len();
    Failure::of(
        FailureKind::TooLarge,
        format!("its result has {size} bytes, a message takes {MAX_PAYLOAD}"),
    )
}

fn failed(token: u64, failure: &Failure) -> Done {
    Done {
        token,
        outcome: Outcome::Failure,
        payload: failure.encode(),
        made: None,
        messages: 1,
        nanoseconds: 0,
    }
}
