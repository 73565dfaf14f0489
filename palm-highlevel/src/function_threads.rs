use crate::chunk::{Chunk, Wanted};
use crate::engine::{Done, Task};
use crate::helm::{self, Helm, Look};
use crate::home::Home;
use crate::server_loop::ServerLoop;
use crate::siblings::Siblings;
use crate::watch::Watch;
use crate::{Call, Failure, FailureKind, Function, Result, thread};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use palm_core::Waker;
use palm_core::wire::{MAX_PAYLOAD, Outcome, Role};
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The functions of a server by name.
pub(crate) type FunctionTable = BTreeMap<String, Registered>;

/// A function and how long it may go without a word.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) function: Arc<dyn Function>,
    pub(crate) lease: Duration,
}

/// How long a function may go without a word, if nothing else is said.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// After how long a thread hands over what has ended, though it has more to do.
const HAND_OVER: Duration = Duration::from_millis(1);

/// After how long without a look at the threads the process must have been stopped, or its machine
/// asleep: the loop looks ten times as often.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a thread without anything to do looks after the helm: a look costs tens of microseconds, and
/// two of them are for how long nobody may hear of a server.
const LOOK: Duration = Duration::from_millis(20);

/// After another thread had to take the lead, for how long all is given to the thread that follows.
const CAREFUL: Duration = Duration::from_secs(1);

/// The threads on which a server's functions run. What is brief runs on the thread that leads.
pub(crate) struct FunctionThreads {
    orders: Option<Sender<Order>>,
    /// What the thread that leads is to execute itself, once it has done all else.
    own: RefCell<VecDeque<Chunk>>,
    /// Until when it is to execute nothing.
    careful: Option<Instant>,
    /// Of the chunks that the threads have not done.
    wanted: RefCell<Vec<Weak<Wanted>>>,
    done: Receiver<Ended>,
    /// What a thread is made of.
    runner: Runner,
    seats: Vec<Seat>,
    /// When the threads were last looked at.
    looked: Instant,
}

/// Where one function runs at a time, mostly on a thread of its own.
struct Seat {
    runner: Arc<Runner>,
    /// Ends when nobody is there any more.
    gone: Receiver<Infallible>,
}

/// What a thread is to do.
enum Order {
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

/// A function that has gone without a word for longer than its lease.
pub(crate) struct Overdue {
    /// Which thread runs it.
    pub(crate) thread: usize,
    pub(crate) token: u64,
    /// Which call of that thread it is.
    turn: u64,
    pub(crate) lease: Duration,
}

impl FunctionThreads {
    /// Starts `count` threads, which wake the loop when something has ended.
    pub(crate) fn start(
        name: &str,
        count: u32,
        functions: FunctionTable,
        home: Home,
        role: Role,
        waker: &Waker,
    ) -> Result<FunctionThreads> {
        // The engine gives each thread two chunks at most; handing over never blocks.
        let (orders, todo) = unbounded();
        let (ended, done) = bounded(1024);
        let runner = Runner {
            server: name.to_owned(),
            functions: Arc::new(functions),
            home: Arc::new(home),
            helm: Arc::new(Helm::new()),
            todo,
            ended,
            waker: waker.clone(),
            watch: Arc::new(Watch::new()),
            tells_master: role == Role::Worker,
            _here: bounded(0).0,
        };
        let seats = (0..count).map(|_| runner.start()).collect::<Result<_>>()?;
        Ok(FunctionThreads {
            orders: Some(orders),
            own: RefCell::default(),
            careful: None,
            wanted: RefCell::default(),
            done,
            runner,
            seats,
            looked: Instant::now(),
        })
    }

    /// What has ended since the last call.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.done.try_recv().ok()
    }

    /// Whether something has ended since.
    pub(crate) fn have_ended(&self) -> bool {
        !self.done.is_empty()
    }

    /// What has ended on threads that have not handed it over, as a function takes long; to be asked from
    /// time to time, and before what is [overdue](Self::overdue).
    pub(crate) fn ended_before_others(&self) -> Vec<Done> {
        self.watches().flat_map(Watch::take_ended).collect()
    }

    /// What functions have said of how far they are since the last call, by task.
    pub(crate) fn progress(&self) -> Vec<(u64, String)> {
        self.watches().filter_map(Watch::take_said).collect()
    }

    /// The functions that hang at `now`; to be asked often.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Overdue> {
        let pause = now.saturating_duration_since(self.looked);
        self.looked = now;
        if pause > PAUSE {
            self.watches().for_each(|watch| watch.forgive(pause, now));
        }
        self.watches()
            .enumerate()
            .filter_map(|(thread, watch)| {
                let (token, turn, lease) = watch.overdue(now)?;
                Some(Overdue {
                    thread,
                    token,
                    turn,
                    lease,
                })
            })
            .collect()
    }

    /// Puts another thread in the place of one that hangs, and gives it what that had still to do. Gives
    /// back what has ended before the function that hangs, or `None` if that has ended meanwhile: then
    /// nothing is replaced.
    pub(crate) fn replace(&mut self, hangs: &Overdue) -> Result<Option<Ended>> {
        let watch = &self.seats[hangs.thread].runner.watch;
        let Some((left, done)) = watch.abandon(hangs.token, hangs.turn) else {
            return Ok(None);
        };
        self.runner.helm.replaced();
        self.seats[hangs.thread] = self.runner.start()?;
        let all = left.is_empty();
        if !all {
            self.execute(left, false);
        }
        Ok(Some(Ended { done, all }))
    }

    /// Ends the threads, each after the function that it runs; waits for those that are `idle`.
    pub(crate) fn stop(&mut self, idle: bool) {
        self.orders = None;
        for Seat { runner, gone } in self.seats.drain(..) {
            drop(runner);
            if idle {
                let _ = gone.recv();
            }
        }
    }
}

impl FunctionThreads {
    fn watches(&self) -> impl Iterator<Item = &Watch> {
        self.seats.iter().map(|seat| &*seat.runner.watch)
    }

    /// Gives `tasks` to the next free thread; those that are `brief` to the one that leads, if none
    /// is at anything else.
    pub(crate) fn execute(&self, tasks: Vec<Task>, brief: bool) {
        for parent in tasks.iter().filter_map(|task| task.parent) {
            self.runner.home.states.open(parent);
        }
        let chunk = Chunk::new(tasks);
        let mut wanted = self.wanted.borrow_mut();
        wanted.retain(|of| of.strong_count() > 0);
        wanted.push(chunk.wanted());
        self.own.borrow_mut().push_back(chunk);
        if !brief || !self.may_lead() {
            self.hand_on_own();
        }
    }

    /// Whether the thread that leads may execute something itself: another leads if it takes long, which
    /// has not happened a moment ago, and no function has asked this server for anything so far.
    fn may_lead(&self) -> bool {
        let Runner { helm, home, .. } = &self.runner;
        let is_careful = self.careful.is_some_and(|until| Instant::now() < until);
        helm.has_follower() && !home.is_asked() && !is_careful
    }

    /// Notes that this thread had to take the lead.
    pub(crate) fn overtaken(&mut self) {
        self.careful = Some(Instant::now() + CAREFUL);
    }

    /// Gives the threads, in order, what was kept for the one that leads.
    fn hand_on_own(&self) {
        for chunk in self.own.take() {
            self.order(Order::Execute(chunk));
        }
    }

    /// Whether the thread that leads has something to execute.
    pub(crate) fn has_own(&self) -> bool {
        !self.own.borrow().is_empty()
    }

    /// What the thread that leads is to execute next, and where: it is about to
    /// [leave the loop](Runner::execute_leading) meanwhile.
    pub(crate) fn next_own(&self) -> Option<(Chunk, Arc<Runner>)> {
        if !self.may_lead() {
            self.hand_on_own();
        }
        let runner = self.seats.first()?.runner.clone();
        let chunk = self.own.borrow_mut().pop_front()?;
        if runner.helm.announce()
            && let Some(orders) = &self.orders
        {
            let _ = orders.send(Order::Watch);
        }
        Some((chunk, runner))
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            self.runner.helm.occupy();
            // The threads end only after the sender is gone.
            let _ = orders.send(order);
        }
    }

    /// Nobody waits for the task any more: its function is told if it runs, and does not begin otherwise.
    /// What was gathered of it is forgotten.
    pub(crate) fn recall(&self, token: u64) {
        if let Some(state) = self.runner.home.states.forget(token) {
            self.order(Order::Drop(state));
        }
        let wanted = self.wanted.borrow();
        let handed_over = wanted.iter().filter_map(Weak::upgrade);
        if handed_over.filter(|of| of.recall(token)).count() > 0 {
            self.watches().for_each(|watch| watch.recall(token));
        }
    }
}

/// What executes tasks in a seat.
pub(crate) struct Runner {
    server: String,
    functions: Arc<FunctionTable>,
    home: Arc<Home>,
    helm: Arc<Helm<Box<ServerLoop>>>,
    todo: Receiver<Order>,
    ended: Sender<Ended>,
    waker: Waker,
    watch: Arc<Watch>,
    /// What functions have made goes to the master of this worker.
    tells_master: bool,
    /// As long as somebody is in the seat, this is.
    _here: Sender<Infallible>,
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
    fn start(&self) -> Result<Seat> {
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
            let ended = match task.siblings {
                true => self.run_siblings(task, &mut start),
                false => self.run_one(task, &mut start),
            };
            next = self.watch.ended(ended);
            if self.watch.is_abandoned() {
                return Err(());
            }
        }
        Ok(())
    }

    fn hand_over(&self, all: bool) -> std::result::Result<(), ()> {
        let done = self.watch.take_ended();
        self.ended.send(Ended { done, all }).map_err(|_| ())
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
        let name = task
            .message
            .step()
            .map_or("", |step| step.function.as_str());
        let Some(Registered { function, lease }) = self.functions.get(name) else {
            return Err(self.unknown(name));
        };
        let turn = self.watch.begin(token, *lease, now);
        let (watch, home) = (self.watch.clone(), self.home.clone());
        let call = Call::new(task, turn, watch, home);
        let result = catch_unwind(AssertUnwindSafe(|| function.call(&call)));
        let made = self.watch.end();
        let result = result.unwrap_or_else(|panic| Err(self.panicked(&call, &*panic)))?;
        let (outcome, payload, made) = match made {
            Some(made) if self.tells_master => (Outcome::Made, made.encode(&result)?, None),
            made => (Outcome::Success, result, made.map(Box::new)),
        };
        if payload.len() > MAX_PAYLOAD {
            let size = payload.len();
            return Err(Failure::of(
                FailureKind::TooLarge,
                format!("its result has {size} bytes, a message takes {MAX_PAYLOAD}"),
            ));
        }
        Ok(Done {
            token,
            outcome,
            payload,
            made,
            messages: 1,
            nanoseconds: 0,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use bytes::Bytes;
    use palm_core::{Endpoint, EventLoop};

    type Outcome = std::result::Result<Bytes, Failure>;

    /// One thread, and the function `f` for it.
    fn one_thread(function: impl Fn(&Call) -> Outcome + Send + Sync + 'static) -> FunctionThreads {
        let registered = Registered {
            function: Arc::new(function),
            lease: LEASE,
        };
        let functions = FunctionTable::from([("f".to_owned(), registered)]);
        let waker = EventLoop::new().unwrap().waker();
        let nowhere = Endpoint::parse("inproc://nowhere").unwrap();
        let home = Home::new(nowhere, Config::default());
        FunctionThreads::start("s", 1, functions, home, Role::Server, &waker).unwrap()
    }

    /// What ends next.
    fn next_ended(threads: &FunctionThreads) -> Ended {
        threads.done.recv_timeout(DEADLINE).unwrap()
    }

    const DEADLINE: Duration = Duration::from_secs(20);

    #[test]
    fn a_function_hangs_only_while_its_process_runs() {
        let (go, going) = bounded::<()>(0);
        let (started, starts) = bounded(1);
        let mut threads = one_thread(move |_| {
            started.send(()).map_err(|error| error.to_string())?;
            // It ends when the test does.
            let _ = going.recv();
            Ok(Bytes::new())
        });
        threads.execute(vec![Task::numbered(7)], false);
        starts.recv_timeout(DEADLINE).unwrap();

        let mut now = Instant::now() + 2 * LEASE;
        assert!(threads.overdue(now).is_empty(), "it was stopped");
        let resumed = now;
        let hangs = loop {
            now += PAUSE;
            if let Some(hangs) = threads.overdue(now).pop() {
                break hangs;
            }
        };
        assert_eq!((hangs.thread, hangs.token, hangs.lease), (0, 7, LEASE));
        assert!(now - resumed > LEASE - 2 * PAUSE, "{:?}", now - resumed);
        assert!(now - resumed <= LEASE + 2 * PAUSE, "{:?}", now - resumed);
        drop(go);
        threads.stop(true);
    }
    #[test]
    fn a_thread_that_no_longer_hangs_is_not_given_up() {
        let (go, going) = bounded::<()>(0);
        let (started, starts) = bounded(1);
        let mut threads = one_thread(move |call| {
            let token = call.id().sequence;
            started.send(token).map_err(|error| error.to_string())?;
            let _ = going.recv();
            Ok(Bytes::new())
        });
        threads.execute(vec![Task::numbered(7)], false);
        threads.execute(vec![Task::numbered(8)], false);
        assert_eq!(starts.recv_timeout(DEADLINE), Ok(7));
        let later = Instant::now() + 2 * LEASE;
        threads.looked = later;
        let hangs = threads.overdue(later).pop().unwrap();
        assert_eq!(hangs.token, 7);

        go.send_timeout((), DEADLINE).unwrap();
        assert_eq!(starts.recv_timeout(DEADLINE), Ok(8));
        assert!(threads.replace(&hangs).unwrap().is_none(), "it has ended");
        go.send_timeout((), DEADLINE).unwrap();
        for token in [7, 8] {
            let ended = next_ended(&threads);
            assert_eq!(ended.done.len(), 1);
            assert_eq!((ended.done[0].token, ended.all), (token, true));
        }
        threads.stop(true);
    }

    #[test]
    fn what_a_thread_that_hangs_had_to_do_another_does() {
        let (go, going) = bounded::<()>(0);
        let (started, starts) = bounded(3);
        let mut threads = one_thread(move |call| {
            let token = call.id().sequence;
            started.send(token).map_err(|error| error.to_string())?;
            if token == 7 {
                let _ = going.recv();
            }
            Ok(Bytes::new())
        });
        threads.execute([6, 7, 8].map(Task::numbered).into(), false);
        assert_eq!(starts.recv_timeout(DEADLINE), Ok(6));
        assert_eq!(starts.recv_timeout(DEADLINE), Ok(7));
        let later = Instant::now() + 2 * LEASE;
        threads.looked = later;
        let hangs = threads.overdue(later).pop().unwrap();
        let ended = threads.replace(&hangs).unwrap().unwrap();
        assert_eq!(ended.done.len(), 1);
        assert_eq!((ended.done[0].token, ended.all), (6, false));
        let ended = next_ended(&threads);
        assert_eq!((ended.done[0].token, ended.all), (8, true));
        drop(go);
        threads.stop(true);
    }
}
