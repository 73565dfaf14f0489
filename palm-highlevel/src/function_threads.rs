use crate::chunk::{Chunk, Wanted};
use crate::engine::Task;
use crate::helm::Helm;
use crate::home::Home;
use crate::runner::{Ended, Order, Runner, Seat};
use crate::watch::Watch;
use crate::{Function, Result};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use palm_core::Waker;
use palm_core::wire::Role;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
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

/// After how long without a look at the threads the process must have been stopped, or its machine
/// asleep: the loop looks ten times as often.
const PAUSE: Duration = Duration::from_secs(1);

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
        // The engine gives each thread two chunks at most; neither of the two ever blocks.
        let (orders, todo) = unbounded();
        let (ended, done) = unbounded();
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
    pub(crate) fn ended_before_others(&self) -> Vec<Ended> {
        let mut all = Vec::new();
        for watch in self.watches() {
            watch.take_ended(|done| {
                // What that thread has handed over before comes first.
                all.extend(self.done.try_iter());
                if !done.is_empty() {
                    all.push(Ended { done, all: false });
                }
            });
        }
        all
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
    pub(crate) fn replace(&mut self, hangs: &Overdue) -> Result<Option<Vec<Ended>>> {
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
        let before = self.done.try_iter();
        Ok(Some(before.chain([Ended { done, all }]).collect()))
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
        if !self.has_own() {
            return None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Config, Failure};
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
        assert!(ended.iter().all(|ended| !ended.all));
        let done = ended.iter().flat_map(|ended| &ended.done);
        let tokens = done.map(|done| done.token);
        assert_eq!(tokens.collect::<Vec<_>>(), [6]);
        let ended = next_ended(&threads);
        assert_eq!((ended.done[0].token, ended.all), (8, true));
        drop(go);
        threads.stop(true);
    }
}
