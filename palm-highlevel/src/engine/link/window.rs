use super::Link;
use crate::engine::Taken;
use crate::engine::backlog;
use crate::mutant::{self, Mutant};
use palm_core::lane::Credit;

/// How many bytes may wait for a peer that takes them in time.
const BEHIND: u64 = 1 << 20;

/// How much of what a peer sends may be unfinished here, and of what is sent to it there.
impl Link {
    /// Counts what weighs so much against the window of the lane from the peer.
    pub(crate) fn hold(&mut self, weight: u64) {
        self.held.number += 1;
        self.held.bytes += weight;
    }

    /// Counts a message that was just taken against the window, if the window counts it.
    pub(super) fn hold_taken(&mut self, number: u64, weight: u64, recurs: bool) {
        match recurs && !self.spills() {
            true => self.uncounted.hold(number),
            false => self.hold(weight),
        }
    }

    /// Counts the endings of a message, which weigh so much together, in place of the message.
    #[inline]
    pub(crate) fn hold_instead(&mut self, number: u64, message: u64, endings: Option<u64>) {
        if self.uncounted.holds(number) {
            return;
        }
        self.unhold(message);
        if let Some(endings) = endings {
            self.hold(endings);
        }
    }

    /// Counts no more what is left of a message, which weighs so much, and settles it.
    #[inline]
    pub(crate) fn settle(&mut self, number: u64, weight: u64) {
        if !self.uncounted.holds(number) {
            self.unhold(weight);
        }
        self.settle_number(number);
    }

    /// Settles a message of which the window counts nothing.
    #[inline]
    pub(crate) fn settle_number(&mut self, number: u64) {
        self.uncounted.settle(number);
        self.incoming.settle(number);
    }

    pub(crate) fn unhold(&mut self, weight: u64) {
        self.held.number = self.held.number.saturating_sub(1);
        self.held.bytes = self.held.bytes.saturating_sub(weight);
    }

    /// Whether what comes beyond the window waits in the store. What a session sends does not: all
    /// that is held of it has to be known, so that nothing is taken twice.
    pub(crate) fn spills(&self) -> bool {
        self.lane.is_some() && self.peer.session.is_none()
    }

    /// How many of the messages that were just taken the window has room for.
    pub(crate) fn fitting(&self, taken: &[Taken]) -> usize {
        if backlog::fits(self.held, self.window) {
            return taken.len();
        }
        let weights: u64 = taken.iter().map(|taken| taken.record.weight()).sum();
        let mut held = Credit {
            number: self.held.number.saturating_sub(taken.len() as u64),
            bytes: self.held.bytes.saturating_sub(weights),
        };
        let fitting = taken.iter().take_while(|taken| {
            let first = held.number == 0;
            held = backlog::plus(held, backlog::one(taken.record.weight()));
            first || backlog::fits(held, self.window)
        });
        fitting.count()
    }

    /// What was accepted up to `number`, at that hash and byte position, is written.
    pub(crate) fn confirm(&mut self, number: u64, chain: u64, bytes: u64) {
        self.incoming.confirm(number, chain);
        self.written.number = self.written.number.max(number);
        self.written.bytes = self.written.bytes.max(bytes);
    }

    /// Raises the peer's credit to what the window allows beyond what is held, or, where the store
    /// holds it, beyond what is written.
    pub(super) fn grant(&mut self) {
        if self.closed {
            return;
        }
        if self.spills() {
            return self
                .incoming
                .grant(backlog::plus(self.written, self.window));
        }
        let held = match mutant::is(Mutant::IgnoresHeld) {
            true => Credit::default(),
            false => self.held,
        };
        let room = Credit {
            number: self.window.number.saturating_sub(held.number),
            bytes: self.window.bytes.saturating_sub(held.bytes),
        };
        self.incoming.grant(Credit {
            number: self.incoming.accepted() + room.number,
            bytes: self.incoming.bytes() + room.bytes,
        });
    }

    /// Whether as much is kept for the peer as may be, or as it has room for: more is taken once
    /// some of it is settled.
    pub(crate) fn is_full(&self) -> bool {
        let kept = self.out.len() as u64;
        self.out.is_starved()
            || kept >= self.window.number
            || self.out.kept_bytes() >= self.window.bytes
    }

    /// Whether the peer does not take in time what is kept for it.
    pub(crate) fn is_behind(&self) -> bool {
        self.out.kept_bytes() >= BEHIND
    }
}
