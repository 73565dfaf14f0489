//! libzmq 4.3.5 with CURVE, built from source, and the declarations that the `zmq` crate stands on.
//!
//! The build script compiles libzmq and libsodium, so that neither has to be installed: a C and a
//! C++ compiler, `make` and `sh` are enough. It mends two defects of libzmq by which processes abort
//! or mix messages. The names are those of libzmq's public header,
//! `zmq.h`; what is here is what `zmq` 0.10 uses. Nobody but that crate should need it: call
//! `zmq`, which is safe.
//!
//! This package takes the place of the released `zmq-sys`, whose libzmq has no CURVE, through
//! `[patch.crates-io]` in the manifest of the workspace. A patch binds its own workspace only; a
//! project elsewhere that wants CURVE repeats those lines.
//!
//! ```
//! let (mut major, mut minor, mut patch) = (0, 0, 0);
//! // SAFETY: the three pointers are to live integers of this frame.
//! unsafe { zmq_sys::zmq_version(&mut major, &mut minor, &mut patch) };
//! assert_eq!((major, minor, patch), (4, 3, 5));
//! ```

#![allow(non_camel_case_types)]

#[cfg(not(unix))]
compile_error!("zmq-sys builds on Unix systems only");

use std::ffi::{c_short, c_void};

pub use std::os::fd::RawFd;

mod constant;
pub mod errno;
mod function;

pub use constant::*;
pub use function::*;

/// Room for a message, whose content only libzmq understands: 64 bytes, aligned as a pointer.
#[repr(C)]
#[derive(Debug, Default)]
pub struct zmq_msg_t {
    opaque: [usize; 64 / size_of::<usize>()],
}

/// Releases the memory of a message made by [`zmq_msg_init_data`]: the data, then the hint.
pub type zmq_free_fn = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

/// What [`zmq_poll`] waits for: a socket, or a descriptor where the socket is null.
#[repr(C)]
#[derive(Debug)]
pub struct zmq_pollitem_t {
    /// The socket, or null.
    pub socket: *mut c_void,
    /// The descriptor, looked at only where `socket` is null.
    pub fd: RawFd,
    /// The poll flags to wait for.
    pub events: c_short,
    /// The poll flags that hold, written by [`zmq_poll`].
    pub revents: c_short,
}
