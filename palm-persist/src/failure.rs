use std::io;
use std::path::Path;

use palm_highlevel::store::{StoreError, StoreErrorKind};

use crate::key;

const MOVE_AWAY: &str = "nothing was deleted: restore a copy, or move the folder away to start with \
                         an empty one";

/// What goes wrong below the store, where the name of the folder is not known.
#[derive(Debug)]
pub(crate) enum Failure {
    Sled(sled::Error),
    /// A record is not as it was written.
    Record {
        key: Vec<u8>,
        fault: &'static str,
    },
    /// sled panicked at what it read.
    Panic,
}

impl Failure {
    pub(crate) fn record(key: &[u8], fault: &'static str) -> Self {
        let key = key.to_vec();
        Failure::Record { key, fault }
    }

    /// What is wrong with the files, for people, if it is they with which something is wrong.
    pub(crate) fn damage(&self) -> Option<String> {
        match self {
            Failure::Sled(error) => damage(error),
            Failure::Record { key, fault } => Some(format!("{}: {fault}", key::describe(key))),
            Failure::Panic => Some("its files can't be what was written".to_owned()),
        }
    }

    /// The error of sled, if it is one.
    pub(crate) fn source(self) -> Option<sled::Error> {
        match self {
            Failure::Sled(error) => Some(error),
            Failure::Record { .. } | Failure::Panic => None,
        }
    }

    /// The error for whoever uses the store in `folder`.
    pub(crate) fn in_folder(self, folder: &Path) -> StoreError {
        let name = folder.display();
        let error = match (self.damage(), &self) {
            (None, Failure::Sled(sled::Error::Io(error))) if is_full(error) => StoreError::new(
                StoreErrorKind::Full,
                format!(
                    "the disk of the store in {name} is full: make room and open it again, nothing \
                     flushed is lost"
                ),
            ),
            (None, Failure::Sled(error)) => StoreError::new(
                StoreErrorKind::Io,
                format!(
                    "the store in {name} cannot be read or written: {error}; once the cause is \
                     gone open it again, nothing flushed is lost"
                ),
            ),
            (damage, _) => StoreError::new(
                StoreErrorKind::Damaged,
                format!(
                    "the store in {name} is damaged: {}; {MOVE_AWAY}",
                    damage.unwrap_or_default()
                ),
            ),
        };
        match self.source() {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        Failure::Sled(error)
    }
}

/// Whether it says that a disk or somebody's share of it is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// What an error of sled says of its files, if they are not as it left them. What it does not support
/// can only be settings that changed on disk: the version of sled is fixed by our own format.
fn damage(error: &sled::Error) -> Option<String> {
    match error {
        sled::Error::Corruption {
            at: Some(place), ..
        } => Some(format!(
            "its files do not hold what was written, at {place:?}"
        )),
        sled::Error::Corruption { at: None, .. } => {
            Some("its files do not hold what was written".to_owned())
        }
        sled::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Some("its files end too early".to_owned())
        }
        sled::Error::ReportableBug(_) | sled::Error::Unsupported(_) => Some(error.to_string()),
        _ => None,
    }
}
