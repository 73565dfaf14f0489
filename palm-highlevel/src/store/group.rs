use bytes::Bytes;

use super::{Bitmap, LogId};

/// Messages that arrived together and are kept as one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The log it belongs to.
    pub log: LogId,
    /// The number of its first message.
    pub first: u64,
    /// Which of its messages are done or trimmed; bit 0 is `first`.
    pub done: Bitmap,
    /// All of its messages, as they were encoded when they were appended.
    pub bytes: Bytes,
}

impl Group {
    /// How many messages it has, at least one.
    pub fn count(&self) -> u32 {
        self.done.len()
    }

    /// The number of its last message.
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count()) - 1
    }

    /// The numbers of its messages that are neither done nor trimmed, in order.
    pub fn open(&self) -> impl Iterator<Item = u64> + '_ {
        let bits = self.done.clear_bits();
        bits.map(|bit| self.first + u64::from(bit))
    }
}
