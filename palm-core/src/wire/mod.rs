//! The wire: what a frame looks like, version 1.
//!
//! A frame is one zmq message; a payload of [`OWN_FRAME`] bytes or more travels as a second part
//! of it, so that it is copied at most once. All numbers are little endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0–3 | `PALM` |
//! | 4 | version, 1 |
//! | 5 | [`Kind`] |
//! | 6–7 | flags: bit 0, the payload of the one message in it follows as a second part |
//! | 8–15 | the sender's incarnation |
//! | 16–23 | the receiver's, as far as the sender knows it, else 0 |
//! | 24–27 | generation of the sender's lane |
//! | 28–31 | generation of the receiver's lane, to which the next four refer |
//! | 32–39 | its number up to which the sender has accepted |
//! | 40–47 | up to which all is settled |
//! | 48–55 | credit: the highest number the receiver may send |
//! | 56–63 | credit: the highest byte position |
//! | 64–71 | number of the first message in this frame |
//! | 72–79 | the chained hash of the lane before it |
//! | 80–83 | how many messages |
//! | 84–87 | length of the body |
//! | 88–91 | length of all records with their payloads |
//! | 92–95 | the sender's pace, in nanoseconds a message (0: not known) |
//!
//! Then come the records, each of [`RECORD_LENGTH`] bytes with its payload behind it, then the
//! body: a bincode value, [`Greeting`], [`Notes`], a reason or numbers, by kind. Every frame carries the
//! positions and the credit of the opposite lane, so every frame is an acknowledgement and a
//! heartbeat.

mod frame;
mod greeting;
mod header;
mod record;
mod run;

pub use frame::{Frame, FrameWriter, Notes, Progress, Records, control};
pub use greeting::{Greeting, Role};
pub use header::{HEADER_LENGTH, Header, Kind, MAGIC, VERSION};
pub use record::{Extras, Outcome, RECORD_LENGTH, Record};
pub use run::{RunReader, Runs};

/// A payload of at least so many bytes travels as a frame part of its own.
pub const OWN_FRAME: usize = 32 << 10;

/// The most bytes that one payload may have.
pub const MAX_PAYLOAD: usize = 256 << 20;

/// The most bytes of a frame's first part.
pub const MAX_FRAME: usize = 16 << 20;

/// The most messages in a frame.
pub const MAX_MESSAGES: u32 = 1 << 16;
