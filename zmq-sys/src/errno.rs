//! The error numbers that libzmq sets: the system's, and libzmq's own.

/// Where libzmq's own numbers begin, far from those of any system.
const HAUSNUMERO: i32 = 156_384_712;

macro_rules! system {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` of the system's `errno.h`.")]
            pub const $name: i32 = libc::$name;
        )*
    };
}

macro_rules! substitute {
    ($($name:ident $system:literal $offset:literal)*) => {
        $(
            #[doc = concat!("Stands for `", $system, "` where the system's `errno.h` has none.")]
            pub const $name: i32 = HAUSNUMERO + $offset;
        )*
    };
}

system! {
    EACCES EADDRINUSE EADDRNOTAVAIL EAGAIN EBUSY ECONNREFUSED EFAULT EHOSTUNREACH EINPROGRESS
    EINTR EINVAL EMFILE EMSGSIZE ENAMETOOLONG ENETDOWN ENOBUFS ENODEV ENOENT ENOMEM ENOTCONN
    ENOTSOCK ENOTSUP EPROTO EPROTONOSUPPORT
}

substitute! {
    ENOTSUP_ALT "ENOTSUP" 1
    EPROTONOSUPPORT_ALT "EPROTONOSUPPORT" 2
    ENOBUFS_ALT "ENOBUFS" 3
    ENETDOWN_ALT "ENETDOWN" 4
    EADDRINUSE_ALT "EADDRINUSE" 5
    EADDRNOTAVAIL_ALT "EADDRNOTAVAIL" 6
    ECONNREFUSED_ALT "ECONNREFUSED" 7
    EINPROGRESS_ALT "EINPROGRESS" 8
    ENOTSOCK_ALT "ENOTSOCK" 9
    EMSGSIZE_ALT "EMSGSIZE" 10
    EAFNOSUPPORT_ALT "EAFNOSUPPORT" 11
    ENETUNREACH_ALT "ENETUNREACH" 12
    ECONNABORTED_ALT "ECONNABORTED" 13
    ECONNRESET_ALT "ECONNRESET" 14
    ENOTCONN_ALT "ENOTCONN" 15
    ETIMEDOUT_ALT "ETIMEDOUT" 16
    EHOSTUNREACH_ALT "EHOSTUNREACH" 17
    ENETRESET_ALT "ENETRESET" 18
}

/// The socket is in a state that does not allow the operation, as a REQ that has not had its reply.
pub const EFSM: i32 = HAUSNUMERO + 51;
/// The transport does not suit the type of the socket.
pub const ENOCOMPATPROTO: i32 = HAUSNUMERO + 52;
/// The context was terminated.
pub const ETERM: i32 = HAUSNUMERO + 53;
/// There is no I/O thread to do the work.
pub const EMTHREAD: i32 = HAUSNUMERO + 54;
