use std::collections::VecDeque;

/// Which of the numbers after a base are done; one bit each, the base moving up as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    /// All numbers up to here are done.
    base: u64,
    /// Bits of base + 1, base + 2, …, 64 a word. `offset` bits of the first word are behind the
    /// base already.
    words: VecDeque<u64>,
    offset: u32,
}

impl Ring {
    /// All numbers up to `last` are done but those in `open`, which are in order.
    pub(super) fn restored(last: u64, open: impl Iterator<Item = u64>) -> Ring {
        let mut open = open.take_while(|number| *number <= last).peekable();
        let mut ring = Ring {
            base: open.peek().map_or(last, |first| first - 1),
            ..Ring::default()
        };
        let mut next = ring.base + 1;
        for number in open.chain([last + 1]) {
            (next..number).for_each(|done| ring.set(done));
            next = number + 1;
        }
        ring
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Notes that `number` is done and moves the base over what is.
    #[inline]
    pub(super) fn set(&mut self, number: u64) {
        if number == self.base + 1 && self.words.is_empty() {
            // In order, as mostly.
            (self.base, self.offset) = (number, 0);
        } else if number > self.base {
            self.set_in_words(number);
        }
    }

    fn set_in_words(&mut self, number: u64) {
        let bit = number - self.base - 1 + u64::from(self.offset);
        let (word, bit) = ((bit / 64) as usize, bit % 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << bit;
        self.advance();
    }

    fn advance(&mut self) {
        while let Some(&word) = self.words.front() {
            let run = (word >> self.offset).trailing_ones();
            self.base += u64::from(run);
            self.offset += run;
            if self.offset < 64 {
                return;
            }
            self.offset = 0;
            self.words.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_base_waits_for_the_first_gap() {
        let mut ring = Ring::default();
        for number in [2, 3, 5] {
            ring.set(number);
        }
        assert_eq!(ring.base(), 0);
        ring.set(1);
        assert_eq!(ring.base(), 3);
        ring.set(4);
        assert_eq!(ring.base(), 5);
    }

    #[test]
    fn what_was_open_is_open_again() {
        for open in [&[][..], &[1], &[5], &[3, 4, 70], &[1, 2, 3, 4, 5], &[100]] {
            let mut ring = Ring::restored(80, open.iter().copied());
            let base = open.first().map_or(80, |first| first.min(&81) - 1);
            assert_eq!(ring.base(), base);
            open.iter().for_each(|number| ring.set(*number));
            assert!(ring.base() >= 80, "{open:?} {}", ring.base());
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_set(numbers in prop::collection::vec(1u64..300, 0..600)) {
            let mut ring = Ring::default();
            let mut done = BTreeSet::new();
            for number in numbers {
                ring.set(number);
                done.insert(number);
                let base = (1..).find(|n| !done.contains(n)).unwrap() - 1;
                prop_assert_eq!(ring.base(), base);
            }
        }
    }
}
