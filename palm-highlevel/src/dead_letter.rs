use crate::Failure;
use crate::client::{Client, Job};
use bytes::Bytes;
use palm_core::Id;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A message that a server has given up because processes died of it, or hung: its client got a
/// failure of kind [`DeadLetter`](crate::FailureKind::DeadLetter); this is kept for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The server's number of it, from 1.
    pub number: u64,
    /// Which message it was.
    pub id: Id,
    /// The functions that it had still to go through, as a client writes them.
    pub route: String,
    /// What the function was given.
    pub payload: Bytes,
    /// Why it was given up, in one line.
    pub reason: String,
    /// The worker that executed it last.
    pub worker: String,
    /// How often it was executed, or began to be.
    pub attempts: u32,
    /// What the function said last of how far it was, if it said anything.
    pub progress: Option<String>,
}

impl DeadLetter {
    /// Sends it again as a new message of `client`, which gets its ending.
    ///
    /// # Errors
    ///
    /// If the client has ended.
    pub fn retry(&self, client: &Client) -> Result<Job, Failure> {
        let mut job = client.job(&self.route)?;
        job.submit(self.payload.clone())?;
        Ok(job)
    }
}

/// The most letters that a server keeps, and the most bytes of them; the oldest go first.
const MOST: usize = 1000;
const MOST_BYTES: usize = 64 << 20;

/// The dead letters of a server, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    letters: VecDeque<DeadLetter>,
    count: u64,
    bytes: usize,
}

impl DeadLetters {
    /// Keeps those that a store has kept, in their order.
    pub(crate) fn restore(&mut self, letter: DeadLetter) {
        self.count = letter.number.max(self.count);
        self.bytes += letter.payload.len();
        self.letters.push_back(letter);
    }

    /// Keeps one more, and numbers it; gives back the numbers of those that have to go for it.
    pub(crate) fn push(&mut self, mut letter: DeadLetter) -> Vec<u64> {
        let mut dropped = Vec::new();
        self.count += 1;
        letter.number = self.count;
        self.bytes += letter.payload.len();
        self.letters.push_back(letter);
        while self.letters.len() > MOST || (self.bytes > MOST_BYTES && self.letters.len() > 1) {
            if let Some(oldest) = self.letters.pop_front() {
                self.bytes -= oldest.payload.len();
                log::warn!(
                    "dead letter {} is dropped: there are too many",
                    oldest.number
                );
                dropped.push(oldest.number);
            }
        }
        dropped
    }

    /// How many there have ever been.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Those that are kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &DeadLetter> {
        self.letters.iter()
    }

    /// Forgets one; whether there was such.
    pub(crate) fn drop_letter(&mut self, number: u64) -> bool {
        let found = self
            .letters
            .iter()
            .position(|letter| letter.number == number);
        let dropped = found.and_then(|index| self.letters.remove(index));
        self.bytes -= dropped.as_ref().map_or(0, |letter| letter.payload.len());
        dropped.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palm_core::{Incarnation, Path};

    fn letter(payload: Bytes) -> DeadLetter {
        let id = Id {
            client: Incarnation::from_number(1),
            sequence: 1,
            path: Path::ROOT,
        };
        DeadLetter {
            number: 0,
            id,
            route: "s.f".into(),
            payload,
            reason: String::new(),
            worker: String::new(),
            attempts: 4,
            progress: None,
        }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut letters = DeadLetters::default();
        for _ in 0..=MOST {
            letters.push(letter("x".into()));
        }
        assert_eq!(letters.iter().next().unwrap().number, 2);
        assert!(!letters.drop_letter(1));
        assert!(letters.drop_letter(2));
        assert_eq!(
            (letters.iter().count(), letters.bytes),
            (MOST - 1, MOST - 1)
        );

        let large = Bytes::from(vec![0; MOST_BYTES + 1]);
        letters.push(letter(large));
        assert_eq!(letters.iter().count(), 1);
        assert_eq!(letters.count(), MOST as u64 + 2);
    }
}
