//! What is measured of every contender, and one measurement of one of them.

use std::fmt;
use std::hint::black_box;
use std::io::{self, Write};
use std::str::FromStr;
use std::time::Instant;

use palm_metrics::{Registry, Unit};

use crate::contender::Contender;
use crate::error::{Attempt, Error, Result};
use crate::meter::{Meter, Span};
use crate::process::Process;
use crate::role::Role;
use crate::servers::{PATIENCE, Servers};

/// How often everything is measured, where the command line does not say.
pub(crate) const ROUNDS: usize = 5;
/// The measured time of each measurement, in seconds, where the command line does not say.
pub(crate) const SECONDS: f64 = 2.0;
/// The warm-up of each measurement, as a part of its measured time.
pub(crate) const WARM_UP: f64 = 0.25;

/// The payloads of the tasks whose throughput is measured, by name and size in bytes.
const SIZES: [(&str, usize); 3] = [("100B", 100), ("1KiB", 1 << 10), ("64KiB", 64 << 10)];
/// The numbers of workers whose throughput is measured.
const WORKERS: [usize; 2] = [1, 2];
/// The payload of a round trip, in bytes.
const ROUND_TRIP_SIZE: usize = 100;

/// One measurement, the same for every contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measurement {
    /// Tasks per second with many outstanding.
    Throughput {
        workers: usize,
        label: &'static str,
        size: usize,
    },
    /// The time of a task with no other outstanding, by one worker.
    RoundTrip,
}

/// One number that a measurement gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// What follows the contender's name in the report.
    pub(crate) name: String,
    /// The unit of the number.
    pub(crate) unit: &'static str,
}

impl Measurement {
    /// Every measurement, in the order of the report.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (label, size) in SIZES {
            all.extend(WORKERS.map(|workers| Self::Throughput {
                workers,
                label,
                size,
            }));
        }
        all.push(Self::RoundTrip);
        all
    }

    /// The numbers that it gives, in the order in which [`run`](Self::run) returns them.
    pub(crate) fn figures(self) -> Vec<Figure> {
        let figure = |name, unit| Figure { name, unit };
        match self {
            Self::Throughput { .. } => vec![figure(self.to_string(), "tasks/s")],
            Self::RoundTrip => vec![
                figure(format!("{self}-p50"), "us"),
                figure(format!("{self}-p99"), "us"),
            ],
        }
    }

    fn workers(self) -> usize {
        match self {
            Self::Throughput { workers, .. } => workers,
            Self::RoundTrip => 1,
        }
    }

    /// Measures a contender, in processes that are started for it and gone afterwards.
    pub(crate) fn run(self, contender: &dyn Contender, span: Span) -> Result<Vec<f64>> {
        let servers = Servers::start(contender, self.workers())?;
        let mut client = Process::start(
            contender.name(),
            &Role::Client {
                address: servers.address().to_owned(),
                measurement: self,
                warm_up: span.warm_up.as_secs_f64(),
                seconds: span.measured.as_secs_f64(),
            },
        )?;
        let line = client.line(span.warm_up + span.measured + PATIENCE)?;
        line.split(' ')
            .map(|number| {
                number
                    .parse()
                    .attempt(|| format!("the client's figures are {line:?}"))
            })
            .collect()
    }

    /// The client's side of [`run`](Self::run): measures, and says the numbers on a line.
    pub(crate) fn run_client(
        self,
        contender: &dyn Contender,
        address: &str,
        span: Span,
    ) -> Result<()> {
        let mut client = contender.client(address)?;
        let values = match self {
            Self::Throughput { size, .. } => {
                let mut meter = Meter::new(span, Instant::now());
                client.throughput(size, &mut |results, now| meter.count(results, now))?;
                vec![meter.rate()]
            }
            Self::RoundTrip => {
                let payload = black_box(vec![7; ROUND_TRIP_SIZE]);
                round_trips(span, || client.round_trip(&payload))?
            }
        };
        let values: Vec<_> = values.iter().map(f64::to_string).collect();
        say(&values.join(" "))
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throughput { workers, label, .. } => write!(f, "{workers}w-{label}"),
            Self::RoundTrip => f.write_str("rtt"),
        }
    }
}

impl FromStr for Measurement {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::all()
            .into_iter()
            .find(|measurement| measurement.to_string() == name)
            .ok_or_else(|| Error::new(format!("there is no measurement named {name}")))
    }
}

/// Writes a line to whoever started this process.
pub(crate) fn say(line: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")
        .and_then(|()| output.flush())
        .attempt(|| "cannot write to standard output".to_owned())
}

/// Times one round trip after another; gives the median and the 99th percentile in microseconds.
fn round_trips(span: Span, mut round_trip: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let start = Instant::now();
    while start.elapsed() < span.warm_up {
        round_trip()?;
    }
    let registry = Registry::new();
    let mut times = registry.histogram(TIMES, Unit::Nanoseconds);
    let begun = Instant::now();
    let mut sent = begun;
    loop {
        round_trip()?;
        let now = Instant::now();
        times.record_duration(now - sent);
        sent = now;
        if sent - begun >= span.measured {
            break;
        }
    }
    let snapshot = registry.snapshot();
    let summary = snapshot.summary(TIMES);
    let figures = summary.map(|summary| [summary.p50, summary.p99]);
    let microseconds = figures.unwrap_or_default().map(|time| time as f64 / 1e3);
    Ok(microseconds.to_vec())
}

/// What the times of round trips are called.
const TIMES: &str = "round-trip";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_measurement_is_found_by_its_name() {
        let all = Measurement::all();
        let names: Vec<_> = all.iter().map(Measurement::to_string).collect();
        assert_eq!(
            names,
            [
                "1w-100B", "2w-100B", "1w-1KiB", "2w-1KiB", "1w-64KiB", "2w-64KiB", "rtt"
            ]
        );
        for (name, measurement) in names.iter().zip(all) {
            assert_eq!(name.parse::<Measurement>().unwrap(), measurement);
        }
        let error = "3w-100B".parse::<Measurement>().unwrap_err();
        assert_eq!(error.to_string(), "there is no measurement named 3w-100B");
    }

    #[test]
    fn round_trips_are_timed_after_the_warm_up() {
        let span = Span {
            warm_up: Duration::ZERO,
            measured: Duration::ZERO,
        };
        let mut trips = 0;
        let figures = round_trips(span, || {
            trips += 1;
            Ok(())
        });
        let figures = figures.unwrap();
        assert_eq!(trips, 1);
        assert_eq!(figures.len(), Measurement::RoundTrip.figures().len());
        assert!(figures[0] <= figures[1]);
        assert!(round_trips(span, || Err(Error::new("no reply"))).is_err());
    }
}
