//! Reads logs and groups back from the tree.

use bytes::Buf;
use palm_highlevel::store::{Bitmap, Group, LogId, LogState};
use sled::{IVec, Tree};

use crate::failure::Failure;
use crate::{key, record};

/// How far a log has come, if there is one.
pub(crate) fn log(tree: &Tree, log: LogId) -> Result<Option<LogState>, Failure> {
    let key = key::log(log);
    let Some(value) = tree.get(&key)? else {
        return Ok(None);
    };
    log_state(&key, &value).map(Some)
}

/// What a key and a value say of a log.
pub(crate) fn log_state(key: &[u8], value: &[u8]) -> Result<LogState, Failure> {
    let fault = || Failure::record(key, "it does not have the length of a position");
    match value.as_chunks::<8>() {
        ([last, trimmed], []) => Ok(LogState {
            id: key::log_of(key).ok_or_else(fault)?,
            last: u64::from_be_bytes(*last),
            trimmed: u64::from_be_bytes(*trimmed),
        }),
        _ => Err(fault()),
    }
}

/// The first number and the count of the group that holds a number, if it is in the tree.
pub(crate) fn group_holding(
    tree: &Tree,
    log: LogId,
    number: u64,
) -> Result<Option<(u64, u32)>, Failure> {
    let until = key::group(log, 0)..=key::group(log, number);
    let Some(item) = tree.range(until).next_back() else {
        return Ok(None);
    };
    let (key, value) = item?;
    let (first, count) = first_and_count(&key, &value)?;
    Ok((number - first < u64::from(count)).then_some((first, count)))
}

/// Which messages of a group are done or trimmed.
pub(crate) fn done(tree: &Tree, log: LogId, first: u64, count: u32) -> Result<Bitmap, Failure> {
    let key = key::done(log, first);
    match tree.get(&key)? {
        Some(bytes) => Bitmap::from_bytes(count, &bytes)
            .ok_or_else(|| Failure::record(&key, "its bitmap does not fit its messages")),
        None => Ok(Bitmap::new(count)),
    }
}

/// The group that a key and a value of the tree belong to.
pub(crate) fn group(tree: &Tree, log: LogId, (key, value): (IVec, IVec)) -> Result<Group, Failure> {
    let (first, count) = first_and_count(&key, &value)?;
    let mut bytes = record::read(tree, &key, &value)?;
    bytes.advance(COUNT);
    Ok(Group {
        log,
        first,
        done: done(tree, log, first, count)?,
        bytes,
    })
}

/// The count of a group stands before its messages.
const COUNT: usize = size_of::<u32>();

fn first_and_count(key: &[u8], value: &[u8]) -> Result<(u64, u32), Failure> {
    let first = key::first_of(key).ok_or_else(|| Failure::record(key, "it has no number"))?;
    match record::beginning(key, value)?.first_chunk::<COUNT>() {
        Some(count) => Ok((first, u32::from_be_bytes(*count))),
        None => Err(Failure::record(key, "it has no count")),
    }
}
