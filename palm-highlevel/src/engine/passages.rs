use palm_core::{Route, Step};
use std::sync::Arc;

/// Which messages go by one lane more than once, as their route goes from one server to another more
/// than once. The window of such a lane could be full of messages that wait for themselves to come by
/// it again. So windows don't count them there, wherever they are on their route: how many of them there
/// are is bounded by the window of the lane that they entered by.
///
/// Messages with one route stand next to each other, so that the last answer is kept.
#[derive(Debug, Default)]
pub(super) struct Passages {
    last: Option<(Arc<Route>, u16, bool)>,
}

impl Passages {
    /// Whether a message goes more than once by the lane that it comes to `stage` by.
    #[inline]
    pub(super) fn recur(&mut self, route: &Arc<Route>, stage: u16) -> bool {
        match &self.last {
            Some((last, at, recurs)) if *at == stage && Arc::ptr_eq(last, route) => *recurs,
            _ => {
                let recurs = recur(route.steps(), usize::from(stage));
                self.last = Some((route.clone(), stage, recurs));
                recurs
            }
        }
    }
}

/// Whether a route goes more than once from one server to the next as it does to its step `stage`.
pub(super) fn recur(steps: &[Step], stage: usize) -> bool {
    let Some(passage) = stage.checked_sub(1).and_then(|at| steps.get(at..=stage)) else {
        return false;
    };
    let alike =
        |pair: &&[Step]| pair[0].server == passage[0].server && pair[1].server == passage[1].server;
    steps.windows(2).filter(alike).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use palm_core::Incarnation;

    #[test]
    fn a_lane_recurs_that_a_route_goes_by_twice_in_one_direction() {
        let recurring = |route: &str| -> Vec<usize> {
            let route = Route::parse(Incarnation::from_number(1), 1, route).unwrap();
            let stages = 0..=route.steps().len();
            stages
                .filter(|stage| recur(route.steps(), *stage))
                .collect()
        };
        assert_eq!(recurring("a.f"), [0; 0]);
        assert_eq!(recurring("a.f b.f a.f"), [0; 0]);
        assert_eq!(recurring("a.f b.f a.f b.g"), [1, 3]);
        assert_eq!(recurring("a.f a.f a.f"), [1, 2]);
        assert_eq!(recurring("a.f b.f c.f b.f c.f d.f"), [2, 4]);
    }
}
