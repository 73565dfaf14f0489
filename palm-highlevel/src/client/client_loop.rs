use super::SUBMISSIONS;
use super::ends::{Change, Ends};
use super::machine::{Arrival, ClientMachine, NAMED, Receipt, Submission};
use crate::engine::{Action, Event};
use crate::wires::Wires;
use crate::{Config, Result};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use palm_core::wire::Outcome;
use palm_core::{Endpoint, Route, StopHandle, Waker};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the loop hears of at once. Submissions come another way, for they wait until there is room.
pub(super) enum Command {
    /// A job begins, or is taken up again; from now on its endings go there.
    Open(u64, Listener),
    /// The application has taken endings.
    Taken(Vec<Receipt>),
    /// What of the job has not ended is to be cancelled, for that time: what is submitted later may be here
    /// already.
    Cancel(u64, u32, Arc<Route>),
    /// The one with that serial does not listen to the job any more; these endings the application has
    /// not taken.
    Close(u64, u64, Vec<Arrival>),
    /// Where to send to, and where to listen, from now on.
    Lead(Endpoint, Vec<Endpoint>),
}

/// A submission on its way to the loop, and when it expires, sent or not.
pub(super) struct Submitted {
    pub(super) submission: Submission,
    pub(super) expires: Option<Instant>,
}

/// The thin loop: sockets and the application on one side, the machine on the other.
pub(super) struct ClientLoop {
    machine: ClientMachine,
    wires: Wires,
    ends: Ends,
    submitted: Receiver<Submitted>,
    /// What was submitted before what is there, and waits for room here, so that it can expire or be
    /// cancelled meanwhile.
    waiting: VecDeque<Submitted>,
    commanded: Receiver<Command>,
    jobs: HashMap<u64, Listener>,
    /// The endings of named jobs that nobody listens to now.
    aside: HashMap<u64, Vec<Arrival>>,
    /// The jobs with endings that their application has no room for yet.
    undelivered: Vec<u64>,
    arrivals: Vec<Arrival>,
}

/// Where a job's endings go, a batch at a time.
pub(super) struct Listener {
    /// Which one it is of all: a job with a name may be taken up again before who listened to it is gone.
    serial: u64,
    sender: Sender<Vec<Arrival>>,
    ready: Vec<Arrival>,
}

impl Listener {
    pub(super) fn new(serial: u64, sender: Sender<Vec<Arrival>>) -> Listener {
        Listener {
            serial,
            sender,
            ready: Vec::new(),
        }
    }
}

/// What a client's loop is made of.
pub(super) struct Parts {
    pub(super) machine: ClientMachine,
    pub(super) entry: Endpoint,
    pub(super) exit: Option<Endpoint>,
    pub(super) config: Config,
    pub(super) submitted: Receiver<Submitted>,
    pub(super) commanded: Receiver<Command>,
}

impl ClientLoop {
    /// Makes the sockets, on the thread that is to own them.
    pub(super) fn new(parts: Parts) -> Result<ClientLoop> {
        let mut wires = Wires::new(&parts.config, 1)?;
        wires.connect(&parts.entry)?;
        if let Some(exit) = &parts.exit {
            wires.connect(exit)?;
        }
        let ends = Ends::new(parts.entry, parts.exit);
        Ok(ClientLoop {
            machine: parts.machine,
            wires,
            ends,
            submitted: parts.submitted,
            waiting: VecDeque::new(),
            commanded: parts.commanded,
            jobs: HashMap::new(),
            aside: HashMap::new(),
            undelivered: Vec::new(),
            arrivals: Vec::new(),
        })
    }

    /// What others stop and wake it with.
    pub(super) fn handles(&self) -> (StopHandle, Waker) {
        (self.wires.events.stop_handle(), self.wires.events.waker())
    }

    pub(super) fn run(mut self) -> Result<()> {
        let mut tick_at = Duration::ZERO;
        let mut actions = Vec::new();
        loop {
            let stopped = self.wires.wait(tick_at)?.stopped();
            let now = self.wires.events.now();
            let (machine, arrivals) = (&mut self.machine, &mut self.arrivals);
            self.wires
                .receive(|event| machine.step(now, event, arrivals, &mut actions))?;
            self.take_commands(now)?;
            self.deliver();
            if now >= tick_at {
                self.step(now, Event::Tick, &mut actions);
                self.expire_waiting();
                tick_at = self.machine.next_deadline(now);
            }
            self.step(now, Event::Flush, &mut actions);
            if stopped {
                self.machine.bye(&mut actions);
            }
            for event in self.wires.perform(&mut actions, &())? {
                self.step(now, event, &mut actions);
            }
            if stopped {
                return Ok(());
            }
        }
    }

    fn step(&mut self, now: Duration, event: Event, actions: &mut Vec<Action>) {
        self.machine.step(now, event, &mut self.arrivals, actions);
    }

    fn take_commands(&mut self, now: Duration) -> Result<()> {
        while let Ok(command) = self.commanded.try_recv() {
            match command {
                Command::Open(job, listener) => self.open(job, listener),
                Command::Taken(receipts) => {
                    for receipt in receipts {
                        self.machine.take(receipt);
                    }
                }
                Command::Cancel(job, round, route) => {
                    self.cancel_waiting(now, job, round);
                    self.machine.cancel(job, round, &route);
                }
                Command::Close(job, serial, left) => self.close(job, serial, left),
                Command::Lead(entry, exits) => {
                    let (machine, wires) = (&mut self.machine, &mut self.wires);
                    self.ends.lead(entry, exits, |change| {
                        let led = match change {
                            Change::Lead(dealer, endpoint) => wires.lead(dealer, endpoint),
                            Change::Cut(dealer) => {
                                wires.cut(dealer);
                                Ok(())
                            }
                            Change::Listen(endpoint) => wires.lead(machine.listen(now), endpoint),
                        };
                        // What goes along other routes goes on.
                        if let Err(error) = led {
                            log::error!("a server that was found is not connected to: {error}");
                        }
                    });
                }
            }
        }
        while self.machine.has_room()
            && let Some(submitted) = self.next_submitted()
        {
            self.wires.moved(1);
            self.submit(now, submitted);
        }
        Ok(())
    }

    fn next_submitted(&mut self) -> Option<Submitted> {
        let waiting = self.waiting.pop_front();
        waiting.or_else(|| self.submitted.try_recv().ok())
    }

    fn submit(&mut self, now: Duration, submitted: Submitted) {
        let deadline = submitted
            .expires
            .map(|at| at.saturating_duration_since(Instant::now()));
        self.machine.submit(
            now,
            Submission {
                deadline,
                ..submitted.submission
            },
        );
    }

    /// What was submitted of a job is cancelled, though it has not been sent.
    fn cancel_waiting(&mut self, now: Duration, job: u64, round: u32) {
        self.waiting.extend(self.submitted.try_iter());
        for submitted in std::mem::take(&mut self.waiting) {
            let submission = &submitted.submission;
            let index = submission.index;
            match submission.job == job && submission.round < round {
                false => self.waiting.push_back(submitted),
                // An earlier process may have sent it: servers are to hear of it, room or no room.
                true if job >= NAMED => self.submit(now, submitted),
                true => {
                    let cancelled = Outcome::Cancelled;
                    self.machine
                        .end_unsent(job, index, cancelled, &mut self.arrivals);
                }
            }
        }
    }

    /// Ends what has expired while it waited for room.
    fn expire_waiting(&mut self) {
        if self.machine.has_room() {
            return;
        }
        let now = Instant::now();
        loop {
            let room = SUBMISSIONS.saturating_sub(self.waiting.len());
            self.waiting.extend(self.submitted.try_iter().take(room));
            let before = self.waiting.len();
            let (machine, arrivals) = (&mut self.machine, &mut self.arrivals);
            self.waiting.retain(|submitted| {
                let is_late = submitted.expires.is_some_and(|at| at <= now);
                if is_late {
                    let Submission { job, index, .. } = submitted.submission;
                    machine.end_unsent(job, index, Outcome::Expired, arrivals);
                }
                !is_late
            });
            // There is room for others that have expired.
            if self.waiting.len() == before {
                return;
            }
        }
    }

    fn open(&mut self, job: u64, listener: Listener) {
        let before = self.jobs.insert(job, listener);
        if job < NAMED {
            return;
        }
        // What who listened before has not been given, and what nobody has.
        let ready = before.map(|listener| listener.ready);
        self.arrivals.extend(ready.into_iter().flatten());
        let aside = self.aside.remove(&job);
        self.arrivals.extend(aside.into_iter().flatten());
        self.machine.open(job, &mut self.arrivals);
    }

    fn close(&mut self, job: u64, serial: u64, mut left: Vec<Arrival>) {
        let listens = self.jobs.get(&job).map(|listener| listener.serial);
        if listens == Some(serial)
            && let Some(listener) = self.jobs.remove(&job)
        {
            left.extend(listener.ready);
        }
        let is_open = self.jobs.contains_key(&job);
        for arrival in left {
            match is_open {
                false => self.put_aside(arrival),
                true if self.machine.is_news(&arrival) => self.arrivals.push(arrival),
                true => self.settle(arrival),
            }
        }
    }

    /// Nobody listens to the job of this ending: it counts as taken, unless the job may be taken up
    /// again.
    fn put_aside(&mut self, arrival: Arrival) {
        if arrival.job >= NAMED {
            self.aside.entry(arrival.job).or_default().push(arrival);
        } else {
            self.settle(arrival);
        }
    }

    /// Nobody is to be given this ending.
    fn settle(&mut self, arrival: Arrival) {
        if let Some(receipt) = arrival.receipt {
            self.machine.take(receipt);
        }
    }

    /// Hands endings to their jobs, as many of each as there are.
    fn deliver(&mut self) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        for arrival in arrivals.drain(..) {
            match self.jobs.get_mut(&arrival.job) {
                Some(listener) => {
                    if listener.ready.is_empty() {
                        self.undelivered.push(arrival.job);
                    }
                    listener.ready.push(arrival);
                }
                None => self.put_aside(arrival),
            }
        }
        self.arrivals = arrivals;
        let jobs = &mut self.jobs;
        self.undelivered.retain(|job| {
            let Some(listener) = jobs.get_mut(job) else {
                return false;
            };
            if listener.ready.is_empty() {
                return false;
            }
            let room = Vec::with_capacity(listener.ready.len());
            let batch = std::mem::replace(&mut listener.ready, room);
            match listener.sender.try_send(batch) {
                Ok(()) => false,
                // The application will wake the loop when it has taken a batch.
                Err(TrySendError::Full(batch)) => {
                    listener.ready = batch;
                    true
                }
                // Its `Close` is on the way.
                Err(TrySendError::Disconnected(batch)) => {
                    listener.ready = batch;
                    false
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use palm_core::Incarnation;

    const ME: Incarnation = Incarnation::from_number(1);
    const JOB: u64 = NAMED | 1;

    /// A loop whose server is nobody, with room for two messages.
    fn client_loop() -> (ClientLoop, Sender<Submitted>, Sender<Command>) {
        let config = Config {
            window_messages: 2,
            ..Config::default()
        };
        let window = config.window();
        let (submissions, submitted) = bounded(SUBMISSIONS);
        let (commands, commanded) = bounded(9);
        let parts = Parts {
            machine: ClientMachine::new(ME, "c".into(), 1, window, false, Some(1)),
            entry: Endpoint::parse("inproc://nobody").unwrap(),
            exit: None,
            config,
            submitted,
            commanded,
        };
        (ClientLoop::new(parts).unwrap(), submissions, commands)
    }

    fn arrival(index: u64) -> Arrival {
        Arrival {
            job: JOB,
            index,
            result: Ok(Default::default()),
            branches: Default::default(),
            receipt: None,
        }
    }

    /// The route of the jobs' calls.
    fn route() -> Arc<Route> {
        Arc::new(Route::parse(ME, 0, "s.f").unwrap())
    }

    fn submitted(job: u64, index: u64, round: u32) -> Submitted {
        let submission = Submission {
            job,
            index,
            round,
            route: route(),
            payload: Default::default(),
            deadline: None,
        };
        Submitted {
            submission,
            expires: None,
        }
    }

    fn indices(batches: impl Iterator<Item = Vec<Arrival>>) -> Vec<u64> {
        let mut indices: Vec<_> = batches.flatten().map(|arrival| arrival.index).collect();
        indices.sort_unstable();
        indices
    }

    #[test]
    fn who_takes_up_a_job_again_is_given_what_who_listened_before_was_not() {
        let (mut client, _submissions, commands) = client_loop();
        let (first, heard) = bounded(1);
        client.open(JOB, Listener::new(1, first));
        for index in 0..4 {
            client.arrivals.push(arrival(index));
            client.deliver();
        }
        let (second, hears) = bounded(9);
        let open = Command::Open(JOB, Listener::new(2, second));
        commands.send(open).unwrap();
        client.take_commands(Duration::ZERO).unwrap();
        let left = heard.recv().unwrap();
        assert_eq!(heard.iter().count(), 0, "nobody sends there any more");
        for left in [left, Vec::new()] {
            commands.send(Command::Close(JOB, 1, left)).unwrap();
        }
        client.take_commands(Duration::ZERO).unwrap();
        client.deliver();
        assert_eq!(indices(hears.try_iter()), [0, 1, 2, 3]);
        client.arrivals.push(arrival(4));
        client.deliver();
        assert_eq!(indices(hears.try_iter()), [4], "it goes on");
        commands.send(Command::Close(JOB, 2, Vec::new())).unwrap();
        client.take_commands(Duration::ZERO).unwrap();
        assert_eq!(hears.iter().count(), 0);
    }

    #[test]
    fn what_is_cancelled_before_it_is_sent_is_not_kept() {
        let (mut client, submissions, commands) = client_loop();
        for job in 1..=10 {
            let (sender, hears) = bounded(9);
            client.open(job, Listener::new(job, sender));
            let submitted = submitted(job, 0, 0);
            assert!(submissions.send(submitted).is_ok());
            client.take_commands(Duration::ZERO).unwrap();
            let cancel = Command::Cancel(job, 1, route());
            commands.send(cancel).unwrap();
            client.take_commands(Duration::ZERO).unwrap();
            client.deliver();
            // The first was sent, and the word that it is cancelled has taken the other place.
            assert_eq!(hears.try_iter().count(), usize::from(job > 1));
        }
        assert_eq!(client.machine.kept().count(), 2);
    }

    #[test]
    fn what_is_submitted_after_its_job_was_cancelled_is_not() {
        let (mut client, submissions, commands) = client_loop();
        let (sender, hears) = bounded(9);
        client.open(1, Listener::new(1, sender));
        // Sent before the loop hears of the first cancelling, and before it hears of the second.
        for (index, round) in [(0, 0), (1, 1), (2, 2)] {
            assert!(submissions.send(submitted(1, index, round)).is_ok());
        }
        for round in 1..=2 {
            commands.send(Command::Cancel(1, round, route())).unwrap();
            client.take_commands(Duration::ZERO).unwrap();
            client.deliver();
        }
        assert_eq!(indices(hears.try_iter()), [0]);
        let kept: Vec<u32> = client.machine.kept().map(|of| of as u32).collect();
        // Two messages, and the word that the first of them is cancelled.
        assert_eq!(kept, [1, 2, 1]);
    }
}
