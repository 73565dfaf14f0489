//! What has been sent and has not come back, and the order in which it is handed on.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::submission::Fate;

/// The places of trades that have not come back, window by window.
///
/// Trades are sent in windows of the order in which results are wanted, and come back in any
/// order; a window is handed on when it is whole and those before it have been.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    windows: VecDeque<Window>,
    /// The number of the first window.
    first: u64,
    sent: HashMap<u64, Sent>,
}

#[derive(Debug)]
struct Window {
    places: Range<usize>,
    fates: Vec<Option<Fate>>,
    awaited: usize,
}

/// A message: the window it is of, and the places of its trades.
#[derive(Debug)]
struct Sent {
    window: u64,
    places: Vec<usize>,
}

impl Outstanding {
    /// How many messages have not come back.
    pub(super) fn messages(&self) -> usize {
        self.sent.len()
    }

    /// How many windows have not been handed on.
    pub(super) fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Whether everything has come back and has been handed on.
    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Opens a window of trades, some of whose fates are known already; gives back its number.
    pub(super) fn open(
        &mut self,
        places: Range<usize>,
        known: impl Iterator<Item = Option<Fate>>,
    ) -> u64 {
        let fates: Vec<_> = known.collect();
        debug_assert_eq!(fates.len(), places.len());
        let awaited = fates.iter().filter(|fate| fate.is_none()).count();
        self.windows.push_back(Window {
            places,
            fates,
            awaited,
        });
        self.first + self.windows.len() as u64 - 1
    }

    /// Notes that the message of this index holds these trades of that window.
    pub(super) fn sent(&mut self, index: u64, window: u64, places: Vec<usize>) {
        self.sent.insert(index, Sent { window, places });
    }

    /// Forgets a message whose trades are to be sent again; gives back their window and places.
    /// `None` if no such message is awaited.
    pub(super) fn withdraw(&mut self, index: u64) -> Option<(u64, Vec<usize>)> {
        let Sent { window, places } = self.sent.remove(&index)?;
        Some((window, places))
    }

    /// Notes what became of the trades of a message, in their order; gives back their places.
    /// `None` if no such message is awaited.
    pub(super) fn ended(
        &mut self,
        index: u64,
        fates: impl Iterator<Item = Fate>,
    ) -> Option<Vec<usize>> {
        let Sent { window, places } = self.sent.remove(&index)?;
        let window = &mut self.windows[(window - self.first) as usize];
        for (place, fate) in places.iter().zip(fates) {
            window.fates[place - window.places.start] = Some(fate);
            window.awaited -= 1;
        }
        Some(places)
    }

    /// Places of the trades of a message that is awaited.
    pub(super) fn places(&self, index: u64) -> Option<&[usize]> {
        self.sent.get(&index).map(|sent| &*sent.places)
    }

    /// The next window that is whole: each trade's place and fate, in order.
    pub(super) fn next_whole(&mut self) -> Option<impl Iterator<Item = (usize, Fate)> + use<>> {
        if self.windows.front()?.awaited > 0 {
            return None;
        }
        self.first += 1;
        let Window { places, fates, .. } = self.windows.pop_front()?;
        // Invariant: none is awaited, so each has its fate.
        Some(places.zip(fates.into_iter().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outstanding: &mut Outstanding, index: u64, count: usize) {
        let fates = (0..count).map(|_| Err(format!("message {index}")));
        assert!(outstanding.ended(index, fates).is_some());
    }

    #[test]
    fn windows_are_handed_on_whole_and_in_order() {
        let mut outstanding = Outstanding::default();
        let first = outstanding.open(0..3, (0..3).map(|_| None));
        outstanding.sent(0, first, vec![0, 2]);
        outstanding.sent(1, first, vec![1]);
        let known = [Some(Err("faulty".to_owned())), None];
        let second = outstanding.open(3..5, known.into_iter());
        outstanding.sent(2, second, vec![4]);
        assert_eq!((outstanding.messages(), outstanding.windows()), (3, 2));

        ended(&mut outstanding, 2, 1);
        ended(&mut outstanding, 0, 2);
        assert!(outstanding.next_whole().is_none(), "the first is not whole");
        ended(&mut outstanding, 1, 1);
        let mut told = Vec::new();
        while let Some(window) = outstanding.next_whole() {
            told.extend(window.map(|(place, fate)| (place, fate.unwrap_err())));
        }
        let told: Vec<_> = told.iter().map(|(place, fate)| (*place, &**fate)).collect();
        assert_eq!(
            told,
            [
                (0, "message 0"),
                (1, "message 1"),
                (2, "message 0"),
                (3, "faulty"),
                (4, "message 2"),
            ]
        );
        assert!(outstanding.is_empty());
        assert!(outstanding.ended(2, [].into_iter()).is_none(), "only once");
    }

    #[test]
    fn what_is_withdrawn_can_be_sent_again_in_parts() {
        let mut outstanding = Outstanding::default();
        let window = outstanding.open(0..2, (0..2).map(|_| None));
        outstanding.sent(0, window, vec![0, 1]);
        let (window, places) = outstanding.withdraw(0).unwrap();
        assert_eq!((outstanding.messages(), &*places), (0, &[0, 1][..]));
        outstanding.sent(1, window, vec![0]);
        outstanding.sent(2, window, vec![1]);
        assert!(outstanding.withdraw(0).is_none(), "only once");
        ended(&mut outstanding, 2, 1);
        assert!(outstanding.next_whole().is_none());
        ended(&mut outstanding, 1, 1);
        assert_eq!(outstanding.next_whole().unwrap().count(), 2);
    }

    #[test]
    fn a_window_of_faulty_trades_alone_awaits_nothing() {
        let mut outstanding = Outstanding::default();
        outstanding.open(0..1, [Some(Err("faulty".to_owned()))].into_iter());
        assert_eq!(outstanding.next_whole().unwrap().count(), 1);
    }
}
