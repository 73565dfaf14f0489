//! A broker of one's own on palm-core alone: it has workers do the most urgent job first, and gives
//! the job of one that goes away to another.
//!
//! ```sh
//! cargo run -p examples --bin broker
//! ```
//!
//! It prints
//!
//! ```text
//! 5 jobs wait
//! Ann begins one and goes away
//! 5 jobs wait
//! put out the fire: done by Bob
//! call the plumber: done by Bob
//! call the insurance: done by Bob
//! water the plants: done by Bob
//! read the paper: done by Bob
//! ```

use palm_core::{
    Context, Dealer, Endpoint, Event, Frames, Incarnation, Link, PeerId, Received, Rep, Req,
    Result, Router, Sent, StopHandle, Switchboard, codec,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::{sync::mpsc, thread, time::Duration};

const HEARTBEAT: Duration = Duration::from_millis(100);

/// So many heartbeats without a word, and a peer is taken for dead.
const SILENT: u32 = 50;

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Clients,
    Workers,
    Status,
    Heartbeat,
}

/// What waits or is done: the most urgent first, and of these the first that came.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    urgency: u8,
    arrival: Reverse<u64>,
    what: String,
    /// Who awaits the answer to which message.
    client: PeerId,
    number: u64,
}

struct Broker {
    board: Switchboard<Part>,
    me: Incarnation,
    clients: BTreeMap<PeerId, Link>,
    /// Each has one job at a time, so that none waits behind a less urgent one.
    workers: BTreeMap<PeerId, (Link, Option<Job>)>,
    waiting: BinaryHeap<Job>,
    arrivals: u64,
}

impl Broker {
    fn run(&mut self) -> Result<()> {
        while let Some(event) = self.board.wait()? {
            match event {
                Event::Message(Part::Clients, Some(peer), frames) => self.submit(peer, frames),
                Event::Message(Part::Workers, Some(peer), frames) => self.finish(peer, frames),
                Event::Message(Part::Status, peer, _) => {
                    let status = Frames::one(self.waiting.len().to_string());
                    self.board.send(Part::Status, peer, status)?;
                }
                Event::Timer(Part::Heartbeat) => self.bury(),
                _ => {}
            }
            self.dispatch()?;
        }
        Ok(())
    }

    fn submit(&mut self, client: PeerId, frames: Frames) {
        let me = self.me;
        let link = self.clients.entry(client);
        let link = link.or_insert_with(|| Link::new(me, 1_000));
        let Ok(received) = link.receive(frames) else {
            self.clients.remove(&client);
            return;
        };
        for received in received {
            let Received::Message { number, payload } = received else {
                continue;
            };
            let Ok((urgency, what)) = codec::decode(&payload) else {
                let _ = link.answer(number, "this is no job");
                continue;
            };
            self.arrivals += 1;
            self.waiting.push(Job {
                urgency,
                arrival: Reverse(self.arrivals),
                what,
                client,
                number,
            });
        }
    }

    fn finish(&mut self, worker: PeerId, frames: Frames) {
        let me = self.me;
        let entry = self.workers.entry(worker);
        let (link, job) = entry.or_insert_with(|| (Link::new(me, 1), None));
        let Ok(received) = link.receive(frames) else {
            return self.lose(worker);
        };
        for received in received {
            if let (Received::Answer { payload, .. }, Some(job)) = (received, job.take())
                && let Some(client) = self.clients.get_mut(&job.client)
            {
                let _ = client.answer(job.number, payload);
            }
        }
    }

    /// What a worker that went away has not done waits again.
    fn lose(&mut self, worker: PeerId) {
        if let Some((_, job)) = self.workers.remove(&worker) {
            self.waiting.extend(job);
        }
    }

    fn bury(&mut self) {
        self.clients.retain(|_, link| link.tick() < SILENT);
        let workers = self.workers.iter_mut();
        let silent =
            workers.filter_map(|(peer, (link, _))| (link.tick() >= SILENT).then_some(*peer));
        for peer in silent.collect::<Vec<_>>() {
            self.lose(peer);
        }
    }

    /// The policy: whoever is free has the most urgent job.
    fn dispatch(&mut self) -> Result<()> {
        let mut gone = Vec::new();
        for (peer, (link, job)) in &mut self.workers {
            if job.is_none()
                && let Some(urgent) = self.waiting.pop()
            {
                link.push(urgent.what.clone())?;
                *job = Some(urgent);
            }
            if self.board.send_link(Part::Workers, *peer, link)? == Sent::Unreachable {
                gone.push(*peer);
            }
        }
        for peer in gone {
            self.lose(peer);
        }
        for (peer, link) in &mut self.clients {
            self.board.send_link(Part::Clients, *peer, link)?;
        }
        Ok(())
    }
}

/// Says where clients, workers and the curious find it, then serves them until it is told to stop.
fn serve(started: &mpsc::Sender<([Endpoint; 3], StopHandle)>) -> Result<()> {
    let (context, options) = (Context::new(), Default::default());
    let any = [Endpoint::parse("tcp://127.0.0.1:*")?];
    let clients = Router::bind(&context, &any, &options)?;
    let workers = Router::bind(&context, &any, &options)?;
    let status = Rep::bind(&context, &any, &options)?;
    let addresses = [clients.addresses(), workers.addresses(), status.addresses()];
    let addresses = addresses.map(|addresses| addresses[0].clone());

    let mut board = Switchboard::new()?;
    board.plug(Part::Clients, clients);
    board.plug(Part::Workers, workers);
    board.plug(Part::Status, status);
    board.every(Part::Heartbeat, HEARTBEAT);
    let _ = started.send((addresses, board.stop_handle()));
    let mut broker = Broker {
        board,
        me: Incarnation::random(),
        clients: BTreeMap::new(),
        workers: BTreeMap::new(),
        waiting: BinaryHeap::new(),
        arrivals: 0,
    };
    broker.run()
}

/// Connects, sends what is to be done, and gives each message and answer that comes to `take`, until
/// that has had enough or the broker is gone.
fn converse(
    broker: &Endpoint,
    jobs: &[(u8, &str)],
    mut take: impl FnMut(&mut Link, Received) -> Result<bool>,
) -> Result<()> {
    let dealer = Dealer::connect(&Context::new(), broker, &Default::default())?;
    let mut board = Switchboard::new()?;
    board.plug(Part::Clients, dealer);
    board.every(Part::Heartbeat, HEARTBEAT);
    let mut link = Link::new(Incarnation::random(), 1);
    for job in jobs {
        link.push(codec::encode(job)?)?;
    }
    loop {
        board.send_link(Part::Clients, None, &mut link)?;
        match board.wait()? {
            Some(Event::Message(_, _, frames)) => {
                for received in link.receive(frames)? {
                    if !take(&mut link, received)? {
                        return Ok(());
                    }
                }
            }
            Some(Event::Timer(_)) if link.tick() >= SILENT => return Ok(()),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

fn worker(broker: &Endpoint, name: &str) -> Result<()> {
    converse(broker, &[], |link, received| {
        if let Received::Message { number, payload } = received {
            let what = String::from_utf8_lossy(&payload);
            link.answer(number, format!("{what}: done by {name}"))?;
        }
        Ok(true)
    })
}

fn client(broker: &Endpoint, jobs: &[(u8, &str)]) -> Result<()> {
    let mut left = jobs.len();
    converse(broker, jobs, |_, received| {
        if let Received::Answer { payload, .. } = received {
            println!("{}", String::from_utf8_lossy(&payload));
            left -= 1;
        }
        Ok(left > 0)
    })
}

/// Waits until so many jobs wait at the broker.
fn await_jobs(status: &Req, jobs: usize) -> Result<()> {
    let all = Some(Frames::one(jobs.to_string()));
    while status.ask(Frames::one("how many?"), Duration::from_secs(1))? != all {}
    println!("{jobs} jobs wait");
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (started, starting) = mpsc::channel();
    let broker = thread::spawn(move || serve(&started));
    let ([clients, workers, status], stop) = starting.recv()?;
    let status = Req::connect(&Context::new(), &[status], &Default::default())?;
    let jobs = [
        (1, "water the plants"),
        (5, "call the plumber"),
        (1, "read the paper"),
        (5, "call the insurance"),
        (9, "put out the fire"),
    ];
    let client = thread::spawn(move || client(&clients, &jobs));
    await_jobs(&status, jobs.len())?;

    converse(&workers, &[], |_, _| Ok(false))?;
    println!("Ann begins one and goes away");
    await_jobs(&status, jobs.len())?;
    // He ends with the program.
    thread::spawn(move || worker(&workers, "Bob"));

    client.join().expect("it does not panic")?;
    stop.stop();
    broker.join().expect("it does not panic")?;
    Ok(())
}
