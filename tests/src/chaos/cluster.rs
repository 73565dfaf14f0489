//! The processes of a run and what is heard of them.

use super::errand::MessageId;
use super::halt::{Fault, Halt, Violation};
use super::history::History;
use super::plan::Load;
use super::process::{Heard, Process, Word};
use super::said::Said;
use super::topology::{Kind, Part, Plan};
use rustix::process::Signal;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// How many lines of logs are kept for who looks for what went wrong.
const LOG: usize = 20_000;

/// How many words wait to be heard.
const WORDS: usize = 1 << 14;

/// When nothing is heard for so long of processes that have ended, all has been heard.
const SILENCE: Duration = Duration::from_millis(300);

/// The processes of a run.
pub(super) struct Cluster {
    program: PathBuf,
    pub(super) members: Vec<Member>,
    pub(super) history: History,
    /// Which member each life is, or was.
    lives: HashMap<u64, usize>,
    next_life: u64,
    ears: SyncSender<Word>,
    words: Receiver<Word>,
    started: Instant,
    /// What happened to processes, and what they logged.
    log: VecDeque<(Instant, String)>,
    /// How many processes died of the message that they executed.
    pub(super) poisoned: u64,
    verbose: bool,
}

/// One of them.
pub(super) struct Member {
    pub(super) part: Part,
    pub(super) process: Option<Process>,
    /// When it is started again.
    pub(super) restart_at: Option<Instant>,
    /// Until when it is stopped.
    pub(super) stopped_until: Option<Instant>,
    /// When it was started.
    pub(super) started: Instant,
    /// When a client got an ending, or a worker began an execution.
    pub(super) moved: Instant,
    ready: bool,
}

impl Cluster {
    /// Starts all of them.
    pub(super) fn start(
        program: &Path,
        plan: Plan,
        load: Load,
        verbose: bool,
    ) -> io::Result<Cluster> {
        let (ears, words) = mpsc::sync_channel(WORDS);
        let now = Instant::now();
        let history = History::new(load, plan.stages, plan.results);
        let members = plan.parts.into_iter().map(|part| Member {
            part,
            process: None,
            restart_at: None,
            stopped_until: None,
            started: now,
            moved: now,
            ready: false,
        });
        let mut cluster = Cluster {
            program: program.to_owned(),
            members: members.collect(),
            history,
            lives: HashMap::new(),
            next_life: 1,
            ears,
            words,
            started: now,
            log: VecDeque::new(),
            poisoned: 0,
            verbose,
        };
        for index in 0..cluster.members.len() {
            cluster.restart(index, false)?;
        }
        Ok(cluster)
    }

    fn restart(&mut self, index: usize, own_name: bool) -> io::Result<()> {
        let life = self.next_life;
        self.next_life += 1;
        self.lives.insert(life, index);
        let node = self.members[index].part.node(life, own_name);
        self.note(format!("{} starts as life {life}", self.name(index)));
        let member = &mut self.members[index];
        member.process = Some(Process::start(&self.program, &node, &self.ears)?);
        member.restart_at = None;
        member.stopped_until = None;
        member.started = Instant::now();
        member.ready = false;
        Ok(())
    }

    /// Kills a member; `restart_at` is when it is to be started again.
    pub(super) fn kill(&mut self, index: usize, restart_at: Instant) -> io::Result<()> {
        self.note(format!("{} is killed", self.name(index)));
        let member = &mut self.members[index];
        member.restart_at = Some(restart_at);
        member.stopped_until = None;
        let Some(process) = member.process.take() else {
            return Ok(());
        };
        let kind = member.part.kind;
        self.history.killed(kind, process.life, Instant::now());
        process.kill()
    }

    /// Stops a member until then.
    pub(super) fn stop(&mut self, index: usize, until: Instant) -> io::Result<()> {
        let seconds = until
            .saturating_duration_since(Instant::now())
            .as_secs_f64();
        self.note(format!(
            "{} is stopped for {seconds:.2} s",
            self.name(index)
        ));
        let member = &mut self.members[index];
        member.stopped_until = Some(until);
        member.process.as_ref().map_or(Ok(()), Process::stop)
    }

    /// Lets a stopped member go on.
    pub(super) fn go_on(&mut self, index: usize) -> io::Result<()> {
        self.note(format!("{} goes on", self.name(index)));
        let member = &mut self.members[index];
        member.stopped_until = None;
        member.process.as_ref().map_or(Ok(()), Process::go_on)
    }

    fn name(&self, index: usize) -> String {
        let member = &self.members[index];
        let name = &member.part.name;
        match &member.process {
            Some(process) => format!("{name} (life {})", process.life),
            None => name.clone(),
        }
    }

    /// Notes what happens, for who looks for what went wrong.
    pub(super) fn note(&mut self, text: String) {
        self.remember(Instant::now(), text);
    }

    fn remember(&mut self, at: Instant, text: String) {
        if self.verbose {
            eprintln!("{}", self.line(at, &text));
        }
        self.log.push_back((at, text));
        if self.log.len() > LOG {
            self.log.pop_front();
        }
    }

    fn line(&self, at: Instant, text: &str) -> String {
        let seconds = at.saturating_duration_since(self.started).as_secs_f64();
        format!("{seconds:9.3}  {text}")
    }

    /// The life of a member that runs.
    pub(super) fn life(&self, index: usize) -> Option<u64> {
        Some(self.members[index].process.as_ref()?.life)
    }

    /// The members of a kind.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = usize> {
        let members = self.members.iter().enumerate();
        let of_kind = members.filter(move |(_, member)| member.part.kind == kind);
        of_kind.map(|(index, _)| index)
    }

    /// Whether a member has to do with messages that have not ended.
    pub(super) fn is_at_work(&self, index: usize) -> bool {
        let member = &self.members[index];
        let Some(life) = self.life(index) else {
            return false;
        };
        let awaited = || {
            self.of_kind(Kind::Client)
                .filter_map(|client| self.life(client))
                .any(|client| self.history.left(client) > 0)
        };
        match (member.part.kind, member.part.serves) {
            (Kind::Client, _) => self.history.left(life) > 0,
            (Kind::Worker, _) => self.history.executing(life).is_some(),
            (Kind::Link, Some(served)) => self.is_at_work(served),
            (Kind::Master | Kind::Link, _) => awaited(),
        }
    }

    /// Whether everybody runs.
    pub(super) fn is_complete(&self) -> bool {
        self.members
            .iter()
            .all(|member| member.process.is_some() && member.ready)
    }

    /// The clients and workers that are not stopped and have not got on since `then`.
    pub(super) fn laggards(&self, then: Instant) -> Vec<&str> {
        let members = self.members.iter().filter(|member| {
            let counts = matches!(member.part.kind, Kind::Client | Kind::Worker);
            counts && member.stopped_until.is_none() && member.moved <= then
        });
        members.map(|member| member.part.name.as_str()).collect()
    }

    /// Hears what processes say until `until`.
    ///
    /// Fails if a process has ended that nobody killed, or has said what breaks a rule.
    pub(super) fn listen(&mut self, until: Instant) -> Result<(), Violation> {
        loop {
            let timeout = until.saturating_duration_since(Instant::now());
            match self.words.recv_timeout(timeout) {
                Ok(word) => self.hear(word)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if timeout.is_zero() {
                return Ok(());
            }
        }
    }

    /// Tells the clients to finish, and gives back which members they are.
    pub(super) fn finish(&mut self) -> Vec<usize> {
        self.note("everybody is to finish".into());
        let clients: Vec<usize> = self.of_kind(Kind::Client).collect();
        for client in &clients {
            if let Some(process) = &mut self.members[*client].process {
                process.finish();
            }
        }
        clients
    }

    /// Whether the clients have finished.
    pub(super) fn has_finished(&self, clients: &[usize]) -> bool {
        clients.iter().all(|client| {
            let life = self.life(*client);
            life.is_some_and(|life| self.history.has_finished(life))
        })
    }

    /// Starts again who is due.
    pub(super) fn restart_due(
        &mut self,
        now: Instant,
        mut own_name: impl FnMut() -> bool,
    ) -> io::Result<()> {
        for index in 0..self.members.len() {
            let due = self.members[index].restart_at;
            if due.is_some_and(|due| now >= due) {
                self.restart(index, own_name())?;
            }
        }
        Ok(())
    }

    /// Lets those go on who were stopped until now.
    pub(super) fn go_on_due(&mut self, now: Instant) -> io::Result<()> {
        for index in 0..self.members.len() {
            let until = self.members[index].stopped_until;
            if until.is_some_and(|until| now >= until) {
                self.go_on(index)?;
            }
        }
        Ok(())
    }

    /// Whether somebody is stopped.
    pub(super) fn is_anyone_stopped(&self) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.stopped_until.is_some())
    }

    /// Ends all processes, hears what they had still to say, and checks what only then can be.
    pub(super) fn end(&mut self) -> Result<(), Halt> {
        if let Some(id) = self.history.lost().next() {
            let text = "its client has finished, and it has not ended";
            return Err(Violation::of(Fault::Lost, id, text).into());
        }
        let now = Instant::now();
        for index in 0..self.members.len() {
            self.kill(index, now)?;
        }
        while let Ok(word) = self.words.recv_timeout(SILENCE) {
            self.hear(word)?;
        }
        Ok(self.history.prove()?)
    }

    fn hear(&mut self, Word { life, at, what }: Word) -> Result<(), Violation> {
        let Some(&index) = self.lives.get(&life) else {
            return Ok(());
        };
        match what {
            Heard::Logged(line) => {
                let name = &self.members[index].part.name;
                self.remember(at, format!("    {name} (life {life}): {line}"));
                Ok(())
            }
            Heard::Gone => self.gone(index, life),
            Heard::Said(said) => self.said(index, life, at, said),
        }
    }

    fn said(&mut self, index: usize, life: u64, at: Instant, said: Said) -> Result<(), Violation> {
        let alive = self.life(index) == Some(life);
        let member = &mut self.members[index];
        if alive && matches!(said, Said::Ending { .. } | Said::Begins(_)) {
            member.moved = at;
        }
        match said {
            Said::Ready => member.ready |= alive,
            Said::Job(job) => self.history.job(life, job, at),
            Said::Ending { job, index, what } => {
                let client = life;
                let id = MessageId { client, job, index };
                return self.history.ending(id, &what, at);
            }
            Said::Whole(job) => return self.history.whole(life, job),
            Said::Holds(_) => {}
            Said::Finished => self.history.finished(life),
            Said::Begins(id) => self.history.begins(life, id, at),
            Said::Ends(count) => self.history.ends(life, count, at),
        }
        Ok(())
    }

    /// A process says nothing more. That is well if it was killed, or died of what it executed, in
    /// which case whoever looks after it starts it again.
    fn gone(&mut self, index: usize, life: u64) -> Result<(), Violation> {
        if self.life(index) != Some(life) || self.history.has_finished(life) {
            return Ok(());
        }
        let name = self.name(index);
        let member = &mut self.members[index];
        let status = member.process.take().map(Process::wait);
        member.stopped_until = None;
        let how = match status {
            Some(Ok(status)) if status.signal() == Some(Signal::ABORT.as_raw()) => {
                if self.history.is_poisoned(life) {
                    self.members[index].restart_at = Some(Instant::now());
                    self.poisoned += 1;
                    self.note(format!("{name} dies of what it executes"));
                    return Ok(());
                }
                "it has aborted".to_owned()
            }
            Some(Ok(status)) => status.to_string(),
            Some(Err(error)) => error.to_string(),
            None => return Ok(()),
        };
        let text = format!("{name} has ended: {how}");
        Err(Violation::general(Fault::Broken, text))
    }

    /// What led to a violation: what became of its message, and all that happened meanwhile.
    pub(super) fn story(&self, violation: &Violation) -> Vec<String> {
        let mut story = violation
            .message
            .map_or(Vec::new(), |id| self.history.story(id));
        let begin = story.iter().map(|(at, _)| *at).min();
        let begin = begin.or_else(|| Instant::now().checked_sub(Duration::from_secs(10)));
        let log = self.log.iter().filter(|(at, _)| Some(*at) >= begin);
        story.extend(log.cloned());
        story.sort_by_key(|(at, _)| *at);
        story
            .iter()
            .map(|(at, text)| self.line(*at, text))
            .collect()
    }
}
