use std::collections::{BTreeSet, HashSet, VecDeque};

/// Which messages of a job it has submitted and given out no ending of.
#[derive(Debug)]
pub(super) enum Awaited {
    /// They are numbered as they are submitted.
    Numbered {
        /// The oldest one that is awaited, or the next one to be submitted.
        first: u64,
        /// From that one on, which are.
        awaited: VecDeque<bool>,
        count: u64,
    },
    /// The job was taken up: the application says which ones it submits, and others may end too.
    Named {
        awaited: BTreeSet<u64>,
        given_out: HashSet<u64>,
        /// All before this one are in one of the two.
        next: u64,
    },
}

impl Awaited {
    pub(super) fn new(is_named: bool) -> Awaited {
        match is_named {
            false => Awaited::Numbered {
                first: 0,
                awaited: VecDeque::new(),
                count: 0,
            },
            true => Awaited::Named {
                awaited: BTreeSet::new(),
                given_out: HashSet::new(),
                next: 0,
            },
        }
    }

    pub(super) fn is_named(&self) -> bool {
        matches!(self, Awaited::Named { .. })
    }

    /// How many are awaited.
    pub(super) fn len(&self) -> u64 {
        match self {
            Awaited::Numbered { count, .. } => *count,
            Awaited::Named { awaited, .. } => awaited.len() as u64,
        }
    }

    /// Whether no ending has been given out.
    pub(super) fn is_new(&self) -> bool {
        match self {
            Awaited::Numbered { first, count, .. } => *first == 0 && *count == self.submitted(),
            Awaited::Named { given_out, .. } => given_out.is_empty(),
        }
    }

    /// The first one that is awaited.
    pub(super) fn first(&self) -> Option<u64> {
        match self {
            Awaited::Numbered { first, count, .. } => (*count > 0).then_some(*first),
            Awaited::Named { awaited, .. } => awaited.first().copied(),
        }
    }

    /// Whether it was submitted here, or has ended here.
    pub(super) fn knows(&self, index: u64) -> bool {
        match self {
            Awaited::Numbered { .. } => index < self.submitted(),
            Awaited::Named {
                awaited, given_out, ..
            } => awaited.contains(&index) || given_out.contains(&index),
        }
    }

    /// The first one that was not submitted here and has not ended here.
    pub(super) fn next(&mut self) -> u64 {
        match self {
            Awaited::Numbered { .. } => self.submitted(),
            Awaited::Named {
                awaited,
                given_out,
                next,
            } => {
                while awaited.contains(next) || given_out.contains(next) {
                    *next += 1;
                }
                *next
            }
        }
    }

    /// It has been submitted: one that is not known, and [`next`](Self::next) unless the job was taken
    /// up.
    pub(super) fn submit(&mut self, index: u64) {
        match self {
            Awaited::Numbered { awaited, count, .. } => {
                awaited.push_back(true);
                *count += 1;
            }
            Awaited::Named { awaited, .. } => {
                awaited.insert(index);
            }
        }
    }

    /// Its ending is given out.
    pub(super) fn give_out(&mut self, index: u64) {
        match self {
            Awaited::Numbered {
                first,
                awaited,
                count,
            } => {
                let place = index.checked_sub(*first).map(|place| place as usize);
                if let Some(slot) = place.and_then(|place| awaited.get_mut(place)) {
                    *count -= u64::from(std::mem::take(slot));
                }
                while awaited.front() == Some(&false) {
                    awaited.pop_front();
                    *first += 1;
                }
            }
            Awaited::Named {
                awaited, given_out, ..
            } => {
                awaited.remove(&index);
                given_out.insert(index);
            }
        }
    }

    /// How many have been submitted, if they are numbered.
    fn submitted(&self) -> u64 {
        match self {
            Awaited::Numbered { first, awaited, .. } => first + awaited.len() as u64,
            Awaited::Named { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_out_in_any_order_is_awaited_no_more() {
        let mut awaited = Awaited::new(false);
        for index in 0..4 {
            assert_eq!(awaited.next(), index);
            awaited.submit(index);
        }
        assert!(awaited.is_new());
        awaited.give_out(1);
        assert!(!awaited.is_new());
        awaited.give_out(1);
        assert_eq!((awaited.len(), awaited.first()), (3, Some(0)));
        awaited.give_out(0);
        assert_eq!((awaited.len(), awaited.first()), (2, Some(2)));
        awaited.give_out(3);
        awaited.give_out(2);
        assert_eq!((awaited.len(), awaited.first()), (0, None));
        assert_eq!(awaited.next(), 4);
    }

    #[test]
    fn a_job_that_was_taken_up_numbers_around_what_it_knows() {
        let mut awaited = Awaited::new(true);
        awaited.submit(1);
        awaited.give_out(0);
        assert_eq!((awaited.next(), awaited.len()), (2, 1));
        assert!(awaited.knows(0) && awaited.knows(1) && !awaited.knows(2));
        awaited.give_out(1);
        assert_eq!((awaited.next(), awaited.first()), (2, None));
    }
}
