use bytes::Bytes;
use palm_core::wire::Extras;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The results of messages that tees have split, until those of all branches are there. The client
/// numbers its messages itself, so that they need no hash that withstands chosen numbers.
#[derive(Debug, Default)]
pub(super) struct Branches(FxHashMap<u64, Vec<Branch>>);

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
    ) -> Option<Vec<Bytes>> {
        let branches = self.0.entry(sequence).or_default();
        let ordinals = extras.path.ordinals();
        let place = branches.binary_search_by(|branch| branch.ordinals().cmp(ordinals));
        if let Err(place) = place {
            let extras = extras.clone();
            branches.insert(place, Branch { extras, result });
        }
        // There are at least as many as the first of its tees has made.
        let least = extras.branches.first().copied().unwrap_or(1) as usize;
        if branches.len() < least || !are_all(branches, 0) {
            return None;
        }
        let all = self.0.remove(&sequence).unwrap_or_default();
        Some(all.into_iter().map(|branch| branch.result).collect())
    }

    /// The message has ended, whatever of its branches is there.
    pub(super) fn forget(&mut self, sequence: u64) {
        if !self.0.is_empty() {
            self.0.remove(&sequence);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
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
        assert_eq!(all, Some(vec!["a".into(), "b".into()]));
        let all = branches.add(2, &branch(&[0], &[2]), "c".into());
        assert_eq!(all, Some(vec!["c".into(), "d".into()]));
        assert!(branches.0.is_empty());
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
        assert_eq!(all, Some(order.map(Bytes::from).to_vec()));
    }

    #[test]
    fn what_is_forgotten_begins_anew() {
        let mut branches = Branches::default();
        assert_eq!(branches.add(1, &branch(&[0], &[2]), "a".into()), None);
        branches.forget(1);
        assert_eq!(branches.add(1, &branch(&[1], &[2]), "b".into()), None);
    }
}
