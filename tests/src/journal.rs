//! What the crates under test log.

use log::{LevelFilter, Log, Metadata, Record};
use std::sync::{Mutex, Once, PoisonError};

static JOURNAL: Journal = Journal(Mutex::new(Vec::new()));
static KEPT: Once = Once::new();

/// Keeps every line of the log of this process, from warnings upwards, for tests to look at.
struct Journal(Mutex<Vec<String>>);

/// Begins to keep what is logged; once is enough, and more do no harm.
pub fn keep() {
    KEPT.call_once(|| {
        // Another logger would have been set by nobody but a test.
        log::set_logger(&JOURNAL).expect("no other logger is set");
        log::set_max_level(LevelFilter::Warn);
    });
}

/// The lines so far that contain `text`.
pub fn lines(text: &str) -> Vec<String> {
    let lines = JOURNAL.0.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lines.iter().filter(|line| line.contains(text));
    found.cloned().collect()
}

impl Log for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}
