use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::path::Path;

/// An address that was checked before libzmq sees it: `tcp://host:port`, `ipc://path` or
/// `inproc://name`. To bind, the port may be `*`: the system then chooses a free one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(String);

/// The longest path of a Unix socket, in bytes.
const LONGEST_PATH: usize = 107;

impl Endpoint {
    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`], saying what is wrong with it.
    ///
    /// ```
    /// use palm_core::Endpoint;
    /// assert!(Endpoint::parse("tcp://127.0.0.1:5555").is_ok());
    /// let error = Endpoint::parse("tcp://127.0.0.1").unwrap_err();
    /// assert_eq!(error.to_string(),
    ///     "`tcp://127.0.0.1` is no endpoint: it names no port, write tcp://host:port");
    /// ```
    pub fn parse(text: &str) -> Result<Endpoint> {
        match fault(text) {
            None => Ok(Endpoint(text.to_owned())),
            Some(why) => Err(Error::new(
                ErrorKind::Malformed,
                format!("`{}` is no endpoint: {why}", text.escape_debug()),
            )),
        }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file behind an ipc endpoint; none if it is for the system to choose, or is only a name.
    pub(crate) fn path(&self) -> Option<&Path> {
        let path = self.0.strip_prefix("ipc://")?;
        (!path.starts_with(['*', '@'])).then(|| Path::new(path))
    }

    /// Whether its host is an IPv6 address.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.0.starts_with("tcp://[")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Endpoint> {
        Endpoint::parse(text)
    }
}

fn fault(text: &str) -> Option<String> {
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Some("it holds a blank or a control character".into());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some("it has no scheme, write tcp://, ipc:// or inproc:// before it".into());
    };
    match scheme {
        "tcp" => tcp_fault(rest),
        "ipc" if rest.is_empty() => Some("it names no path".into()),
        "ipc" if rest.len() > LONGEST_PATH => Some(format!(
            "its path has {} bytes, the system takes {LONGEST_PATH}",
            rest.len()
        )),
        "inproc" if rest.is_empty() => Some("it names nothing".into()),
        "inproc" if rest.len() > 256 => Some("its name is longer than 256 bytes".into()),
        "ipc" | "inproc" => None,
        other => Some(format!("`{other}` is no scheme, use tcp, ipc or inproc")),
    }
}

fn tcp_fault(rest: &str) -> Option<String> {
    let Some((host, port)) = rest.rsplit_once(':') else {
        return Some("it names no port, write tcp://host:port".into());
    };
    if host.is_empty() {
        return Some("it names no host, write tcp://host:port".into());
    }
    if host.contains('/') || port.contains('/') {
        return Some("a tcp endpoint has no path".into());
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Some("an IPv6 address stands in brackets, as in tcp://[::1]:5555".into());
    }
    match port {
        "*" => None,
        port if port.parse::<u16>().is_ok() => None,
        port => Some(format!(
            "`{port}` is no port, use 1 to 65535, or * to bind a free one"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_zmq_would_choke_on_is_refused_here() {
        let bad = [
            "",
            "tcp",
            "tcp://",
            "tcp://:1",
            "tcp://host",
            "tcp://host:",
            "tcp://host:65536",
            "tcp://host:x",
            "tcp://a:1/b",
            "tcp://::1:5",
            "ipc://",
            "inproc://",
            "udp://h:1",
            "tcp://host:1\0",
            "tcp://ho st:1",
            "inproc://a\nb",
        ];
        for text in bad {
            let error = Endpoint::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{text:?}");
            assert!(!error.to_string().contains('\0'));
        }
        assert!(Endpoint::parse(&format!("ipc://{}", "p".repeat(108))).is_err());
        for text in [
            "tcp://*:*",
            "tcp://[::1]:5",
            "tcp://eth0:80",
            "ipc:///tmp/x",
            "inproc://x",
        ] {
            assert!(Endpoint::parse(text).is_ok(), "{text:?}");
        }
    }
}
