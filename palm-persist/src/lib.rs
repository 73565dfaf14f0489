//! The store of PALM on disk.
//!
//! [`SledStore`] is a [`Store`](palm_highlevel::store::Store) in a folder of its own, over sled. It
//! survives the death of its process at any moment: after a reopening it holds what a prefix of the
//! batches made of it, at least of those that were flushed. It is no protection against a loss of
//! power.
//!
//! ```
//! use palm_highlevel::store::{Batch, LogId, Store};
//! use palm_persist::SledStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path();
//! let mut store = SledStore::open(path)?;
//! let mut batch = Batch::new();
//! batch.append(LogId(1), 1, 2, "two messages").mark(LogId(1), 1);
//! store.write(&batch)?;
//! store.flush()?;
//! drop(store);
//!
//! let store = SledStore::open(path)?;
//! let group = store.groups(LogId(1), 1).next().expect("one is open")?;
//! assert_eq!(group.open().collect::<Vec<_>>(), [2]);
//! # Ok(())
//! # }
//! ```
//!
//! # The folder
//!
//! | name | what it is |
//! |---|---|
//! | `format` | the version of the format, as text |
//! | `lock` | held while the store is open; names the process that holds it |
//! | `db/` | the files of sled, and `flushed`: how many batches are there at least |
//! | `damaged-1/` … | files that could not be read back, set aside |

mod change;
mod failure;
mod flushes;
mod folder;
mod key;
mod quota;
mod record;
mod seal;
mod store;
mod stored;
mod writes;

pub use store::SledStore;
