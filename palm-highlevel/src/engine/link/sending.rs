use super::{HEARTBEAT, Link, Me};
use crate::engine::routes::TOLD;
use crate::engine::{Action, BUNCH};
use crate::mutant::{self, Mutant};
use palm_core::Frames;
use palm_core::wire::{FrameWriter, HEADER_LENGTH, Header, Kind, control};
use std::sync::Arc;
use std::time::Duration;

/// About how many bytes of messages one frame carries.
const FRAME: usize = 128 << 10;

/// How many messages may be accepted or settled before a frame says so, where none goes anyway; less
/// if the window of either side is small.
const QUIET: u64 = 1024;

/// How many bytes of them: until the peer knows, it keeps them, and what it sends next needs other memory.
const QUIET_BYTES: u64 = 1 << 20;

/// After how long a silent process says even little of what its peer does not know: the peer may
/// be waiting for just that.
const SOON: Duration = Duration::from_millis(100);

/// The frames that leave.
impl Link {
    /// Sends what is ready and allowed, and what the peer should know by now; all that it does not
    /// know yet if this process is `eager` to be told in its turn.
    pub(crate) fn flush(
        &mut self,
        me: &Me,
        now: Duration,
        pace: u32,
        eager: bool,
        actions: &mut Vec<Action>,
    ) {
        if !self.is_up() {
            return;
        }
        self.grant();
        while let Some((first, chain, writer)) = self.fill(now) {
            self.send(Some((first, chain, writer)), me, now, pace, actions);
        }
        let (position, credit) = (self.incoming.position(), self.incoming.credit());
        while let Some(&(last, end)) = self.ends.front()
            && last <= position.settled
        {
            self.settled_bytes = end;
            self.ends.pop_front();
        }
        let (told, told_credit) = self.told;
        // A sender that waits for room is not to wait for the next heartbeat.
        let window = self.window.number.min(self.peer.window);
        let quiet = QUIET.min(window.div_ceil(2));
        let quiet_bytes = QUIET_BYTES.min(self.window.bytes / 2);
        let news = !self.progress.is_empty()
            || position.accepted - told.accepted >= quiet
            || position.settled - told.settled + self.uncounted.untold() >= quiet
            || self.settled_bytes - self.told_bytes > quiet_bytes
            || credit.bytes.saturating_sub(told_credit.bytes) > self.window.bytes / 2
            || credit.number.saturating_sub(told_credit.number) > self.window.number / 2;
        let silent = now.saturating_sub(self.last_sent);
        let untold = self.told != (position, credit) || self.uncounted.untold() > 0;
        let late = untold && (eager || silent >= SOON);
        if news || late {
            self.send_settled(me, now, actions);
        }
        if news || late || silent >= HEARTBEAT {
            self.send(None, me, now, pace, actions);
        }
    }

    /// A frame without messages, now.
    pub(crate) fn beat(&mut self, me: &Me, now: Duration, actions: &mut Vec<Action>) {
        self.send(None, me, now, 0, actions);
    }

    /// The next frame's messages.
    fn fill(&mut self, now: Duration) -> Option<(u64, u64, FrameWriter)> {
        let next = self.out.next()?;
        let (first, chain) = (next.number, next.chain);
        let unsent = usize::try_from(self.out.unsent_bytes()).unwrap_or(usize::MAX);
        let mut writer = FrameWriter::new(FRAME.min(HEADER_LENGTH.saturating_add(unsent)));
        let (mut told, mut count) = (0, 0);
        // Most messages have the extras of the one before them, if any.
        let mut last = None;
        while let Some(next) = self.out.next() {
            let parcel = next.item;
            if !writer.has_room(parcel.payload.len()) || told == TOLD || count >= BUNCH {
                break;
            }
            let (number, new) = self.numbers.number(&parcel.route);
            if new {
                told += 1;
                writer.define(number, &parcel.route);
            }
            let own = parcel.extras.as_ref().filter(|_| parcel.deadline.is_none());
            let same = own.map(Arc::as_ptr) == last && last.is_some() && writer.same_extras();
            if !same && let Some(extras) = parcel.extras(now) {
                writer.extras(extras);
            }
            last = own.map(Arc::as_ptr);
            writer.push(&parcel.record(number), &parcel.payload);
            count += parcel.count();
            self.out.advance();
        }
        Some((first, chain, writer))
    }

    pub(super) fn send(
        &mut self,
        messages: Option<(u64, u64, FrameWriter)>,
        me: &Me,
        now: Duration,
        pace: u32,
        actions: &mut Vec<Action>,
    ) {
        let mut header = self.header(Kind::Messages, me);
        header.pace = pace;
        let progress = std::mem::take(&mut self.progress);
        let frames = match messages {
            Some((first, chain, mut writer)) => {
                (header.first, header.chain) = (first, chain);
                writer.progress(progress);
                writer.finish(header.clone())
            }
            None => {
                let mut writer = FrameWriter::new(0);
                writer.progress(progress);
                writer.finish(header.clone())
            }
        };
        self.tell(&header, now);
        match frames {
            Ok(frames) => actions.push(Action::Send(self.address, frames)),
            Err(error) => log::error!("a frame for {} can't be built: {error}", self.peer.name),
        }
    }

    /// Tells the peer by their numbers what of its lane is settled beyond the position.
    fn send_settled(&mut self, me: &Me, now: Duration, actions: &mut Vec<Action>) {
        while self.uncounted.untold() > 0 && !mutant::is(Mutant::SettlesInOrder) {
            let header = self.header(Kind::Settled, me);
            let numbers = self.uncounted.tell(header.position.settled);
            self.tell(&header, now);
            if let Ok(frames) = control(header, &numbers) {
                actions.push(Action::Send(self.address, frames));
            }
        }
    }

    /// Notes what a frame that leaves says.
    pub(super) fn tell(&mut self, header: &Header, now: Duration) {
        self.told = (header.position, header.credit);
        self.told_bytes = self.settled_bytes;
        self.last_sent = now;
    }

    /// A last frame: positions, and why this process leaves.
    pub(crate) fn bye(&mut self, reason: &str, me: &Me) -> Option<Frames> {
        control(self.header(Kind::Bye, me), reason).ok()
    }
}
