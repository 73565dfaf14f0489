//! The functions of `zmq.h`.
//!
//! Unless said otherwise they return 0 or more on success, -1 with [`zmq_errno`] set on failure,
//! and null where they return a pointer. Strings are NUL-terminated.

use std::ffi::{c_char, c_int, c_long, c_void};

use crate::{zmq_free_fn, zmq_msg_t, zmq_pollitem_t};

unsafe extern "C" {
    /// Gives the error number of the last failed call on this thread.
    pub fn zmq_errno() -> c_int;
    /// Describes an error number, in a string that lives as long as the program.
    pub fn zmq_strerror(errnum: c_int) -> *const c_char;
    /// Writes the version of the library to three numbers.
    pub fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int);
    /// Tells whether the library was built with a capability, such as `curve`: 1 or 0.
    pub fn zmq_has(capability: *const c_char) -> c_int;

    /// Makes a context.
    pub fn zmq_ctx_new() -> *mut c_void;
    /// Ends a context; blocks until its sockets are closed and their messages have lingered.
    pub fn zmq_ctx_term(context: *mut c_void) -> c_int;
    /// Sets an option of a context.
    pub fn zmq_ctx_set(context: *mut c_void, option: c_int, value: c_int) -> c_int;
    /// Reads an option of a context.
    pub fn zmq_ctx_get(context: *mut c_void, option: c_int) -> c_int;

    /// Makes an empty message.
    pub fn zmq_msg_init(message: *mut zmq_msg_t) -> c_int;
    /// Makes a message of `size` bytes, not initialised.
    pub fn zmq_msg_init_size(message: *mut zmq_msg_t, size: usize) -> c_int;
    /// Makes a message of memory that is the caller's until `free` is called with it and `hint`,
    /// on any thread.
    pub fn zmq_msg_init_data(
        message: *mut zmq_msg_t,
        data: *mut c_void,
        size: usize,
        free: Option<zmq_free_fn>,
        hint: *mut c_void,
    ) -> c_int;
    /// Sends a message, which is empty afterwards; returns its size in bytes.
    pub fn zmq_msg_send(message: *mut zmq_msg_t, socket: *mut c_void, flags: c_int) -> c_int;
    /// Receives into a message, whose content is released first; returns its size in bytes.
    pub fn zmq_msg_recv(message: *mut zmq_msg_t, socket: *mut c_void, flags: c_int) -> c_int;
    /// Releases a message.
    pub fn zmq_msg_close(message: *mut zmq_msg_t) -> c_int;
    /// Points to the content of a message.
    pub fn zmq_msg_data(message: *mut zmq_msg_t) -> *mut c_void;
    /// Gives the size of a message in bytes.
    pub fn zmq_msg_size(message: *const zmq_msg_t) -> usize;
    /// Tells whether another frame follows: 1 or 0.
    pub fn zmq_msg_more(message: *const zmq_msg_t) -> c_int;
    /// Reads a property of the connection that a message came by; the string lives as long as
    /// the message.
    pub fn zmq_msg_gets(message: *const zmq_msg_t, property: *const c_char) -> *const c_char;

    /// Opens a socket.
    pub fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    /// Closes a socket; what it has not sent lingers.
    pub fn zmq_close(socket: *mut c_void) -> c_int;
    /// Sets an option of a socket.
    pub fn zmq_setsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *const c_void,
        length: usize,
    ) -> c_int;
    /// Reads an option of a socket; `length` is the room on entry and the size on return.
    pub fn zmq_getsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *mut c_void,
        length: *mut usize,
    ) -> c_int;
    /// Accepts peers at an endpoint.
    pub fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    /// Connects to an endpoint, in the background.
    pub fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    /// Undoes [`zmq_bind`].
    pub fn zmq_unbind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    /// Undoes [`zmq_connect`].
    pub fn zmq_disconnect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    /// Receives at most `length` bytes of a frame; returns the size of the whole frame.
    pub fn zmq_recv(socket: *mut c_void, buffer: *mut c_void, length: usize, flags: c_int)
    -> c_int;
    /// Reports the events of a socket to a PAIR socket at an `inproc` endpoint.
    pub fn zmq_socket_monitor(socket: *mut c_void, endpoint: *const c_char, events: c_int)
    -> c_int;

    /// Waits for sockets and descriptors, at most `timeout` milliseconds, -1 for ever; returns how
    /// many are ready.
    pub fn zmq_poll(items: *mut zmq_pollitem_t, count: c_int, timeout: c_long) -> c_int;
    /// Passes messages between two sockets until the context ends.
    pub fn zmq_proxy(frontend: *mut c_void, backend: *mut c_void, capture: *mut c_void) -> c_int;
    /// [`zmq_proxy`] that obeys `PAUSE`, `RESUME`, `TERMINATE` and `STATISTICS` on a socket.
    pub fn zmq_proxy_steerable(
        frontend: *mut c_void,
        backend: *mut c_void,
        capture: *mut c_void,
        control: *mut c_void,
    ) -> c_int;

    /// Writes `size` bytes, a multiple of 4, as Z85 text of 5 characters for every 4 bytes and a
    /// NUL; returns the text.
    pub fn zmq_z85_encode(text: *mut c_char, data: *const u8, size: usize) -> *mut c_char;
    /// Writes the bytes that Z85 text stands for; returns them.
    pub fn zmq_z85_decode(data: *mut u8, text: *const c_char) -> *mut u8;
    /// Makes a pair of CURVE keys as Z85 text, 41 bytes each with the NUL.
    pub fn zmq_curve_keypair(public_key: *mut c_char, secret_key: *mut c_char) -> c_int;
}
