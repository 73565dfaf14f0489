//! The same trades by QuantLib, in a Python process.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::CommandError;
use super::book::Book;
use super::engine::Engine;
use super::measurement::{Contender, Measured};

const SCRIPT: &str = include_str!("quantlib.py");

/// A Python process that values the book whenever it is asked to.
pub(super) struct QuantLib {
    python: PathBuf,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    version: String,
}

/// The Python of the environment that `tests/oracle` makes in the target folder, if this program is in
/// one that has it.
pub(super) fn python_of_the_oracle() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let target = program.parent()?.parent()?;
    let python = target.join("oracle/venv/bin/python");
    python.is_file().then_some(python)
}

impl QuantLib {
    /// Starts the process and tells it the `book`.
    pub(super) fn start(python: &Path, book: &Book) -> Result<Self, CommandError> {
        let mut process = Command::new(python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| CommandError::Unreadable {
                path: python.to_owned(),
                error,
            })?;
        // Invariant: both are pipes, by the lines above.
        let (questions, answers) = (
            process.stdin.take().expect("it has a standard input"),
            process.stdout.take().expect("it has a standard output"),
        );
        let mut started = Self {
            python: python.to_owned(),
            process,
            questions,
            answers: BufReader::new(answers),
            version: String::new(),
        };
        started.version = started.ask(&book.json.to_string())?;
        Ok(started)
    }

    /// The line that answers a line.
    fn ask(&mut self, question: &str) -> Result<String, CommandError> {
        let mut answer = String::new();
        let asked = writeln!(self.questions, "{question}").and_then(|()| self.questions.flush());
        match asked.and_then(|()| self.answers.read_line(&mut answer)) {
            Ok(bytes) if bytes > 0 => Ok(answer.trim_end().to_owned()),
            // Why, it has said on standard error.
            _ => Err(CommandError::Failed(format!(
                "{}: it ended before it had measured QuantLib: is QuantLib installed for it? \
                 See --quantlib and --plain",
                self.python.display()
            ))),
        }
    }
}

impl Contender for QuantLib {
    fn name(&self, engine: Engine) -> String {
        let what = match engine {
            Engine::European => "",
            Engine::Barrier => ", which gives no greeks",
            Engine::American => ", to 1e-8, which gives no greeks",
            Engine::Asian => ", with the same control variate",
            Engine::Swap | Engine::Bond => ", which gives no rhos",
            Engine::Scenarios => ", with all greeks",
        };
        format!("QuantLib {}{what}", self.version)
    }

    fn measure(&mut self, engine: Engine, seconds: f64) -> Result<Measured, CommandError> {
        let answer = self.ask(&format!("{} {seconds}", engine.name()))?;
        let numbers = answer.split_once(' ');
        let numbers = numbers.and_then(|(rate, npv)| Some((rate.parse().ok()?, npv.parse().ok()?)));
        match numbers {
            Some((rate, npv)) => Ok(Measured { rate, npv }),
            None => Err(CommandError::Failed(format!(
                "{}: \"{answer}\" is no measurement",
                self.python.display()
            ))),
        }
    }
}

impl Drop for QuantLib {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
