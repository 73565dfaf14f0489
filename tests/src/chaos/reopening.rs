//! A master with a store on disk that is killed again and again, with work in it, now and then while
//! it opens its store.

use super::address::{endpoint, nobodys};
use super::halt::{Fault, Halt, Violation};
use super::node::{Node, Role};
use super::process::{Heard, Process, Word};
use super::quota::Quota;
use super::said::Said;
use super::topology::WINDOW;
use crate::history::Chance;
use crate::work::square;
use bytes::Bytes;
use palm_highlevel::{Call, Client, Ending, Failure, Job, Running, standalone};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// What a run is to be.
#[derive(Clone, Debug)]
pub struct Reopening {
    /// The program whose subcommand `node` is the master.
    pub program: PathBuf,
    /// How often the master is killed with work in it.
    pub cycles: u32,
    /// How many messages it has then accepted and not ended, at least.
    pub queued: u64,
    /// What decides the moments of the kills.
    pub seed: u64,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Reopened {
    /// How often the master was killed while it had work.
    pub kills: u32,
    /// How often its process was killed before it had opened the store.
    pub kills_in_opening: u32,
    /// How often it was to open the store to the end.
    pub openings: u32,
    /// How long each of those took that succeeded, from the start of the process until it listened.
    pub opened: Vec<Duration>,
    /// The fewest messages that were accepted and had not ended at a kill.
    pub held: u64,
    /// How many messages were submitted.
    pub messages: u64,
    /// How many executions there were.
    pub executed: u64,
    /// How many messages have not ended.
    pub lost: u64,
    /// How many endings came of messages that had ended.
    pub duplicated: u64,
    /// The rule that was broken first, if one was.
    pub violation: Option<Violation>,
    /// The most memory that the master had at a kill, in bytes.
    memory: u64,
    took: Duration,
}

/// How many bytes a message has, the number at their beginning included.
const PAYLOAD: usize = 100;

/// How many clients there are: what their windows have no room for waits in the store.
const CLIENTS: usize = 2;

/// How many messages are executed at most between two kills.
const EXECUTED: u64 = 500;

/// One kill in so many is followed by one of the next process while it opens.
const IN_OPENING: u64 = 10;

/// How long a master goes on at most after it holds enough.
const GOES_ON: Duration = Duration::from_millis(20);

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often who listens to the master looks after the clients.
const LOOK: Duration = Duration::from_millis(1);

/// How many words of a master wait to be heard.
const WORDS: usize = 1 << 14;

/// A client, its job, and which messages of it have ended.
struct Stream {
    job: Job,
    ended: Vec<bool>,
    // After its job, which it serves.
    _client: Client,
}

struct Run<'a> {
    options: &'a Reopening,
    chance: Chance,
    node: Node,
    endpoint: String,
    streams: Vec<Stream>,
    quota: Quota,
    ears: SyncSender<Word>,
    words: Receiver<Word>,
    /// What masters logged lately.
    log: Vec<String>,
    report: Reopened,
}

impl Reopening {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// If the system refuses processes or what they need.
    pub fn run(&self) -> io::Result<Reopened> {
        let started = Instant::now();
        let folder = tempfile::tempdir()?;
        let endpoint = endpoint(nobodys()?);
        let stream = |_| -> io::Result<Stream> {
            let client = Client::connect(&endpoint).map_err(io::Error::other)?;
            Ok(Stream {
                job: client.job("master.square").map_err(io::Error::other)?,
                ended: Vec::new(),
                _client: client,
            })
        };
        let streams = (0..CLIENTS).map(stream).collect::<io::Result<_>>()?;
        let (ears, words) = mpsc::sync_channel(WORDS);
        let mut run = Run {
            options: self,
            chance: Chance(self.seed),
            node: Node {
                life: 0,
                window: WINDOW,
                role: Role::Master {
                    name: "master".into(),
                    endpoint: endpoint.clone(),
                    next: Vec::new(),
                    serial: false,
                    store: Some(folder.path().join("store")),
                    telling: true,
                },
            },
            endpoint,
            streams,
            quota: Quota::default(),
            ears,
            words,
            log: Vec::new(),
            report: Reopened {
                held: u64::MAX,
                ..Reopened::default()
            },
        };
        match run.run() {
            Ok(()) => {}
            Err(Halt::Violation(violation)) => run.report.violation = Some(violation),
            Err(Halt::Refused(error)) => return Err(error),
        }
        let mut report = run.report;
        report.executed = run.quota.used();
        report.took = started.elapsed();
        Ok(report)
    }
}

impl Stream {
    fn submit(&mut self) -> io::Result<()> {
        let number = self.ended.len() as u64;
        let mut payload = number.to_le_bytes().to_vec();
        payload.resize(PAYLOAD, 7);
        self.job.submit(payload).map_err(io::Error::other)?;
        self.ended.push(false);
        Ok(())
    }
}

impl Run<'_> {
    fn run(&mut self) -> Result<(), Halt> {
        for _ in 0..self.options.cycles {
            let master = self.open()?;
            self.quota.allow(0);
            let worker = self.worker()?;
            self.greet()?;
            self.fill(&master)?;
            let executed = self.chance.below(EXECUTED);
            self.quota.allow(executed);
            self.go_on(&master)?;
            self.kill(master)?;
            // What waits at the quota would keep the worker from ending. Nobody hears of it.
            self.quota.allow(u64::MAX);
            drop(worker);
            if self.chance.below(IN_OPENING) == 0 {
                self.kill_in_opening()?;
            }
        }
        let master = self.open()?;
        self.quota.allow(u64::MAX);
        self.greet()?;
        let _worker = self.worker()?;
        let deadline = Instant::now() + PATIENCE;
        while self.unfinished() > 0 && Instant::now() < deadline {
            self.hear(&master, LOOK)?;
        }
        self.report.lost = self.unfinished();
        match self.report.lost {
            0 => Ok(()),
            lost => Err(Violation::general(
                Fault::Lost,
                format!("{lost} messages have not ended after {PATIENCE:?}"),
            )
            .into()),
        }
    }

    fn start(&mut self) -> io::Result<Process> {
        self.node.life += 1;
        Process::start(&self.options.program, &self.node, &self.ears)
    }

    /// Starts a master and waits until it listens.
    fn open(&mut self) -> Result<Process, Halt> {
        self.report.openings += 1;
        let started = Instant::now();
        let master = self.start()?;
        while !matches!(self.hear(&master, LOOK)?, Some(Said::Ready)) {
            if started.elapsed() > PATIENCE {
                return Err(self.broken("the master does not open its store"));
            }
        }
        self.report.opened.push(started.elapsed());
        Ok(master)
    }

    /// A worker for the master that runs. One that had been another master's would take a second to
    /// notice.
    fn worker(&self) -> io::Result<Running> {
        standalone::Worker::new("worker")
            .function("square", executor(self.quota.clone()))
            .connect(&self.endpoint)
            .map_err(io::Error::other)
    }

    /// Submits a message of each client, by which it notices that the master is another process.
    fn greet(&mut self) -> io::Result<()> {
        for stream in &mut self.streams {
            stream.submit()?;
            self.report.messages += 1;
        }
        Ok(())
    }

    /// Submits messages and waits until a master holds so many that enough are left when all that
    /// may be executed is.
    fn fill(&mut self, master: &Process) -> Result<(), Halt> {
        let deadline = Instant::now() + PATIENCE;
        let target = self.options.queued + EXECUTED;
        let each = target.div_ceil(self.streams.len() as u64);
        let mut held = 0;
        while held < target {
            for stream in &mut self.streams {
                while stream.job.unfinished() < each {
                    stream.submit()?;
                    self.report.messages += 1;
                }
            }
            if let Some(Said::Holds(holds)) = self.hear(master, LOOK)? {
                held = holds;
            }
            if Instant::now() > deadline {
                let text = format!("the master holds {held} messages and gets no more");
                return Err(self.broken(&text));
            }
        }
        self.report.held = self.report.held.min(held);
        Ok(())
    }

    /// Lets a master go on for a moment.
    fn go_on(&mut self, master: &Process) -> Result<(), Halt> {
        let until = Instant::now() + self.moment(GOES_ON);
        while Instant::now() < until {
            if let Some(Said::Holds(held)) = self.hear(master, LOOK)? {
                self.report.held = self.report.held.min(held);
            }
        }
        Ok(())
    }

    fn kill(&mut self, master: Process) -> Result<(), Halt> {
        self.report.memory = self.report.memory.max(master.memory()?);
        master.kill()?;
        self.report.kills += 1;
        Ok(())
    }

    /// Starts a master and kills it before it listens; at least so it is meant.
    fn kill_in_opening(&mut self) -> Result<(), Halt> {
        let usual = self.report.usual_opening();
        let until = Instant::now() + self.moment(usual);
        let master = self.start()?;
        let mut listens = false;
        while Instant::now() < until {
            listens |= matches!(self.hear(&master, LOOK)?, Some(Said::Ready));
        }
        master.kill()?;
        self.report.kills_in_opening += u32::from(!listens);
        Ok(())
    }

    /// A random moment before that one.
    fn moment(&mut self, before: Duration) -> Duration {
        Duration::from_micros(self.chance.below(before.as_micros() as u64 + 1))
    }

    /// Waits for a word of a master, so long at most, and takes the endings that have come.
    fn hear(&mut self, master: &Process, timeout: Duration) -> Result<Option<Said>, Halt> {
        self.take()?;
        match self.words.recv_timeout(timeout) {
            Ok(word) if word.life != master.life => Ok(None),
            Ok(word) => match word.what {
                Heard::Said(said) => Ok(Some(said)),
                Heard::Logged(line) => {
                    self.log.push(line);
                    Ok(None)
                }
                Heard::Gone => Err(self.broken("the master has ended")),
            },
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
        }
    }

    /// Takes the endings that have come.
    fn take(&mut self) -> Result<(), Halt> {
        for stream in &mut self.streams {
            while let Some(Ending { index, result, .. }) = stream.job.try_next() {
                match stream.ended.get_mut(index as usize) {
                    Some(ended) if !*ended => *ended = true,
                    _ => {
                        self.report.duplicated += 1;
                        let text = format!("message {index} has ended again");
                        return Err(Violation::general(Fault::Duplicated, text).into());
                    }
                }
                let expected = Bytes::copy_from_slice(&square(index).to_le_bytes());
                if result.as_ref() != Ok(&expected) {
                    let text = format!("message {index} has ended with {result:?}");
                    return Err(Violation::general(Fault::Wrong, text).into());
                }
            }
        }
        Ok(())
    }

    fn unfinished(&self) -> u64 {
        let streams = self.streams.iter();
        streams.map(|stream| stream.job.unfinished()).sum()
    }

    fn broken(&mut self, text: &str) -> Halt {
        // What it logged last may still be on its way.
        while let Ok(word) = self.words.recv_timeout(PATIENCE / 100) {
            if let Heard::Logged(line) = word.what {
                self.log.push(line);
            }
        }
        let last = self.log.len().saturating_sub(20);
        let log = self.log[last..].join("\n");
        Violation::general(Fault::Broken, format!("{text}; it logged:\n{log}")).into()
    }
}

/// The function of the worker: the square of the number that a message begins with.
fn executor(quota: Quota) -> impl Fn(&Call) -> Result<Bytes, Failure> + Send + Sync + 'static {
    move |call| {
        quota.take();
        let number = call.payload().first_chunk().ok_or("it has no number")?;
        let square = square(u64::from_le_bytes(*number));
        Ok(Bytes::copy_from_slice(&square.to_le_bytes()))
    }
}

impl Reopened {
    /// The median time of an opening.
    fn usual_opening(&self) -> Duration {
        let mut opened = self.opened.clone();
        opened.sort();
        opened.get(opened.len() / 2).copied().unwrap_or_default()
    }
}

impl fmt::Display for Reopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.opened.iter().max().copied().unwrap_or_default();
        write!(
            f,
            "{} of {} openings succeeded, lost {}, duplicated {}: {} kills with {} accepted and \
             unfinished messages or more, {} kills in an opening; {} messages, {} executions; an \
             opening took {:.1} ms, {:.1} ms at most; {} MiB of memory at most; {:.1} s",
            self.opened.len(),
            self.openings,
            self.lost,
            self.duplicated,
            self.kills,
            self.held,
            self.kills_in_opening,
            self.messages,
            self.executed,
            self.usual_opening().as_secs_f64() * 1e3,
            longest.as_secs_f64() * 1e3,
            self.memory >> 20,
            self.took.as_secs_f64(),
        )
    }
}
