use super::Extras;
use crate::Path;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The extras of the messages of a frame. Those of messages that stand one after another are mostly
/// the same, or those of siblings: they are told once.
///
/// ```
/// use palm_core::Path;
/// use palm_core::wire::{Extras, Runs};
/// use std::borrow::Cow;
///
/// let child = |ordinal| Extras { path: Path::ROOT.child(ordinal), ..Extras::default() };
/// let mut runs = Runs::default();
/// for index in 0..100 {
///     runs.push(index, Cow::Owned(child(index)));
/// }
/// assert_eq!(runs.len(), 1);
/// assert_eq!(*runs.reader().at(41).unwrap(), child(41));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs(Vec<Run>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    /// The index of its first message in the frame.
    first: u32,
    count: u32,
    /// Whether the last ordinal of the path goes up by one from each message to the next.
    siblings: bool,
    /// Those of its first message.
    extras: Extras,
}

impl Run {
    /// Whether the message behind the last has `extras`, and then whether it is a sibling.
    fn goes_on(&self, extras: &Extras) -> Option<bool> {
        let Extras {
            path,
            branches,
            cache,
            deadline,
        } = &self.extras;
        if (branches, cache, deadline) != (&extras.branches, &extras.cache, &extras.deadline) {
            return None;
        }
        let same = path == &extras.path;
        let next = || is_sibling(path, self.count, &extras.path);
        match self.count {
            1 if same => Some(false),
            1 => next().then_some(true),
            _ if self.siblings => next().then_some(true),
            _ => same.then_some(false),
        }
    }
}

/// Whether `path` is that of the sibling `further` behind that of `first`.
fn is_sibling(first: &Path, further: u32, path: &Path) -> bool {
    match (first.ordinals(), path.ordinals()) {
        ([parent @ .., from], [of @ .., ordinal]) => {
            parent == of && from.checked_add(further) == Some(*ordinal)
        }
        _ => false,
    }
}

impl Runs {
    /// Adds the extras of the message at `index`, which is behind all others.
    pub fn push(&mut self, index: u32, extras: Cow<'_, Extras>) {
        if let Some(last) = self.0.last_mut()
            && last.first + last.count == index
            && let Some(siblings) = last.goes_on(&extras)
        {
            last.siblings = siblings;
            last.count += 1;
            return;
        }
        self.0.push(Run {
            first: index,
            count: 1,
            siblings: false,
            extras: extras.into_owned(),
        });
    }

    /// Adds, for the message at `index`, the extras that the one before it has; gives back whether
    /// that is possible: it has some, and they are not those of a sibling.
    pub fn repeat(&mut self, index: u32) -> bool {
        match self.0.last_mut() {
            Some(last) if last.first + last.count == index && !last.siblings => {
                last.count += 1;
                true
            }
            _ => false,
        }
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no message has extras.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads them in the order of the messages.
    pub fn reader(self) -> RunReader {
        RunReader {
            runs: self.0.into_iter(),
            current: None,
        }
    }
}

/// Tells the extras of one message after another; made by [`Runs::reader`].
#[derive(Debug)]
pub struct RunReader {
    runs: std::vec::IntoIter<Run>,
    current: Option<(Run, Arc<Extras>)>,
}

impl RunReader {
    /// The extras of the message at `index`, if it has some. It is asked for ever higher ones.
    pub fn at(&mut self, index: u32) -> Option<Arc<Extras>> {
        while self
            .current
            .as_ref()
            .is_none_or(|(run, _)| run.first.saturating_add(run.count) <= index)
        {
            let run = self.runs.next()?;
            let extras = Arc::new(run.extras.clone());
            self.current = Some((run, extras));
        }
        let (run, extras) = self.current.as_ref()?;
        let further = index.checked_sub(run.first)?;
        if !run.siblings || further == 0 {
            return Some(extras.clone());
        }
        Some(Arc::new(Extras {
            path: run.extras.path.sibling(further),
            ..run.extras.clone()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extras(path: &[u32], deadline: Option<u32>) -> Extras {
        let path = path.iter().fold(Path::ROOT, |path, of| path.child(*of));
        Extras {
            path,
            deadline,
            ..Extras::default()
        }
    }

    /// Writes what stands at each index, and gives back how many runs it took.
    fn round_trip(all: &[Option<Extras>]) -> usize {
        let mut runs = Runs::default();
        for (index, extras) in (0..).zip(all) {
            if let Some(extras) = extras {
                runs.push(index, Cow::Borrowed(extras));
            }
        }
        let count = runs.len();
        let mut reader = runs.reader();
        for (index, extras) in (0..).zip(all) {
            assert_eq!(reader.at(index).as_deref(), extras.as_ref(), "{index}");
        }
        count
    }

    #[test]
    fn equal_extras_and_those_of_siblings_are_told_once() {
        let same = vec![Some(extras(&[0], None)); 50];
        assert_eq!(round_trip(&same), 1);
        let siblings: Vec<_> = (7..57).map(|of| Some(extras(&[3, of], Some(9)))).collect();
        assert_eq!(round_trip(&siblings), 1);
    }

    #[test]
    fn what_the_one_before_has_is_repeated_unless_it_is_a_sibling() {
        let mut runs = Runs::default();
        assert!(!runs.repeat(0));
        runs.push(0, Cow::Owned(extras(&[1], None)));
        assert!(runs.repeat(1));
        assert!(!runs.repeat(3), "the one before has none");
        runs.push(3, Cow::Owned(extras(&[1], None)));
        runs.push(4, Cow::Owned(extras(&[2], None)));
        assert!(!runs.repeat(5));
        let mut reader = runs.reader();
        assert_eq!(reader.at(1).as_deref(), Some(&extras(&[1], None)));
        assert_eq!(reader.at(2), None);
        assert_eq!(reader.at(4).as_deref(), Some(&extras(&[2], None)));
    }

    #[test]
    fn a_run_ends_where_something_else_stands() {
        let all = [
            Some(extras(&[1], None)),
            Some(extras(&[2], None)),
            None,
            Some(extras(&[3], None)),
            Some(extras(&[3], None)),
            Some(extras(&[4], None)),
            Some(extras(&[5], Some(1))),
            Some(extras(&[], Some(1))),
            Some(extras(&[u32::MAX], None)),
            Some(extras(&[0], None)),
        ];
        assert_eq!(round_trip(&all), 7);
    }

    #[test]
    fn runs_that_cannot_be_are_no_trouble() {
        let run = |first, count| Run {
            first,
            count,
            siblings: true,
            extras: extras(&[u32::MAX - 1], None),
        };
        let mut reader = Runs(vec![run(5, 0), run(u32::MAX, 9), run(2, u32::MAX)]).reader();
        for index in 0..20 {
            assert_eq!(reader.at(index), None);
        }
        let mut reader = Runs(vec![run(0, u32::MAX), run(0, 1)]).reader();
        for index in 0..20 {
            assert!(reader.at(index).is_some());
        }
    }
}
