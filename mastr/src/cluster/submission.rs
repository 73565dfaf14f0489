//! A portfolio on its way through the cluster.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use palm_core::Incarnation;
use palm_highlevel::{Client, Ending, Failure, FailureKind, Job, PartitionId};
use serde::{Deserialize, Serialize};

use super::appraisal::{self, Returns};
use super::assignment::{Draft, Drafted};
use super::outstanding::Outstanding;
use super::packer::Packer;
use super::simulations::{Block, Simulations};
use super::{ClusterError, GLANCE, MarketText, Servers, market_shelf, next_ending, partitions};
use crate::aggregation::{self, Outcome, partition_of};
use crate::portfolio::{Entry, Portfolio};
use crate::valuation::{PathSums, Valuation, path_blocks};

/// The most trades of an assignment …
const LARGEST_ASSIGNMENT: usize = 256;
/// … and, where there are many scenarios, the most values.
const LARGEST_WORK: usize = 1 << 16;
/// A smaller portfolio gives about this many assignments, so that every worker gets some.
const ASSIGNMENTS: usize = 64;
/// The most contributions of a message that tells what to expect.
const LARGEST_ANNOUNCEMENT: usize = 8192;
/// The most assignments that are under way: enough for a hundred workers, and so few that a
/// question, which waits behind them, is answered soon.
const UNDER_WAY: usize = 256;
/// The most assignments of which results are kept because earlier ones are missing.
const WAITING: usize = 16 * UNDER_WAY;

/// A portfolio that is to be valued with a market by a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'p> {
    /// The portfolio; elements with faults count as failed.
    pub portfolio: &'p Portfolio,
    /// The market, with its scenarios.
    pub market: &'p MarketText,
    /// How many scenarios it has.
    pub scenarios: u32,
    /// Whether every single value is to come back.
    pub wants_valuations: bool,
}

/// What became of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many trades have a value.
    pub valued: u64,
    /// How many have none.
    pub failed: u64,
    /// In how many assignments they travelled.
    pub assignments: u64,
    /// What each process has done, by its id: exactly what counts.
    pub workers: BTreeMap<u32, Work>,
}

/// What of a submission one process has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// How many trades it has valued, or tried to.
    pub trades: u64,
    /// How many paths it has simulated.
    pub paths: u64,
}

/// What became of a trade: its value (`None` if values are not wanted), or why it has none.
pub type Fate = Result<Option<Valuation>, String>;

/// Takes what became of some trades. It is called with all of them, in the order of the ids.
pub type Take<'t, 'p> = dyn FnMut(Vec<(&'p Entry, Fate)>) -> io::Result<()> + 't;

impl<'p> Submission<'p> {
    /// Has the portfolio valued and its contributions aggregated; `take` hears of each trade.
    ///
    /// It waits for whatever is not there yet: servers, workers. A valuation worker that dies
    /// costs time. A trade that no worker survives counts as failed.
    ///
    /// # Errors
    ///
    /// If an endpoint is none, an aggregation worker is lost, the cluster refuses, or `take` does;
    /// [`ClusterError::Stopped`] if the process is to `stop`.
    pub fn run(
        &self,
        servers: &Servers,
        stop: &AtomicBool,
        take: &mut Take<'_, 'p>,
    ) -> Result<Summary, ClusterError> {
        let aggregation = Client::connect(&servers.aggregation)?;
        let valuation = Client::connect_through(&servers.valuation, &servers.aggregation)?;
        let master = Client::connect(&servers.valuation)?;
        let partitions = partitions(&aggregation, &servers.aggregation, stop)?;
        market_shelf::put(&master, &servers.valuation, self.market, stop)?;
        let entries = self.portfolio.by_id();
        let of_work = LARGEST_WORK / (1 + self.scenarios as usize);
        let mut running = Running {
            batch: entries
                .len()
                .div_ceil(ASSIGNMENTS)
                .clamp(1, LARGEST_ASSIGNMENT.min(of_work).max(1)),
            job: aggregation::Job {
                id: Incarnation::random().number(),
                market: self.market.id(),
                trades: entries.len() as u64,
                dimensions: Vec::new(),
                scenarios: self.scenarios,
            },
            entries,
            partitions,
            wants_valuations: self.wants_valuations,
            next: 0,
            outstanding: Outstanding::default(),
            simulations: Simulations::default(),
            announcements: job(&aggregation, "aggregation.ingest")?,
            assignments: job(&valuation, "valuation.value aggregation.ingest")?,
            summary: Summary::default(),
        };
        running.announce()?;
        running.value(stop, take)?;
        while running.announcements.unfinished() > 0 {
            next_ending(&mut running.announcements, stop)?.map_err(ClusterError::Failed)?;
        }
        Ok(running.summary)
    }
}

fn job(client: &Client, route: &str) -> Result<Job, ClusterError> {
    client.job(route).map_err(ClusterError::Failed)
}

/// A submission under way.
struct Running<'p> {
    /// In the order of their ids.
    entries: Vec<&'p Entry>,
    partitions: u32,
    wants_valuations: bool,
    job: aggregation::Job,
    /// About how many trades an assignment has.
    batch: usize,
    /// The place of the first entry that has not been sent.
    next: usize,
    outstanding: Outstanding,
    simulations: Simulations,
    announcements: Job,
    assignments: Job,
    summary: Summary,
}

impl<'p> Running<'p> {
    fn partition(&self, number: u32) -> PartitionId {
        PartitionId {
            number,
            of: self.partitions,
        }
    }

    /// Splits places by the partition that owns the trade.
    fn split(&self, places: Range<usize>) -> Vec<Vec<usize>> {
        let mut split = vec![Vec::new(); self.partitions as usize];
        for place in places {
            let owner = partition_of(self.entries[place].id(), self.partitions);
            split[owner as usize].push(place);
        }
        split
    }

    /// Tells each partition which trades to expect, and which have faults.
    fn announce(&mut self) -> Result<(), ClusterError> {
        let split = self.split(0..self.entries.len());
        for (number, places) in (0..).zip(split) {
            let none = places.is_empty().then_some(&places[..]);
            for places in places.chunks(LARGEST_ANNOUNCEMENT).chain(none) {
                self.contribute(self.partition(number), places, |entry| match entry {
                    Entry::Valid(_) => Outcome::Expected,
                    Entry::Rejected(rejected) => Outcome::Failed(rejected.fault.clone()),
                })?;
            }
        }
        Ok(())
    }

    /// Sends contributions straight to the partition that owns the trades.
    fn contribute(
        &mut self,
        partition: PartitionId,
        places: &[usize],
        outcome: impl Fn(&Entry) -> Outcome,
    ) -> Result<(), ClusterError> {
        let mut packer = Packer::new(&self.job);
        let combinations: Vec<u32> = places
            .iter()
            .map(|place| packer.combination(self.entries[*place]))
            .collect();
        let mut batch = packer.finish();
        for (place, combination) in places.iter().zip(combinations) {
            let entry = self.entries[*place];
            let version = entry.version().into();
            batch.push(entry.id().to_owned(), version, combination, outcome(entry));
        }
        let payload = appraisal::pack(partition, &batch, None).map_err(ClusterError::Failed)?;
        self.announcements
            .submit(payload)
            .map_err(ClusterError::Failed)?;
        Ok(())
    }

    /// Sends assignments and takes in what comes back until all has.
    fn value(&mut self, stop: &AtomicBool, take: &mut Take<'_, 'p>) -> Result<(), ClusterError> {
        while self.next < self.entries.len() || !self.outstanding.is_empty() {
            if stop.load(Ordering::Relaxed) {
                return Err(ClusterError::Stopped);
            }
            while let Some(ending) = self.announcements.try_next() {
                ending.result.map_err(ClusterError::Failed)?;
            }
            if self.messages() < UNDER_WAY
                && let Some(block) = self.simulations.next()
            {
                self.simulate(block)?;
            } else if self.next < self.entries.len() && self.has_room() {
                self.assign()?;
            } else if let Some(ending) = self.assignments.next_timeout(GLANCE) {
                self.end(ending)?;
            }
            while let Some(ending) = self.assignments.try_next() {
                self.end(ending)?;
            }
            self.hand_on(take)?;
        }
        Ok(())
    }

    /// How many are under way.
    fn messages(&self) -> usize {
        self.outstanding.messages() + self.simulations.messages()
    }

    fn has_room(&self) -> bool {
        self.messages() < UNDER_WAY
            && self.outstanding.windows() * self.partitions as usize <= WAITING
    }

    /// Sends the next window, an assignment for each partition that owns some of its trades. Those
    /// with several blocks of paths are simulated first, by as many workers as there are.
    fn assign(&mut self) -> Result<(), ClusterError> {
        let end = self.next + self.batch * self.partitions as usize;
        let places = self.next..end.min(self.entries.len());
        self.next = places.end;
        let known = self.entries[places.clone()]
            .iter()
            .map(|entry| match entry {
                Entry::Valid(_) => None,
                Entry::Rejected(rejected) => Some(Err(rejected.fault.clone())),
            });
        let window = self.outstanding.open(places.clone(), known);
        for (number, mut places) in (0..).zip(self.split(places)) {
            places.retain(|place| {
                let trade = self.entries[*place].trade();
                let blocks = trade.map_or(0, |trade| path_blocks(&trade.product).len());
                if blocks > 1 {
                    self.simulations.start(*place, window, blocks as u64);
                }
                trade.is_some() && blocks <= 1
            });
            if places.is_empty() {
                continue;
            }
            self.send(number, window, places, None)?;
        }
        Ok(())
    }

    /// Sends an assignment of trades of that window, which the partition of this number owns. One alone
    /// may have been simulated: then its `paths` go with it.
    fn send(
        &mut self,
        number: u32,
        window: u64,
        places: Vec<usize>,
        paths: Option<PathSums>,
    ) -> Result<(), ClusterError> {
        let draft = self.draft(self.partition(number), &places, paths);
        let index = self.submit(&draft)?;
        self.outstanding.sent(index, window, places);
        Ok(())
    }

    /// Asks for a block of the paths of a trade.
    fn simulate(&mut self, block: Block) -> Result<(), ClusterError> {
        let owner = self.owner(block.place);
        let draft = Draft {
            block: Some(block.number),
            ..self.draft(self.partition(owner), &[block.place], None)
        };
        let index = self.submit(&draft)?;
        self.simulations.sent(index, block);
        Ok(())
    }

    fn submit(&mut self, draft: &Draft<'_>) -> Result<u64, ClusterError> {
        let payload = draft.encode().map_err(ClusterError::Failed)?;
        self.summary.assignments += 1;
        self.assignments
            .submit(payload)
            .map_err(ClusterError::Failed)
    }

    /// The number of the partition that owns the trade at this place.
    fn owner(&self, place: usize) -> u32 {
        partition_of(self.entries[place].id(), self.partitions)
    }

    fn draft(
        &self,
        partition: PartitionId,
        places: &[usize],
        mut paths: Option<PathSums>,
    ) -> Draft<'p> {
        let mut packer = Packer::new(&self.job);
        let trades = places
            .iter()
            .filter_map(|place| {
                let entry = self.entries[*place];
                let trade = entry.trade()?;
                Some(Drafted::new(trade, packer.combination(entry), paths.take()))
            })
            .collect();
        Draft {
            partition,
            wants_valuations: self.wants_valuations,
            batch: packer.finish(),
            block: None,
            trades,
        }
    }

    /// Takes in how an assignment ended.
    fn end(&mut self, ending: Ending) -> Result<(), ClusterError> {
        if let Some(block) = self.simulations.ended(ending.index) {
            return self.end_block(block, ending);
        }
        let count = self.outstanding.places(ending.index).map_or(0, <[_]>::len);
        match ending.result {
            Ok(payload) => {
                let returns = Returns::decode(&payload).map_err(ClusterError::Failed)?;
                let paths = self.paths_of(ending.index);
                let work = self.summary.workers.entry(returns.worker).or_default();
                work.trades += count as u64;
                work.paths += paths;
                self.outstanding
                    .ended(ending.index, fates(returns, count, self.wants_valuations));
                Ok(())
            }
            Err(failure) if is_of_the_trades(&failure) => self.give_up(ending.index, &failure),
            Err(failure) => Err(ClusterError::Failed(failure)),
        }
    }

    /// How many paths the worker had to simulate that has valued the trades of this message: those of a
    /// single block are simulated with it.
    fn paths_of(&self, index: u64) -> u64 {
        let places = self.outstanding.places(index).unwrap_or_default();
        let trades = places
            .iter()
            .filter_map(|place| self.entries[*place].trade());
        let blocks = trades.map(|trade| path_blocks(&trade.product));
        let alone = blocks.filter(|blocks| blocks.len() == 1);
        alone.flatten().map(u64::from).sum()
    }

    /// Takes in how a message ended that asked for a block of paths. With the last of them the trade is
    /// sent to be valued like any other.
    fn end_block(&mut self, block: Block, ending: Ending) -> Result<(), ClusterError> {
        match ending.result {
            Ok(payload) => {
                let returns = Returns::decode(&payload).map_err(ClusterError::Failed)?;
                let trade = self.entries[block.place].trade();
                let paths =
                    trade.and_then(|trade| path_blocks(&trade.product).nth(block.number as usize));
                let work = self.summary.workers.entry(returns.worker).or_default();
                work.paths += u64::from(paths.unwrap_or(0));
                let sums = returns.paths.unwrap_or_default();
                let Some((window, paths)) = self.simulations.add(block, sums) else {
                    return Ok(());
                };
                self.send(
                    self.owner(block.place),
                    window,
                    vec![block.place],
                    Some(paths),
                )
            }
            Err(failure) if is_of_the_trades(&failure) => {
                let Some(window) = self.simulations.give_up(block.place) else {
                    return Ok(());
                };
                self.outstanding
                    .sent(ending.index, window, vec![block.place]);
                self.give_up(ending.index, &failure)
            }
            Err(failure) => Err(ClusterError::Failed(failure)),
        }
    }

    /// No worker survives this assignment, or none can end it. Of several trades each is tried
    /// alone; the one at fault has no value and never will.
    fn give_up(&mut self, index: u64, failure: &Failure) -> Result<(), ClusterError> {
        if self
            .outstanding
            .places(index)
            .is_some_and(|places| places.len() > 1)
        {
            return self.try_each_alone(index);
        }
        let reason = failure.to_string();
        let fate = std::iter::once_with(|| Err(reason.clone()));
        let places = self.outstanding.ended(index, fate).unwrap_or_default();
        let Some(place) = places.first() else {
            return Ok(());
        };
        let owner = self.owner(*place);
        self.contribute(self.partition(owner), &places, |_| {
            Outcome::Failed(reason.clone())
        })
    }

    fn try_each_alone(&mut self, index: u64) -> Result<(), ClusterError> {
        let (window, places) = self.outstanding.withdraw(index).unwrap_or_default();
        for place in places {
            self.send(self.owner(place), window, vec![place], None)?;
        }
        Ok(())
    }

    fn hand_on(&mut self, take: &mut Take<'_, 'p>) -> Result<(), ClusterError> {
        while let Some(window) = self.outstanding.next_whole() {
            let window: Vec<_> = window
                .map(|(place, fate)| (self.entries[place], fate))
                .collect();
            let failed = window.iter().filter(|(_, fate)| fate.is_err()).count();
            self.summary.failed += failed as u64;
            self.summary.valued += (window.len() - failed) as u64;
            take(window).map_err(ClusterError::Unwritable)?;
        }
        Ok(())
    }
}

/// What became of each of the `count` trades of an assignment.
fn fates(returns: Returns, count: usize, wants_valuations: bool) -> impl Iterator<Item = Fate> {
    let mut failed = returns.failed.into_iter().peekable();
    let mut valuations = returns.valuations.into_iter();
    (0..count as u32).map(
        move |place| match failed.next_if(|(failed, _)| *failed == place) {
            Some((_, reason)) => Err(reason),
            None if !wants_valuations => Ok(None),
            None => match valuations.next() {
                Some(valuation) => Ok(Some(valuation)),
                None => Err("the valuation worker, another version of mastr, gave no value".into()),
            },
        },
    )
}

/// Whether the trades are at fault rather than the cluster: others may go on.
fn is_of_the_trades(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::DeadLetter | FailureKind::Panic | FailureKind::TooLarge
    )
}
