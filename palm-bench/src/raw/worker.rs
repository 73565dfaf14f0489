//! A worker: sends each task back as it came.

use zmq::{SNDMORE, Socket};

use super::{DRAIN, connect, take, uninterrupted};
use crate::error::{Attempt, Result};

/// Runs a worker until its socket fails.
pub(super) fn run(address: &str) -> Result<()> {
    let socket = connect(address)?;
    echo(&socket).attempt(|| "the worker's socket failed".to_owned())
}

fn echo(socket: &Socket) -> zmq::Result<()> {
    // A message of a single frame tells the broker that this worker is there.
    socket.send("", 0)?;
    loop {
        uninterrupted(|| socket.poll(zmq::POLLIN, -1))?;
        for _ in 0..DRAIN {
            let Some(client) = take(socket)? else {
                break;
            };
            let payload = socket.recv_msg(0)?;
            socket.send(client, SNDMORE)?;
            socket.send(payload, 0)?;
        }
    }
}
