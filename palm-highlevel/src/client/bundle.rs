use crate::engine::Parcel;
use crate::siblings::{MOST_BUNDLED, Siblings};
use bytes::Bytes;
use palm_core::Route;
use palm_core::wire::Outcome;
use std::sync::Arc;

/// Messages that were submitted one after another and are to leave
/// [as one](palm_core::wire::Outcome::Bundle).
#[derive(Debug)]
pub(super) struct Bundle {
    route: Arc<Route>,
    /// Of the first.
    sequence: u64,
    index: u64,
    messages: Siblings,
    bytes: usize,
}

/// How many bytes of payload they have together: such a bundle still shares its frame with others.
const BYTES: usize = 16 << 10;

impl Bundle {
    /// The most bytes that a message of a bundle has: the longer ones are, the less there is to win.
    pub(super) const EACH: usize = 1 << 10;

    /// How many messages one may have, where a window holds so many: a window counts it as one.
    pub(super) fn most(window: u64) -> u64 {
        (window / 64).min(MOST_BUNDLED as u64)
    }

    pub(super) fn new(route: Arc<Route>, sequence: u64, index: u64) -> Bundle {
        Bundle {
            route,
            sequence,
            index,
            messages: Siblings::default(),
            bytes: 0,
        }
    }

    /// The sequences of its messages.
    pub(super) fn sequences(&self) -> std::ops::Range<u64> {
        self.sequence..self.sequence + self.messages.count()
    }

    /// Whether the message of that sequence may be one with it.
    pub(super) fn takes(
        &self,
        route: &Arc<Route>,
        sequence: u64,
        payload: &Bytes,
        most: u64,
    ) -> bool {
        Arc::ptr_eq(&self.route, route)
            && self.sequences().end == sequence
            && self.messages.count() < most
            && self.bytes + payload.len() <= BYTES
    }

    pub(super) fn push(&mut self, payload: Bytes) {
        self.bytes += payload.len();
        // It is far from what one message can't hold.
        self.messages.push(Outcome::Pending, payload);
    }

    /// As a parcel for the entry.
    pub(super) fn parcel(self) -> Parcel {
        let (outcome, payload) = match self.messages.only() {
            Some(payload) => (Outcome::Pending, payload.clone()),
            None => (Outcome::Bundle, self.messages.encode()),
        };
        Parcel {
            token: self.index,
            payload,
            ..super::machine::parcel(outcome, self.sequence, self.route)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palm_core::Incarnation;

    fn route() -> Arc<Route> {
        Arc::new(Route::parse(Incarnation::from_number(1), 1, "s.f").unwrap())
    }

    #[test]
    fn what_follows_on_the_same_way_is_one() {
        let (way, small) = (route(), Bytes::from_static(b"x"));
        let mut bundle = Bundle::new(way.clone(), 5, 0);
        bundle.push(small.clone());
        assert_eq!(bundle.sequences(), 5..6);
        assert!(bundle.takes(&way, 6, &small, 2));
        assert!(
            !bundle.takes(&way, 6, &small, 1),
            "it has as many as it may"
        );
        assert!(!bundle.takes(&way, 7, &small, 2), "one is missing");
        assert!(!bundle.takes(&route(), 6, &small, 2), "another job");
        let large = vec![0; BYTES].into();
        assert!(!bundle.takes(&way, 6, &large, 2));
    }

    #[test]
    fn one_alone_leaves_as_what_it_is() {
        let mut bundle = Bundle::new(route(), 5, 3);
        bundle.push("one".into());
        let parcel = bundle.parcel();
        assert_eq!((parcel.outcome, parcel.token), (Outcome::Pending, 3));
        assert_eq!((parcel.sequence, &parcel.payload[..]), (5, &b"one"[..]));

        let mut bundle = Bundle::new(route(), 5, 3);
        bundle.push("one".into());
        bundle.push("two".into());
        let parcel = bundle.parcel();
        assert_eq!((parcel.outcome, parcel.count()), (Outcome::Bundle, 2));
    }

    #[test]
    fn a_narrow_window_has_no_bundles() {
        assert_eq!(
            [1, 64, 127, 128, 1 << 17].map(Bundle::most),
            [0, 1, 1, 2, MOST_BUNDLED as u64]
        );
    }
}
