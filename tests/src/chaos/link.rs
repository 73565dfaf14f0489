//! A link between two processes that can be killed or stopped by itself: whoever connects to it is
//! connected to somebody else.

use super::said::{Said, say};
use std::error::Error;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Leads every connection to `listen` on to `target`, as long as the process lives.
pub(super) fn run(listen: SocketAddr, target: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(listen)?;
    say(&Said::Ready);
    for near in listener.incoming() {
        let near = near?;
        // With nobody there it ends as a connection to nobody does.
        if let Ok(far) = TcpStream::connect(target) {
            join(&near, &far)?;
            join(&far, &near)?;
        }
    }
    Ok(())
}

/// Copies what comes from one end to the other; both end when one does.
fn join(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    from.set_nodelay(true)?;
    let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
    thread::spawn(move || {
        // How it ended is no matter: the other end sees that it has.
        let _ = io::copy(&mut from, &mut to);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
    Ok(())
}
