use palm_core::Route;
use std::collections::HashMap;
use std::sync::Arc;

/// How many routes a lane keeps at a time; a further one takes the number of the oldest.
const SLOTS: usize = 1024;

/// The numbers that a sender gives the routes of a lane.
#[derive(Debug, Default)]
pub(super) struct RouteNumbers {
    numbers: HashMap<Arc<Route>, u32>,
    slots: Vec<Arc<Route>>,
    oldest: usize,
    /// The last one asked for: the messages of a job come one after another.
    last: Option<(Arc<Route>, u32)>,
}

impl RouteNumbers {
    /// The number of `route`, and whether the receiver has to be told of it first.
    pub(super) fn number(&mut self, route: &Arc<Route>) -> (u32, bool) {
        if let Some((last, number)) = &self.last
            && Arc::ptr_eq(last, route)
        {
            return (*number, false);
        }
        let (number, new) = match self.numbers.get(route) {
            Some(number) => (*number, false),
            None => (self.assign(route), true),
        };
        self.last = Some((route.clone(), number));
        (number, new)
    }

    fn assign(&mut self, route: &Arc<Route>) -> u32 {
        let number = if self.slots.len() < SLOTS {
            self.slots.push(route.clone());
            self.slots.len() - 1
        } else {
            let number = self.oldest;
            self.oldest = (number + 1) % SLOTS;
            let old = std::mem::replace(&mut self.slots[number], route.clone());
            self.numbers.remove(&old);
            number
        };
        self.numbers.insert(route.clone(), number as u32);
        number as u32
    }

    /// Forgets all numbers: the receiver may have lost frames that told it of some.
    pub(super) fn forget(&mut self) {
        *self = RouteNumbers::default();
    }
}

/// The routes that a receiver was told of.
#[derive(Debug, Default)]
pub(super) struct RouteTable(Vec<Option<Arc<Route>>>);

impl RouteTable {
    /// Notes what `number` means from now on. A number beyond what a sender may use is passed
    /// over; a message that refers to it is then refused.
    pub(super) fn define(&mut self, number: u32, route: Arc<Route>) {
        let index = number as usize;
        if index >= SLOTS {
            return;
        }
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some(route);
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<Route>> {
        self.0.get(number as usize)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palm_core::Incarnation;

    #[test]
    fn a_route_is_told_once_and_numbers_are_used_again() {
        let client = Incarnation::from_number(1);
        let route = |job| Arc::new(Route::parse(client, job, "s.f").unwrap());
        let mut numbers = RouteNumbers::default();
        assert_eq!(numbers.number(&route(0)), (0, true));
        assert_eq!(numbers.number(&route(0)), (0, false));
        for job in 1..SLOTS as u64 {
            assert_eq!(numbers.number(&route(job)), (job as u32, true));
        }
        assert_eq!(numbers.number(&route(5000)), (0, true));
        assert_eq!(numbers.number(&route(0)), (1, true));
        numbers.forget();
        assert_eq!(numbers.number(&route(7)), (0, true));
    }

    #[test]
    fn a_number_out_of_range_is_not_kept() {
        let client = Incarnation::from_number(1);
        let mut table = RouteTable::default();
        table.define(u32::MAX, Arc::new(Route::parse(client, 1, "f").unwrap()));
        assert!(table.get(u32::MAX).is_none());
        assert!(table.get(0).is_none());
    }
}
