//! Records of any length, split into pieces that sled is good at.

use bytes::{Bytes, BytesMut};
use sled::Tree;

use crate::failure::Failure;
use crate::key;
use crate::writes::Writes;

/// The most bytes of a record under one key. Longer values cost sled more than further keys do.
const PIECE: usize = 4_000;

/// Before the first piece stands the length of the whole record.
const HEADER: usize = 8;

/// Adds a record, which is `head` and `body` one after the other, to what is written.
pub(crate) fn insert(writes: &mut Writes, key: &[u8], head: &[u8], body: &[u8]) {
    let len = head.len() + body.len();
    let (first, mut rest) = body.split_at(body.len().min(PIECE - head.len()));
    let mut value = Vec::with_capacity(HEADER + head.len() + first.len());
    value.extend_from_slice(&(len as u64).to_be_bytes());
    value.extend_from_slice(head);
    value.extend_from_slice(first);
    writes.insert(key, value);
    let mut piece = 1;
    while !rest.is_empty() {
        let (next, after) = rest.split_at(rest.len().min(PIECE));
        writes.insert(key::piece(key, piece), next);
        piece += 1;
        rest = after;
    }
}

/// Removes a record, of which `value` is what is stored under its own key.
pub(crate) fn remove(writes: &mut Writes, key: &[u8], value: &[u8]) -> Result<(), Failure> {
    let (len, _) = split_header(key, value)?;
    writes.remove(key);
    remove_pieces(writes, key, 1, pieces(len));
    Ok(())
}

/// Removes those pieces of a record that go beyond a new one of `len` bytes in its place.
pub(crate) fn shorten(
    writes: &mut Writes,
    key: &[u8],
    value: &[u8],
    len: usize,
) -> Result<(), Failure> {
    let (old, _) = split_header(key, value)?;
    remove_pieces(writes, key, pieces(len as u64), pieces(old));
    Ok(())
}

/// How long a record is, of which `value` is what is stored under its own key.
pub(crate) fn length(key: &[u8], value: &[u8]) -> Result<u64, Failure> {
    split_header(key, value).map(|(len, _)| len)
}

/// The beginning of a record, as far as it is stored under its own key: all of its head.
pub(crate) fn beginning<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Failure> {
    split_header(key, value).map(|(_, first)| first)
}

/// Reads a whole record, of which `value` is what is stored under its own key.
pub(crate) fn read(tree: &Tree, key: &[u8], value: &[u8]) -> Result<Bytes, Failure> {
    let (len, first) = split_header(key, value)?;
    if first.len() as u64 == len {
        return Ok(Bytes::copy_from_slice(first));
    }
    let mut record = BytesMut::from(first);
    for piece in 1..pieces(len) {
        let Some(stored) = tree.get(key::piece(key, piece))? else {
            return Err(Failure::record(key, "a piece is missing"));
        };
        record.extend_from_slice(&stored);
    }
    if record.len() as u64 != len {
        return Err(Failure::record(
            key,
            "its pieces do not have the length it was stored with",
        ));
    }
    Ok(record.freeze())
}

fn split_header<'a>(key: &[u8], value: &'a [u8]) -> Result<(u64, &'a [u8]), Failure> {
    let Some((len, first)) = value.split_first_chunk::<HEADER>() else {
        return Err(Failure::record(key, "it is shorter than its header"));
    };
    let len = u64::from_be_bytes(*len);
    if first.len() as u64 != len.min(PIECE as u64) {
        return Err(Failure::record(
            key,
            "its first piece does not have the length it was stored with",
        ));
    }
    Ok((len, first))
}

/// How many pieces a record has, at least one.
fn pieces(len: u64) -> u32 {
    // Memory ends long before 2³² pieces, 16 TiB, do; a longer one is found to be missing a piece.
    u32::try_from(len.div_ceil(PIECE as u64).max(1)).unwrap_or(u32::MAX)
}

fn remove_pieces(writes: &mut Writes, key: &[u8], from: u32, to: u32) {
    for piece in from..to {
        writes.remove(key::piece(key, piece));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Seal;

    fn memory() -> sled::Db {
        let config = sled::Config::new().temporary(true);
        config.open().expect("a temporary tree opens")
    }

    fn write(tree: &Tree, fill: impl FnOnce(&mut Writes)) {
        let mut writes = Writes::default();
        fill(&mut writes);
        let (batch, _) = writes.seal(tree, Seal::default()).expect("it reads");
        tree.apply_batch(batch)
            .expect("a temporary tree is written");
    }

    /// How many records there are beside the seal.
    fn records(tree: &Tree) -> usize {
        tree.len() - 1
    }

    fn stored(tree: &Tree) -> sled::IVec {
        tree.get(b"k").expect("it reads").expect("it is there")
    }

    #[test]
    fn records_of_any_length_come_back_and_leave_nothing() {
        let tree = memory();
        for len in [0, 1, PIECE - 4, PIECE - 3, PIECE, 2 * PIECE - 4, 10 * PIECE] {
            let body: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
            write(&tree, |writes| insert(writes, b"k", b"head", &body));
            let value = stored(&tree);
            assert_eq!(&beginning(b"k", &value).expect("whole")[..4], b"head");
            let back = read(&tree, b"k", &value).expect("whole");
            assert_eq!(back, [b"head", &body[..]].concat(), "{len}");
            assert_eq!(records(&tree), (4 + len).div_ceil(PIECE));
            write(&tree, |writes| remove(writes, b"k", &value).expect("whole"));
            assert_eq!(records(&tree), 0);
        }
    }

    #[test]
    fn a_shorter_record_in_place_of_a_longer_one_leaves_nothing_of_it() {
        let tree = memory();
        write(&tree, |writes| insert(writes, b"k", b"", &[1; 5 * PIECE]));
        let value = stored(&tree);
        write(&tree, |writes| {
            shorten(writes, b"k", &value, PIECE + 1).expect("whole");
            insert(writes, b"k", b"", &[2; PIECE + 1]);
        });
        assert_eq!(records(&tree), 2);
        assert_eq!(
            read(&tree, b"k", &stored(&tree)).expect("whole"),
            [2; PIECE + 1][..]
        );
    }

    #[test]
    fn a_record_that_lost_something_is_not_read_as_a_shorter_one() {
        let tree = memory();
        write(&tree, |writes| insert(writes, b"k", b"", &[1; 2 * PIECE]));
        let value = stored(&tree);
        assert!(beginning(b"k", &value[..7]).is_err());
        assert!(beginning(b"k", &value[..value.len() - 1]).is_err());
        tree.insert(key::piece(b"k", 1), &[1; 9])
            .expect("it is written");
        assert!(read(&tree, b"k", &value).is_err());
        tree.remove(key::piece(b"k", 1)).expect("it is written");
        assert!(read(&tree, b"k", &value).is_err());
    }
}
