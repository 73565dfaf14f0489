//! Addresses for the processes of a run.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// An address that nobody else has, and that stays free while whoever binds it is dead.
pub(super) fn nobodys() -> io::Result<SocketAddr> {
    let host = own_host();
    if host == Ipv4Addr::LOCALHOST {
        return TcpListener::bind((host, 0))?.local_addr();
    }
    let port = NEXT_PORT.fetch_add(1, Relaxed);
    Ok(SocketAddr::new(IpAddr::V4(host), port))
}

/// The next port for a run of this process, below those that systems give to who asks for any.
static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);

/// The loopback address that is this process's own: where systems have but one, that one.
fn own_host() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, 64 | (high & 63), middle, low);
    match TcpListener::bind((own, 0)) {
        Ok(_) => own,
        Err(_) => Ipv4Addr::LOCALHOST,
    }
}

/// The endpoint of an address.
pub(super) fn endpoint(address: SocketAddr) -> String {
    format!("tcp://{address}")
}
