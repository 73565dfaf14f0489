use crate::mutant::{self, Mutant};
use palm_core::Route;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// How many routes a sender refers to at a time; a further one takes the place of the oldest.
const SENT: usize = 1024;

/// How many routes a frame tells of at most.
pub(super) const TOLD: usize = SENT;

/// How many numbers each life of a process has, before it takes those of the next one.
const LIFE: u32 = 1 << 20;

/// How many routes a receiver remembers: those that the sender may have referred to at the
/// beginning of a frame, and those that the frame tells of.
const KEPT: usize = SENT + TOLD;

/// The numbers that a sender gives the routes of a lane.
///
/// Invariant: in a generation of the lane a number means one route, so that a frame which was
/// overtaken means what it meant. A process with a store goes on with the generation of the one
/// before it, and knows none of its numbers: each life begins with its own.
#[derive(Debug, Default)]
pub(super) struct RouteNumbers {
    numbers: HashMap<Arc<Route>, Number>,
    /// The routes that have numbers, the oldest first.
    order: VecDeque<Arc<Route>>,
    next: u32,
    /// What was told in an earlier round the receiver may not have heard.
    round: u32,
    /// The last one asked for: the messages of a job come one after another.
    last: Option<(Arc<Route>, u32)>,
}

#[derive(Debug)]
struct Number {
    number: u32,
    round: u32,
}

impl RouteNumbers {
    /// Those of a process that is so many behind the first that had its lanes.
    pub(super) fn of_life(epoch: u64) -> RouteNumbers {
        RouteNumbers {
            next: (epoch as u32).wrapping_mul(LIFE),
            ..RouteNumbers::default()
        }
    }

    /// The number of `route`, and whether the receiver has to be told of it first.
    pub(super) fn number(&mut self, route: &Arc<Route>) -> (u32, bool) {
        if let Some((last, number)) = &self.last
            && Arc::ptr_eq(last, route)
        {
            return (*number, false);
        }
        let (number, new) = match self.numbers.get_mut(route) {
            Some(known) => {
                let round = std::mem::replace(&mut known.round, self.round);
                (known.number, round != self.round)
            }
            None => (self.assign(route), true),
        };
        self.last = Some((route.clone(), number));
        (number, new)
    }

    fn assign(&mut self, route: &Arc<Route>) -> u32 {
        if self.order.len() == SENT
            && let Some(oldest) = self.order.pop_front()
        {
            self.numbers.remove(&oldest);
        }
        let number = self.next;
        self.next = number.wrapping_add(1);
        let round = self.round;
        self.order.push_back(route.clone());
        self.numbers.insert(route.clone(), Number { number, round });
        number
    }

    /// Has all numbers told again: the receiver may have lost frames that told it of some.
    pub(super) fn tell_again(&mut self) {
        if mutant::is(Mutant::RenumbersRoutes) {
            return self.restart();
        }
        self.round = self.round.wrapping_add(1);
        self.last = None;
    }

    /// Forgets all numbers, as the lane begins anew.
    pub(super) fn restart(&mut self) {
        *self = RouteNumbers::default();
    }
}

/// The routes that a receiver was told of.
#[derive(Debug, Default)]
pub(super) struct RouteTable(Vec<Option<(u32, Arc<Route>)>>);

impl RouteTable {
    /// Notes what `number` means from now on.
    pub(super) fn define(&mut self, number: u32, route: Arc<Route>) {
        let index = number as usize % KEPT;
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some((number, route));
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<Route>> {
        let (known, route) = self.0.get(number as usize % KEPT)?.as_ref()?;
        (*known == number).then_some(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palm_core::Incarnation;

    #[test]
    fn a_route_is_told_once_a_round_under_one_number() {
        let client = Incarnation::from_number(1);
        let route = |job| Arc::new(Route::parse(client, job, "s.f").unwrap());
        let mut numbers = RouteNumbers::default();
        assert_eq!(numbers.number(&route(0)), (0, true));
        assert_eq!(numbers.number(&route(0)), (0, false));
        for job in 1..SENT as u64 {
            assert_eq!(numbers.number(&route(job)), (job as u32, true));
        }
        numbers.tell_again();
        assert_eq!(numbers.number(&route(7)), (7, true));
        assert_eq!(numbers.number(&route(7)), (7, false));
        assert_eq!(numbers.number(&route(5000)), (SENT as u32, true));
        assert_eq!(numbers.number(&route(0)), (SENT as u32 + 1, true));
        numbers.restart();
        assert_eq!(numbers.number(&route(7)), (0, true));
    }

    #[test]
    fn a_frame_full_of_new_routes_hides_none_that_it_refers_to() {
        let client = Incarnation::from_number(1);
        let route = |job| Arc::new(Route::parse(client, job, "f").unwrap());
        let mut numbers = RouteNumbers::default();
        let mut table = RouteTable::default();
        let tell = |numbers: &mut RouteNumbers, table: &mut RouteTable, job: u64| {
            let (number, _) = numbers.number(&route(job));
            table.define(number, route(job));
            number
        };
        let old: Vec<u32> = (0..SENT as u64)
            .map(|job| tell(&mut numbers, &mut table, job))
            .collect();
        for job in 0..TOLD as u64 {
            tell(&mut numbers, &mut table, 10_000 + job);
        }
        for (job, number) in old.into_iter().enumerate() {
            assert_eq!(table.get(number), Some(&route(job as u64)));
        }
    }

    #[test]
    fn a_number_means_what_was_told_last_or_nothing() {
        let client = Incarnation::from_number(1);
        let route = |job| Arc::new(Route::parse(client, job, "f").unwrap());
        let mut table = RouteTable::default();
        table.define(3 + KEPT as u32, route(1));
        assert!(table.get(3).is_none());
        table.define(3, route(2));
        assert!(table.get(3 + KEPT as u32).is_none());
        assert_eq!(table.get(3), Some(&route(2)));
        assert!(table.get(u32::MAX).is_none());
    }

    #[test]
    fn a_process_calls_no_route_as_the_one_before_it_did() {
        let client = Incarnation::from_number(1);
        let route = |job| Arc::new(Route::parse(client, job, "f").unwrap());
        let mut table = RouteTable::default();
        let mut before = RouteNumbers::of_life(1);
        for job in 0..3 * KEPT as u64 {
            let (number, _) = before.number(&route(job));
            table.define(number, route(job));
        }
        let last = before.number(&route(3 * KEPT as u64 - 1)).0;
        let (number, new) = RouteNumbers::of_life(2).number(&route(7));
        assert!(new && table.get(number).is_none());
        table.define(number, route(7));
        assert_eq!(table.get(number), Some(&route(7)));
        assert_eq!(table.get(last), Some(&route(3 * KEPT as u64 - 1)));
    }
}
