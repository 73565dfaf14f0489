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
}

impl Failure {
    pub(crate) fn record(key: &[u8], fault: &'static str) -> Self {
        let key = key.to_vec();
        Failure::Record { key, fault }
    }

    /// The error for whoever uses the store in `folder`.
    pub(crate) fn in_folder(self, folder: &Path) -> StoreError {
        let folder = folder.display();
        match self {
            Failure::Record { key, fault } => StoreError::new(
                StoreErrorKind::Damaged,
                format!(
                    "the store in {folder} is damaged at {}: {fault}; {MOVE_AWAY}",
                    key::describe(&key)
                ),
            ),
            Failure::Sled(error) if is_damage(&error) => StoreError::new(
                StoreErrorKind::Damaged,
                format!(
                    "the store in {folder} is damaged: {}; {MOVE_AWAY}",
                    fault(&error)
                ),
            )
            .with_source(error),
            Failure::Sled(error) => StoreError::new(
                StoreErrorKind::Io,
                format!(
                    "the store in {folder} cannot be read or written: {error}; once the cause is \
                     gone (is the disk full?) open it again, nothing flushed is lost"
                ),
            )
            .with_source(error),
        }
    }
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        Failure::Sled(error)
    }
}

/// Whether an error of sled says that its files are not as it left them. What it does not support
/// can only be settings that changed on disk: the version of sled is fixed by our own format.
pub(crate) fn is_damage(error: &sled::Error) -> bool {
    matches!(
        error,
        sled::Error::Corruption { .. }
            | sled::Error::ReportableBug(_)
            | sled::Error::Unsupported(_)
    )
}

/// What is wrong, for people.
pub(crate) fn fault(error: &sled::Error) -> String {
    match error {
        sled::Error::Corruption {
            at: Some(place), ..
        } => {
            format!("its files do not hold what was written, at {place:?}")
        }
        sled::Error::Corruption { at: None, .. } => {
            "its files do not hold what was written".to_owned()
        }
        other => other.to_string(),
    }
}
