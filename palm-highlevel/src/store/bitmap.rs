/// A fixed number of bits, all clear at first.
///
/// ```
/// use palm_highlevel::store::Bitmap;
///
/// let mut done = Bitmap::new(3);
/// assert!(done.set(1));
/// assert!(!done.set(1), "it was set before");
/// assert_eq!(done.clear_bits().collect::<Vec<_>>(), [0, 2]);
/// assert_eq!(Bitmap::from_bytes(3, &done.to_bytes()), Some(done));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    /// Bit i is bit i mod 64 of word i / 64. Bits past `len` are clear.
    words: Vec<u64>,
    len: u32,
    /// How many are clear.
    clear: u32,
}

impl Bitmap {
    /// `len` bits, all clear.
    pub fn new(len: u32) -> Self {
        Self {
            words: vec![0; len.div_ceil(64) as usize],
            len,
            clear: len,
        }
    }

    /// How many bits there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are no bits at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a bit is set; one past the end is not.
    pub fn get(&self, bit: u32) -> bool {
        bit < self.len && self.words[(bit / 64) as usize] & mask(bit) != 0
    }

    /// Sets a bit and says whether it was clear. One past the end is left alone.
    pub fn set(&mut self, bit: u32) -> bool {
        if bit >= self.len || self.get(bit) {
            return false;
        }
        self.words[(bit / 64) as usize] |= mask(bit);
        self.clear -= 1;
        true
    }

    /// Sets the first `bits` bits, or all if there are fewer, and says whether any was clear.
    pub fn set_first(&mut self, bits: u64) -> bool {
        let bits = u64::from(self.len).min(bits) as u32;
        // Bit by bit: this happens once for a group that a trim cuts through.
        let clear = self.clear;
        for bit in 0..bits {
            self.set(bit);
        }
        self.clear < clear
    }

    /// Whether all bits are set.
    pub fn is_full(&self) -> bool {
        self.clear == 0
    }

    /// Whether all bits are clear.
    pub fn is_clear(&self) -> bool {
        self.clear == self.len
    }

    /// The bits that are clear, in order.
    pub fn clear_bits(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len).filter(|bit| !self.get(*bit))
    }

    /// One bit after the other, eight to a byte, the lowest bit first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.truncate(self.len.div_ceil(8) as usize);
        bytes
    }

    /// Reads what [`to_bytes`](Bitmap::to_bytes) wrote of a bitmap of `len` bits, or `None` if that
    /// is not what it is.
    pub fn from_bytes(len: u32, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != len.div_ceil(8) as usize {
            return None;
        }
        let words: Vec<u64> = bytes
            .chunks(8)
            .map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            })
            .collect();
        let past_the_end = match (words.last(), len % 64) {
            (Some(word), used @ 1..) => word >> used,
            _ => 0,
        };
        let set: u32 = words.iter().map(|word| word.count_ones()).sum();
        (past_the_end == 0).then(|| Self {
            words,
            len,
            clear: len - set,
        })
    }
}

fn mask(bit: u32) -> u64 {
    1 << (bit % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fill_up_across_words() {
        let mut bitmap = Bitmap::new(130);
        assert!(bitmap.is_clear() && !bitmap.is_full());
        assert!(bitmap.set_first(100));
        assert!(!bitmap.set_first(100));
        assert!(!bitmap.set(130), "there is no such bit");
        assert_eq!(bitmap.clear_bits().count(), 30);
        for bit in 100..130 {
            assert!(!bitmap.get(bit) && bitmap.set(bit) && bitmap.get(bit));
        }
        assert!(bitmap.is_full() && !bitmap.is_clear());
    }

    #[test]
    fn bytes_come_back_or_are_refused() {
        for len in [0, 1, 7, 8, 63, 64, 65, 130] {
            let mut bitmap = Bitmap::new(len);
            (0..len).step_by(3).for_each(|bit| {
                bitmap.set(bit);
            });
            let bytes = bitmap.to_bytes();
            assert_eq!(Bitmap::from_bytes(len, &bytes), Some(bitmap));
            assert_eq!(Bitmap::from_bytes(len, &[&bytes[..], &[0]].concat()), None);
        }
        assert_eq!(
            Bitmap::from_bytes(7, &[0x80]),
            None,
            "an eighth bit of seven"
        );
        assert_eq!(Bitmap::from_bytes(9, &[0xff]), None, "one byte too few");
    }
}
