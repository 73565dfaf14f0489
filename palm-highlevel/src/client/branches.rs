use super::machine::Results;
use crate::siblings::Siblings;
use bytes::Bytes;
use palm_core::wire::Extras;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The results of messages that tees have split, until those of all branches are there. The client
/// numbers its messages itself, so that they need no hash that withstands chosen numbers.
///
/// Invariant: of one message, they are in one of the two.
#[derive(Debug, Default)]
pub(super) struct Branches {
    messages: FxHashMap<u64, Few>,
    /// Of messages that came as bundles of the same ones so far, by the first sequence.
    bundles: BTreeMap<u64, Bundled>,
}

/// The branches of one message, or of as many messages as one.
type Few = SmallVec<[Branch; 2]>;

/// The branches of several messages in a row, whose results are packed.
#[derive(Debug)]
struct Bundled {
    count: u64,
    branches: Few,
}

/// How one branch of a message has ended.
#[derive(Debug)]
struct Branch {
    extras: Arc<Extras>,
    result: Bytes,
}

impl Branch {
    /// Which one it is, at each tee on its way.
    fn ordinals(&self) -> &[u32] {
        self.extras.path.ordinals()
    }

    /// Of how many.
    fn of(&self) -> &[u32] {
        &self.extras.branches
    }
}

impl Branches {
    /// Takes the result of a branch; gives back those of all, in the order of the tees' next servers,
    /// once they are there. A branch that comes again changes nothing.
    pub(super) fn add(
        &mut self,
        sequence: u64,
        extras: &Arc<Extras>,
        result: Bytes,
    ) -> Option<Results> {
        self.set_apart(sequence..sequence + 1);
        let branches = self.messages.entry(sequence).or_default();
        if !put(branches, extras, result) {
            return None;
        }
        let all = self.messages.remove(&sequence).unwrap_or_default();
        Some(all.into_iter().map(|branch| branch.result).collect())
    }

    /// As [`add`](Self::add), of several messages in a row, whose results are packed. Another branch
    /// of them may come otherwise: before that they are to be [set apart](Self::set_apart).
    pub(super) fn add_bundle(
        &mut self,
        sequences: Range<u64>,
        extras: &Arc<Extras>,
        packed: Bytes,
    ) -> Option<Results> {
        let bundled = self.bundles.entry(sequences.start);
        let bundled = bundled.or_insert_with(|| Bundled {
            count: sequences.end - sequences.start,
            branches: Few::new(),
        });
        if !put(&mut bundled.branches, extras, packed) {
            return None;
        }
        let all = self.bundles.remove(&sequences.start)?;
        let results = all.branches.into_iter().map(|branch| branch.result);
        Some(results.collect())
    }

    /// Whether nothing is here of these messages, or other branches of the same ones as one.
    pub(super) fn fits(&self, sequences: &Range<u64>) -> bool {
        let alone = |sequence| self.messages.contains_key(&sequence);
        match self.overlapping(sequences) {
            Some(first) => {
                let count = self.bundles.get(&first).map(|bundled| bundled.count);
                first == sequences.start && count == Some(sequences.end - sequences.start)
            }
            None => self.messages.is_empty() || !sequences.clone().any(alone),
        }
    }

    /// Some of these messages go on each by itself.
    pub(super) fn set_apart(&mut self, sequences: Range<u64>) {
        while let Some(first) = self.overlapping(&sequences) {
            let bundled = self.bundles.remove(&first);
            for Branch { extras, result } in bundled.into_iter().flat_map(|of| of.branches) {
                let each = Siblings::read(&result).into_iter().flatten();
                for (sequence, (_, result)) in (first..).zip(each) {
                    put(self.messages.entry(sequence).or_default(), &extras, result);
                }
            }
        }
    }

    /// The first sequence of a bundle that has some of these messages.
    fn overlapping(&self, sequences: &Range<u64>) -> Option<u64> {
        let mut before = self.bundles.range(..sequences.end);
        let (first, bundled) = before.next_back()?;
        (first + bundled.count > sequences.start).then_some(*first)
    }

    /// The message has ended, whatever of its branches is there.
    pub(super) fn forget(&mut self, sequence: u64) {
        self.set_apart(sequence..sequence + 1);
        if !self.messages.is_empty() {
            self.messages.remove(&sequence);
        }
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.bundles.clear();
    }
}

/// Puts a branch where it belongs; gives back whether all are there now.
fn put(branches: &mut Few, extras: &Arc<Extras>, result: Bytes) -> bool {
    let ordinals = extras.path.ordinals();
    let place = branches.binary_search_by(|branch| branch.ordinals().cmp(ordinals));
    if let Err(place) = place {
        let extras = extras.clone();
        branches.insert(place, Branch { extras, result });
    }
    // There are at least as many as the first of its tees has made.
    let least = extras.branches.first().copied().unwrap_or(1) as usize;
    branches.len() >= least && are_all(branches, 0)
}

/// Whether `branches`, sorted, are all of the part of a message that `depth` tees have split off.
fn are_all(branches: &[Branch], depth: usize) -> bool {
    let Some(first) = branches.first() else {
        return false;
    };
    let Some(&of) = first.of().get(depth) else {
        // Not split any further.
        return true;
    };
    let ordinal = |branch: &Branch| branch.ordinals().get(depth).copied();
    let mut parts = branches.chunk_by(|one, other| ordinal(one) == ordinal(other));
    (0..of).all(|number| {
        parts
            .next()
            .is_some_and(|part| ordinal(&part[0]) == Some(number) && are_all(part, depth + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use palm_core::Path;
    use palm_core::wire::Outcome;

    fn branch(ordinals: &[u32], of: &[u32]) -> Arc<Extras> {
        Arc::new(Extras {
            path: ordinals.iter().fold(Path::ROOT, |path, of| path.child(*of)),
            branches: of.to_vec(),
            ..Extras::default()
        })
    }

    #[test]
    fn a_message_has_ended_with_the_last_of_its_branches() {
        let mut branches = Branches::default();
        assert_eq!(branches.add(1, &branch(&[1], &[2]), "b".into()), None);
        assert_eq!(branches.add(2, &branch(&[1], &[2]), "d".into()), None);
        assert_eq!(branches.add(1, &branch(&[1], &[2]), "again".into()), None);
        let all = branches.add(1, &branch(&[0], &[2]), "a".into());
        assert_eq!(all.unwrap()[..], ["a", "b"]);
        let all = branches.add(2, &branch(&[0], &[2]), "c".into());
        assert_eq!(all.unwrap()[..], ["c", "d"]);
        assert!(branches.messages.is_empty());
    }

    #[test]
    fn bundles_of_the_same_messages_are_one_until_a_message_comes_by_itself() {
        let of = |ordinal: u32| branch(&[ordinal], &[2]);
        let packed = |results: &[&'static str]| {
            let all = results
                .iter()
                .map(|result| (Outcome::Success, Bytes::from(*result)));
            Siblings::from(all.collect::<Vec<_>>()).encode()
        };
        let mut branches = Branches::default();
        assert!(branches.fits(&(5..7)));
        assert_eq!(branches.add_bundle(5..7, &of(1), packed(&["c", "d"])), None);
        assert!(branches.fits(&(5..7)) && branches.fits(&(7..9)));
        assert!(!branches.fits(&(5..6)) && !branches.fits(&(6..8)));
        let all = branches.add_bundle(5..7, &of(0), packed(&["a", "b"]));
        assert_eq!(all.unwrap()[..], [packed(&["a", "b"]), packed(&["c", "d"])]);
        assert!(branches.bundles.is_empty());

        branches.add_bundle(5..7, &of(1), packed(&["c", "d"]));
        let all = branches.add(6, &of(0), "b".into());
        assert_eq!(all.unwrap()[..], ["b", "d"]);
        assert!(!branches.fits(&(5..7)), "what is left of it is by itself");
        branches.forget(5);
        assert!(branches.fits(&(5..7)) && branches.messages.is_empty());
    }

    #[test]
    fn branches_are_split_again_each_into_as_many_as_its_tee_says() {
        let mut branches = Branches::default();
        let parts: [(&[u32], &[u32]); 6] = [
            (&[2, 1], &[3, 2]),
            (&[0, 2], &[3, 3]),
            (&[1], &[3]),
            (&[0, 0], &[3, 3]),
            (&[2, 0], &[3, 2]),
            (&[0, 1], &[3, 3]),
        ];
        let mut all = None;
        for (ordinals, of) in parts {
            assert_eq!(all, None);
            let result = format!("{ordinals:?}").into();
            all = branches.add(7, &branch(ordinals, of), result);
        }
        let order = ["[0, 0]", "[0, 1]", "[0, 2]", "[1]", "[2, 0]", "[2, 1]"];
        assert_eq!(all.unwrap()[..], order);
    }

    #[test]
    fn what_is_forgotten_begins_anew() {
        let mut branches = Branches::default();
        assert_eq!(branches.add(1, &branch(&[0], &[2]), "a".into()), None);
        branches.forget(1);
        assert_eq!(branches.add(1, &branch(&[1], &[2]), "b".into()), None);
    }
}
