use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

/// The file that tells how many batches were flushed, beside the files of sled.
///
/// It is written after each flush, in place and without a flush of its own: what a process has
/// written outlasts it. A log that has lost its end holds fewer batches than that.
#[derive(Debug)]
pub(crate) struct Flushes {
    file: File,
    number: u64,
}

/// The name of the file.
pub(crate) const NAME: &str = "flushed";

impl Flushes {
    /// Begins to count at 0, in a file that is replaced if there is one.
    pub(crate) fn create(db: &Path) -> io::Result<Flushes> {
        let file = File::create(db.join(NAME))?;
        let mut flushes = Flushes { file, number: 0 };
        flushes.write(0)?;
        Ok(flushes)
    }

    /// Goes on where the file says; nothing if it is not as it was written.
    pub(crate) fn open(db: &Path) -> io::Result<Option<Flushes>> {
        let mut options = OpenOptions::new();
        let file = match options.read(true).write(true).open(db.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = [0; LENGTH + 1];
        let whole = match file.read_at(&mut bytes, 0)? {
            LENGTH => bytes.first_chunk(),
            _ => None,
        };
        let number = whole.map(|bytes| u64::from_be_bytes(*bytes));
        let number = number.filter(|number| bytes[..LENGTH] == encoded(*number));
        Ok(number.map(|number| Flushes { file, number }))
    }

    /// How many batches were flushed.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// That so many are flushed.
    pub(crate) fn write(&mut self, number: u64) -> io::Result<()> {
        self.file.write_all_at(&encoded(number), 0)?;
        self.number = number;
        Ok(())
    }
}

/// How long the file is: a number and its hash.
const LENGTH: usize = 16;

fn encoded(number: u64) -> [u8; LENGTH] {
    let hash = xxh3_64(&number.to_be_bytes());
    (u128::from(number) << 64 | u128::from(hash)).to_be_bytes()
}
