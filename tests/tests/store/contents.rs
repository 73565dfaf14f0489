use bytes::Bytes;
use palm_highlevel::store::{LogId, LogState, Store};

/// All that can be read from a store, in the order in which it gives it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Contents {
    pub(crate) logs: Vec<LogState>,
    pub(crate) groups: Vec<Open>,
    pub(crate) entries: Vec<(Bytes, Bytes)>,
}

/// A group that has open messages.
#[derive(Debug, PartialEq)]
pub(crate) struct Open {
    pub(crate) log: LogId,
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) open: Vec<u64>,
    pub(crate) bytes: Bytes,
}

pub(crate) fn contents(store: &dyn Store) -> Contents {
    let logs = store.logs().expect("positions read");
    let groups = logs
        .iter()
        .flat_map(|log| groups(store, log.id, 0))
        .collect();
    let entries = store.entries(b"").map(|entry| entry.expect("entries read"));
    Contents {
        groups,
        entries: entries.collect(),
        logs,
    }
}

pub(crate) fn groups(store: &dyn Store, log: LogId, from: u64) -> Vec<Open> {
    let groups = store.groups(log, from).map(|group| {
        let group = group.expect("groups read");
        Open {
            log: group.log,
            first: group.first,
            count: group.count(),
            open: group.open().collect(),
            bytes: group.bytes.clone(),
        }
    });
    groups.collect()
}

/// The open numbers of a log.
pub(crate) fn open(store: &dyn Store, log: LogId) -> Vec<u64> {
    let groups = groups(store, log, 0);
    groups.into_iter().flat_map(|group| group.open).collect()
}

/// How far a log has come: last, trimmed.
pub(crate) fn position(store: &dyn Store, log: LogId) -> Option<(u64, u64)> {
    let logs = store.logs().expect("positions read");
    let state = logs.into_iter().find(|state| state.id == log);
    state.map(|state| (state.last, state.trimmed))
}
