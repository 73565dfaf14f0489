use bytes::Bytes;
use palm_highlevel::store::{Batch, LogId, MAX_GROUP, MAX_KEY, StoreErrorKind};

use crate::contents::{Contents, contents, groups, open, position};
use crate::kept::Kept;

const LOG: LogId = LogId(7);

/// Runs each scenario over each store.
macro_rules! over_every_store {
    ($($scenario:ident)*) => {
        mod memory {
            $(#[test] fn $scenario() { super::$scenario(&mut super::Kept::memory()); })*
        }
        mod sled {
            $(#[test] fn $scenario() { super::$scenario(&mut super::Kept::sled()); })*
        }
    };
}

over_every_store! {
    a_new_store_is_empty
    groups_come_back_in_order
    what_is_done_does_not_come_back
    a_mark_finds_its_group_in_the_same_batch
    a_mark_of_what_is_deleted_leaves_nothing
    a_trim_cuts_through_a_group
    a_log_goes_on_where_nothing_is_left
    a_forgotten_log_begins_anew
    a_forgotten_log_may_begin_anew_at_once
    groups_are_read_from_a_number_on
    the_largest_group_is_marked_one_by_one
    groups_of_any_length_come_back
    entries_are_put_replaced_and_deleted
    entries_come_in_the_order_of_their_keys
    entries_of_any_length_replace_each_other
    a_refused_batch_changes_nothing
    absorbed_batches_are_one
}

fn a_new_store_is_empty(kept: &mut Kept) {
    kept.check(|store| {
        assert_eq!(contents(store), Contents::default());
        assert_eq!(groups(store, LOG, 1), []);
        assert_eq!(store.get(b"key").expect("it reads"), None);
    });
}

fn groups_come_back_in_order(kept: &mut Kept) {
    let logs = [LogId(0), LogId(1), LogId(256), LogId(u64::MAX)];
    kept.write(|batch| {
        for log in logs.into_iter().rev() {
            batch
                .append(log, 1, 200, "first")
                .append(log, 201, 1, "second");
        }
    });
    kept.write(|batch| {
        batch.append(LogId(256), 202, 99, "third");
    });
    kept.check(|store| {
        let groups = contents(store).groups;
        let found: Vec<_> = groups.iter().map(|g| (g.log.0, g.first, g.count)).collect();
        let max = u64::MAX;
        assert_eq!(
            found,
            [
                (0, 1, 200),
                (0, 201, 1),
                (1, 1, 200),
                (1, 201, 1),
                (256, 1, 200),
                (256, 201, 1),
                (256, 202, 99),
                (max, 1, 200),
                (max, 201, 1)
            ]
        );
        assert_eq!(groups[6].bytes, "third");
        assert_eq!(groups[6].open, Vec::from_iter(202..301));
    });
}

fn what_is_done_does_not_come_back(kept: &mut Kept) {
    kept.write(|batch| {
        batch.append(LOG, 1, 3, "a").append(LOG, 4, 2, "b");
    });
    kept.write(|batch| {
        batch.mark(LOG, 2).mark(LOG, 2).mark(LOG, 4);
    });
    kept.check(|store| {
        assert_eq!(open(store, LOG), [1, 3, 5]);
        assert_eq!(groups(store, LOG, 0)[0].bytes, "a", "a group stays whole");
    });
    kept.write(|batch| {
        batch.mark(LOG, 3).mark(LOG, 1);
    });
    kept.check(|store| {
        let groups = groups(store, LOG, 0);
        assert_eq!(groups.len(), 1, "a group of which all is done is deleted");
        assert_eq!((groups[0].first, &groups[0].open[..]), (4, &[5][..]));
    });
    kept.write(|batch| {
        batch.mark(LOG, 1);
    });
    kept.check(|store| assert_eq!(open(store, LOG), [5], "what is done stays done"));
}

fn a_mark_finds_its_group_in_the_same_batch(kept: &mut Kept) {
    kept.write(|batch| {
        batch.append(LOG, 1, 2, "a").mark(LOG, 1);
        batch.append(LOG, 3, 2, "b").mark(LOG, 3).mark(LOG, 4);
        batch.append(LOG, 5, 1, "c").trim(LOG, 1);
    });
    kept.check(|store| {
        assert_eq!(open(store, LOG), [2, 5]);
        assert_eq!(position(store, LOG), Some((5, 1)));
    });
}

fn a_mark_of_what_is_deleted_leaves_nothing(kept: &mut Kept) {
    kept.write(|batch| {
        batch.append(LOG, 1, 2, "a");
    });
    kept.write(|batch| {
        batch.mark(LOG, 1).mark(LOG, 2).mark(LOG, 1);
    });
    kept.write(|batch| {
        batch.mark(LOG, 2).forget(LOG);
    });
    kept.write(|batch| {
        batch.append(LOG, 1, 2, "b");
    });
    kept.check(|store| assert_eq!(open(store, LOG), [1, 2]));
}

fn a_trim_cuts_through_a_group(kept: &mut Kept) {
    kept.write(|batch| {
        batch.append(LOG, 1, 10, "a").append(LOG, 11, 10, "b");
        batch.append(LOG, 21, 10, "c").mark(LOG, 12).mark(LOG, 16);
    });
    kept.write(|batch| {
        batch.trim(LOG, 15);
    });
    kept.check(|store| {
        let groups = groups(store, LOG, 0);
        assert_eq!(groups.len(), 2);
        assert_eq!(
            (groups[0].first, groups[0].count),
            (11, 10),
            "it stays whole"
        );
        assert_eq!(groups[0].open, [17, 18, 19, 20]);
        assert_eq!(position(store, LOG), Some((30, 15)));
    });
    kept.write(|batch| {
        batch.trim(LOG, 5).mark(LOG, 3);
    });
    kept.check(|store| assert_eq!(position(store, LOG), Some((30, 15)), "it only goes up"));
    kept.write(|batch| {
        (17..=20).for_each(|number| {
            batch.mark(LOG, number);
        });
    });
    kept.check(|store| assert_eq!(groups(store, LOG, 0)[0].first, 21));
}

fn a_log_goes_on_where_nothing_is_left(kept: &mut Kept) {
    kept.write(|batch| {
        batch.append(LOG, 1, 4, "a").trim(LOG, 4);
    });
    kept.check(|store| {
        assert_eq!(groups(store, LOG, 0), []);
        assert_eq!(position(store, LOG), Some((4, 4)));
    });
    kept.write(|batch| {
        batch.append(LOG, 5, 1, "b");
    });
    kept.check(|store| assert_eq!(open(store, LOG), [5]));
}

fn a_forgotten_log_begins_anew(kept: &mut Kept) {
    let other = LogId(8);
    kept.write(|batch| {
        batch.append(LOG, 1, 4, "a").mark(LOG, 2).trim(LOG, 1);
        batch.append(other, 1, 1, "other");
    });
    kept.write(|batch| {
        batch.forget(LOG).forget(LogId(9));
    });
    kept.check(|store| {
        assert_eq!(position(store, LOG), None);
        assert_eq!(contents(store).groups.len(), 1);
    });
    kept.write(|batch| {
        batch.append(LOG, 1, 4, "b");
    });
    kept.check(|store| {
        assert_eq!(open(store, LOG), [1, 2, 3, 4], "no mark was left behind");
        assert_eq!(position(store, LOG), Some((4, 0)));
        assert_eq!(open(store, other), [1]);
    });
}

fn a_forgotten_log_may_begin_anew_at_once(kept: &mut Kept) {
    kept.write(|batch| {
        batch
            .append(LOG, 1, 4, vec![1; 10_000])
            .append(LOG, 5, 9, "old");
        batch.mark(LOG, 1).mark(LOG, 6);
    });
    kept.write(|batch| {
        batch.mark(LOG, 2).forget(LOG);
        batch.append(LOG, 1, 3, "new").append(LOG, 4, 3, "new");
        // In the old log this was a number of the second group.
        batch.mark(LOG, 6).mark(LOG, 3).trim(LOG, 1);
    });
    kept.check(|store| {
        let groups = groups(store, LOG, 0);
        assert_eq!(open(store, LOG), [2, 4, 5]);
        assert!(groups.iter().all(|group| group.bytes == "new"));
        assert_eq!(position(store, LOG), Some((6, 1)));
    });
}

fn groups_are_read_from_a_number_on(kept: &mut Kept) {
    kept.write(|batch| {
        batch
            .append(LOG, 1, 3, "a")
            .append(LOG, 4, 3, "b")
            .append(LOG, 7, 3, "c");
        batch.append(LogId(8), 1, 9, "of another log");
        (4..=6).for_each(|number| {
            batch.mark(LOG, number);
        });
    });
    kept.check(|store| {
        let from = |from| -> Vec<u64> {
            let groups = groups(store, LOG, from);
            groups.into_iter().map(|group| group.first).collect()
        };
        assert_eq!(from(0), [1, 7]);
        assert_eq!(from(3), [1, 7]);
        assert_eq!(from(4), [7]);
        assert_eq!(from(9), [7]);
        assert!(from(10).is_empty());
        assert!(from(u64::MAX).is_empty());
    });
}

fn the_largest_group_is_marked_one_by_one(kept: &mut Kept) {
    let last = u64::from(MAX_GROUP);
    kept.write(|batch| {
        batch.append(LOG, 1, MAX_GROUP, "many");
        (2..=last).rev().for_each(|number| {
            batch.mark(LOG, number);
        });
    });
    kept.check(|store| assert_eq!(open(store, LOG), [1]));
    kept.write(|batch| {
        batch.mark(LOG, 1);
    });
    kept.check(|store| assert_eq!(groups(store, LOG, 0), []));
}

fn groups_of_any_length_come_back(kept: &mut Kept) {
    let lens = [0, 1, 3_995, 3_996, 3_997, 4_096, 8_000, 200_000, 3_000_000];
    let body = |len: usize| -> Bytes { (0..len).map(|byte| (byte % 251) as u8).collect() };
    kept.write(|batch| {
        for (number, len) in (1..).zip(lens) {
            batch.append(LOG, number, 1, body(len));
        }
    });
    kept.check(|store| {
        let groups = groups(store, LOG, 0);
        assert_eq!(groups.len(), lens.len());
        for (group, len) in groups.iter().zip(lens) {
            assert!(group.bytes == body(len), "{len} bytes did not come back");
        }
    });
}

fn entries_are_put_replaced_and_deleted(kept: &mut Kept) {
    kept.write(|batch| {
        batch
            .put("a", "1")
            .put("b", "2")
            .put("c", "3")
            .put("a", "4");
        batch.delete("c").delete("unknown");
    });
    kept.check(|store| {
        let get = |key: &str| store.get(key.as_bytes()).expect("it reads");
        assert_eq!(get("a").as_deref(), Some(&b"4"[..]));
        assert_eq!(get("b").as_deref(), Some(&b"2"[..]));
        assert_eq!(get("c"), None);
    });
    kept.write(|batch| {
        batch.delete("a").put("a", "5").put("b", "6").delete("b");
    });
    kept.check(|store| {
        let entries = contents(store).entries;
        assert_eq!(entries, [(Bytes::from("a"), Bytes::from("5"))]);
    });
}

fn entries_come_in_the_order_of_their_keys(kept: &mut Kept) {
    let long = vec![0xff; MAX_KEY];
    let keys: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"ab", &long];
    kept.write(|batch| {
        for key in keys.iter().rev() {
            batch.put(key.to_vec(), vec![1; key.len() + 5_000]);
        }
    });
    kept.check(|store| {
        let with = |prefix: &[u8]| -> Vec<Bytes> {
            let entries = store.entries(prefix).map(|entry| entry.expect("it reads"));
            entries
                .map(|(key, value)| {
                    assert_eq!(value.len(), key.len() + 5_000);
                    key
                })
                .collect()
        };
        assert_eq!(with(b""), keys);
        assert_eq!(with(b"a"), keys[3..6]);
        assert_eq!(with(b"\0"), keys[1..3]);
        assert_eq!(with(&[0xff, 0xff]), keys[6..]);
        assert_eq!(with(b"b"), [""; 0]);
    });
}

fn entries_of_any_length_replace_each_other(kept: &mut Kept) {
    for len in [10, 50_000, 4_001, 8_000, 0, 12_000] {
        kept.write(|batch| {
            batch.put("key", vec![len as u8; len]);
        });
        kept.check(|store| {
            let value = store.get(b"key").expect("it reads").expect("it was put");
            assert!(
                value == vec![len as u8; len],
                "{len} bytes did not come back"
            );
            assert_eq!(contents(store).entries.len(), 1);
        });
    }
}

fn a_refused_batch_changes_nothing(kept: &mut Kept) {
    kept.write(|batch| {
        batch.append(LOG, 1, 5, "a").put("key", "value");
    });
    let before = contents(kept.store());
    let refused: [fn(&mut Batch) -> &mut Batch; 6] = [
        |batch| batch.append(LOG, 7, 1, "a gap"),
        |batch| batch.append(LOG, 5, 1, "a number again"),
        |batch| batch.append(LogId(8), 2, 1, "not from 1"),
        |batch| batch.mark(LOG, 6),
        |batch| batch.trim(LogId(8), 1),
        |batch| batch.put(vec![0; MAX_KEY + 1], "a long key"),
    ];
    for break_a_rule in refused {
        let mut batch = Batch::new();
        batch
            .put("key", "other")
            .delete("key")
            .mark(LOG, 1)
            .trim(LOG, 2);
        break_a_rule(&mut batch);
        batch.forget(LOG);
        let error = kept.store().write(&batch).expect_err("it breaks a rule");
        assert_eq!(error.kind(), StoreErrorKind::Refused);
        assert_eq!(contents(kept.store()), before);
    }
    kept.write(|batch| {
        batch.append(LOG, 6, 1, "b");
    });
    kept.check(|store| assert_eq!(open(store, LOG), [1, 2, 3, 4, 5, 6]));
}

fn absorbed_batches_are_one(kept: &mut Kept) {
    kept.write(|all| {
        for number in 1..=9 {
            let mut batch = Batch::new();
            batch
                .append(LOG, number, 1, "a")
                .put("last", number.to_string());
            all.absorb(batch);
        }
        let mut trim = Batch::new();
        trim.trim(LOG, 7);
        all.absorb(trim);
    });
    kept.check(|store| {
        assert_eq!(open(store, LOG), [8, 9]);
        assert_eq!(
            store.get(b"last").expect("it reads").as_deref(),
            Some(&b"9"[..])
        );
    });
}
