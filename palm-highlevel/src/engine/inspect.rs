use super::ledger::State;
use super::{Engine, Links, stored};
use crate::store::{Store, StoreError};
use palm_core::lane::Credit;
use palm_core::wire::{Extras, Outcome, Role};
use palm_core::{Id, Incarnation, Path, Route};
use std::sync::Arc;
use std::time::Duration;

/// What a machine holds for one peer, for whoever watches it: a simulation, a person.
#[derive(Clone, Debug)]
pub struct LaneView {
    /// The peer.
    pub peer: Incarnation,
    /// What the peer is.
    pub role: Role,
    /// Whether frames can go to it.
    pub is_up: bool,
    /// How many messages, and bytes of them, the peer may have unfinished here.
    pub window: Credit,
    /// What of the peer's lane is unfinished.
    pub held: Credit,
    /// What is kept of the lane to the peer.
    pub kept: Credit,
}

/// A message that has not ended, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// Which entry it is: a message that was sent again has several.
    pub token: u64,
    /// Which message it is.
    pub id: Id,
    /// The worker that it is with, if it is with one.
    pub with: Option<Incarnation>,
    /// The deaths that it is charged with.
    pub charges: u8,
    /// Whether it may have killed a process.
    pub suspect: bool,
}

/// What is kept of a lane, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelView {
    /// Which message it is, or is the ending of.
    pub id: Id,
    /// What it is.
    pub outcome: Outcome,
}

impl Links {
    /// What is held for each peer.
    pub(crate) fn views(&self) -> impl Iterator<Item = LaneView> {
        self.iter().map(|(_, link)| LaneView {
            peer: link.incarnation,
            role: link.peer.role,
            is_up: link.is_up(),
            window: link.window,
            held: link.held,
            kept: Credit {
                number: link.out.len() as u64,
                bytes: link.out.kept_bytes(),
            },
        })
    }
}

impl Engine {
    /// What it holds for each of its peers.
    pub fn lanes(&self) -> impl Iterator<Item = LaneView> {
        self.links.views()
    }

    /// What has not ended.
    pub fn unfinished(&self) -> impl Iterator<Item = EntryView> {
        let messages = self.ledger.iter().flat_map(|(key, entry)| {
            let each = entry.sequences();
            each.map(move |sequence| (key, entry, sequence))
        });
        messages.map(|(key, entry, sequence)| EntryView {
            token: key.token(),
            id: Id {
                sequence,
                ..entry.message().id
            },
            with: match entry.state {
                State::With(worker) => self.links.get(worker).map(|link| link.incarnation),
                State::Ready | State::Running | State::Waiting => None,
            },
            charges: entry.charges,
            suspect: entry.suspect,
        })
    }

    /// What waits in the store alone, of a server whose store is `store`.
    ///
    /// # Errors
    ///
    /// If the store can't be read.
    pub fn waiting(&self, store: &dyn Store) -> Result<Vec<Id>, StoreError> {
        let mut waiting = Vec::new();
        for (log, loaded) in self.backlog.logs() {
            for group in store.groups(log, loaded + 1) {
                let messages = stored::read_group(&group?, Duration::ZERO)?;
                let open = messages.iter().filter(|message| message.number > loaded);
                waiting.extend(
                    open.map(|message| {
                        id(&message.route, message.record.sequence, &message.extras)
                    }),
                );
            }
        }
        Ok(waiting)
    }

    /// What has ended and has not left for good, and what is on its way to a worker.
    pub fn outgoing(&self) -> impl Iterator<Item = ParcelView> {
        let lanes = self.links.iter().flat_map(|(_, link)| link.out.iter());
        let unclaimed = self.unclaimed.values();
        let unclaimed = unclaimed.flat_map(|unclaimed| &unclaimed.parcels);
        let parcels = lanes.chain(unclaimed).flat_map(|parcel| {
            let each = 0..parcel.count() as u64;
            each.map(move |further| (parcel, parcel.sequence + further))
        });
        parcels.map(|(parcel, sequence)| ParcelView {
            id: id(&parcel.route, sequence, &parcel.extras),
            outcome: parcel.outcome,
        })
    }
}

fn id(route: &Route, sequence: u64, extras: &Option<Arc<Extras>>) -> Id {
    Id {
        client: route.client(),
        sequence,
        path: extras
            .as_ref()
            .map_or(Path::ROOT, |extras| extras.path.clone()),
    }
}
