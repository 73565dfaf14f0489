use super::dispatch::give;
use super::event::PartitionId;
use super::ledger::Ledger;
use super::link::Link;
use super::links::Links;
use super::slab::Key;
use std::collections::VecDeque;

/// Partitioned execution: each message goes to the worker that owns its key's partition.
///
/// Every worker that joins owns the first partition that has no owner; further ones wait in
/// reserve. What is for a partition without an owner waits for one.
///
/// Invariant: a partition has one owner at a time, and a partition whose owner was lost has none
/// ever after: its state went with it.
#[derive(Debug)]
pub(crate) struct Partitions {
    partitions: Vec<Partition>,
    /// Workers that own nothing, in the order in which they joined.
    reserve: VecDeque<Key>,
}

#[derive(Debug, Default)]
struct Partition {
    owner: Owner,
    ready: VecDeque<Key>,
    in_flight: u64,
}

#[derive(Debug, Default)]
enum Owner {
    #[default]
    None,
    Worker(Key),
    /// The name of the worker that was lost.
    Lost(String),
}

/// The most messages that an owner holds in advance.
const MOST: u64 = 1 << 14;

impl Partitions {
    pub(crate) fn new(count: u32) -> Partitions {
        Partitions {
            partitions: (0..count.max(1)).map(|_| Partition::default()).collect(),
            reserve: VecDeque::new(),
        }
    }

    fn id(&self, number: usize) -> PartitionId {
        PartitionId {
            number: number as u32,
            of: self.partitions.len() as u32,
        }
    }

    /// The partition of `key`.
    pub(crate) fn of(&self, key: u64) -> usize {
        (key % self.partitions.len() as u64) as usize
    }

    /// A worker is there; gives back the partition that it owns from now on, if one is free.
    pub(crate) fn join(&mut self, link: Key) -> Option<PartitionId> {
        let free = self
            .partitions
            .iter()
            .position(|partition| matches!(partition.owner, Owner::None));
        match free {
            Some(number) => {
                self.partitions[number].owner = Owner::Worker(link);
                Some(self.id(number))
            }
            None => {
                self.reserve.push_back(link);
                None
            }
        }
    }

    /// A worker has left; gives back what waits for the partition that it owned.
    pub(crate) fn leave(&mut self, link: Key, name: &str) -> Vec<Key> {
        self.reserve.retain(|other| *other != link);
        for partition in &mut self.partitions {
            if matches!(partition.owner, Owner::Worker(owner) if owner == link) {
                partition.owner = Owner::Lost(name.to_owned());
                partition.in_flight = 0;
                return partition.ready.drain(..).collect();
            }
        }
        Vec::new()
    }

    /// Whether a worker owns a partition.
    pub(crate) fn has_owner(&self, link: Key) -> bool {
        self.partitions
            .iter()
            .any(|partition| matches!(partition.owner, Owner::Worker(owner) if owner == link))
    }

    /// Queues an entry for its partition.
    ///
    /// # Errors
    ///
    /// The name of the worker that the partition was lost with.
    pub(crate) fn push(&mut self, key: Key, partition: usize) -> Result<(), String> {
        let partition = &mut self.partitions[partition];
        if let Owner::Lost(name) = &partition.owner {
            return Err(name.clone());
        }
        partition.ready.push_back(key);
        Ok(())
    }

    /// An entry is no longer with `link`.
    pub(crate) fn returned(&mut self, link: Key) {
        for partition in &mut self.partitions {
            if matches!(partition.owner, Owner::Worker(owner) if owner == link) {
                partition.in_flight = partition.in_flight.saturating_sub(1);
            }
        }
    }

    /// Gives every owner what is ready for it, in order.
    pub(crate) fn dispatch(&mut self, links: &mut Links, ledger: &mut Ledger) {
        for partition in &mut self.partitions {
            let Owner::Worker(owner) = partition.owner else {
                continue;
            };
            let Some(link) = links.get_mut(owner).filter(|link| Link::is_up(link)) else {
                continue;
            };
            while partition.in_flight < MOST
                && let Some(key) = partition.ready.pop_front()
            {
                partition.in_flight += give(key, owner, link, ledger) as u64;
            }
        }
    }
}
