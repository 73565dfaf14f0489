use bytes::Bytes;
use palm_core::wire::{MAX_PAYLOAD, Outcome};

/// Several messages that travel as one: siblings, to a worker as they are to be executed, from it as they
/// have ended, of which those that are missing at the end have not begun; and bundles.
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | how many there are |
/// | 4– | of each a byte, 0 to be executed, 1 success, 2 failure, 3 made; and the length of its payload, in four bytes |
/// | … | the payloads, one after another |
///
/// Numbers are little-endian. Reading it copies no payload.
#[derive(Debug, Default)]
pub struct Siblings {
    all: Vec<(Outcome, Bytes)>,
    /// What they take as one message.
    bytes: usize,
}

/// What stands before them, and what each takes beside its payload.
const HEAD: usize = 4;
const EACH: usize = 5;

/// The most messages of one bundle.
pub(crate) const MOST_BUNDLED: usize = 64;

const OUTCOMES: [Outcome; 4] = [
    Outcome::Pending,
    Outcome::Success,
    Outcome::Failure,
    Outcome::Made,
];

impl From<Vec<(Outcome, Bytes)>> for Siblings {
    fn from(all: Vec<(Outcome, Bytes)>) -> Siblings {
        let payloads: usize = all.iter().map(|(_, payload)| payload.len()).sum();
        let bytes = HEAD + EACH * all.len() + payloads;
        Siblings { all, bytes }
    }
}

impl Siblings {
    /// How many are packed there.
    pub(crate) fn count_in(packed: &Bytes) -> u32 {
        let count = packed.first_chunk::<HEAD>();
        count.map_or(0, |count| u32::from_le_bytes(*count))
    }

    /// The payload of the only one.
    pub(crate) fn only(&self) -> Option<&Bytes> {
        match &self.all[..] {
            [(_, payload)] => Some(payload),
            _ => None,
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.all.len() as u64
    }

    /// Adds the next one, which is in one of the states of the table; `false` if one message can't
    /// hold it as well.
    pub fn push(&mut self, outcome: Outcome, payload: Bytes) -> bool {
        let fits = self.has_room(&payload, MAX_PAYLOAD);
        if fits {
            self.bytes = self.bytes_with(&payload);
            self.all.push((outcome, payload));
        }
        fits
    }

    fn bytes_with(&self, payload: &Bytes) -> usize {
        HEAD.max(self.bytes) + EACH + payload.len()
    }

    /// Whether they take no more than so many bytes with another one with that payload.
    pub(crate) fn has_room(&self, payload: &Bytes, most: usize) -> bool {
        self.bytes_with(payload) <= most
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.bytes = 0;
    }

    /// All of them as one payload.
    pub fn encode(&self) -> Bytes {
        let mut packed = Vec::with_capacity(HEAD.max(self.bytes));
        packed.extend_from_slice(&(self.all.len() as u32).to_le_bytes());
        for (outcome, payload) in &self.all {
            let code = OUTCOMES.iter().position(|known| known == outcome);
            packed.push(code.unwrap_or_default() as u8);
            packed.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        }
        for (_, payload) in &self.all {
            packed.extend_from_slice(payload);
        }
        packed.into()
    }

    /// Each with its payload, which shares the bytes of `packed`.
    ///
    /// # Errors
    ///
    /// What is wrong, if these are none.
    pub fn decode(packed: &Bytes) -> Result<Vec<(Outcome, Bytes)>, String> {
        Ok(Siblings::read(packed)?.collect())
    }

    /// As [`decode`](Self::decode), one after another.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), before the first.
    pub(crate) fn read(packed: &Bytes) -> Result<Packed, String> {
        let short = || format!("siblings of {} bytes end too early", packed.len());
        let (count, rest) = packed.split_first_chunk::<HEAD>().ok_or_else(short)?;
        let count = u32::from_le_bytes(*count) as usize;
        let heads = count.checked_mul(EACH).and_then(|heads| rest.get(..heads));
        let heads = heads.ok_or_else(short)?;
        let (mut end, mut failed) = (HEAD + heads.len(), false);
        for head in heads.chunks_exact(EACH) {
            let (code, length) = read_head(head);
            let outcome = OUTCOMES.get(code);
            let outcome = outcome.ok_or_else(|| format!("a sibling has the state {code}"))?;
            failed |= *outcome == Outcome::Failure;
            end = end.checked_add(length).ok_or_else(short)?;
        }
        let at = HEAD + heads.len();
        match packed.len().checked_sub(end) {
            None => Err(short()),
            Some(0) => Ok(Packed {
                packed: packed.clone(),
                head: HEAD,
                heads: at,
                at,
                failed,
            }),
            Some(more) => Err(format!("{more} bytes are left over behind siblings")),
        }
    }
}

fn read_head(head: &[u8]) -> (usize, usize) {
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    (usize::from(head[0]), length as usize)
}

/// Several messages as one payload, which was checked: gives each with its own.
#[derive(Debug)]
pub(crate) struct Packed {
    packed: Bytes,
    /// Where the next one's head is, where the last one's ends, and where the next payload is.
    head: usize,
    heads: usize,
    at: usize,
    failed: bool,
}

impl Packed {
    /// Whether one of them has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }
}

impl Iterator for Packed {
    type Item = (Outcome, Bytes);

    #[inline]
    fn next(&mut self) -> Option<(Outcome, Bytes)> {
        if self.head == self.heads {
            return None;
        }
        let (code, length) = read_head(&self.packed[self.head..self.head + EACH]);
        let payload = self.packed.slice(self.at..self.at + length);
        self.head += EACH;
        self.at += length;
        Some((OUTCOMES[code], payload))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.heads - self.head) / EACH;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Packed {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some() -> Vec<(Outcome, Bytes)> {
        let payloads = ["one", "", "a longer one", "x"].map(Bytes::from);
        OUTCOMES.into_iter().zip(payloads).collect()
    }

    fn packed(all: &[(Outcome, Bytes)]) -> Bytes {
        let mut siblings = Siblings::default();
        for (outcome, payload) in all {
            assert!(siblings.push(*outcome, payload.clone()));
        }
        let packed = siblings.encode();
        assert_eq!(packed.len(), HEAD.max(siblings.bytes));
        packed
    }

    #[test]
    fn what_is_packed_is_read_back() {
        assert_eq!(Siblings::decode(&packed(&some())).unwrap(), some());
        assert_eq!(Siblings::decode(&packed(&[])).unwrap(), []);
    }

    #[test]
    fn who_reads_them_knows_how_many_are_left_and_whether_one_has_failed() {
        let mut four = Siblings::read(&packed(&some())).unwrap();
        assert_eq!((four.len(), four.has_failed()), (4, true));
        four.next();
        assert_eq!(four.len(), 3);
        assert!(!Siblings::read(&packed(&some()[..2])).unwrap().has_failed());
        assert_eq!(Siblings::count_in(&packed(&some())), 4);
        assert_eq!(Siblings::count_in(&Bytes::new()), 0);
        assert_eq!(Siblings::from(some()).encode(), packed(&some()));
    }

    #[test]
    fn what_one_message_cannot_hold_is_not_taken() {
        let mut siblings = Siblings::default();
        let half = Bytes::from(vec![0; MAX_PAYLOAD / 2]);
        assert!(siblings.push(Outcome::Success, half.clone()));
        assert!(!siblings.push(Outcome::Success, half));
        assert!(siblings.push(Outcome::Success, Bytes::new()));
        assert_eq!(siblings.count(), 2);
        assert_eq!(Siblings::decode(&siblings.encode()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_packed_too_short_or_too_long_is_refused() {
        let whole = packed(&some());
        for length in 0..whole.len() {
            Siblings::decode(&whole.slice(..length)).unwrap_err();
        }
        Siblings::decode(&[&whole, &b"!"[..]].concat().into()).unwrap_err();
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_read_or_refused(
            at in 0usize..40, bytes in prop::collection::vec(any::<u8>(), 1..12),
        ) {
            let mut spoilt = packed(&some()).to_vec();
            let at = at.min(spoilt.len() - 1);
            for (place, byte) in spoilt[at..].iter_mut().zip(&bytes) {
                *place = *byte;
            }
            for packed in [Bytes::from(spoilt), bytes.into()] {
                if let Ok(all) = Siblings::decode(&packed) {
                    let payloads: usize = all.iter().map(|(_, payload)| payload.len()).sum();
                    prop_assert_eq!(HEAD + EACH * all.len() + payloads, packed.len());
                }
            }
        }
    }
}
