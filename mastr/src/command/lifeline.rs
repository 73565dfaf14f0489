//! What makes a command that goes on and on end.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use super::{CommandError, thread};

/// Who looks after a process of the cluster.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Supervision {
    /// Started by `mastr run`: reports to it on standard output, and ends with standard input
    #[arg(long, hide = true)]
    pub(super) supervised: bool,
}

/// Has `end` called, and the flag set that is given back, when the process is to end: on SIGINT
/// or SIGTERM, or with the supervisor. A second signal ends the process at once.
pub(super) fn hold(
    supervision: Supervision,
    end: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<AtomicBool>, CommandError> {
    let stop = Arc::new(AtomicBool::new(false));
    let end = Arc::new(end);
    let refused = |error: io::Error| CommandError::Failed(format!("no signals: {error}"));
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first signal finds the flag not set yet.
        flag::register_conditional_shutdown(signal, 128 + signal, stop.clone()).map_err(refused)?;
        flag::register(signal, stop.clone()).map_err(refused)?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(refused)?;
    let at_signal = end.clone();
    thread::spawn("signals", move || {
        for _ in signals.forever() {
            at_signal();
        }
    })?;
    if supervision.supervised {
        let orphaned = stop.clone();
        thread::spawn("supervisor", move || {
            // Nothing is ever written there. It ends when the supervisor wants it or is no more.
            drop(io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink()));
            orphaned.store(true, Ordering::Relaxed);
            end();
        })?;
    }
    Ok(stop)
}
