use super::choices::Choices;
use super::ledger::Entry;
use super::link::Link;
use super::parcel::Origin;
use super::passages;
use super::slab::Key;
use super::{Action, Address, Engine, Links, Next, Parcel};
use crate::mutant::{self, Mutant};
use crate::siblings::Siblings;
use crate::{Failure, FailureKind};
use palm_core::lane::Carried;
use palm_core::wire::{Extras, Outcome};
use palm_core::{Incarnation, Path, Route, Step};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many functions a message may go through where servers choose the next one: beyond that, they
/// lead in a circle.
const HOPS: usize = 64;

/// Into how many branches tees may split a message, all in all.
const MOST_BRANCHES: u32 = 4096;

/// Into how many results functions may split it.
pub(super) const MOST_PARTS: u32 = 1 << 16;

/// The next servers, and what is on its way to several of them.
///
/// Invariant: a message that went to several next servers is settled once all of them have released
/// what came of it.
#[derive(Debug, Default)]
pub(super) struct Onward {
    nexts: Vec<Target>,
    /// The links to servers that routes name, if it is routes that say where results go.
    named: Option<BTreeMap<String, Key>>,
    /// The step that was asked for last, and the link to its server.
    last: Option<(Arc<Route>, u16, Key)>,
    /// What has left as more than one parcel. Nobody chooses the numbers of a lane, so that they need
    /// no hash that withstands it.
    branches: FxHashMap<Origin, Branches>,
    choices: Choices,
    /// What the branches of the message that was split last have, by their ordinals.
    teed: Vec<Option<Teed>>,
}

/// Which of the next servers take a result: a bit for each. (A loop waits for no more sockets than a
/// word has bits.)
#[derive(Clone, Copy)]
struct Taking(u64);

impl Taking {
    fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The first that takes it, if one does.
    fn first(self) -> usize {
        self.0.trailing_zeros() as usize
    }

    /// Those that take it, in order.
    fn each(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let next = (left != 0).then(|| Taking(left).first())?;
            left &= left - 1;
            Some(next)
        })
    }
}

/// The parcels that came of one message.
#[derive(Debug)]
struct Branches {
    /// How many have not been released.
    left: u32,
    /// What they take of the window of the lane that it came by.
    weight: u64,
}

/// The extras of one branch of a message.
#[derive(Debug)]
struct Teed {
    /// The message's own.
    of: Option<Arc<Extras>>,
    /// Into how many branches it was split.
    count: u32,
    extras: Arc<Extras>,
}

#[derive(Debug)]
struct Target {
    link: Key,
    next: Next,
    /// The route that was asked for last, and where it goes on.
    last: Option<(Arc<Route>, Arc<Route>)>,
}

impl Onward {
    /// The links to the next servers, in the order of `nexts`.
    pub(super) fn new(links: Vec<Key>, nexts: Vec<Next>, by_route: bool) -> Onward {
        let targets = links.into_iter().zip(nexts);
        Onward {
            nexts: targets
                .map(|(link, next)| Target {
                    link,
                    next,
                    last: None,
                })
                .collect(),
            named: by_route.then(BTreeMap::new),
            ..Onward::default()
        }
    }

    /// Which of the next servers take the result.
    fn taking(&self, result: &[u8]) -> Taking {
        let bits = self.nexts.iter().zip(0..);
        let taken = bits.filter(|(target, _)| target.next.takes(result));
        Taking(taken.fold(0, |word, (_, bit)| word | 1u64 << bit))
    }

    /// Whether all results go on alike, whatever they are.
    pub(super) fn takes_all(&self) -> bool {
        self.nexts.iter().all(|target| target.next.filter.is_none())
    }

    /// Whether results go to clients alone.
    pub(super) fn is_empty(&self) -> bool {
        self.nexts.is_empty() && self.named.is_none()
    }

    pub(super) fn links(&self) -> impl Iterator<Item = Key> {
        let named = self.named.iter().flat_map(BTreeMap::values).copied();
        self.nexts.iter().map(|target| target.link).chain(named)
    }

    /// Whether routes say where results go.
    pub(super) fn is_by_route(&self) -> bool {
        self.named.is_some()
    }

    /// The link to the next server with that number.
    pub(super) fn link(&self, number: u32) -> Option<Key> {
        Some(self.nexts.get(number as usize)?.link)
    }

    /// Whether a message may be executed: the lanes that its result may leave by have room, or do not
    /// [count](super::passages) it. Of a `thrifty` server, whose store has no room for more, who does not
    /// take its endings gets no more: a message makes room for its own ending, and for no others.
    pub(super) fn has_room(&self, links: &Links, entry: &Entry, thrifty: bool) -> bool {
        let is_closed = |link: &Link| link.is_full() || thrifty && link.is_behind();
        let has_room = |key| !links.get(key).is_some_and(is_closed);
        let Some(named) = &self.named else {
            return match self.nexts.is_empty() {
                true => has_room(entry.origin.link),
                false => self.links().all(has_room),
            };
        };
        let stage = usize::from(entry.stage) + 1;
        let steps = entry.route.steps();
        match steps.get(stage) {
            Some(next) => {
                let link = named.get(&next.server);
                link.is_none_or(|link| has_room(*link)) || passages::recur(steps, stage)
            }
            None => links.of(entry.route.client()).is_none_or(has_room),
        }
    }

    /// Notes that so many parcels have come of one, which take `weight` of the window of its lane.
    pub(super) fn split(&mut self, origin: Option<Origin>, parcels: usize, weight: u64) {
        if let Some(origin) = origin
            && parcels > 1
            && !mutant::is(Mutant::SettlesFirstBranch)
        {
            let branches = self.branches.entry(origin);
            let branches = branches.or_insert(Branches { left: 1, weight });
            branches.left += parcels as u32 - 1;
        }
    }

    /// Notes that each message of a bundle leaves by itself, which makes no difference to any other parcel.
    pub(super) fn split_bundle(&mut self, parcel: &Parcel) {
        self.split(parcel.origin, parcel.count(), parcel.weight());
    }

    /// Notes that something of a message that was split weighs something else now.
    pub(super) fn reweigh(&mut self, origin: Origin, before: u64, after: u64) {
        if !self.branches.is_empty()
            && let Some(branches) = self.branches.get_mut(&origin)
        {
            branches.weight = (branches.weight + after).saturating_sub(before);
        }
    }

    /// Whatever of the messages that came by a link is still on its way, nobody waits for it.
    pub(super) fn forget(&mut self, link: Key) {
        self.branches.retain(|origin, _| origin.link != link);
    }

    /// Of what message a parcel may be a branch.
    pub(super) fn parent(parcel: &Parcel) -> Option<(Incarnation, u64, Path)> {
        let extras = parcel.extras.as_ref()?;
        let (_, parent) = extras.path.ordinals().split_last()?;
        let parent = parent.iter().fold(Path::ROOT, |path, of| path.child(*of));
        (!extras.branches.is_empty()).then(|| (parcel.route.client(), parcel.sequence, parent))
    }

    /// One branch of a message, as most that come one after another are split alike.
    fn tee(&mut self, parcel: Parcel, ordinal: u32, count: u32) -> Parcel {
        let of = parcel.extras.clone();
        let last = self.teed.get(ordinal as usize).and_then(Option::as_ref);
        let same = |teed: &&Teed| {
            let parent = (teed.of.as_ref().map(Arc::as_ptr), teed.count);
            parent == (of.as_ref().map(Arc::as_ptr), count)
        };
        if let Some(teed) = last.filter(same) {
            let extras = Some(teed.extras.clone());
            return Parcel { extras, ..parcel };
        }
        let parcel = branch(parcel, ordinal, count);
        if self.teed.len() <= ordinal as usize {
            self.teed.resize_with(ordinal as usize + 1, || None);
        }
        let extras = parcel.extras.clone();
        self.teed[ordinal as usize] = extras.map(|extras| Teed { of, count, extras });
        parcel
    }

    /// Notes that one more parcel has come of a message, of which `weight` counts.
    pub(super) fn split_again(&mut self, origin: Origin, weight: u64) {
        let branches = self.branches.entry(origin);
        branches.or_insert(Branches { left: 1, weight }).left += 1;
    }

    /// Notes that a parcel is released; if it is the last that came of its message, gives back what
    /// they take of the window.
    pub(super) fn released(&mut self, parcel: &Parcel) -> Option<u64> {
        let Some(origin) = parcel.origin.filter(|_| !self.branches.is_empty()) else {
            return Some(parcel.weight());
        };
        let Some(branches) = self.branches.get_mut(&origin) else {
            return Some(parcel.weight());
        };
        branches.left -= 1;
        if branches.left > 0 {
            return None;
        }
        self.branches
            .remove(&origin)
            .map(|branches| branches.weight)
    }
}

impl Target {
    /// Leads a message whose route is over on to the function that this server names.
    fn lead(&mut self, parcel: &mut Parcel) {
        let route = &parcel.route;
        if route.steps().len() > usize::from(parcel.stage) {
            return;
        }
        parcel.route = match &self.last {
            Some((from, to)) if Arc::ptr_eq(from, route) => to.clone(),
            _ => {
                let to = Arc::new(route.then(self.next.step.clone()));
                self.last = Some((route.clone(), to.clone()));
                to
            }
        };
    }
}

/// How results go on to the next servers.
impl Engine {
    /// Hands on what a message has ended with: a result to all next servers that take it, each its
    /// own branch; any other ending unexecuted, and undivided, to the first.
    #[inline(always)]
    pub(super) fn go_on(&mut self, mut parcel: Parcel) {
        parcel.stage = parcel.stage.saturating_add(1);
        if self.onward.named.is_some() {
            return self.follow_route(parcel);
        }
        if !matches!(parcel.outcome, Outcome::Success | Outcome::Bundle) {
            return self.pass_by(parcel);
        }
        if parcel.route.steps().len() >= HOPS && usize::from(parcel.stage) >= HOPS {
            let message = circle(&self.links.me.name, &parcel.route);
            return self.refuse_to_go_on(parcel, message);
        }
        if parcel.outcome == Outcome::Success {
            parcel.outcome = Outcome::Pending;
        }
        let taking = self.onward.taking(&parcel.payload);
        match taking.count() {
            0 => {
                let name = &self.links.me.name;
                let message = format!("no server that is next to {name} takes the result");
                self.refuse_to_go_on(parcel, message);
            }
            1 => self.post_to(taking.first(), parcel),
            _ => self.tee(parcel, taking),
        }
    }

    /// Hands a result on to several next servers, each its own branch.
    #[inline(never)]
    fn tee(&mut self, parcel: Parcel, taking: Taking) {
        let count = taking.count();
        if branches(&parcel).saturating_mul(count) > MOST_BRANCHES {
            let name = &self.links.me.name;
            let message = format!("{name} splits nothing into more than {MOST_BRANCHES} branches");
            return self.refuse_to_go_on(parcel, message);
        }
        self.onward
            .split(parcel.origin, count as usize, parcel.weight());
        for (index, ordinal) in taking.each().zip(0..) {
            let branch = self.onward.tee(parcel.clone(), ordinal, count);
            self.post_to(index, branch);
        }
    }

    /// Hands a result to where its function says: the function of the next server, and what follows;
    /// to the client, if it says nothing.
    pub(super) fn go_where(&mut self, mut parcel: Parcel, then: &str) {
        parcel.stage = parcel.stage.saturating_add(1);
        match self.onward.choices.route(&parcel.route, parcel.stage, then) {
            Ok(route) => parcel.route = route,
            Err(error) => return self.refuse_to_go_on(parcel, error.to_string()),
        }
        let Some(step) = parcel.route.steps().get(usize::from(parcel.stage)) else {
            return self.reply(parcel);
        };
        if self.onward.named.is_some() {
            return self.follow_route(parcel);
        }
        if usize::from(parcel.stage) >= HOPS {
            let message = circle(&self.links.me.name, &parcel.route);
            return self.refuse_to_go_on(parcel, message);
        }
        let nexts = &self.onward.nexts;
        match nexts
            .iter()
            .position(|target| target.next.step.server == step.server)
        {
            Some(index) => {
                parcel.outcome = Outcome::Pending;
                self.post_to(index, parcel);
            }
            None => {
                let names: Vec<&str> = nexts
                    .iter()
                    .map(|target| target.next.step.server.as_str())
                    .collect();
                let me = &self.links.me.name;
                let next = match names.is_empty() {
                    true => format!("{me} has no next servers"),
                    false => format!("next to {me} are {}", names.join(", ")),
                };
                let message = format!("a function chose `{step}` as the next step, but {next}");
                self.refuse_to_go_on(parcel, message);
            }
        }
    }

    /// Hands a message to the server that its route names next, or to its client.
    #[inline(never)]
    fn follow_route(&mut self, mut parcel: Parcel) {
        let succeeded = matches!(parcel.outcome, Outcome::Success | Outcome::Bundle);
        if !succeeded && mutant::is(Mutant::LeavesRoute) {
            return self.reply(parcel);
        }
        let Some(next) = self.next_of(&parcel.route, parcel.stage) else {
            return self.reply(parcel);
        };
        if parcel.outcome == Outcome::Success {
            parcel.outcome = Outcome::Pending;
        }
        self.post(next, parcel);
    }

    /// The link to the server of a step, unless the route is over; it is opened if this is the first
    /// message for that server.
    fn next_of(&mut self, route: &Arc<Route>, stage: u16) -> Option<Key> {
        if let Some((last, at, link)) = &self.onward.last
            && *at == stage
            && Arc::ptr_eq(last, route)
        {
            return Some(*link);
        }
        let mut step = route.steps().get(usize::from(stage))?;
        if mutant::is(Mutant::GoesBack) {
            step = route.steps().first()?;
        }
        let named = self.onward.named.as_ref()?;
        let link = match named.get(&step.server) {
            Some(link) => *link,
            None => {
                let link = self.open_named(&step.server);
                self.open_lane(link);
                link
            }
        };
        self.onward.last = Some((route.clone(), stage, link));
        Some(link)
    }

    /// Opens the link to the server of that name, which is to be found. What comes back from a store
    /// has its lane there already.
    pub(super) fn open_named(&mut self, name: &str) -> Key {
        let key = self.links.open(self.now);
        if let Some(link) = self.links.get_mut(key) {
            link.peer.name = name.to_owned();
            if let Address::Dealer(dealer) = link.address {
                self.recalled.push(Action::Find(dealer, name.to_owned()));
            }
        }
        if let Some(named) = &mut self.onward.named {
            named.insert(name.to_owned(), key);
        }
        key
    }

    /// Passes a word on to all next servers; gives back whether there are any. Where they lead in a
    /// circle it goes around as far as messages do.
    pub(super) fn tell_onward(&mut self, word: &Parcel) -> bool {
        let last = usize::from(word.stage) > HOPS;
        let nexts: Vec<Key> = match &self.onward.named {
            Some(_) => self.next_of(&word.route, word.stage).into_iter().collect(),
            None if last => Vec::new(),
            None => self.onward.links().collect(),
        };
        self.onward.split(word.origin, nexts.len(), word.weight());
        for next in &nexts {
            self.post(*next, word.clone());
        }
        !nexts.is_empty()
    }

    #[inline(always)]
    fn post_to(&mut self, index: usize, mut parcel: Parcel) {
        let target = &mut self.onward.nexts[index];
        target.lead(&mut parcel);
        let link = target.link;
        self.post(link, parcel);
    }

    #[inline(never)]
    fn refuse_to_go_on(&mut self, mut parcel: Parcel, why: String) {
        log::error!("{}: {why}", self.links.me.name);
        self.fail_on_its_way(&mut parcel, &Failure::of(FailureKind::Unknown, why));
        if self.onward.named.is_some() {
            return self.follow_route(parcel);
        }
        self.pass_by(parcel);
    }

    /// Makes a failure of a result that can't go on; it counts as that from now on.
    pub(super) fn fail_on_its_way(&mut self, parcel: &mut Parcel, failure: &Failure) {
        let result = parcel.weight();
        match parcel.outcome {
            Outcome::Bundle => {
                let each = (Outcome::Failure, failure.encode());
                parcel.payload = Siblings::from(vec![each; parcel.count()]).encode();
            }
            _ => {
                parcel.outcome = Outcome::Failure;
                parcel.payload = failure.encode();
            }
        }
        let Some(origin) = parcel.origin else { return };
        // Branches count together, as what they were when their message was split.
        if !self.onward.branches.contains_key(&origin) {
            self.reweigh(origin, result, parcel.weight());
        }
    }

    /// What is no success goes on without being executed, until its client hears of it. Where
    /// servers lead in a circle the client listens to one of them; if it does not, this ends as well.
    #[inline(never)]
    fn pass_by(&mut self, parcel: Parcel) {
        let around = usize::from(parcel.stage) / HOPS;
        let client = self.links.of(parcel.route.client());
        match (around, client, self.onward.link(0)) {
            (0, _, Some(first)) | (1, None, Some(first)) => self.post(first, parcel),
            (_, Some(client), _) => self.post(client, parcel),
            (_, None, Some(_)) => {
                log::error!(
                    "{}: an ending for the client {} has gone in a circle that it listens to at none of \
                     the servers: check where each of them goes on to, and where the client listens",
                    self.links.me.name,
                    parcel.route.client()
                );
                self.reply(parcel);
            }
            (_, None, None) => self.reply(parcel),
        }
    }
}

/// Into how many branches tees have split the message so far.
pub(super) fn branches(parcel: &Parcel) -> u32 {
    let tees = parcel.extras.iter().flat_map(|extras| &extras.branches);
    tees.fold(1, |product, branches| product.saturating_mul(*branches))
}

/// One branch of what goes on to several servers.
pub(super) fn branch(mut parcel: Parcel, ordinal: u32, count: u32) -> Parcel {
    let extras = Arc::make_mut(parcel.extras.get_or_insert_default());
    extras.path = extras.path.child(ordinal);
    extras.branches.push(count);
    parcel
}

fn circle(name: &str, route: &Route) -> String {
    let last = route.steps().len().saturating_sub(4);
    let last: Vec<String> = route.steps()[last..].iter().map(Step::to_string).collect();
    format!(
        "{name} passes nothing on that has been through {HOPS} functions, the last of them {}: \
         let one of these servers be the last",
        last.join(", ")
    )
}
