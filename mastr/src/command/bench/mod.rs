//! `mastr bench`.

mod book;
mod engine;
mod measurement;
mod own;
mod plain;
mod quantlib;
mod textbook;

use std::path::PathBuf;

use clap::Args;

use super::output::Listener;
use super::{ALL_VALUED, CommandError};
use book::Book;
use engine::Engine;
use measurement::{Contender, Measured};
use own::Own;
use plain::Plain;
use quantlib::QuantLib;

/// Rounds of which the median counts.
const ROUNDS: u32 = 7;

#[derive(Debug, Args)]
#[command(
    after_help = "A line is an engine: its name, how many units it does in a second, the unit, and the \
                  ratio to what the line ends with, which does the same work in the same rounds. All of \
                  them are the medians of 7 rounds. QuantLib's loop runs in C++: one call from Python \
                  values all trades, after it has been told that its curves have moved."
)]
pub(super) struct Arguments {
    /// How long each engine is measured, and as long again what it is compared with
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds)]
    seconds: f64,
    /// Python that QuantLib is installed for; the default is the environment of `tests/oracle`, if it is
    /// in the target folder that this program is in
    #[arg(long, value_name = "PYTHON")]
    quantlib: Option<PathBuf>,
    /// Compare with plain implementations, even if QuantLib is there
    #[arg(long, conflicts_with = "quantlib")]
    plain: bool,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        let book = Book::new();
        let python = match self.quantlib {
            Some(python) => Some(python),
            None if self.plain => None,
            None => quantlib::python_of_the_oracle(),
        };
        let mut other: Box<dyn Contender + '_> = match python {
            Some(python) => Box::new(QuantLib::start(&python, &book)?),
            None => Box::new(Plain::new(&book)),
        };
        let mut own = Own::new(&book);
        let mut listener = Listener::new(false);
        let heading = row(["name", "value", "unit", "ratio", "to"]);
        listener.write(heading.as_bytes())?;
        let seconds = self.seconds / f64::from(ROUNDS);
        for engine in Engine::ALL {
            let (value, ratio) = compare(engine, seconds, &mut own, &mut *other)?;
            let (value, ratio) = (format!("{value:.0}"), format!("{ratio:.2}"));
            let line = row([
                engine.name(),
                &value,
                engine.unit(),
                &ratio,
                &other.name(engine),
            ]);
            listener.write(line.as_bytes())?;
        }
        Ok(ALL_VALUED)
    }
}

/// Units a second of our own engine and their ratio to the other's, the medians of the rounds.
fn compare(
    engine: Engine,
    seconds: f64,
    own: &mut Own<'_>,
    other: &mut dyn Contender,
) -> Result<(f64, f64), CommandError> {
    // Caches fill, and both have to value the same trades.
    let (ours, theirs) = (own.measure(engine, 0.0)?, other.measure(engine, 0.0)?);
    if (ours.npv - theirs.npv).abs() > engine.tolerance() * ours.npv.abs() {
        return Err(CommandError::Failed(format!(
            "the trades of {} are worth {} here and {} to {}: they can't be compared",
            engine.name(),
            ours.npv,
            theirs.npv,
            other.name(engine),
        )));
    }
    let (mut values, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let Measured { rate, .. } = own.measure(engine, seconds)?;
        values.push(rate);
        ratios.push(rate / other.measure(engine, seconds)?.rate);
    }
    Ok((median(values), median(ratios)))
}

/// The middle one of an odd number of numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn row([name, value, unit, ratio, to]: [&str; 5]) -> String {
    format!("{name:<9} {value:>11}  {unit:<14} {ratio:>7}  {to}\n")
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0 to 3600 is needed".to_owned()),
    }
}
