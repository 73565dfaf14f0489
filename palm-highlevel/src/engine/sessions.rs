use super::ledger::Entry;
use super::link::Link;
use super::stored::outbox_log;
use super::{Engine, Key, Origin, Parcel, Taken};
use crate::client::machine::NAMED;
use palm_core::lane::Carried;
use palm_core::{Incarnation, Route};
use std::collections::HashSet;

/// What is held for clients that have a session: they may die, come back under its name, and send
/// again what they don't know the ending of. What is held already is not executed a second time.
///
/// Invariant: a message of a job that a session has named is in `held` from when it is admitted until its ending has
/// left for good.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// The ids that are held: client, job, and the client's own number.
    held: HashSet<(Incarnation, u64, u64)>,
}

fn id(route: &Route, token: u64) -> (Incarnation, u64, u64) {
    (route.client(), route.pipeline(), token)
}

impl Sessions {
    /// Notes that a message is held; `false` if it was already.
    pub(super) fn hold(&mut self, route: &Route, token: u64) -> bool {
        self.held.insert(id(route, token))
    }

    /// A message was given up, as its session was.
    pub(super) fn forget(&mut self, entry: &Entry) {
        if !self.held.is_empty() {
            self.held.remove(&id(&entry.route, entry.token));
        }
    }

    /// A message has left for good.
    pub(super) fn release(&mut self, parcel: &Parcel) {
        if !self.held.is_empty() {
            self.held.remove(&id(&parcel.route, parcel.token));
        }
    }
}

impl Engine {
    /// Whether a message from a session is held already; it is then settled, for its ending is on
    /// its way.
    pub(super) fn is_held(&mut self, origin: Origin, route: &Route, taken: &Taken) -> bool {
        // Another process sends again only what it has taken up by name: what calls have in common
        // is no name.
        if route.pipeline() < NAMED {
            return false;
        }
        let link = self.links.get(origin.link);
        if link.is_none_or(|link| link.peer.session.is_none()) {
            return false;
        }
        let held = !self.sessions.hold(route, taken.record.token);
        if held {
            self.mark(origin);
            self.settle(origin, taken.record.weight());
        }
        held
    }

    /// A client with a session is there: what waits for it, here or on the lane to the incarnation
    /// that it takes the place of, is sent to it.
    pub(super) fn session_joined(&mut self, key: Key, session: u64) {
        let client = Incarnation::from_number(session);
        let Some(old) = self.links.adopt(client, key).filter(|old| *old != key) else {
            return;
        };
        let Some(link) = self.links.get_mut(old) else {
            return;
        };
        let before = link.out.generation();
        let kept = link.restart(|_| false);
        log::info!(
            "{} is back: {} endings were kept for it",
            link.peer.name,
            kept.len()
        );
        if let (Some(lane), Some(journal)) = (link.lane, &mut self.journal) {
            journal.forget_log(outbox_log(lane, before));
            journal.touch(lane, old);
        }
        let era = self.links.get(key).map_or(0, Link::era);
        for mut parcel in kept {
            // What came by the lane that is gone counts against the window of the new one.
            if parcel.origin.is_some_and(|origin| origin.link == old) {
                if let Some(link) = self.links.get_mut(old) {
                    link.unhold(parcel.weight());
                }
                let Some(link) = self.links.get_mut(key) else {
                    continue;
                };
                link.hold(parcel.weight());
                parcel.origin = Some(Origin {
                    link: key,
                    era,
                    number: 0,
                });
            }
            self.post(key, parcel);
        }
        match self.is_needed(old) {
            true => self.links.retire(old),
            false => {
                if let Some(link) = self.links.remove(old) {
                    self.forget_lane(&link);
                }
            }
        }
    }
}
