//! How far a run is and how fast it goes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::aggregation::Completeness;
use crate::client::cell;

/// The rate is that of the last seconds, so that a standstill shows.
const WINDOW: Duration = Duration::from_secs(5);
/// Observations that are closer to one another than this are one.
const GRAIN: Duration = Duration::from_millis(50);
/// A rate over less time than this says nothing.
const SHORTEST: Duration = Duration::from_millis(200);
/// A bar of fewer columns says nothing.
const SHORTEST_BAR: usize = 10;
/// A bar of more columns says no more.
const LONGEST_BAR: usize = 30;

/// The speed of a run, by what was observed of it. Time is handed in.
///
/// ```
/// use std::time::{Duration, Instant};
/// use mastr::aggregation::Completeness;
/// use mastr::client::Pace;
///
/// let start = Instant::now();
/// let mut pace = Pace::new(start);
/// let half = Completeness { valued: 50, failed: 0, pending: 50 };
/// let now = start + Duration::from_secs(2);
/// pace.observe(now, half);
/// assert_eq!(pace.rate(now), 25.0);
/// assert_eq!(pace.left(now), Some(Duration::from_secs(2)));
/// assert_eq!(
///     pace.line(now, 90),
///     "50 % [==============>               ] 50 valued, 0 failed, 50 pending · 25/s · 0:02 left"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    start: Instant,
    progress: Completeness,
    samples: VecDeque<(Instant, u64)>,
    ended_at: Option<Instant>,
}

impl Pace {
    /// Nothing has been observed yet.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            progress: Completeness::default(),
            samples: VecDeque::from([(start, 0)]),
            ended_at: None,
        }
    }

    /// Takes note of how far the run is.
    pub fn observe(&mut self, now: Instant, progress: Completeness) {
        self.progress = progress;
        let ended = progress.ended();
        self.ended_at = match self.ended_at {
            _ if !progress.is_complete() || ended == 0 => None,
            None => Some(now),
            earlier => earlier,
        };
        let close = |&(at, _): &(Instant, u64)| now.saturating_duration_since(at) < GRAIN;
        if self.samples.len() > 1 && self.samples.back().is_some_and(close) {
            self.samples.pop_back();
        }
        self.samples.push_back((now, ended));
        // One observation from before the window remains, so that there is something to compare.
        while self.samples.len() > 2 && now.saturating_duration_since(self.samples[1].0) >= WINDOW {
            self.samples.pop_front();
        }
    }

    /// How far the run was when it was last observed.
    pub fn progress(&self) -> Completeness {
        self.progress
    }

    /// Trades that end per second: of late, or of the whole run once it is complete.
    pub fn rate(&self, now: Instant) -> f64 {
        let ended = self.progress.ended();
        let (from, count) = match self.ended_at {
            Some(_) => (self.start, ended),
            None => {
                let (from, before) = self.samples[0];
                (from, ended.saturating_sub(before))
            }
        };
        let until = self.ended_at.unwrap_or(now);
        let time = until.saturating_duration_since(from);
        if time >= SHORTEST || (self.ended_at.is_some() && !time.is_zero()) {
            count as f64 / time.as_secs_f64()
        } else {
            0.0
        }
    }

    /// How long the pending trades will take at this rate; `None` at a standstill.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        let rate = self.rate(now);
        let seconds = self.progress.pending as f64 / rate;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// A line of at most `width` columns: how much is done in per cent, a bar, the counts, the rate,
    /// and the time left (at the end, the time taken). Where it is too narrow the bar goes first,
    /// then the failed and the pending.
    pub fn line(&self, now: Instant, width: usize) -> String {
        let percent = percent(&self.progress);
        let speed = self.speed(now);
        let long = format!("{} · {speed}", self.counts());
        // Two spaces and two brackets go with the bar.
        let taken = cell::width(&format!("{percent} %")) + cell::width(&long) + 4;
        let room = width.saturating_sub(taken);
        if room >= SHORTEST_BAR {
            let bar = bar(room.min(LONGEST_BAR), percent);
            return format!("{percent} % [{bar}] {long}");
        }
        let line = format!("{percent} % {long}");
        if cell::width(&line) <= width {
            return line;
        }
        let valued = cell::count(self.progress.valued);
        let of = cell::count(self.progress.of());
        cell::cut(
            &format!("{percent} % {valued} of {of} valued · {speed}"),
            width,
        )
    }

    /// The same without the bar, for a file.
    pub(crate) fn plain_line(&self, now: Instant) -> String {
        let percent = percent(&self.progress);
        format!("{percent} % {} · {}", self.counts(), self.speed(now))
    }

    fn counts(&self) -> String {
        let Completeness {
            valued,
            failed,
            pending,
        } = self.progress;
        format!(
            "{} valued, {} failed, {} pending",
            cell::count(valued),
            cell::count(failed),
            cell::count(pending),
        )
    }

    fn speed(&self, now: Instant) -> String {
        let mut text = format!("{}/s", cell::count(self.rate(now).round() as u64));
        if let Some(end) = self.ended_at {
            text += &format!(" · {}", clock(end.saturating_duration_since(self.start)));
        } else if let Some(left) = self.left(now) {
            text += &format!(" · {} left", clock(left));
        }
        text
    }
}

fn bar(columns: usize, percent: u64) -> String {
    match columns * percent as usize / 100 {
        0 => " ".repeat(columns),
        full if full == columns => "=".repeat(columns),
        full => "=".repeat(full - 1) + ">" + &" ".repeat(columns - full),
    }
}

/// The whole per cent that are done: 100 only when all is.
pub(crate) fn percent(progress: &Completeness) -> u64 {
    let done = u128::from(progress.ended()) * 100;
    done.checked_div(u128::from(progress.of())).unwrap_or(0) as u64
}

/// Hours if there are any, minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(valued: u64, failed: u64, pending: u64) -> Completeness {
        Completeness {
            valued,
            failed,
            pending,
        }
    }

    #[test]
    fn a_standstill_brings_the_rate_to_nothing() {
        let start = Instant::now();
        let second = |n: u64| start + Duration::from_secs(n);
        let mut pace = Pace::new(start);
        for n in 1..=10 {
            pace.observe(second(n), progress(n * 100, 0, 1000));
        }
        assert_eq!(pace.rate(second(10)), 100.0);
        for n in 11..=15 {
            pace.observe(second(n), progress(1000, 0, 1000));
        }
        assert_eq!(pace.rate(second(15)), 0.0);
        assert_eq!(pace.left(second(15)), None);
        assert_eq!(
            pace.line(second(15), 60),
            "50 % 1,000 valued, 0 failed, 1,000 pending · 0/s"
        );
        assert_eq!(
            pace.line(second(15), 40),
            "50 % 1,000 of 2,000 valued · 0/s"
        );
    }

    #[test]
    fn at_the_end_the_rate_and_the_time_are_those_of_the_run() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let end = start + Duration::from_secs(3700);
        pace.observe(start + Duration::from_secs(1), progress(1, 0, 36_999));
        pace.observe(end, progress(36_990, 10, 0));
        let later = end + Duration::from_secs(60);
        pace.observe(later, progress(36_990, 10, 0));
        assert_eq!(
            pace.line(later, 78),
            "100 % [=================] 36,990 valued, 10 failed, 0 pending · 10/s · 1:01:40"
        );
    }

    #[test]
    fn a_hundred_per_cent_is_said_only_when_all_is_done() {
        assert_eq!(percent(&progress(999_999, 0, 1)), 99);
        assert_eq!(percent(&progress(0, 0, 0)), 0);
        assert_eq!(percent(&progress(0, 3, 0)), 100);
    }

    #[test]
    fn the_line_fits_any_terminal() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let now = start + Duration::from_secs(1);
        pace.observe(now, progress(10, 1, 989));
        for width in 0..120 {
            assert!(cell::width(&pace.line(now, width)) <= width);
        }
    }

    #[test]
    fn before_anything_is_known_nothing_is_promised() {
        let start = Instant::now();
        let pace = Pace::new(start);
        assert_eq!(
            pace.line(start, 50),
            "0 % 0 valued, 0 failed, 0 pending · 0/s"
        );
    }
}
