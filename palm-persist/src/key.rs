//! The keys of the one tree that holds everything, so that one batch of sled is one batch of ours.
//! Numbers are big-endian, which makes the order of the bytes that of the numbers.
//!
//! | key | value |
//! |---|---|
//! | `l` log | how far the log has come: last, trimmed |
//! | `g` log, first | a record: the number of messages of the group, its bytes |
//! | `d` log, first | a bitmap of what is done in the group, if anything is |
//! | `e` key | a record: the value of the entry |
//! | `s` | the seal: the number of batches, and a sum over all else that is in the tree |
//! | `x` key of a record, piece | what of the record did not fit under its own key |

use palm_highlevel::store::LogId;

const LOG: u8 = b'l';
const GROUP: u8 = b'g';
const DONE: u8 = b'd';
const ENTRY: u8 = b'e';
const PIECE: u8 = b'x';

/// The key of the seal.
pub(crate) const SEAL: &[u8] = b"s";

/// The prefix of all logs.
pub(crate) const LOGS: &[u8] = &[LOG];

/// The prefix of all groups.
pub(crate) const GROUPS: &[u8] = &[GROUP];

pub(crate) fn log(log: LogId) -> Vec<u8> {
    numbers(LOG, &[log.0])
}

/// The log whose key this is.
pub(crate) fn log_of(key: &[u8]) -> Option<LogId> {
    match key.split_first()? {
        (&LOG, log) => Some(LogId(u64::from_be_bytes(log.try_into().ok()?))),
        _ => None,
    }
}

pub(crate) fn group(log: LogId, first: u64) -> Vec<u8> {
    numbers(GROUP, &[log.0, first])
}

/// The number of the first message of the group whose key this is.
pub(crate) fn first_of(key: &[u8]) -> Option<u64> {
    match key.split_first()? {
        (&GROUP, numbers) => Some(u64::from_be_bytes(numbers.get(8..)?.try_into().ok()?)),
        _ => None,
    }
}

pub(crate) fn done(log: LogId, first: u64) -> Vec<u8> {
    numbers(DONE, &[log.0, first])
}

pub(crate) fn entry(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(ENTRY);
    bytes.extend_from_slice(key);
    bytes
}

/// The key that an entry was put under.
pub(crate) fn entry_of(key: &[u8]) -> Option<&[u8]> {
    key.strip_prefix(&[ENTRY])
}

/// Names what is stored under a key, for people.
pub(crate) fn describe(key: &[u8]) -> String {
    match key.split_first() {
        Some((&LOG, _)) => match log_of(key) {
            Some(log) => format!("the position of {log}"),
            None => format!("the position {}", key.escape_ascii()),
        },
        Some((&(GROUP | DONE), numbers)) => match numbers.as_chunks::<8>() {
            ([log, first], []) => format!(
                "the group of {} from message {}",
                LogId(u64::from_be_bytes(*log)),
                u64::from_be_bytes(*first)
            ),
            _ => format!("the group {}", key.escape_ascii()),
        },
        _ if key == SEAL => "its seal".to_owned(),
        Some((&ENTRY, key)) => format!("the entry \"{}\"", key.escape_ascii()),
        _ => format!("the record \"{}\"", key.escape_ascii()),
    }
}

pub(crate) fn piece(record: &[u8], piece: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + record.len() + 4);
    bytes.push(PIECE);
    bytes.extend_from_slice(record);
    bytes.extend_from_slice(&piece.to_be_bytes());
    bytes
}

fn numbers(kind: u8, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + 8 * numbers.len());
    bytes.push(kind);
    numbers
        .iter()
        .for_each(|number| bytes.extend_from_slice(&number.to_be_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_numbers_do() {
        let ordered = [(1, 255), (1, 256), (2, 1), (256, 0), (u64::MAX, u64::MAX)];
        let keys = ordered.map(|(log, first)| group(LogId(log), first));
        assert!(keys.is_sorted());
        assert_eq!(
            keys.map(|key| first_of(&key)),
            ordered.map(|(_, first)| Some(first))
        );
    }

    #[test]
    fn keys_give_back_what_they_were_made_of() {
        assert_eq!(log_of(&log(LogId(7))), Some(LogId(7)));
        assert_eq!(entry_of(&entry(b"a")), Some(&b"a"[..]));
        assert_eq!(
            describe(&group(LogId(7), 9)),
            "the group of log 7 from message 9"
        );
        assert_eq!(describe(&log(LogId(7))), "the position of log 7");
        assert_eq!(describe(&entry(b"a\0")), "the entry \"a\\x00\"");
        assert_eq!(log_of(&entry(b"12345678")), None);
        assert_eq!(log_of(b"l1234567"), None, "a byte too few");
        assert_eq!(first_of(&log(LogId(7))), None);
    }
}
