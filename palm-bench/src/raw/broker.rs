//! The broker: a ROUTER for clients, a ROUTER for workers.

use zmq::{Message, SNDMORE, Socket};

use super::{DRAIN, listen, take, uninterrupted};
use crate::contender::Addresses;
use crate::error::{Attempt, Result};

/// Runs the broker until a socket fails.
pub(super) fn run(
    workers: usize,
    announce: &mut dyn FnMut(&Addresses) -> Result<()>,
) -> Result<()> {
    let (frontend, client) = listen(zmq::ROUTER)?;
    let (backend, worker) = listen(zmq::ROUTER)?;
    announce(&Addresses { client, worker })?;
    let mut broker = Broker {
        frontend,
        backend,
        workers: Vec::new(),
        next: 0,
    };
    loop {
        broker
            .step(workers)
            .attempt(|| "the broker's sockets failed".to_owned())?;
    }
}

struct Worker {
    routing_id: Vec<u8>,
    outstanding: usize,
}

struct Broker {
    frontend: Socket,
    backend: Socket,
    workers: Vec<Worker>,
    /// The worker to which the next task goes if it has no more of them than the others.
    next: usize,
}

impl Broker {
    /// Waits for messages and passes on up to [`DRAIN`] each way. Tasks are left waiting until
    /// `expected` workers have come.
    fn step(&mut self, expected: usize) -> zmq::Result<()> {
        let mut items = [
            self.backend.as_poll_item(zmq::POLLIN),
            self.frontend.as_poll_item(zmq::POLLIN),
        ];
        let polled = if self.workers.len() < expected { 1 } else { 2 };
        uninterrupted(|| zmq::poll(&mut items[..polled], -1))?;
        let (results, tasks) = (items[0].is_readable(), items[1].is_readable());
        if results {
            self.pass_results()?;
        }
        if tasks {
            self.pass_tasks()?;
        }
        Ok(())
    }

    fn pass_tasks(&mut self) -> zmq::Result<()> {
        for _ in 0..DRAIN {
            let Some(client) = take(&self.frontend)? else {
                break;
            };
            let payload = self.frontend.recv_msg(0)?;
            let chosen = self.choose();
            let worker = &mut self.workers[chosen];
            worker.outstanding += 1;
            self.backend.send(&worker.routing_id[..], SNDMORE)?;
            self.backend.send(client, SNDMORE)?;
            self.backend.send(payload, 0)?;
        }
        Ok(())
    }

    /// The worker with the fewest tasks; of several, the first from the one whose turn it is.
    fn choose(&mut self) -> usize {
        let count = self.workers.len();
        let next = self.next;
        let chosen = (0..count)
            .map(|offset| (next + offset) % count)
            .min_by_key(|&index| self.workers[index].outstanding)
            .expect("tasks are taken only once all workers have come, and there is one at least");
        self.next = (chosen + 1) % count;
        chosen
    }

    fn pass_results(&mut self) -> zmq::Result<()> {
        for _ in 0..DRAIN {
            let Some(routing_id) = take(&self.backend)? else {
                break;
            };
            let client = self.backend.recv_msg(0)?;
            if !client.get_more() {
                self.welcome(&routing_id);
                continue;
            }
            let payload = self.backend.recv_msg(0)?;
            self.settle(&routing_id);
            self.frontend.send(client, SNDMORE)?;
            self.frontend.send(payload, 0)?;
        }
        Ok(())
    }

    fn welcome(&mut self, routing_id: &Message) {
        self.workers.push(Worker {
            routing_id: routing_id.to_vec(),
            outstanding: 0,
        });
    }

    fn settle(&mut self, routing_id: &Message) {
        let worker = self
            .workers
            .iter_mut()
            .find(|worker| worker.routing_id[..] == routing_id[..]);
        if let Some(worker) = worker {
            worker.outstanding -= 1;
        }
    }
}
