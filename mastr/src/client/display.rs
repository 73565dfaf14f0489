//! Where the texts go: a live view or plain lines, and the results at the end.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::aggregation::{Aggregate, Completeness};
use crate::client::progress::percent;
use crate::client::screen::Screen;
use crate::client::{Pace, Process, render, render_processes};

/// The live view is drawn no more often than this.
const REDRAW: Duration = Duration::from_millis(100);
/// Where there is no terminal a line is written after this time if something has changed …
const LINE: Duration = Duration::from_secs(1);
/// … and after this time if nothing has.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Earlier than that if so much more is done.
const STEP_PERCENT: u64 = 10;

/// Columns and lines of a terminal.
type Size = (usize, usize);

/// Shows a run to a person.
///
/// The progress goes to standard error: on a terminal as a view that is drawn in place, with the
/// table as it fills, else as plain lines. The results go to standard output, once. When nobody
/// reads any more, nothing more is written and nothing fails.
pub struct Display {
    progress: Output,
    results: Output,
    pace: Pace,
    screen: Screen,
    shown: Option<Shown>,
}

/// What the reader has seen last.
#[derive(Clone, Copy, Debug)]
struct Shown {
    at: Instant,
    progress: Completeness,
}

impl Display {
    /// Over the standard streams of this process.
    pub fn new(now: Instant) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let mut progress = Output::new(io::stderr());
        if io::stderr().is_terminal() && !dumb {
            progress.size = Some(Box::new(|| {
                size_of(terminal_size::terminal_size_of(io::stderr()))
            }));
        }
        let mut results = Output::new(io::stdout());
        if io::stdout().is_terminal() {
            results.size = Some(Box::new(|| {
                size_of(terminal_size::terminal_size_of(io::stdout()))
            }));
        }
        Self::over(progress, results, now)
    }

    fn over(progress: Output, results: Output, now: Instant) -> Self {
        Self {
            progress,
            results,
            pace: Pace::new(now),
            screen: Screen::default(),
            shown: None,
        }
    }

    /// Shows how far the run is, and on a terminal the table so far. May be called as often as one
    /// likes: most calls draw nothing. It is to be called when nothing happens, too, a few times a
    /// second, so that a standstill shows.
    ///
    /// # Errors
    ///
    /// What the stream says, unless it is that nobody reads it.
    pub fn update(
        &mut self,
        now: Instant,
        progress: Completeness,
        table: Option<&Aggregate>,
    ) -> io::Result<()> {
        self.pace.observe(now, progress);
        if !self.is_due(now) {
            return Ok(());
        }
        let text = match self.progress.size() {
            Some((width, height)) => {
                // The last column stays free, as some terminals wrap when it is written, and the
                // last line is where the cursor rests.
                let columns = width.saturating_sub(1);
                let mut view = self.pace.line(now, columns) + "\n";
                if let Some(table) = table {
                    view += &render(table, columns, height.saturating_sub(2));
                }
                self.screen.draw(&view, width)
            }
            None => self.pace.plain_line(now) + "\n",
        };
        self.shown = Some(Shown { at: now, progress });
        self.progress.write(&text)
    }

    /// Writes a line that stays, above the live view.
    ///
    /// # Errors
    ///
    /// As [`Display::update`].
    pub fn note(&mut self, line: &str) -> io::Result<()> {
        let mut text = String::new();
        if let Some((width, _)) = self.progress.size() {
            text += &self.screen.erase(width);
            // The view is to come back at once.
            self.shown = None;
        }
        text += line;
        text.push('\n');
        self.progress.write(&text)
    }

    /// Ends the live view with a last line of progress and writes the table to standard output.
    ///
    /// # Errors
    ///
    /// As [`Display::update`].
    pub fn finish(
        &mut self,
        now: Instant,
        progress: Completeness,
        table: &Aggregate,
    ) -> io::Result<()> {
        self.pace.observe(now, progress);
        let text = match self.progress.size() {
            Some((width, _)) => {
                let line = self.pace.line(now, width.saturating_sub(1));
                self.screen.erase(width) + &line + "\n"
            }
            None if self.shown.is_some_and(|shown| shown.progress == progress) => String::new(),
            None => self.pace.plain_line(now) + "\n",
        };
        self.progress.write(&text)?;
        self.table(table)
    }

    /// Writes the table to standard output.
    ///
    /// # Errors
    ///
    /// As [`Display::update`].
    pub fn table(&mut self, table: &Aggregate) -> io::Result<()> {
        let (width, height) = self.results.size().unwrap_or((usize::MAX, usize::MAX));
        // The prompt comes below.
        self.results
            .write(&render(table, width, height.saturating_sub(1)))
    }

    /// Writes a line for each process to standard output.
    ///
    /// # Errors
    ///
    /// As [`Display::update`].
    pub fn processes(&mut self, processes: &[Process]) -> io::Result<()> {
        self.results.write(&render_processes(processes))
    }

    fn is_due(&self, now: Instant) -> bool {
        let Some(shown) = self.shown else {
            return true;
        };
        let progress = self.pace.progress();
        let since = now.saturating_duration_since(shown.at);
        if self.progress.size.is_some() {
            return since >= REDRAW;
        }
        let gained = percent(&progress).saturating_sub(percent(&shown.progress));
        gained >= STEP_PERCENT
            || (since >= LINE && progress != shown.progress)
            || since >= SIGN_OF_LIFE
    }
}

impl fmt::Debug for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Display")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

fn size_of(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Size {
    match size {
        // Serial lines and some test harnesses say that they have no size.
        Some((width, height)) if width.0 > 0 && height.0 > 0 => (width.0.into(), height.0.into()),
        _ => (80, 24),
    }
}

/// A stream and, if it is a terminal, how to ask for its size.
struct Output {
    stream: Option<Box<dyn Write + Send>>,
    size: Option<Box<dyn Fn() -> Size + Send>>,
}

impl Output {
    fn new(stream: impl Write + Send + 'static) -> Self {
        Self {
            stream: Some(Box::new(stream)),
            size: None,
        }
    }

    fn size(&self) -> Option<Size> {
        self.size.as_ref().map(|size| size())
    }

    /// Writes all at once. A stream that nobody reads is let go of.
    fn write(&mut self, text: &str) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let written = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.stream = None;
                Ok(())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::aggregation::{Group, Measure};

    /// A stream whose text the test reads, and which may be closed at its other end.
    #[derive(Clone, Default)]
    struct Paper {
        text: Arc<Mutex<Vec<u8>>>,
        closed: bool,
    }

    impl Paper {
        fn take(&self) -> String {
            let text = std::mem::take(&mut *self.text.lock().unwrap());
            String::from_utf8(text).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.text.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn progress(valued: u64) -> Completeness {
        Completeness {
            valued,
            failed: 0,
            pending: 200 - valued,
        }
    }

    fn table(valued: u64) -> Aggregate {
        let group = |key: &[&str]| Group {
            key: key.iter().map(|&value| value.to_owned()).collect(),
            values: vec![valued as f64],
            completeness: progress(valued),
        };
        Aggregate {
            market: Some("m".into()),
            by: vec!["Desk".into()],
            measures: vec![Measure::Count],
            groups: vec![group(&["EQ"])],
            total: group(&[]),
            unseen: 0,
            alarms: 0,
        }
    }

    fn display(progress: &Paper, results: &Paper, size: Option<Size>) -> (Display, Instant) {
        let start = Instant::now();
        let mut live = Output::new(progress.clone());
        if let Some(size) = size {
            live.size = Some(Box::new(move || size));
        }
        (
            Display::over(live, Output::new(results.clone()), start),
            start,
        )
    }

    #[test]
    fn without_a_terminal_lines_are_few_and_the_table_stands_once() {
        let (progress_paper, results) = (Paper::default(), Paper::default());
        let (mut display, start) = display(&progress_paper, &results, None);
        for tenth in 0..30 {
            let now = start + Duration::from_millis(100 * tenth);
            let valued = tenth;
            display
                .update(now, progress(valued), Some(&table(valued)))
                .unwrap();
        }
        assert_eq!(
            progress_paper.take(),
            "\
0 % 0 valued, 0 failed, 200 pending · 0/s
5 % 10 valued, 0 failed, 190 pending · 10/s · 0:19 left
10 % 20 valued, 0 failed, 180 pending · 10/s · 0:18 left
"
        );
        // A leap is told at once, a standstill only now and then.
        let now = start + Duration::from_millis(3000);
        display.update(now, progress(50), None).unwrap();
        assert_eq!(
            progress_paper.take(),
            "25 % 50 valued, 0 failed, 150 pending · 17/s · 0:09 left\n"
        );
        for second in 1..20 {
            let now = now + Duration::from_secs(second);
            display.update(now, progress(50), None).unwrap();
        }
        assert_eq!(
            progress_paper.take(),
            "25 % 50 valued, 0 failed, 150 pending · 0/s\n"
        );
        let now = now + Duration::from_secs(37);
        display.finish(now, progress(200), &table(200)).unwrap();
        assert_eq!(
            progress_paper.take(),
            "100 % 200 valued, 0 failed, 0 pending · 5/s · 0:40\n"
        );
        assert_eq!(
            results.take(),
            "\
Desk   count      valued
EQ       200  200 of 200
total    200  200 of 200
complete: 200 of 200 valued · market m
"
        );
    }

    #[test]
    fn on_a_terminal_the_view_is_drawn_in_place_and_leaves_no_trace() {
        let (progress_paper, results) = (Paper::default(), Paper::default());
        let (mut display, start) = display(&progress_paper, &results, Some((60, 24)));
        display.update(start, progress(0), Some(&table(0))).unwrap();
        let first = progress_paper.take();
        assert_eq!(first.matches('\n').count(), 5);
        let soon = start + Duration::from_millis(50);
        display.update(soon, progress(7), Some(&table(7))).unwrap();
        assert_eq!(progress_paper.take(), "", "not yet");
        let later = start + Duration::from_secs(1);
        display
            .update(later, progress(20), Some(&table(20)))
            .unwrap();
        let second = progress_paper.take();
        assert!(second.starts_with("\r\x1b[5A10 % 20 valued"), "{second:?}");
        assert!(
            second.contains("EQ        20  20 of 200\x1b[K\n"),
            "{second:?}"
        );
        assert!(second.contains("partial: 20 of 200 valued"), "{second:?}");
        display.note("a worker died").unwrap();
        let erased = format!("\r\x1b[5A{}\r\x1b[5A", "\x1b[K\n".repeat(5));
        assert_eq!(progress_paper.take(), erased + "a worker died\n");
        display.finish(later, progress(200), &table(200)).unwrap();
        let last = progress_paper.take();
        assert!(last.starts_with("\r100 % "), "{last:?}");
        assert_eq!(last.matches('\n').count(), 1);
        assert!(results.take().starts_with("Desk "));
    }

    #[test]
    fn a_closed_pipe_ends_quietly() {
        let closed = Paper {
            closed: true,
            ..Paper::default()
        };
        let (mut display, start) = display(&closed, &closed, None);
        display.update(start, progress(1), None).unwrap();
        display.note("more").unwrap();
        display.finish(start, progress(200), &table(200)).unwrap();
        display.processes(&[]).unwrap();
        assert!(display.progress.stream.is_none() && display.results.stream.is_none());
    }
}
