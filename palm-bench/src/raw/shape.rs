//! Servers in a row, a tee and a sink of raw libzmq: PULL in, PUSH out.

use std::thread;

use zmq::{Message, Socket};

use super::client::check;
use super::{DRAIN, listen, open, take, uninterrupted};
use crate::contender::{Addresses, Client, Contender, Count, OUTSTANDING};
use crate::error::{Attempt, Error, Result};
use crate::shape::{Shape, idle};

/// Servers that pass on what they get.
pub(crate) struct RawShape(pub(crate) Shape);

impl Contender for RawShape {
    fn name(&self) -> &'static str {
        self.0.name(true)
    }

    fn broker(
        &self,
        _workers: usize,
        _folder: &std::path::Path,
        announce: &mut dyn FnMut(&Addresses) -> Result<()>,
    ) -> Result<()> {
        let nexts = self.0.nexts();
        let inputs = nexts.iter().map(|_| listen(zmq::PULL));
        let inputs: Vec<(Socket, String)> = inputs.collect::<Result<_>>()?;
        let (exit, exit_address) = listen(zmq::PUSH)?;
        let addresses: Vec<String> = inputs.iter().map(|(_, address)| address.clone()).collect();
        let mut exit = Some(exit);
        for ((input, _), nexts) in inputs.into_iter().zip(nexts) {
            let outputs = nexts.iter().map(|next| push(&addresses[*next]));
            let mut outputs: Vec<Socket> = outputs.collect::<Result<_>>()?;
            if outputs.is_empty() {
                outputs.extend(exit.take());
            }
            thread::Builder::new()
                .spawn(move || pass(&input, &outputs))
                .attempt(|| "cannot start a thread".to_owned())?;
        }
        announce(&Addresses {
            client: format!("{},{exit_address}", addresses[0]),
            worker: addresses[0].clone(),
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
        let results = open(zmq::PULL)?;
        results
            .connect(exit)
            .attempt(|| format!("cannot connect to {exit}"))?;
        Ok(Box::new(LoopClient {
            tasks: push(entry)?,
            results,
            each: self.0.results(),
        }))
    }
}

fn push(address: &str) -> Result<Socket> {
    let socket = open(zmq::PUSH)?;
    socket
        .connect(address)
        .attempt(|| format!("cannot connect to {address}"))?;
    Ok(socket)
}

/// Passes on what comes, to all outputs, until a socket fails.
fn pass(input: &Socket, outputs: &[Socket]) -> zmq::Result<()> {
    loop {
        uninterrupted(|| input.poll(zmq::POLLIN, -1))?;
        for _ in 0..DRAIN {
            let Some(message) = take(input)? else {
                break;
            };
            let Some((last, others)) = outputs.split_last() else {
                continue;
            };
            for output in others {
                output.send(Message::from(&message[..]), 0)?;
            }
            last.send(message, 0)?;
        }
    }
}

struct LoopClient {
    tasks: Socket,
    results: Socket,
    /// How many results come of a task.
    each: usize,
}

impl LoopClient {
    fn submit(&self, payload: &[u8]) -> Result<()> {
        self.tasks
            .send(payload, 0)
            .attempt(|| "cannot send a task".to_owned())
    }
}

impl Client for LoopClient {
    fn throughput(&mut self, size: usize, count: &mut Count<'_>) -> Result<()> {
        let payload = std::hint::black_box(vec![7; size]);
        for _ in 0..OUTSTANDING {
            self.submit(&payload)?;
        }
        let mut results = 0;
        loop {
            uninterrupted(|| self.results.poll(zmq::POLLIN, -1))
                .attempt(|| "cannot wait for results".to_owned())?;
            for _ in 0..DRAIN {
                let taken = take(&self.results);
                let Some(result) = taken.attempt(|| "cannot receive a result".to_owned())? else {
                    break;
                };
                check(&result, size)?;
                results += 1;
            }
            let tasks = results / self.each;
            results %= self.each;
            if !count(tasks, std::time::Instant::now()) {
                return Ok(());
            }
            for _ in 0..tasks {
                self.submit(&payload)?;
            }
        }
    }

    fn round_trip(&mut self, payload: &[u8]) -> Result<()> {
        self.submit(payload)?;
        for _ in 0..self.each {
            let result = uninterrupted(|| self.results.recv_msg(0))
                .attempt(|| "cannot receive a result".to_owned())?;
            check(&result, payload.len())?;
        }
        Ok(())
    }
}
