use super::client_loop::Command;
use super::machine::{Arrival, Submission};
use super::{Shared, ended};
use crate::{Failure, FailureKind};
use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, TrySendError, at, bounded, never, select};
use palm_core::Route;
use palm_core::wire::MAX_PAYLOAD;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
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
    route: Arc<Route>,
    arrivals: Receiver<Vec<Arrival>>,
    submitted: u64,
    ended: u64,
    /// Batches that were received and not yet given out.
    here: VecDeque<Arrival>,
    /// Endings whose turn has not come, by index, if they are given out in the order of submission.
    early: Option<BTreeMap<u64, Arrival>>,
    /// What of a job that was taken up is awaited, and what was given out, by index.
    named: Option<(HashSet<u64>, HashSet<u64>)>,
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
        route: Arc<Route>,
        named: bool,
    ) -> Result<Job, Failure> {
        let (sender, arrivals) = bounded(BATCHES);
        let command = Command::Open(number, sender);
        shared.commands.send(command).map_err(|_| ended())?;
        Ok(Job {
            shared,
            number,
            route,
            arrivals,
            submitted: 0,
            ended: 0,
            here: VecDeque::new(),
            early: None,
            named: named.then(Default::default),
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
            self.ended == 0 && self.named.is_none(),
            "a job that has just begun"
        );
        self.early = Some(BTreeMap::new());
        self
    }

    /// Sends one message; gives back its index. Blocks while the server has no room for more, and
    /// meanwhile takes in endings, so that it never waits for itself.
    ///
    /// # Errors
    ///
    /// [`FailureKind::TooLarge`] if no message takes so many bytes; then nothing is sent and the
    /// job goes on. Otherwise that the client has ended.
    pub fn submit(&mut self, payload: impl Into<Bytes>) -> Result<u64, Failure> {
        let index = self.submit_until(payload.into(), None)?;
        Ok(index.unwrap_or(self.submitted))
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
        let (awaited, given_out) = self.named.as_mut().expect("a job that was taken up");
        if given_out.contains(&index) || !awaited.insert(index) {
            return Ok(());
        }
        let next = std::mem::replace(&mut self.submitted, index);
        let sent = self.submit_until(payload.into(), None);
        self.submitted = next + u64::from(sent.is_ok());
        sent.map(drop)
    }

    /// As [`submit`](Self::submit), but waits until `deadline` at most; `None` if there was no
    /// room until then.
    pub(super) fn submit_until(
        &mut self,
        payload: Bytes,
        deadline: Option<Instant>,
    ) -> Result<Option<u64>, Failure> {
        if payload.len() > MAX_PAYLOAD {
            let size = payload.len();
            return Err(Failure::of(
                FailureKind::TooLarge,
                format!("the payload has {size} bytes, a message takes {MAX_PAYLOAD}"),
            ));
        }
        let index = self.submitted;
        let submission = Submission {
            job: self.number,
            index,
            route: self.route.clone(),
            payload,
            deadline: self.deadline,
        };
        if !self.hand_over(submission, deadline)? {
            return Ok(None);
        }
        self.shared.waker.wake();
        self.submitted += 1;
        Ok(Some(index))
    }

    fn hand_over(
        &mut self,
        submission: Submission,
        deadline: Option<Instant>,
    ) -> Result<bool, Failure> {
        let submission = match self.shared.submissions.try_send(submission) {
            Ok(()) => return Ok(true),
            Err(TrySendError::Disconnected(_)) => return Err(ended()),
            Err(TrySendError::Full(submission)) => submission,
        };
        self.shared.waker.wake();
        let too_late = deadline.map_or_else(never, at);
        loop {
            select! {
                send(self.shared.submissions, submission) -> sent => {
                    return sent.map(|()| true).map_err(|_| ended());
                }
                recv(self.arrivals) -> batch => self.pull(batch.unwrap_or_default()),
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

    /// Cancels what has been submitted and has not ended: each such message ends with a failure of
    /// kind [`Cancelled`](crate::FailureKind::Cancelled), unless another ending is on its way
    /// already. The endings come as usual. A function that runs may ask
    /// [`is_cancelled`](crate::Call::is_cancelled).
    pub fn cancel(&mut self) {
        let command = Command::Cancel(self.number, self.route.clone());
        // Without a client there is nothing left to cancel.
        let _ = self.shared.commands.send(command);
        self.shared.waker.wake();
    }

    /// How many messages have not ended, or not been given out by the iterator.
    pub fn unfinished(&self) -> u64 {
        self.submitted - self.ended
    }

    /// The next ending if one comes within `timeout`; `None` otherwise, or if nothing is awaited.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Ending> {
        self.next_until(Some(Instant::now() + timeout))
    }

    /// The next ending if one is there now.
    pub fn try_next(&mut self) -> Option<Ending> {
        if self.here.is_empty() {
            self.acknowledge();
            self.here
                .extend(self.arrivals.try_recv().unwrap_or_default());
        }
        self.give_out()
    }

    pub(super) fn next_until(&mut self, deadline: Option<Instant>) -> Option<Ending> {
        let more = self.named.is_some() && deadline.is_some();
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
            self.acknowledge();
            let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            match receive(&self.arrivals, timeout) {
                Ok(Some(batch)) => self.here.extend(batch),
                Ok(None) => return None,
                Err(()) => {
                    let index = self.ended;
                    self.ended = self.submitted;
                    let result = Err(ended());
                    return Some(Ending {
                        index,
                        result,
                        branches: Vec::new(),
                    });
                }
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
        early.remove(&self.ended)
    }

    fn give_out(&mut self) -> Option<Ending> {
        let Arrival {
            index,
            result,
            branches,
            receipt,
            ..
        } = self.next_arrival()?;
        self.receipts.extend(receipt);
        match &mut self.named {
            Some((awaited, given_out)) => {
                given_out.insert(index);
                // Others are endings of what an earlier process has submitted.
                self.ended += u64::from(awaited.remove(&index));
            }
            None => self.ended += 1,
        }
        Some(Ending {
            index,
            result,
            branches,
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
        let is_named = self.named.is_some();
        if self.unfinished() > 0 && !is_named {
            self.cancel();
        }
        self.acknowledge();
        let close = |left: Vec<Arrival>| {
            // Without a client there is nobody to tell.
            let _ = self.shared.commands.send(Command::Close(self.number, left));
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
