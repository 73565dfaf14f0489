//! What every store has to do, over every store there is.

/// A store that can be closed and opened again.
mod kept;

/// All that can be read from a store.
mod contents;

/// One scenario after the other.
mod suite;

/// Random batches, compared with a model that is too plain to be wrong.
mod random;

/// The store on disk while its process is killed, or another one wants it.
mod process;

/// The store on disk when its files are not as they were written.
mod damage;

/// The store on disk when the disk is full.
mod full_disk;
