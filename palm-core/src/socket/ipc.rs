use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::{fs, path::Path};

/// Makes sure that `path` can be bound.
///
/// Asked to bind it, libzmq would delete whatever is there, be it the socket of a running server
/// or a file that somebody needs, and for much of what the system may answer its binding for Rust
/// has no error but a panic.
///
/// # Errors
///
/// What the system says, or what is at `path` already.
pub(super) fn vacate(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            let message = "what is there is no socket, remove it or use another path";
            return Err(Error::new(ErrorKind::AlreadyExists, message));
        }
        Ok(_) => remove_if_dead(path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    drop(UnixListener::bind(path)?);
    fs::remove_file(path)
}

/// Removes the socket that a process left behind; one that still listens is in use.
fn remove_if_dead(path: &Path) -> Result<()> {
    match UnixStream::connect(path) {
        Ok(_) => Err(Error::new(ErrorKind::AddrInUse, "it is in use")),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
