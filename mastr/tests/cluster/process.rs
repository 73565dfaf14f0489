//! Processes under test: what they say while they run, and signals for them.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow and busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(240);

/// The binary under test.
pub(crate) fn mastr() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mastr"))
}

/// An endpoint that can be bound, and again when who has bound it has died: its port is below those
/// that the system gives to connections.
pub(crate) fn free_endpoint() -> String {
    let random = RandomState::new().build_hasher().finish();
    let mut ports =
        (0..20_000).map(|further| 10_000 + (random.wrapping_add(further) % 20_000) as u16);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = ports.find(is_free).expect("a port is free");
    format!("tcp://127.0.0.1:{port}")
}

/// A folder that is gone after the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    }

    /// Generates a portfolio; gives back the arguments that name it, its market and its fixings.
    pub(crate) fn generate(&self, trades: u32) -> Vec<String> {
        let trades = trades.to_string();
        let generated = mastr()
            .args(["generate", "--trades", &trades, "--seed", "7", "--output"])
            .arg(self.0.path())
            .output()
            .unwrap();
        assert!(generated.status.success(), "{generated:?}");
        self.files()
    }

    /// The arguments that name the portfolio, the market and the fixings in this folder.
    pub(crate) fn files(&self) -> Vec<String> {
        [
            ("--portfolio", "portfolio.json"),
            ("--market", "market.txt"),
            ("--fixings", "fixings.txt"),
        ]
        .into_iter()
        .flat_map(|(name, file)| [name.to_owned(), self.path(file).display().to_string()])
        .collect()
    }
}

pub(crate) const SIGKILL: u32 = 9;

/// Sends a signal, by its number, to a process that this test has started.
pub(crate) fn signal(number: u32, pid: u32) {
    let command = format!("kill -{number} {pid}");
    let sent = Command::new("sh").args(["-c", &command]).status().unwrap();
    assert!(sent.success(), "{command}");
}

/// Whether a process is still there and more than an entry that nobody has asked about.
pub(crate) fn is_alive(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.rsplit(") ").next().unwrap().starts_with('Z'),
        Err(_) => false,
    }
}

/// Waits until none of the processes is there any more.
pub(crate) fn wait_until_gone(pids: &[u32]) {
    let start = Instant::now();
    while pids.iter().any(|pid| is_alive(*pid)) {
        assert!(start.elapsed() < DEADLINE, "{pids:?} do not end");
        std::thread::yield_now();
    }
}

/// A process whose lines on standard error, or else on standard output, are read as they come.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    told: Vec<String>,
    rest: Option<JoinHandle<String>>,
}

/// A process that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The lines that were read as they came.
    pub(crate) told: Vec<String>,
    /// The other stream.
    pub(crate) rest: String,
}

impl Process {
    /// Starts it; its standard error is read line by line.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = spawn(command);
        let (lines, rest) = (child.stderr.take().unwrap(), child.stdout.take().unwrap());
        Self::reading(child, lines, rest)
    }

    /// Starts a role; its standard output is read line by line.
    pub(crate) fn start_role(command: &mut Command) -> Self {
        let mut child = spawn(command);
        let (lines, rest) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self::reading(child, lines, rest)
    }

    fn reading(
        child: Child,
        lines: impl Read + Send + 'static,
        mut rest: impl Read + Send + 'static,
    ) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(lines).lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let rest = std::thread::spawn(move || {
            let mut text = String::new();
            rest.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            child,
            lines: receiver,
            told: Vec::new(),
            rest: Some(rest),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that is wanted, or that has been read already.
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(start.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let told = self.told.join("\n");
                let ended = self.child.try_wait();
                panic!("what was waited for did not come ({ended:?}):\n{told}");
            };
            self.told.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Waits until so many per cent are done, or more; gives back how many.
    pub(crate) fn wait_for_percent(&mut self, percent: u32) -> u32 {
        let line = self.wait_for(|line| percent_of(line).is_some_and(|done| done >= percent));
        percent_of(&line).unwrap()
    }

    /// The processes of that role that `run` has said to have started.
    pub(crate) fn pids(&self, role: &str) -> Vec<u32> {
        let started = format!("started {role}, pid ");
        self.told
            .iter()
            .filter_map(|line| line.strip_prefix(&started))
            .map(|rest| rest.split(',').next().unwrap().parse().unwrap())
            .collect()
    }

    /// Kills a valuation worker when a tenth of the trades is valued, and waits until another takes
    /// its place; gives back how many percent were valued then.
    pub(crate) fn kill_valuation_worker(&mut self) -> u32 {
        let percent = self.wait_for_percent(10);
        let victim = self.pids("valuation-worker")[0];
        signal(SIGKILL, victim);
        assert!(percent <= 90, "{percent} % are too late");
        self.wait_for(|line| {
            line == format!("valuation-worker {victim} was killed by signal 9: starting another")
        });
        percent
    }

    /// All processes that `run` has said to have started.
    pub(crate) fn all_pids(&self) -> Vec<u32> {
        [
            "valuation-master",
            "valuation-worker",
            "aggregation-master",
            "aggregation-worker",
            "value",
            "aggregate",
        ]
        .into_iter()
        .flat_map(|role| self.pids(role))
        .collect()
    }

    /// Waits until it ends.
    pub(crate) fn finish(mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            let left = DEADLINE.saturating_sub(start.elapsed());
            assert!(
                !left.is_zero(),
                "it does not end:\n{}",
                self.told.join("\n")
            );
            // It ends soon after its stream.
            let tick = left.min(Duration::from_millis(20));
            self.told.extend(self.lines.recv_timeout(tick));
        };
        self.told.extend(self.lines.iter());
        Ended {
            status,
            told: std::mem::take(&mut self.told),
            rest: self.rest.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What a failed test leaves behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How many per cent a line of progress says are done.
fn percent_of(line: &str) -> Option<u32> {
    let (percent, rest) = line.split_once(" % ")?;
    rest.contains(" pending").then(|| percent.parse().ok())?
}

/// The numbers of trades that the valuation workers' lines at the end of a run say.
pub(crate) fn valued_by_workers(stdout: &str) -> Vec<u64> {
    stdout
        .lines()
        .filter(|line| line.starts_with("valuation-worker "))
        .map(|line| {
            let (_, valued) = line.split_once("valued ").unwrap();
            let number = valued.split(' ').next().unwrap().replace(',', "");
            number.parse().unwrap()
        })
        .collect()
}

/// Values the trades of `files` without a cluster.
pub(crate) fn price(files: &[String], output: &Path) {
    let mut price = mastr();
    let priced = price.arg("price").args(files).arg("--output").arg(output);
    let priced = priced.output().unwrap();
    assert!(priced.status.success(), "{priced:?}");
}

/// Whether two folders hold the same results.
pub(crate) fn assert_same(one: &Path, other: &Path, files: &[&str]) {
    for file in files {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(read(one) == read(other), "{file} differs");
    }
}

/// The files that `run` writes.
pub(crate) const RESULTS: [&str; 4] = ["npv.csv", "sensitivity.csv", "failed.csv", "aggregate.csv"];
