//! Where a server keeps what must outlive its process.
//!
//! A [`Store`] holds two kinds of things. A *log* is a sequence of messages numbered 1, 2, 3 …, such
//! as a lane of the intake, a lane of the outbox or a partition. It grows by *groups*: messages that
//! arrived together are one record, because an operation on disk costs more than a message may. An
//! *entry* is a value under a key: positions, attempts, results, a cache.
//!
//! The path of a write: the engine puts everything that belongs together into a [`Batch`]. A batch
//! is applied as a whole or not at all. After [`Store::flush`] it survives the end of the process,
//! and only then may the engine say so to others. After a crash a store holds what a prefix of the
//! batches made of it, at least of those that were flushed.
//!
//! The path back: [`Store::logs`], [`Store::groups`] and [`Store::entries`] give in order what is
//! left to do. They read as far as they are driven, so what is brought back at a start, or what did
//! not fit into memory, never has to fit into memory at once.
//!
//! ```
//! use palm_highlevel::store::{Batch, LogId, MemoryStore, Store};
//!
//! # fn main() -> Result<(), palm_highlevel::store::StoreError> {
//! let mut store = MemoryStore::new();
//! let lane = LogId(1);
//! let mut batch = Batch::new();
//! batch.append(lane, 1, 3, "three messages");
//! store.write(&batch)?;
//! store.flush()?;
//!
//! // One of the three is done; its result is kept in the same breath.
//! let mut batch = Batch::new();
//! batch.mark(lane, 2).put("result/2", "42");
//! store.write(&batch)?;
//! store.flush()?;
//!
//! let group = store.groups(lane, 1).next().expect("two are open")?;
//! assert_eq!(group.open().collect::<Vec<_>>(), [1, 3]);
//! assert_eq!(store.get(b"result/2")?.as_deref(), Some(&b"42"[..]));
//! # Ok(())
//! # }
//! ```

mod batch;
mod bitmap;
mod error;
mod group;
mod log;
mod memory;

use bytes::Bytes;

pub use batch::{Batch, MAX_GROUP, MAX_KEY, Operation};
pub use bitmap::Bitmap;
pub use error::{StoreError, StoreErrorKind};
pub use group::Group;
pub use log::{LogId, LogState};
pub use memory::MemoryStore;

/// The groups of a log in order, as [`Store::groups`] gives them.
pub type Groups<'a> = Box<dyn Iterator<Item = Result<Group, StoreError>> + 'a>;

/// Keys and values in the order of the keys, as [`Store::entries`] gives them.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<(Bytes, Bytes), StoreError>> + 'a>;

/// How much a store has room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// About how many bytes of messages.
    pub bytes: u64,
    /// Why there are none, if so: a sentence that names the place and the sizes.
    pub shortage: Option<String>,
}

impl Default for Room {
    /// Room without limits.
    fn default() -> Self {
        Self {
            bytes: u64::MAX,
            shortage: None,
        }
    }
}

/// Keeps logs and entries. One thread owns it; its calls may block on the disk.
///
/// # Errors
///
/// All methods fail alike. A batch that breaks a rule is [`StoreErrorKind::Refused`], has changed
/// nothing, and the store goes on. After any other error the store is of no further use: drop it and
/// open it again, which brings back at least what was flushed.
pub trait Store: Send {
    /// Applies a batch as a whole or not at all. It can be read back at once, but is durable only
    /// after the next [`flush`](Store::flush).
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Refused`] for what [`Batch::check`] refuses.
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// Returns once everything written before survives the end of the process.
    ///
    /// # Errors
    ///
    /// As said at the trait.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// How much more should be taken in for now. What is kept already may be finished all the same:
    /// there is a reserve for that.
    ///
    /// # Errors
    ///
    /// As said at the trait.
    fn room(&mut self) -> Result<Room, StoreError> {
        Ok(Room::default())
    }

    /// All logs that have been appended to and not forgotten, by id, including those of which no
    /// message is left.
    ///
    /// # Errors
    ///
    /// As said at the trait.
    fn logs(&self) -> Result<Vec<LogState>, StoreError>;

    /// The groups of a log that still have open messages, in order, from the one that holds the
    /// number `from` or else the first after it. Of an unknown log there are none.
    ///
    /// A group is whole even where a part of it is done, trimmed or before `from`.
    fn groups(&self, log: LogId, from: u64) -> Groups<'_>;

    /// The value under a key.
    ///
    /// # Errors
    ///
    /// As said at the trait.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// All entries whose key begins with `prefix`, by key in byte order.
    fn entries(&self, prefix: &[u8]) -> Entries<'_>;
}
