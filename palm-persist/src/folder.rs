use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use fs2::FileExt;
use palm_highlevel::store::{StoreError, StoreErrorKind};

use crate::failure::{Failure, is_full};
use crate::flushes::{self, Flushes};
use crate::seal::Seal;

/// The version of the format that this version of the crate writes, and the only one it reads.
const FORMAT: &str = "2";

/// What the file of the format says before the version.
const FORMAT_NAME: &str = "palm store ";

/// Memory for pages that were read or written lately, in bytes.
const CACHE: u64 = 64 << 20;

/// How long the lock of sled may outlast its store. While ours is held no other store can have it,
/// but what this process has started keeps a copy of the locked file until it has begun to run.
const PATIENCE: Duration = Duration::from_secs(5);

/// A folder that is locked for one store.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Makes sure that a folder is one of a store in the known format, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        if path.exists() && !path.is_dir() {
            return Err(StoreError::new(
                StoreErrorKind::Unsuitable,
                format!("{} is a file: a store needs a folder", path.display()),
            ));
        }
        let failed = |what: &'static str| move |error| cannot(what, path, error);
        fs::create_dir_all(path).map_err(failed("create the folder"))?;
        // Nothing is written into a folder before it is known to be one of ours.
        let known = has_format(path)?;
        let lock = lock(path)?;
        if !known {
            write_format(path).map_err(failed("write into the folder"))?;
        }
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what the folder holds, or sets it aside if it is damaged.
    pub(crate) fn open_db(&self) -> Result<(sled::Db, Seal, Flushes), StoreError> {
        let db = self.path.join("db");
        repair(&db).map_err(|error| cannot("repair the store in", &self.path, error))?;
        let flushes = match self.flushes(&db) {
            Ok(Some(flushes)) => flushes,
            Ok(None) => {
                let file = db.join(flushes::NAME);
                let fault = format!("its file {} does not hold what was written", file.display());
                return Err(self.set_aside(&db, &fault, None));
            }
            Err(error) => return Err(cannot("open the store in", &self.path, error)),
        };
        let tree = self.open_tree(&db)?;
        let seal = catch(|| Seal::read(&tree));
        let (fault, source) = match seal.unwrap_or(Err(Failure::Panic)) {
            Ok(seal) if seal.number >= flushes.number() => return Ok((tree, seal, flushes)),
            Ok(seal) => {
                let (flushed, found) = (flushes.number(), seal.number);
                let fault = format!("{flushed} batches were flushed, and its files hold {found}");
                (fault, None)
            }
            Err(failure) => match failure.damage() {
                Some(fault) => (fault, failure.source()),
                None => return Err(failure.in_folder(&self.path)),
            },
        };
        // It may panic at its files once more, and is of no use any more.
        let _ = catch(|| drop(tree));
        Err(self.set_aside(&db, &fault, source))
    }

    /// The file that counts flushes, which is older than the files of sled; `None` if it is damaged.
    fn flushes(&self, db: &Path) -> io::Result<Option<Flushes>> {
        match db.join("db").exists() {
            true => Flushes::open(db),
            false => match Flushes::open(db)? {
                // Then they are missing.
                Some(flushes) if flushes.number() > 0 => Ok(Some(flushes)),
                _ => {
                    fs::create_dir_all(db)?;
                    Flushes::create(db).map(Some)
                }
            },
        }
    }

    fn open_tree(&self, db: &Path) -> Result<sled::Db, StoreError> {
        let config = sled::Config::new()
            .path(db)
            .cache_capacity(CACHE)
            // We say when to flush: a timer would only add work.
            .flush_every_ms(None);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let opened = catch(|| config.open().map_err(Failure::Sled));
            let failure = match opened.unwrap_or(Err(Failure::Panic)) {
                Ok(tree) => return Ok(tree),
                Err(failure) => failure,
            };
            if let Some(fault) = failure.damage() {
                return Err(self.set_aside(db, &fault, failure.source()));
            }
            if !is_locked(&failure) {
                return Err(failure.in_folder(&self.path));
            }
            if Instant::now() > deadline {
                return Err(in_use(&self.path, "a program that is no server of PALM"));
            }
            thread::sleep(PATIENCE / 1000);
        }
    }

    fn set_aside(&self, db: &Path, fault: &str, source: Option<sled::Error>) -> StoreError {
        let folder = self.path.display();
        let aside = (1_u32..)
            .map(|n| self.path.join(format!("damaged-{n}")))
            .find(|aside| !aside.exists())
            .expect("a folder does not hold 2³² others");
        let what = match fs::rename(db, &aside) {
            Ok(()) => format!(
                "its files were moved to {}, none was deleted; restore a copy of them to {}, or \
                 start again with an empty store",
                aside.display(),
                db.display()
            ),
            Err(reason) => format!(
                "its files in {} could not be set aside ({reason}); move them away to start with \
                 an empty store",
                db.display()
            ),
        };
        let error = StoreError::new(
            StoreErrorKind::Damaged,
            format!("the store in {folder} is damaged: {fault}; {what}"),
        );
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// Does what sled may panic at when its files are not as it left them.
fn catch<T>(what: impl FnOnce() -> T) -> thread::Result<T> {
    // What it was doing is then given up.
    panic::catch_unwind(AssertUnwindSafe(what))
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing the file is not enough where it was copied into a process that is just starting.
        // If it fails there is nobody to tell, and the end of the process unlocks all the same.
        let _ = FileExt::unlock(&self.lock);
    }
}

/// Whether an error of sled says that its file is locked, which it does only in words.
fn is_locked(failure: &Failure) -> bool {
    matches!(failure, Failure::Sled(sled::Error::Io(error))
        if error.to_string().contains("could not acquire lock"))
}

/// Whether a folder says that it holds a store of the known format; not if it is empty.
fn has_format(path: &Path) -> Result<bool, StoreError> {
    let read = |error| cannot("read the folder", path, error);
    match fs::read_to_string(path.join("format")) {
        Ok(text) => match text.trim_end().strip_prefix(FORMAT_NAME) {
            Some(FORMAT) => Ok(true),
            Some(version) => Err(StoreError::new(
                StoreErrorKind::Format,
                format!(
                    "the store in {} has format {version}, this version of palm-persist reads \
                     format {FORMAT} only: use the version that wrote it, or another folder",
                    path.display()
                ),
            )),
            None => Err(not_a_store(path)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            for entry in fs::read_dir(path).map_err(read)? {
                let name = entry.map_err(read)?.file_name();
                // What an opening that did not get to its end leaves behind.
                if name != "lock" && name != "format.new" {
                    return Err(not_a_store(path));
                }
            }
            Ok(false)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(not_a_store(path)),
        Err(error) => Err(read(error)),
    }
}

/// Under its own name the file of the format is there completely or not at all.
fn write_format(path: &Path) -> io::Result<()> {
    let new = path.join("format.new");
    fs::write(&new, format!("{FORMAT_NAME}{FORMAT}\n"))?;
    fs::rename(new, path.join("format"))
}

/// A lock of our own, because a repair must not meet another process at work, and sled locks only
/// once it has opened.
fn lock(path: &Path) -> Result<File, StoreError> {
    let failed = |error| cannot("lock the folder", path, error);
    let options = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path.join("lock"));
    let mut file = options.map_err(failed)?;
    match file.try_lock_exclusive() {
        Ok(()) => {}
        Err(error) if error.kind() == fs2::lock_contended_error().kind() => {
            let mut holder = String::new();
            // Only to say more: the holder may not have written it yet.
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim().parse::<u32>() {
                Ok(pid) if pid == process::id() => "this process".to_owned(),
                Ok(pid) => format!("process {pid}"),
                Err(_) => "another process".to_owned(),
            };
            return Err(in_use(path, &holder));
        }
        Err(error) => return Err(failed(error)),
    }
    file.set_len(0).map_err(failed)?;
    write!(file, "{}", process::id()).map_err(failed)?;
    Ok(file)
}

/// Removes what sled trips over after its process was killed while it opened. Neither holds data.
fn repair(db: &Path) -> io::Result<()> {
    let files = match fs::read_dir(db) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for file in files {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        // A snapshot is an excerpt of the log, and this one was not complete.
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(file.path())?;
        }
    }
    // The settings are written before the file of the data is created. Torn, they cannot be read.
    let settings = db.join("conf");
    if settings.exists() && !db.join("db").exists() {
        fs::remove_file(settings)?;
    }
    Ok(())
}

fn in_use(path: &Path, holder: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::InUse,
        format!(
            "the store in {} is in use by {holder}: give each server a folder of its own",
            path.display()
        ),
    )
}

fn not_a_store(path: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unsuitable,
        format!(
            "the folder {} holds other things than a store: give an empty or a new one",
            path.display()
        ),
    )
}

fn cannot(what: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError::new(
        match is_full(&error) {
            true => StoreErrorKind::Full,
            false => StoreErrorKind::Io,
        },
        format!("cannot {what} {}: {error}", path.display()),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use palm_highlevel::store::{Batch, LogId, Store};

    use super::*;
    use crate::SledStore;

    fn refusal(path: &Path) -> (StoreErrorKind, String) {
        let error = SledStore::open(path).expect_err("it is to be refused");
        (error.kind(), error.to_string())
    }

    /// A folder with a store in it that holds one group and was closed.
    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut store = SledStore::open(folder.path()).expect("a new store opens");
        let mut batch = Batch::new();
        batch.append(LogId(1), 1, 3, "three");
        store.write(&batch).expect("it is written");
        store.flush().expect("it is flushed");
        folder
    }

    fn groups(path: &Path) -> usize {
        let store = SledStore::open(path).expect("it opens");
        store.groups(LogId(1), 1).count()
    }

    #[test]
    fn a_file_is_no_place_for_a_store() {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        let (kind, message) = refusal(file.path());
        assert_eq!(kind, StoreErrorKind::Unsuitable);
        assert_eq!(
            message,
            format!(
                "{} is a file: a store needs a folder",
                file.path().display()
            )
        );
        let (kind, message) = refusal(&file.path().join("below"));
        assert_eq!(kind, StoreErrorKind::Io);
        assert!(message.contains("below"), "{message}");
    }

    #[test]
    fn a_folder_of_other_things_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join("thesis.txt"), "words").expect("it is written");
        let (kind, message) = refusal(folder.path());
        assert_eq!(kind, StoreErrorKind::Unsuitable);
        assert!(
            message.contains(&*folder.path().to_string_lossy()),
            "{message}"
        );
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn an_opening_that_broke_off_early_is_taken_up() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for left in ["lock", "format.new"] {
            fs::write(folder.path().join(left), "").expect("it is written");
        }
        assert_eq!(groups(folder.path()), 0);
    }

    #[test]
    fn an_unknown_format_is_refused() {
        let folder = written();
        fs::write(folder.path().join("format"), "palm store 3\n").expect("it is written");
        let (kind, message) = refusal(folder.path());
        assert_eq!(kind, StoreErrorKind::Format);
        assert!(message.contains("has format 3"), "{message}");
        fs::write(folder.path().join("format"), [0xff; 9]).expect("it is written");
        assert_eq!(refusal(folder.path()).0, StoreErrorKind::Unsuitable);
        fs::write(folder.path().join("format"), "palm store 2\n").expect("it is written");
        assert_eq!(groups(folder.path()), 1);
    }

    #[test]
    fn a_store_is_open_once_at_a_time() {
        let folder = written();
        let store = SledStore::open(folder.path()).expect("nobody has it open");
        let (kind, message) = refusal(folder.path());
        assert_eq!(kind, StoreErrorKind::InUse);
        let expected = format!(
            "the store in {} is in use by this process",
            folder.path().display()
        );
        assert!(message.starts_with(&expected), "{message}");
        drop(store);
        assert_eq!(groups(folder.path()), 1);
    }

    #[test]
    fn a_torn_snapshot_is_removed() {
        let folder = written();
        let torn = folder.path().join("db/snap.00000000000000FF.generating");
        fs::write(&torn, "torn").expect("it is written");
        assert_eq!(groups(folder.path()), 1);
        assert!(!torn.exists());
    }

    #[test]
    fn torn_settings_of_a_store_without_data_are_removed() {
        let folder = written();
        let db = folder.path().join("db");
        let settings = fs::read(db.join("conf")).expect("sled writes its settings");
        fs::remove_dir_all(&db).expect("it is there");
        fs::create_dir(&db).expect("it is not there");
        fs::write(db.join("conf"), &settings[..settings.len() - 2]).expect("it is written");
        assert_eq!(groups(folder.path()), 0);
    }

    #[test]
    fn damaged_files_are_set_aside_and_kept() {
        let folder = written();
        let path = folder.path();
        for aside in ["damaged-1", "damaged-2"] {
            groups(path);
            let mut snapshots = fs::read_dir(path.join("db")).expect("it is there");
            let snapshot = snapshots.find_map(|file| {
                let file = file.expect("it is there").path();
                file.file_name()?
                    .to_str()?
                    .starts_with("snap.")
                    .then_some(file)
            });
            let snapshot = snapshot.expect("sled writes a snapshot when it opens");
            let mut bytes = fs::read(&snapshot).expect("it reads");
            bytes[0] ^= 0x40;
            fs::write(&snapshot, &bytes).expect("it is written");

            let (kind, message) = refusal(path);
            assert_eq!(kind, StoreErrorKind::Damaged);
            let aside = path.join(aside);
            assert!(message.contains(&*aside.to_string_lossy()), "{message}");
            let kept = fs::read(aside.join(snapshot.file_name().expect("it has one")));
            assert_eq!(kept.expect("it was moved"), bytes);
            assert!(aside.join("db").exists(), "the data is with it");
            assert_eq!(groups(path), 0, "the next opening begins anew");
        }
    }
}
