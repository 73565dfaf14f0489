//! Serial servers in a row, a tee and a sink.

use std::path::Path;

use palm_highlevel::{Call, Failure, Running, chained};

use super::client::PalmClient;
use crate::contender::{Addresses, Client, Contender};
use crate::error::{Attempt, Error, Result};
use crate::shape::{Shape, idle};

/// Chained servers whose functions echo.
pub(crate) struct PalmShape(pub(crate) Shape);

/// The name of every server's function, and of the first server.
const ECHO: &str = "echo";
const FIRST: &str = "bench";

fn echo(call: &Call) -> std::result::Result<bytes::Bytes, Failure> {
    Ok(call.payload().clone())
}

impl Contender for PalmShape {
    fn name(&self) -> &'static str {
        self.0.name(false)
    }

    fn broker(
        &self,
        _workers: usize,
        _folder: &Path,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()> {
        let endpoint = "tcp://127.0.0.1:*";
        let nexts = self.0.nexts();
        let mut servers: Vec<Option<Running>> = nexts.iter().map(|_| None).collect();
        for (number, nexts) in nexts.iter().enumerate().rev() {
            let name = match number {
                0 => FIRST.to_owned(),
                _ => format!("server-{number}"),
            };
            let running = match nexts[..] {
                [] => chained::Sink::new(name).function(ECHO, echo).bind(endpoint),
                _ => {
                    let server = chained::Server::new(name).function(ECHO, echo);
                    let nexts = nexts.iter().filter_map(|next| servers[*next].as_ref());
                    let add =
                        |server: chained::Server, next: &Running| server.next(ECHO, next.address());
                    nexts.fold(server, add).bind(endpoint)
                }
            };
            servers[number] = Some(running.attempt(|| "cannot start a server".to_owned())?);
        }
        let ends = (servers.first(), servers.last());
        let (Some(Some(first)), Some(Some(last))) = ends else {
            return Err(Error::new("a shape has a server at least"));
        };
        announce(&Addresses {
            client: format!("{},{}", first.address(), last.address()),
            worker: first.address().to_owned(),
        })?;
        idle()
    }

    fn worker(&self, _address: &str) -> Result<()> {
        idle()
    }

    fn client(&self, address: &str) -> Result<Box<dyn Client>> {
        let (entry, exit) = address
            .split_once(',')
            .ok_or_else(|| Error::new(format!("{address} is no entry and exit")))?;
        Ok(Box::new(PalmClient::connect_through(entry, exit)?))
    }
}
