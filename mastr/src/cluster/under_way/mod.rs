//! A submission, from its first trade to its last result.

mod announcing;
mod endings;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use palm_core::Incarnation;
use palm_highlevel::{Client, Job};

use crate::aggregation::{self, partition_of};
use crate::cluster::assignment::{Draft, Drafted};
use crate::cluster::backlog::{Backlog, Batch, Kind, Placed};
use crate::cluster::packer::Packer;
use crate::cluster::simulations::{Block, Simulations};
use crate::cluster::submission::{Ended, Recipient, Submission, Summary};
use crate::cluster::{ClusterError, GLANCE, broken, next_ending};
use crate::portfolio::{Arrival, Arrivals, Entry, Ids, Rejected, Trade};
use crate::valuation::{PathSums, path_blocks};

/// The most trades of an assignment …
const LARGEST_ASSIGNMENT: usize = 2048;
/// … and, where there are many scenarios, the most values.
const LARGEST_WORK: usize = 1 << 16;
/// What an assignment is worth, in seconds: much longer than its way, and so short that a question, which waits
/// behind those that are under way, is answered soon …
const WORTH: f64 = 0.01;
/// … and towards the end so much less that each worker still gets this many …
const SHARES: f64 = 8.0;
/// … unless its way would be longer than its work.
const LEAST_WORTH: f64 = 0.000_25;
/// The most messages that are under way: for so many workers as have shown themselves more than they hold …
const OF_A_WORKER: usize = 8;
/// … and before they have, for some.
const OF_ANY: usize = 32;
/// With fewer under way a worker may be about to wait.
const HUNGRY: usize = 8;
/// So many parts of a file are taken in before one looks what has come back.
const PARTS: usize = 4;
/// While a file is being read, endings are waited for so long before one looks what has been read.
const TICK: Duration = Duration::from_millis(1);

/// How much of the portfolio is known.
#[derive(Debug)]
enum Known {
    /// More trades may come.
    Arriving(Arrivals),
    /// All trades have come. Their ids are being put in order, which shows whether two have the same.
    Trades(JoinHandle<Option<Vec<u32>>>),
    /// That it has no faults, or that those which have are to count as failed.
    All,
}

impl Known {
    fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// A message that has not come back.
#[derive(Debug)]
struct Sent {
    kind: Kind,
    trades: Vec<Placed>,
    /// Whether their paths have been simulated before.
    is_simulated: bool,
}

/// A submission under way.
pub(super) struct UnderWay {
    partitions: u32,
    wants_valuations: bool,
    job: aggregation::Job,
    /// The most trades of an assignment.
    largest: usize,
    start: Instant,
    known: Known,
    ids: Ids,
    dimensions: BTreeSet<String>,
    /// Elements that have faults.
    rejected: Vec<Rejected>,
    /// Partitions that have not been told which trades to expect.
    unaware: Range<u32>,
    /// What the others have still to be told of it.
    announced: VecDeque<Bytes>,
    /// Contributions to be sent to the partitions, once everything is known.
    held: VecDeque<Bytes>,
    /// The first message whose contributions do not come back to be held.
    open_from: u64,
    backlog: Backlog,
    sent: HashMap<u64, Sent>,
    simulations: Simulations,
    /// What the recipient is to be told.
    ended: Vec<Ended>,
    announcements: Job,
    assignments: Job,
    summary: Summary,
}

impl UnderWay {
    pub(super) fn new(
        submission: &Submission<'_>,
        partitions: u32,
        aggregation: &Client,
        valuation: &Client,
    ) -> Result<Self, ClusterError> {
        let scenarios = submission.scenarios;
        let of_work = LARGEST_WORK / (1 + scenarios as usize);
        let job = |client: &Client, route| client.job(route).map_err(ClusterError::Failed);
        Ok(Self {
            partitions,
            wants_valuations: submission.wants_valuations,
            job: aggregation::Job {
                id: Incarnation::random().number(),
                market: submission.market.id(),
                trades: 0,
                dimensions: Vec::new(),
                scenarios,
            },
            largest: LARGEST_ASSIGNMENT.min(of_work).max(1),
            start: Instant::now(),
            known: Known::All,
            ids: Ids::default(),
            dimensions: BTreeSet::from(["TradeId".to_owned()]),
            rejected: Vec::new(),
            unaware: 0..0,
            announced: VecDeque::new(),
            held: VecDeque::new(),
            open_from: u64::MAX,
            backlog: Backlog::new(partitions),
            sent: HashMap::new(),
            simulations: Simulations::default(),
            ended: Vec::new(),
            announcements: job(aggregation, "aggregation.ingest")?,
            assignments: job(valuation, "valuation.value aggregation.ingest")?,
            summary: Summary::default(),
        })
    }

    /// Takes the trades of a file as they are read.
    pub(super) fn read(&mut self, arrivals: Arrivals) {
        self.known = Known::Arriving(arrivals);
    }

    /// Takes all elements of a portfolio.
    pub(super) fn add_all(&mut self, entries: Vec<Entry>) -> Result<(), ClusterError> {
        entries.into_iter().for_each(|entry| self.add(entry));
        self.compare()
    }

    fn add(&mut self, entry: Entry) {
        let place = self.ids.len() as u32;
        self.ids.push(entry.id());
        for (name, _) in entry.dimensions() {
            if !self.dimensions.contains(name) {
                self.dimensions.insert(name.to_owned());
            }
        }
        let trade = match entry {
            Entry::Valid(trade) => trade,
            Entry::Rejected(rejected) => {
                let fault = rejected.fault.clone();
                self.rejected.push(Rejected::clone(&rejected));
                return self.end(place, Entry::Rejected(rejected), Err(fault));
            }
        };
        let placed = Placed { place, trade };
        let blocks = path_blocks(&placed.trade.product).len() as u64;
        if blocks > 1 {
            self.simulations.start(placed, blocks);
        } else {
            self.backlog.push(self.owner(&placed.trade), placed);
        }
    }

    /// The number of the partition that owns a trade.
    fn owner(&self, trade: &Trade) -> u32 {
        partition_of(&trade.id, self.partitions)
    }

    /// Has the ids compared, now that there will be no more.
    fn compare(&mut self) -> Result<(), ClusterError> {
        let ids = std::mem::take(&mut self.ids);
        self.job.trades = ids.len() as u64;
        let comparing = thread::Builder::new().name("ids".to_owned());
        let comparing = comparing.spawn(move || ids.order()).map_err(broken)?;
        self.known = Known::Trades(comparing);
        Ok(())
    }

    /// Goes on until everything has been valued and is held by the aggregation workers.
    pub(super) fn finish(
        mut self,
        stop: &AtomicBool,
        recipient: &mut dyn Recipient,
    ) -> Result<Summary, ClusterError> {
        while !self.is_over() {
            if stop.load(Ordering::Relaxed) {
                return Err(ClusterError::Stopped);
            }
            self.get_to_know(recipient)?;
            self.announce()?;
            if !self.send()? && !self.is_over() {
                self.wait()?;
            }
            while let Some(ending) = self.assignments.try_next() {
                self.take(ending)?;
            }
            let ended = std::mem::take(&mut self.ended);
            if !ended.is_empty() {
                recipient.take(ended).map_err(ClusterError::Unwritable)?;
            }
        }
        while self.announcements.unfinished() > 0 {
            next_ending(&mut self.announcements, stop)?.map_err(ClusterError::Failed)?;
        }
        Ok(self.summary)
    }

    fn is_over(&self) -> bool {
        self.known.is_all()
            && self.is_announced()
            && self.backlog.is_empty()
            && self.sent.is_empty()
            && self.simulations.is_empty()
            && self.ended.is_empty()
    }

    fn is_announced(&self) -> bool {
        self.unaware.is_empty() && self.announced.is_empty() && self.held.is_empty()
    }

    /// Takes in what has been read, and has the portfolio accepted once it is known to have no faults.
    fn get_to_know(&mut self, recipient: &mut dyn Recipient) -> Result<(), ClusterError> {
        for _ in 0..PARTS {
            let may_only_wait = self.may_only_wait();
            let Known::Arriving(arrivals) = &mut self.known else {
                break;
            };
            let arrival = match may_only_wait {
                true => arrivals.wait(),
                false => arrivals.poll(),
            };
            match arrival {
                Arrival::Trades(trades) => {
                    trades
                        .into_iter()
                        .map(Entry::Valid)
                        .for_each(|entry| self.add(entry));
                }
                Arrival::NotYet => break,
                Arrival::End => self.compare()?,
                Arrival::Faulty => return Err(ClusterError::Faulty),
            }
        }
        match std::mem::replace(&mut self.known, Known::All) {
            Known::Trades(comparing) if comparing.is_finished() || self.may_only_wait() => {
                match comparing.join() {
                    Ok(Some(order)) => self.accept(order, recipient),
                    Ok(None) => Err(ClusterError::Faulty),
                    // A bug: end as it would have ended without threads.
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            known => {
                self.known = known;
                Ok(())
            }
        }
    }

    /// Whether nothing is under way and nothing waits to be.
    fn may_only_wait(&self) -> bool {
        self.backlog.is_empty() && self.sent.is_empty() && self.simulations.is_empty()
    }

    /// Lets the aggregation hear of the portfolio: which trades to expect, which have faults, and what
    /// has been valued already.
    fn accept(
        &mut self,
        order: Vec<u32>,
        recipient: &mut dyn Recipient,
    ) -> Result<(), ClusterError> {
        recipient.accept(&self.dimensions)?;
        self.summary.order = order;
        self.open_from = self.summary.assignments;
        self.unaware = 0..self.partitions;
        Ok(())
    }

    /// How many messages are under way.
    fn messages(&self) -> usize {
        self.sent.len() + self.simulations.messages()
    }

    /// Sends a message if there is something to send and room for it, which it tells. Paths go first: trades
    /// that have several blocks of them take longest.
    fn send(&mut self) -> Result<bool, ClusterError> {
        let workers = self.summary.workers.len();
        if self.messages() >= OF_ANY.max(OF_A_WORKER * workers) {
            return Ok(false);
        }
        if let Some(block) = self.simulations.next() {
            self.simulate(block)?;
            return Ok(true);
        }
        // While trades arrive, those that are there may soon make whole assignments.
        let full = matches!(self.known, Known::Arriving(_)) && self.messages() >= HUNGRY;
        let share = self.backlog.time() / (workers.max(1) as f64 * SHARES);
        let worth = match self.known {
            Known::Arriving(_) => WORTH,
            _ => share.clamp(LEAST_WORTH, WORTH),
        };
        let Some(batch) = self.backlog.next(worth, self.largest, full) else {
            return Ok(false);
        };
        let Batch {
            kind,
            partition,
            trades,
        } = batch;
        self.assign(kind, partition, trades, None)?;
        Ok(true)
    }

    /// Waits for what comes next.
    fn wait(&mut self) -> Result<(), ClusterError> {
        let timeout = match self.known.is_all() && self.is_announced() {
            true => GLANCE,
            false => TICK,
        };
        if self.messages() > 0 {
            let ending = self.assignments.next_timeout(timeout);
            return ending.map_or(Ok(()), |ending| self.take(ending));
        }
        match self.announcements.next_timeout(timeout) {
            Some(ending) => ending.result.map(drop).map_err(ClusterError::Failed),
            None => Ok(()),
        }
    }

    /// Sends trades of one partition. One alone may have been simulated: then its `paths` go with it.
    fn assign(
        &mut self,
        kind: Kind,
        partition: u32,
        trades: Vec<Placed>,
        paths: Option<PathSums>,
    ) -> Result<(), ClusterError> {
        let is_simulated = paths.is_some();
        let draft = self.draft(
            partition,
            trades.iter().map(|placed| &placed.trade),
            None,
            paths,
        );
        let payload = draft.encode().map_err(ClusterError::Failed)?;
        let index = self.submit(payload)?;
        let sent = Sent {
            kind,
            trades,
            is_simulated,
        };
        self.sent.insert(index, sent);
        Ok(())
    }

    /// Asks for a block of the paths of a trade.
    fn simulate(&mut self, block: Block) -> Result<(), ClusterError> {
        let Some(placed) = self.simulations.trade(block.place) else {
            return Ok(());
        };
        let trade = std::iter::once(&placed.trade);
        let draft = self.draft(self.owner(&placed.trade), trade, Some(block.number), None);
        let payload = draft.encode().map_err(ClusterError::Failed)?;
        let index = self.submit(payload)?;
        self.simulations.sent(index, block);
        Ok(())
    }

    fn submit(&mut self, payload: Vec<u8>) -> Result<u64, ClusterError> {
        self.summary.assignments += 1;
        let submitted = self.assignments.submit(payload);
        submitted.map_err(ClusterError::Failed)
    }

    fn draft<'t>(
        &self,
        partition: u32,
        trades: impl Iterator<Item = &'t Trade>,
        block: Option<u64>,
        mut paths: Option<PathSums>,
    ) -> Draft<'t> {
        let mut packer = Packer::new(&self.job);
        let trades = trades
            .map(|trade| Drafted::new(trade, packer.of_trade(trade), paths.take()))
            .collect();
        Draft {
            partition: self.partition(partition),
            is_held: !self.known.is_all(),
            wants_valuations: self.wants_valuations,
            batch: packer.finish(),
            block,
            trades,
        }
    }
}
