use super::ends::{Change, Ends};
use super::machine::{Arrival, ClientMachine, NAMED, Receipt, Submission};
use crate::engine::{Action, Event};
use crate::wires::Wires;
use crate::{Config, Result};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use palm_core::{Endpoint, Route, StopHandle, Waker};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What the loop hears of at once. Submissions come another way, for they wait until there is room.
pub(super) enum Command {
    /// A job begins, or is taken up again; from now on its endings go there.
    Open(u64, Listener),
    /// The application has taken endings.
    Taken(Vec<Receipt>),
    /// What of the job has not ended is to be cancelled.
    Cancel(u64, Arc<Route>),
    /// The one with that serial does not listen to the job any more; these endings the application has
    /// not taken.
    Close(u64, u64, Vec<Arrival>),
    /// Where to send to, and where to listen, from now on.
    Lead(Endpoint, Vec<Endpoint>),
}

/// The thin loop: sockets and the application on one side, the machine on the other.
pub(super) struct ClientLoop {
    machine: ClientMachine,
    wires: Wires,
    ends: Ends,
    submitted: Receiver<Submission>,
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
    pub(super) submitted: Receiver<Submission>,
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
                Command::Cancel(job, route) => {
                    // What was submitted before is cancelled as well, room or no room.
                    while let Ok(submission) = self.submitted.try_recv() {
                        self.machine.submit(now, submission);
                    }
                    self.machine.cancel(job, &route);
                }
                Command::Close(job, serial, left) => self.close(job, serial, left),
                Command::Lead(entry, exits) => {
                    let (machine, wires) = (&mut self.machine, &mut self.wires);
                    self.ends.lead(entry, exits, |change| match change {
                        Change::Lead(dealer, endpoint) => wires.lead(dealer, endpoint),
                        Change::Cut(dealer) => {
                            wires.cut(dealer);
                            Ok(())
                        }
                        Change::Listen(endpoint) => wires.lead(machine.listen(now), endpoint),
                    })?;
                }
            }
        }
        while self.machine.has_room()
            && let Ok(submission) = self.submitted.try_recv()
        {
            self.wires.moved(1);
            self.machine.submit(now, submission);
        }
        Ok(())
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
    fn client_loop() -> (ClientLoop, Sender<Submission>, Sender<Command>) {
        let config = Config {
            window_messages: 2,
            ..Config::default()
        };
        let window = config.window();
        let (submissions, submitted) = bounded(9);
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
            branches: Vec::new(),
            receipt: None,
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
}
