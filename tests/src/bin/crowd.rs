//! What a slow worker and greedy clients cost everybody else.
//!
//! A master in a process of its own has a hundred workers whose function takes two milliseconds.
//! One client streams a job and counts its endings, alone first; then one worker in the hundred
//! takes a hundred times as long; then another client submits without ever taking an ending; then
//! a third is stopped by the system in the middle of its job. Prints, for each, the client's rate as
//! a ratio to that alone, and the master's peak memory.
//!
//! ```text
//! cargo run --release -p tests --bin crowd
//! ```

use clap::{Parser, Subcommand};
use palm_highlevel::{Call, Client, Failure, standalone};
use std::collections::VecDeque;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the function takes, and how long with the slow worker.
const WORK: Duration = Duration::from_millis(2);
const SLOW_WORK: Duration = Duration::from_millis(200);

/// How many workers there are.
const WORKERS: u32 = 100;

/// How many messages the counting client has on the way.
const OUTSTANDING: u64 = 2_000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measures what a slow worker and greedy clients cost the others.
#[derive(Parser)]
struct Arguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
#[command(hide = true)]
enum Role {
    /// The master: says its address
    Master,
    /// Workers, the first of them slow if so asked
    Workers { address: String, slow: u32 },
    /// Counts endings for so many seconds, after one that does not count
    Counter { address: String, seconds: f64 },
    /// Submits for ever and takes no ending
    Hoarder { address: String },
    /// Submits and takes, until it is stopped
    Victim { address: String },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        None => measure(arguments.seconds),
        Some(Role::Master) => master(),
        Some(Role::Workers { address, slow }) => workers(&address, slow),
        Some(Role::Counter { address, seconds }) => count(&address, seconds),
        Some(Role::Hoarder { address }) => hoard(&address),
        Some(Role::Victim { address }) => stream(&address, |_| true).map(drop),
    }
}

/// How often a master is asked what has ended, and how long a victim works before it is stopped.
const LOOK: Duration = Duration::from_secs(1);

/// How long a hoarder may take until it can get no more.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process of this program, killed when it is dropped.
struct Process(Child);

impl Process {
    fn start(role: &[&str]) -> Result<Process> {
        let child = Command::new(std::env::current_exe()?)
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Process(child))
    }

    /// Waits until a master has no more to do.
    fn wait_until_idle(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut before = None;
        while Instant::now() < deadline {
            let input = self.0.stdin.as_mut().ok_or("a process without input")?;
            writeln!(input)?;
            let ended: u64 = self.line()?.parse()?;
            if before == Some(ended) {
                return Ok(());
            }
            before = Some(ended);
            std::thread::sleep(LOOK);
        }
        Err(format!("the hoarder is not full after {PATIENCE:?}").into())
    }

    fn line(&mut self) -> Result<String> {
        let output = self.0.stdout.as_mut().ok_or("a process without output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.0.id().to_string();
        Command::new("kill").args([signal, &pid]).status()?;
        Ok(())
    }

    /// The most memory that it has ever had, in MiB.
    fn peak(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no peak in /proc")?.parse::<u64>()? / 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(seconds: f64) -> Result<()> {
    let text = seconds.to_string();
    let run = |name: &str, slow: u32, extra: Option<&str>| -> Result<(f64, u64)> {
        let mut master = Process::start(&["master"])?;
        let address = master.line()?;
        let _workers = Process::start(&["workers", &address, &slow.to_string()])?;
        let other = extra
            .map(|role| Process::start(&[role, &address]))
            .transpose()?;
        match (&other, extra) {
            // Until then it has its share, as everybody has.
            (Some(_), Some("hoarder")) => master.wait_until_idle()?,
            (Some(other), _) => {
                std::thread::sleep(LOOK);
                other.signal("-STOP")?;
            }
            (None, _) => {}
        }
        let mut counter = Process::start(&["counter", &address, &text])?;
        let rate: f64 = counter.line()?.parse()?;
        if let Some(other) = &other {
            other.signal("-CONT")?;
        }
        let peak = master.peak()?;
        eprintln!("{name}: {rate:.0} tasks/s, peak of the master {peak} MiB");
        Ok((rate, peak))
    };
    let cases = [
        ("slow-worker", 1, None),
        ("hoarder", 0, Some("hoarder")),
        ("stopped-client", 0, Some("victim")),
    ];
    for (name, slow, extra) in cases {
        // Each beside its own baseline: the machine's speed drifts.
        let (before, _) = run("alone", 0, None)?;
        let (rate, peak) = run(name, slow, extra)?;
        let (after, usual) = run("alone", 0, None)?;
        let baseline = (before + after) / 2.0;
        println!("{name} {rate:.0} tasks/s {:.3}", rate / baseline);
        println!(
            "{name}-master-peak {peak} MiB {:.3}",
            peak as f64 / usual as f64
        );
    }
    Ok(())
}

fn master() -> Result<()> {
    let master = standalone::Master::new("crowd").bind("tcp://127.0.0.1:*")?;
    println!("{}", master.address());
    std::io::stdout().flush()?;
    // Who asks is told how many messages have ended.
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", master.counts().succeeded);
    }
    Ok(())
}

fn workers(address: &str, slow: u32) -> Result<()> {
    let start = |index: u32| {
        let work = if index < slow { SLOW_WORK } else { WORK };
        standalone::Worker::new(format!("worker-{index}"))
            .function("work", move |call: &Call| {
                std::thread::sleep(work);
                Ok::<_, Failure>(call.payload().clone())
            })
            .connect(address)
    };
    let _workers: Vec<_> = (0..WORKERS)
        .map(start)
        .collect::<palm_highlevel::Result<_>>()?;
    wait_for_parent();
    Ok(())
}

/// A role ends when its standard input does.
fn wait_for_parent() {
    let mut line = String::new();
    while matches!(std::io::stdin().read_line(&mut line), Ok(read) if read > 0) {}
}

/// Streams messages and counts endings until `more` says that it is enough of them.
fn stream(address: &str, mut more: impl FnMut(u64) -> bool) -> Result<u64> {
    let client = Client::connect(address)?;
    let mut job = client.job("crowd.work")?;
    for _ in 0..OUTSTANDING {
        job.submit(vec![7; 1024])?;
    }
    let mut ended = 0;
    while let Some(ending) = job.next() {
        ending.result?;
        ended += 1;
        if !more(ended) {
            break;
        }
        job.submit(vec![7; 1024])?;
    }
    Ok(ended)
}

fn count(address: &str, seconds: f64) -> Result<()> {
    let start = Instant::now();
    let warm = Duration::from_secs(1);
    let mut begun = None;
    let mut rate = 0.0;
    stream(address, |ended| {
        let now = start.elapsed();
        if now < warm {
            return true;
        }
        let (at, before) = *begun.get_or_insert((now, ended));
        let elapsed = (now - at).as_secs_f64();
        rate = (ended - before) as f64 / elapsed.max(1e-9);
        elapsed < seconds
    })?;
    println!("{rate}");
    Ok(())
}

fn hoard(address: &str) -> Result<()> {
    let client = Client::connect(address)?;
    // One job's submissions take in endings while they wait; these never do.
    let mut jobs = VecDeque::new();
    loop {
        let mut job = client.job("crowd.work")?;
        for _ in 0..1000 {
            job.submit(vec![7; 1024])?;
        }
        jobs.push_back(job);
    }
}
