use crate::{Failure, FailureKind};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// When a server tries a message again whose function has failed. By default it never does: a
/// failure is an ending.
///
/// ```
/// use palm_highlevel::{Failure, Retry};
/// use std::time::Duration;
///
/// let retry = Retry::new(3)
///     .backoff(Duration::from_millis(50))
///     .only(|failure| failure.message.contains("busy"));
/// assert_eq!(retry.after(1, &Failure::new("busy")), Some(Duration::from_millis(50)));
/// assert_eq!(retry.after(2, &Failure::new("busy")), Some(Duration::from_millis(100)));
/// assert_eq!(retry.after(3, &Failure::new("busy")), None);
/// assert_eq!(retry.after(1, &Failure::new("no such trade")), None);
/// ```
#[derive(Clone)]
pub struct Retry {
    attempts: u32,
    backoff: Duration,
    applies: Arc<dyn Fn(&Failure) -> bool + Send + Sync>,
}

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(60);

impl Retry {
    /// Tries `attempts` times in all, at once after a failure or a panic of the function. Attempts that
    /// were lost with their worker do not count.
    pub fn new(attempts: u32) -> Retry {
        Retry {
            attempts,
            backoff: Duration::ZERO,
            applies: Arc::new(|_| true),
        }
    }

    /// Waits for `first` before the second attempt and twice as long before each further one, a
    /// minute at most.
    pub fn backoff(mut self, first: Duration) -> Retry {
        self.backoff = first;
        self
    }

    /// Tries again only after failures that `applies` says so of.
    pub fn only(mut self, applies: impl Fn(&Failure) -> bool + Send + Sync + 'static) -> Retry {
        self.applies = Arc::new(applies);
        self
    }

    /// How long to wait before the attempt that follows the failed one numbered `attempt`, from 1;
    /// `None` if there is none.
    pub fn after(&self, attempt: u32, failure: &Failure) -> Option<Duration> {
        let own = matches!(failure.kind, FailureKind::Function | FailureKind::Panic);
        let again = own && attempt < self.attempts && (self.applies)(failure);
        let doubled = 1u32
            .checked_shl(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        again.then(|| self.backoff.saturating_mul(doubled).min(LONGEST))
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Retry({} attempts, {:?})", self.attempts, self.backoff)
    }
}
