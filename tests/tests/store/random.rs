use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use palm_highlevel::store::{Batch, LogId, LogState};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::contents::{Contents, Open, contents};
use crate::kept::Kept;

/// What a batch does, in terms that make sense in any state.
#[derive(Clone, Debug)]
enum Act {
    Append {
        log: u64,
        count: u32,
        len: usize,
    },
    /// Messages by the distance of the first from the end of its log.
    Mark {
        log: u64,
        back: u64,
        run: u64,
    },
    Trim {
        log: u64,
        back: u64,
    },
    Forget {
        log: u64,
    },
    Put {
        key: u8,
        len: usize,
    },
    Delete {
        key: u8,
    },
    /// A mark of a message that is not there yet: the batch is to be refused.
    Overreach {
        log: u64,
    },
}

#[derive(Clone, Debug)]
enum Turn {
    Write(Vec<Act>),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let log = || 1..=3_u64;
    let len = || prop_oneof![4 => 0..50_usize, 1 => 3_990..13_000_usize];
    let count = || prop_oneof![2 => 1..=5_u32, 1 => 1..=70_u32];
    prop_oneof![
        6 => (log(), count(), len()).prop_map(|(log, count, len)| Act::Append { log, count, len }),
        12 => (log(), 0..=90_u64, 1..=12_u64).prop_map(|(log, back, run)| Act::Mark { log, back, run }),
        3 => (log(), 0..=150_u64).prop_map(|(log, back)| Act::Trim { log, back }),
        1 => log().prop_map(|log| Act::Forget { log }),
        3 => (0..4_u8, len()).prop_map(|(key, len)| Act::Put { key, len }),
        2 => (0..4_u8).prop_map(|key| Act::Delete { key }),
        1 => log().prop_map(|log| Act::Overreach { log }),
    ]
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        8 => vec(act(), 0..12).prop_map(Turn::Write),
        1 => Just(Turn::Reopen),
    ];
    vec(turn, 1..30)
}

/// What a store holds, one message at a time.
#[derive(Clone, Default)]
struct Model {
    logs: BTreeMap<u64, Log>,
    entries: BTreeMap<Bytes, Bytes>,
}

#[derive(Clone, Default)]
struct Log {
    last: u64,
    trimmed: u64,
    done: BTreeSet<u64>,
    /// Everything ever appended: first, count, bytes.
    groups: Vec<(u64, u32, Bytes)>,
}

impl Model {
    fn last(&self, log: u64) -> u64 {
        self.logs.get(&log).map_or(0, |log| log.last)
    }

    /// Adds what an act means now to a batch, and does it. False if the batch has to be refused.
    fn act(&mut self, act: &Act, batch: &mut Batch, fill: u8) -> bool {
        match *act {
            Act::Append { log, count, len } => {
                let bytes = Bytes::from(vec![fill; len]);
                let first = self.last(log) + 1;
                batch.append(LogId(log), first, count, bytes.clone());
                let log = self.logs.entry(log).or_default();
                log.last += u64::from(count);
                log.groups.push((first, count, bytes));
            }
            Act::Mark { log, back, run } if back < self.last(log) => {
                let first = self.last(log) - back;
                let log_id = LogId(log);
                let log = self.logs.entry(log).or_default();
                for number in first..(first + run).min(log.last + 1) {
                    batch.mark(log_id, number);
                    log.done.insert(number);
                }
            }
            Act::Trim { log, back } if back < self.last(log) => {
                let up_to = self.last(log) - back;
                batch.trim(LogId(log), up_to);
                let log = self.logs.entry(log).or_default();
                log.trimmed = log.trimmed.max(up_to);
            }
            Act::Mark { .. } | Act::Trim { .. } => {}
            Act::Forget { log } => {
                batch.forget(LogId(log));
                self.logs.remove(&log);
            }
            Act::Put { key, len } => {
                let (key, value) = (Bytes::from(vec![key]), Bytes::from(vec![fill; len]));
                batch.put(key.clone(), value.clone());
                self.entries.insert(key, value);
            }
            Act::Delete { key } => {
                batch.delete(vec![key]);
                self.entries.remove(&[key][..]);
            }
            Act::Overreach { log } => {
                batch.mark(LogId(log), self.last(log) + 1);
                return false;
            }
        }
        true
    }

    fn contents(&self) -> Contents {
        let mut found = Contents::default();
        for (id, log) in &self.logs {
            let (id, last, trimmed) = (LogId(*id), log.last, log.trimmed);
            found.logs.push(LogState { id, last, trimmed });
            for (first, count, bytes) in &log.groups {
                let numbers = *first..*first + u64::from(*count);
                let open: Vec<u64> = numbers
                    .filter(|number| *number > trimmed && !log.done.contains(number))
                    .collect();
                if !open.is_empty() {
                    found.groups.push(Open {
                        log: id,
                        first: *first,
                        count: *count,
                        open,
                        bytes: bytes.clone(),
                    });
                }
            }
        }
        let entries = self.entries.iter();
        found.entries = entries.map(|(k, v)| (k.clone(), v.clone())).collect();
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn all_stores_agree_with_the_model(turns in turns()) {
        let mut stores = [Kept::memory(), Kept::sled()];
        let mut model = Model::default();
        for (turn, fill) in turns.iter().zip(0..) {
            match turn {
                Turn::Write(acts) => {
                    let mut batch = Batch::new();
                    let mut next = model.clone();
                    let mut fine = true;
                    for act in acts {
                        fine &= next.act(act, &mut batch, fill);
                    }
                    for kept in &mut stores {
                        let written = kept.store().write(&batch);
                        prop_assert_eq!(written.is_ok(), fine, "{:?}", written);
                    }
                    if fine {
                        model = next;
                    }
                }
                Turn::Reopen => stores.iter_mut().for_each(Kept::reopen),
            }
            for kept in &mut stores {
                prop_assert_eq!(contents(kept.store()), model.contents());
            }
        }
        for kept in &mut stores {
            kept.reopen();
            prop_assert_eq!(contents(kept.store()), model.contents());
        }
    }
}
