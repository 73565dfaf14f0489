//! The client of a run: submits one job after another, and says what it submits and what it gets.

use super::errand::{Errand, Trail};
use super::plan::Load;
use super::said::{Said, What, say};
use palm_highlevel::{Client, Ending, Failure, FailureKind, Job, pipelined};
use std::collections::VecDeque;
use std::error::Error;
use std::io::Read;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// How many jobs it has at a time.
const STREAMS: usize = 2;

/// For how long after the last ending of a job it listens for more.
const LISTENS: Duration = Duration::from_secs(10);

/// The same for a client that is told to finish: longer than a silent process counts as alive.
const LISTENS_LAST: Duration = Duration::from_secs(4);

/// How often it looks whether more has come of a job that had ended.
const LOOK: Duration = Duration::from_millis(50);

/// For how long it asks a registry for servers that are not there.
const ASKS: Duration = Duration::from_secs(30);

/// How it comes to its servers.
pub(super) enum Access {
    /// It was told where they are.
    Told(Client),
    /// It asks a registry.
    Asks(pipelined::Client),
}

struct Stream<'a> {
    access: &'a Access,
    life: u64,
    route: &'a str,
    load: &'a Load,
    next_job: &'a AtomicU64,
    finish: &'a AtomicBool,
    /// Jobs that have ended, and when.
    ended: VecDeque<(Instant, u64, Job)>,
}

pub(super) fn run(
    life: u64,
    access: &Access,
    route: &str,
    load: &Load,
) -> Result<(), Box<dyn Error>> {
    let finish: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    finish_or_end(finish);
    say(&Said::Ready);
    let next_job = AtomicU64::new(1);
    let streams = if load.messages.is_some() { 1 } else { STREAMS };
    thread::scope(|scope| {
        let streams: Vec<_> = (0..streams)
            .map(|_| {
                let mut stream = Stream {
                    access,
                    life,
                    route,
                    load,
                    next_job: &next_job,
                    finish,
                    ended: VecDeque::new(),
                };
                scope.spawn(move || stream.run())
            })
            .collect();
        streams
            .into_iter()
            .try_for_each(|stream| stream.join().unwrap_or_else(|_| Err("it panicked".into())))
    })?;
    say(&Said::Finished);
    Ok(())
}

impl Access {
    /// Begins a job. What keeps a route from being checked is asked about again for a while: nothing
    /// is submitted yet, and a registry or server that is down comes back.
    fn job(&self, route: &str) -> Result<Job, Failure> {
        let client = match self {
            Access::Told(client) => return client.job(route),
            Access::Asks(client) => client,
        };
        let until = Instant::now() + ASKS;
        loop {
            match client.job(route) {
                Err(failure)
                    if matches!(failure.kind, FailureKind::Unknown | FailureKind::Expired)
                        && Instant::now() < until =>
                {
                    thread::sleep(LOOK);
                }
                begun => return begun,
            }
        }
    }
}

impl Stream<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            let number = self.next_job.fetch_add(1, SeqCst);
            self.job(number)?;
            if self.load.messages.is_some() {
                while !self.finish.load(SeqCst) {
                    self.listen();
                    thread::sleep(LOOK);
                }
            }
            if self.finish.load(SeqCst) {
                break;
            }
        }
        let until = Instant::now() + LISTENS_LAST;
        while Instant::now() < until {
            self.listen();
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn job(&mut self, number: u64) -> Result<(), Failure> {
        let stages = self.route.split_whitespace().count() as u16;
        let plan = self.load.plan(self.life, number, stages);
        let mut job = self.access.job(self.route)?;
        say(&Said::Job(number));
        for errand in (0..plan.messages()).map(|index| plan.errand(index)) {
            job.submit(payload(errand))?;
        }
        let mut looked = Instant::now();
        while job.unfinished() > 0 {
            if let Some(ending) = job.next_timeout(LOOK) {
                tell(number, ending);
            }
            if looked.elapsed() >= LOOK {
                self.listen();
                looked = Instant::now();
            }
        }
        say(&Said::Whole(number));
        self.ended.push_back((Instant::now(), number, job));
        Ok(())
    }

    /// Says what has come of jobs that had ended: nothing should.
    fn listen(&mut self) {
        for (_, number, job) in &mut self.ended {
            while let Some(ending) = job.try_next() {
                tell(*number, ending);
            }
        }
        let single = self.load.messages.is_some();
        while let Some((since, _, _)) = self.ended.front()
            && since.elapsed() >= LISTENS
            && !single
        {
            self.ended.pop_front();
        }
    }
}

fn payload(errand: Errand) -> bytes::Bytes {
    Trail::of(errand).encode()
}

fn tell(job: u64, ending: Ending) {
    let what = match ending.result {
        Ok(bytes) => {
            let results = match ending.branches.is_empty() {
                true => vec![bytes],
                false => ending.branches,
            };
            let trails = results.iter().map(|bytes| Trail::decode(bytes));
            match trails.collect() {
                Ok(trails) => What::Results(trails),
                Err(why) => What::Garbage(why),
            }
        }
        Err(failure) => What::Failure(failure),
    };
    let index = ending.index;
    say(&Said::Ending { job, index, what });
}

/// Ends this process when its standard input ends, and has it finish when something is written
/// there.
fn finish_or_end(finish: &'static AtomicBool) {
    thread::spawn(|| {
        let mut word = [0; 16];
        while std::io::stdin().read(&mut word).is_ok_and(|read| read > 0) {
            finish.store(true, SeqCst);
        }
        process::exit(0);
    });
}
