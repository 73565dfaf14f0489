use crate::{Error, ErrorKind, Result};
use palm_core::Context;
use palm_core::lane::Credit;
use std::time::Duration;

/// The settings of a server, a worker or a client. The defaults are sensible for all of them.
///
/// ```
/// use palm_highlevel::Config;
/// let config = Config { window_bytes: 1 << 20, ..Config::default() };
/// assert!(config.validate().is_ok());
/// assert!(Config { window_messages: 0, ..config }.validate().is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// How many unfinished messages one sender may have in memory here; it waits before it sends
    /// more. A server with a store takes more, which waits on the disk. Up to 64 short ones that were
    /// submitted in a row may count as one, or one in 64 of the window if that is less.
    pub window_messages: u64,
    /// How many bytes of them; and, apart from those, how many bytes of endings that it has not
    /// fetched. One message may exceed it.
    pub window_bytes: u64,
    /// How long a process that is told to stop may finish what runs, and go on sending.
    pub drain: Duration,
    /// How long a server keeps what belongs to a peer that does not answer: unfetched endings, and
    /// the positions of lanes. Who comes back later is not known any more.
    pub retention: Duration,
    /// How many bytes the keys and values of a server's [`Cache`](crate::Cache) may have.
    pub cache_bytes: u64,
    /// How many messages may come of one that a client sends: scattered, or submitted by functions. A
    /// message of which more come fails.
    pub descendants: u64,
    /// The session of a client: a name of its own under which servers know it again when it comes
    /// back as another process, see [`Client::resume`](crate::Client::resume).
    pub session: Option<String>,
    /// The context whose `inproc` endpoints are meant; its own if `None`.
    pub context: Option<Context>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            window_messages: 1 << 17,
            window_bytes: 64 << 20,
            drain: Duration::from_secs(5),
            retention: Duration::from_secs(60),
            cache_bytes: 64 << 20,
            descendants: 1 << 20,
            session: None,
            context: None,
        }
    }
}

impl Config {
    /// Checks that the settings can work.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the setting.
    pub fn validate(&self) -> Result<()> {
        let zero = [
            ("window_messages", self.window_messages),
            ("window_bytes", self.window_bytes),
        ];
        match zero.into_iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Error::new(
                ErrorKind::Config,
                format!("{name} is 0: nothing could ever be sent"),
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn window(&self) -> Credit {
        Credit {
            number: self.window_messages,
            bytes: self.window_bytes,
        }
    }
}

/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;

/// Checks the name of a server or a function, which stands in routes.
pub(crate) fn check_name(what: &str, name: &str, dots: bool) -> Result<()> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.len() > LONGEST_NAME {
        "is longer than 256 bytes"
    } else if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "holds a blank or a control character"
    } else if name.starts_with('@') {
        "begins with @, as the names of PALM's own functions do"
    } else if !dots && name.contains('.') {
        "holds a dot, which separates it from the server's name"
    } else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::Config,
        format!("the name of a {what}, `{}`, {why}", name.escape_debug()),
    ))
}
