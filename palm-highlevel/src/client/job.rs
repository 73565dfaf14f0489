use super::awaited::Awaited;
use super::client_loop::{Command, Listener, Submitted};
use super::machine::{Arrival, NAMED, Submission};
use super::{Shared, ended};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use crossbeam_channel::{
    Receiver, RecvTimeoutError, TryRecvError, TrySendError, at, bounded, never, select,
};
use palm_core::Route;
use palm_core::wire::MAX_PAYLOAD;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How many batches of endings wait for the application; further ones are joined.
const BATCHES: usize = 4;

/// How long who waits for one message alone stays awake. Each thread that a machine's idle core has
/// to be woken for costs tens of microseconds; a core that somebody yields on needs no waking.
const AWAKE: Duration = Duration::from_micros(200);

/// A stream of messages and their endings, made by [`Client::job`](crate::Client::job).
///
/// It is an iterator over the endings, in the order in which they come ([`in_order`](Job::in_order)
/// changes that); it ends when everything submitted so far has ended. Dropping it cancels what has
/// not ended, unless it was taken up with [`Client::resume`](crate::Client::resume).
///
/// ```
/// # use palm_highlevel::{Call, Client, Failure, standalone};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = standalone::Server::new("echo")
/// #     .function("back", |call: &Call| Ok::<_, Failure>(call.payload().clone()))
/// #     .bind("tcp://127.0.0.1:*")?;
/// # let client = Client::connect(server.address())?;
/// let mut job = client.job("echo.back")?;
/// for word in ["a", "b", "c"] {
///     job.submit(word)?;
/// }
/// let mut words = vec![bytes::Bytes::new(); 3];
/// for ending in &mut job {
///     words[ending.index as usize] = ending.result?;
/// }
/// assert_eq!(words, ["a", "b", "c"]);
/// # Ok(()) }
/// ```
pub struct Job {
    shared: Arc<Shared>,
    number: u64,
    /// Which one it is of all jobs of the client, of those with the same name as well.
    serial: u64,
    route: Arc<Route>,
    arrivals: Receiver<Vec<Arrival>>,
    awaited: Awaited,
    /// The client has ended: what is not here will not come.
    is_over: bool,
    /// Batches that were received and not yet given out.
    here: VecDeque<Arrival>,
    /// Endings whose turn has not come, by index, if they are given out in the order of submission.
    early: Option<BTreeMap<u64, Arrival>>,
    /// How long each further message may take.
    deadline: Option<Duration>,
    /// What the application has taken and the client does not know of yet.
    receipts: Vec<super::Receipt>,
}

/// How one message of a job ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Which message: the first one submitted is 0.
    pub index: u64,
    /// The result, or why there is none; the first one, if there are several. If one of them ends
    /// without success, that is the ending.
    pub result: Result<Bytes, Failure>,
    /// All results of a message that has several; none if it has one. If a tee has split it, they are in
    /// the order of the tee's next servers; if its function [gave](crate::Call::give) several, in the
    /// order in which it did; if it was [scattered](crate::standalone::Master::scatter) and nothing
    /// gathered them, in the order of the pieces.
    pub branches: Vec<Bytes>,
}

impl Job {
    pub(super) fn open(
        shared: Arc<Shared>,
        number: u64,
        serial: u64,
        route: Arc<Route>,
    ) -> Result<Job, Failure> {
        let (sender, arrivals) = bounded(BATCHES);
        let command = Command::Open(number, Listener::new(serial, sender));
        shared.commands.send(command).map_err(|_| ended())?;
        Ok(Job {
            shared,
            number,
            serial,
            route,
            arrivals,
            awaited: Awaited::new(number >= NAMED),
            is_over: false,
            here: VecDeque::new(),
            early: None,
            deadline: None,
            receipts: Vec::new(),
        })
    }

    /// Has endings given out in the order in which their messages are submitted, and not as they come.
    /// Those that come early wait here, and count as taken.
    ///
    /// ```
    /// # use palm_highlevel::{Call, Client, Failure, standalone};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = standalone::Server::new("echo")
    /// #     .function("back", |call: &Call| Ok::<_, Failure>(call.payload().clone()))
    /// #     .threads(2)
    /// #     .bind("tcp://127.0.0.1:*")?;
    /// # let client = Client::connect(server.address())?;
    /// let mut job = client.job("echo.back")?.in_order();
    /// for word in ["a", "b", "c"] {
    ///     job.submit(word)?;
    /// }
    /// let words = job.map(|ending| ending.result).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(words, ["a", "b", "c"]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If endings have been given out already, or the job was taken up: the order of its messages is
    /// the application's own.
    pub fn in_order(mut self) -> Job {
        assert!(
            self.awaited.is_new() && !self.awaited.is_named(),
            "a job that has just begun"
        );
        self.early = Some(BTreeMap::new());
        self
    }

    /// Sends one message; gives back its index. Blocks while the server has no room for more, and
    /// meanwhile takes in endings, so that it never waits for itself.
    ///
    /// Of a job that was taken up, it is sent under the first index that this job has neither submitted
    /// nor given out the ending of. Whoever takes up a job again is better served by
    /// [`submit_at`](Self::submit_at).
    ///
    /// # Errors
    ///
    /// [`FailureKind::TooLarge`] if no message takes so many bytes; then nothing is sent and the
    /// job goes on. Otherwise that the client has ended.
    pub fn submit(&mut self, payload: impl Into<Bytes>) -> Result<u64, Failure> {
        let index = self.awaited.next();
        self.send(index, payload.into(), None)?;
        Ok(index)
    }

    /// Sends message `index` of a job that was taken up with
    /// [`Client::resume`](crate::Client::resume), unless this job has given out its ending already.
    /// Blocks as [`submit`](Self::submit) does.
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    ///
    /// # Panics
    ///
    /// If the job was not taken up: its messages are numbered by `submit`.
    pub fn submit_at(&mut self, index: u64, payload: impl Into<Bytes>) -> Result<(), Failure> {
        assert!(self.awaited.is_named(), "a job that was taken up");
        if !self.awaited.knows(index) {
            self.send(index, payload.into(), None)?;
        }
        Ok(())
    }

    /// As [`submit`](Self::submit), but waits until `deadline` at most; `false` if there was no
    /// room until then.
    pub(super) fn submit_until(
        &mut self,
        payload: Bytes,
        deadline: Option<Instant>,
    ) -> Result<bool, Failure> {
        let index = self.awaited.next();
        self.send(index, payload, deadline)
    }

    fn send(
        &mut self,
        index: u64,
        payload: Bytes,
        deadline: Option<Instant>,
    ) -> Result<bool, Failure> {
        if payload.len() > MAX_PAYLOAD {
            let size = payload.len();
            return Err(Failure::of(
                FailureKind::TooLarge,
                format!("the payload has {size} bytes, a message takes {MAX_PAYLOAD}"),
            ));
        }
        let submission = Submission {
            job: self.number,
            index,
            round: self.shared.cancels.load(Relaxed),
            route: self.route.clone(),
            payload,
            deadline: None,
        };
        // A time that no clock can tell never comes.
        let expires = self
            .deadline
            .and_then(|left| Instant::now().checked_add(left));
        let submitted = Submitted {
            submission,
            expires,
        };
        if !self.hand_over(submitted, deadline)? {
            return Ok(false);
        }
        self.awaited.submit(index);
        self.shared.waker.wake();
        Ok(true)
    }

    fn hand_over(
        &mut self,
        submitted: Submitted,
        deadline: Option<Instant>,
    ) -> Result<bool, Failure> {
        let submitted = match self.shared.submissions.try_send(submitted) {
            Ok(()) => return Ok(true),
            Err(TrySendError::Disconnected(_)) => return Err(ended()),
            Err(TrySendError::Full(submitted)) => submitted,
        };
        self.shared.waker.wake();
        let too_late = deadline.map_or_else(never, at);
        loop {
            select! {
                send(self.shared.submissions, submitted) -> sent => {
                    return sent.map(|()| true).map_err(|_| ended());
                }
                recv(self.arrivals) -> batch => self.pull(batch.map_err(|_| ended())?),
                recv(too_late) -> _ => return Ok(false),
            }
            self.shared.waker.wake();
        }
    }

    /// Takes endings out of the client's hands while it has no room. They count as taken from here
    /// on: were they to wait for the application, who submits would wait for itself.
    fn pull(&mut self, batch: Vec<Arrival>) {
        for mut arrival in batch {
            self.receipts.extend(arrival.receipt.take());
            self.here.push_back(arrival);
        }
        self.acknowledge();
    }

    /// Gives each message that is submitted from now on so long until it has ended; one that takes
    /// longer ends with a failure of kind [`Expired`](crate::FailureKind::Expired).
    pub fn set_deadline(&mut self, deadline: Option<Duration>) {
        self.deadline = deadline;
    }

    /// Cancels what has been submitted and has not ended, by an earlier process too if the job was taken
    /// up: each such message ends with a failure of kind [`Cancelled`](crate::FailureKind::Cancelled),
    /// unless another ending is on its way already. The endings come as usual. A function that runs may ask
    /// [`is_cancelled`](crate::Call::is_cancelled).
    pub fn cancel(&mut self) {
        let round = 1 + self.shared.cancels.fetch_add(1, Relaxed);
        let command = Command::Cancel(self.number, round, self.route.clone());
        // Without a client there is nothing left to cancel.
        let _ = self.shared.commands.send(command);
        self.shared.waker.wake();
    }

    /// How many messages have not ended, or not been given out by the iterator.
    pub fn unfinished(&self) -> u64 {
        self.awaited.len()
    }

    /// The next ending if one comes within `timeout`; `None` otherwise, or if nothing is awaited.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Ending> {
        let more = self.awaited.is_named();
        self.next_by(Instant::now().checked_add(timeout), more)
    }

    /// The next ending if one is there now.
    pub fn try_next(&mut self) -> Option<Ending> {
        if self.here.is_empty() {
            self.acknowledge();
            match self.arrivals.try_recv() {
                Ok(batch) => self.here.extend(batch),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.is_over = true,
            }
        }
        self.give_out()
    }

    pub(super) fn next_until(&mut self, deadline: Option<Instant>) -> Option<Ending> {
        self.next_by(deadline, false)
    }

    /// The next ending, of what was submitted here, or of `more` than that.
    fn next_by(&mut self, deadline: Option<Instant>, more: bool) -> Option<Ending> {
        if self.unfinished() == 0 && !more {
            self.acknowledge();
            return None;
        }
        if self.here.is_empty() && self.unfinished() == 1 {
            self.stay_awake();
        }
        loop {
            if let Some(ending) = self.give_out() {
                return Some(ending);
            }
            if self.is_over {
                return None;
            }
            self.acknowledge();
            let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            match receive(&self.arrivals, timeout) {
                Ok(Some(batch)) => self.here.extend(batch),
                Ok(None) => return None,
                Err(()) => self.is_over = true,
            }
        }
    }

    fn stay_awake(&self) {
        let start = Instant::now();
        while self.arrivals.is_empty() && start.elapsed() < AWAKE {
            std::thread::yield_now();
        }
    }

    /// What is to be given out next, if it is here.
    fn next_arrival(&mut self) -> Option<Arrival> {
        let Some(early) = &mut self.early else {
            return self.here.pop_front();
        };
        for mut arrival in self.here.drain(..) {
            // Were it to wait for its turn in a server, what is before it might find no room there.
            self.receipts.extend(arrival.receipt.take());
            early.insert(arrival.index, arrival);
        }
        early.remove(&self.awaited.first()?)
    }

    fn give_out(&mut self) -> Option<Ending> {
        let Some(arrival) = self.next_arrival() else {
            return self.give_up();
        };
        let Arrival {
            index,
            result,
            branches,
            receipt,
            ..
        } = arrival;
        self.receipts.extend(receipt);
        self.awaited.give_out(index);
        Some(Ending {
            index,
            result,
            branches: branches.into_vec(),
        })
    }

    /// If the client has ended, so has the first message whose ending is not here.
    fn give_up(&mut self) -> Option<Ending> {
        let index = self.awaited.first().filter(|_| self.is_over)?;
        self.awaited.give_out(index);
        Some(Ending {
            index,
            result: Err(ended()),
            branches: Vec::new(),
        })
    }

    /// Tells the client what the application has taken.
    fn acknowledge(&mut self) {
        if !self.receipts.is_empty() {
            let receipts = std::mem::take(&mut self.receipts);
            // Without a client there is nobody to tell.
            let _ = self.shared.commands.send(Command::Taken(receipts));
            self.shared.waker.wake();
        }
    }
}

impl Iterator for Job {
    type Item = Ending;

    /// The next ending, waiting for it as long as it takes; `None` once all have been given out.
    fn next(&mut self) -> Option<Ending> {
        self.next_until(None)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let is_named = self.awaited.is_named();
        if self.unfinished() > 0 && !is_named {
            self.cancel();
        }
        self.acknowledge();
        let close = |left: Vec<Arrival>| {
            let command = Command::Close(self.number, self.serial, left);
            // Without a client there is nobody to tell.
            let _ = self.shared.commands.send(command);
            self.shared.waker.wake();
        };
        close(self.here.drain(..).collect());
        if self.unfinished() > 0 || is_named {
            // What was handed over before the client heard of it. This ends as soon as it has.
            close(self.arrivals.iter().flatten().collect());
        }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({}, {} unfinished)", self.number, self.unfinished())
    }
}

/// What a job waits for at most.
fn receive(
    receiver: &Receiver<Vec<Arrival>>,
    timeout: Option<Duration>,
) -> Result<Option<Vec<Arrival>>, ()> {
    match timeout {
        None => receiver.recv().map(Some).map_err(|_| ()),
        Some(timeout) => match receiver.recv_timeout(timeout) {
            Ok(batch) => Ok(Some(batch)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::{Call, Client, Failure, FailureKind, Job, Running, standalone};
    use bytes::Bytes;
    use crossbeam_channel::{Sender, bounded};
    use std::time::{Duration, Instant};

    /// A server that gives back what it gets, but `0` only once the sender is gone.
    fn server() -> (Running, Sender<()>) {
        let (gate, closed) = bounded::<()>(0);
        let echo = move |call: &Call| {
            if call.payload() == "0" {
                // Nothing is ever sent.
                let _ = closed.recv();
            }
            Ok::<_, Failure>(call.payload().clone())
        };
        let server = standalone::Server::new("s").threads(2);
        let server = server.function("echo", echo).bind("tcp://127.0.0.1:*");
        (server.unwrap(), gate)
    }

    fn until(mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
    }

    fn three(client: &Client) -> Job {
        let mut job = client.job("s.echo").unwrap();
        for index in 0..3u64 {
            job.submit(index.to_string()).unwrap();
        }
        job
    }

    fn over(index: u64) -> (u64, Result<Bytes, FailureKind>) {
        (index, Err(FailureKind::Refused))
    }

    fn endings(job: &mut Job) -> Vec<(u64, Result<Bytes, FailureKind>)> {
        let all = job.map(|ending| (ending.index, ending.result.map_err(|failure| failure.kind)));
        all.collect()
    }

    #[test]
    fn when_the_client_ends_each_message_without_an_ending_gets_one() {
        let (server, gate) = server();
        let client = Client::connect(server.address()).unwrap();
        let mut job = three(&client);
        let mut taken: Vec<u64> = job.by_ref().take(2).map(|ending| ending.index).collect();
        taken.sort_unstable();
        assert_eq!(taken, [1, 2]);
        drop(client);
        assert_eq!(endings(&mut job), [over(0)]);
        assert_eq!(job.unfinished(), 0);
        assert!(job.next_timeout(Duration::from_secs(30)).is_none());
        drop((gate, server));
    }

    #[test]
    fn when_the_client_ends_what_came_early_is_still_given_out() {
        let (server, gate) = server();
        let client = Client::connect(server.address()).unwrap();
        let mut job = three(&client).in_order();
        until(|| {
            assert!(job.try_next().is_none());
            job.early.as_ref().is_some_and(|early| early.len() == 2)
        });
        drop(client);
        let ok = |index: u64| (index, Ok(Bytes::from(index.to_string())));
        assert_eq!(endings(&mut job), [over(0), ok(1), ok(2)]);
        drop((gate, server));
    }

    #[test]
    fn who_only_looks_hears_that_the_client_has_ended() {
        let client = Client::connect("inproc://nobody").unwrap();
        let mut job = client.job("s.echo").unwrap();
        job.submit("x").unwrap();
        assert!(job.try_next().is_none());
        drop(client);
        assert_eq!(job.try_next().unwrap().index, 0);
        assert!(job.try_next().is_none());
        assert!(job.submit("y").is_err());
        assert_eq!(job.unfinished(), 0);
    }
}
