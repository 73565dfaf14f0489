//! The baseline: what libzmq alone does, with none of PALM's rules.
//!
//! A DEALER of the client, two ROUTERs of the broker, a DEALER of each worker; no high-water marks;
//! one message per task. Frames are moved from socket to socket, never copied.

mod broker;
mod client;
mod shape;
mod worker;

use std::path::Path;

pub(crate) use shape::RawShape;
use zmq::{Context, Message, Socket, SocketType};

use crate::contender::{Addresses, Client, Contender};
use crate::error::{Attempt, Result};

/// Messages taken from a socket before the others are looked at.
const DRAIN: usize = 100;

/// The raw libzmq broker.
pub(crate) struct Raw;

impl Contender for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn broker(
        &self,
        workers: usize,
        _folder: &Path,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()> {
        broker::run(workers, announce)
    }

    fn worker(&self, address: &str) -> Result<()> {
        worker::run(address)
    }

    fn client(&self, address: &str) -> Result<Box<dyn Client>> {
        Ok(Box::new(client::RawClient::connect(address)?))
    }
}

/// Opens a socket without high-water marks. It outlives its context's handle.
fn open(kind: SocketType) -> Result<Socket> {
    let open = || {
        let socket = Context::new().socket(kind)?;
        socket.set_sndhwm(0)?;
        socket.set_rcvhwm(0)?;
        socket.set_linger(0)?;
        Ok::<_, zmq::Error>(socket)
    };
    open().attempt(|| "cannot open a socket".to_owned())
}

/// Opens a socket that listens on loopback at a free port, and tells where.
fn listen(kind: SocketType) -> Result<(Socket, String)> {
    let socket = open(kind)?;
    let endpoint = socket
        .bind("tcp://127.0.0.1:*")
        .and_then(|()| socket.get_last_endpoint())
        .attempt(|| "cannot listen on the loopback interface".to_owned())?;
    let endpoint = endpoint.map_err(|_| zmq::Error::EINVAL);
    Ok((
        socket,
        endpoint.attempt(|| "libzmq gives no endpoint".to_owned())?,
    ))
}

/// Connects a DEALER.
fn connect(address: &str) -> Result<Socket> {
    let socket = open(zmq::DEALER)?;
    socket
        .connect(address)
        .attempt(|| format!("cannot connect to {address}"))?;
    Ok(socket)
}

/// Repeats a call for as long as signals interrupt it.
fn uninterrupted<T>(mut call: impl FnMut() -> zmq::Result<T>) -> zmq::Result<T> {
    loop {
        match call() {
            Err(zmq::Error::EINTR) => {}
            result => return result,
        }
    }
}

/// Takes a frame if there is one.
fn take(socket: &Socket) -> zmq::Result<Option<Message>> {
    match uninterrupted(|| socket.recv_msg(zmq::DONTWAIT)) {
        Ok(message) => Ok(Some(message)),
        Err(zmq::Error::EAGAIN) => Ok(None),
        Err(error) => Err(error),
    }
}
