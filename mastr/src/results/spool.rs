//! Rows that come in any order.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::folder::named;
use super::{Folder, Rows};
use crate::portfolio::{Currency, Entry};
use crate::time::Date;
use crate::valuation::Valuation;

/// So many bytes are gathered before they are written or when they are read.
const CHUNK: usize = 1 << 20;

/// The result files of trades whose results come in any order.
///
/// Rows are kept in a file of the same folder until all have come, and then put in order; of a trade it is
/// remembered where they are. That file has no name, so that nothing is left of it whatever happens.
#[derive(Debug)]
pub struct Spool {
    folder: Folder,
    /// What messages call the file that has no name.
    path: PathBuf,
    file: File,
    rows: Rows,
    /// What has not been written to the file.
    buffer: Vec<u8>,
    written: u64,
    /// By the places of the trades.
    kept: Vec<Kept>,
}

/// Where the rows of a trade are, those of `npv.csv` first, and how long they are.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    at: u64,
    npv: u32,
    sensitivity: u32,
    failed: u32,
}

impl Kept {
    fn len(self) -> usize {
        [self.npv, self.sensitivity, self.failed]
            .into_iter()
            .map(|length| length as usize)
            .sum()
    }

    fn end(self) -> u64 {
        self.at + self.len() as u64
    }
}

impl Spool {
    /// Creates `folder` if it does not exist, with its files; what an earlier run left under their names is removed.
    ///
    /// # Errors
    /// When folder or files cannot be written; the message names which.
    pub fn create(folder: &Path, as_of: Date, base: Currency) -> io::Result<Self> {
        let results = Folder::create(folder, false)?;
        let path = folder.join("rows.partial");
        let open = || {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)?;
            fs::remove_file(&path)?;
            Ok(file)
        };
        let file = open().map_err(|error| named(&path, &error))?;
        Ok(Self {
            folder: results,
            path,
            file,
            rows: Rows::new(as_of, base),
            buffer: Vec::with_capacity(2 * CHUNK),
            written: 0,
            kept: Vec::new(),
        })
    }

    /// Keeps what became of the trade at this place: its value, or why it has none.
    ///
    /// # Errors
    /// When the file cannot be written; the message names it.
    pub fn push(
        &mut self,
        place: u32,
        entry: &Entry,
        outcome: Result<&Valuation, &str>,
    ) -> io::Result<()> {
        self.rows.push(entry, outcome);
        let place = place as usize;
        if self.kept.len() <= place {
            self.kept.resize(place + 1, Kept::default());
        }
        let Rows {
            npv,
            sensitivity,
            failed,
            ..
        } = &self.rows;
        self.kept[place] = Kept {
            at: self.written + self.buffer.len() as u64,
            npv: npv.len() as u32,
            sensitivity: sensitivity.len() as u32,
            failed: failed.len() as u32,
        };
        for rows in [npv, sensitivity, failed] {
            self.buffer.extend_from_slice(rows);
        }
        self.rows.clear();
        match self.buffer.len() > CHUNK {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.buffer);
        written.map_err(|error| named(&self.path, &error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Completes the files, with the rows in the order of these places.
    ///
    /// # Errors
    /// When a file cannot be read or written; the message names it.
    pub fn finish(mut self, order: &[u32]) -> io::Result<()> {
        self.flush()?;
        let mut order = order
            .iter()
            .map(|place| self.kept[*place as usize])
            .peekable();
        let mut run = Vec::new();
        while let Some(first) = order.next() {
            run.push(first);
            let mut end = first.end();
            while let Some(next) =
                order.next_if(|next| next.at == end && (next.end() - first.at) as usize <= CHUNK)
            {
                run.push(next);
                end = next.end();
            }
            self.buffer.resize((end - first.at) as usize, 0);
            let read = self.file.read_exact_at(&mut self.buffer, first.at);
            read.map_err(|error| named(&self.path, &error))?;
            let mut rest = &self.buffer[..];
            for kept in run.drain(..) {
                let mut rows = |length: u32| {
                    let (rows, others) = rest.split_at(length as usize);
                    rest = others;
                    rows
                };
                let (npv, sensitivity, failed) =
                    (rows(kept.npv), rows(kept.sensitivity), rows(kept.failed));
                self.folder.append(npv, sensitivity, failed)?;
            }
        }
        self.folder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::valuation::value;

    #[test]
    fn rows_are_put_in_order() {
        let temporary = tempfile::tempdir().unwrap();
        let (portfolio, market) = (sample::portfolio(), sample::market());
        let (as_of, base) = (portfolio.as_of(), portfolio.base());
        let outcome = |entry: &Entry| match entry.id().ends_with('7') {
            true => Err("unlucky".to_owned()),
            false => Ok(value(entry.trade().unwrap(), &market).unwrap()),
        };
        let mut rows = Rows::new(as_of, base);
        for entry in portfolio.by_id() {
            rows.push(entry, outcome(entry).as_ref().map_err(|reason| &**reason));
        }
        let sorted = temporary.path().join("sorted");
        let mut folder = Folder::create(&sorted, false).unwrap();
        folder.write(&rows).unwrap();
        folder.finish().unwrap();

        let spooled = temporary.path().join("spooled");
        let mut spool = Spool::create(&spooled, as_of, base).unwrap();
        let places: Vec<(u32, &Entry)> = (0..).zip(portfolio.entries()).collect();
        let (odd, even): (Vec<_>, Vec<_>) = places.iter().partition(|(place, _)| place % 2 == 1);
        for (place, entry) in odd.into_iter().chain(even) {
            let outcome = outcome(entry);
            spool
                .push(place, entry, outcome.as_ref().map_err(|reason| &**reason))
                .unwrap();
        }
        let mut order: Vec<u32> = (0..places.len() as u32).collect();
        order.sort_by_key(|place| portfolio.entries()[*place as usize].id());
        spool.finish(&order).unwrap();
        let read = |folder: &Path| -> Vec<(String, Vec<u8>)> {
            let files = fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().path());
            let mut files: Vec<_> = files
                .map(|path| {
                    (
                        path.file_name().unwrap().to_str().unwrap().to_owned(),
                        fs::read(path).unwrap(),
                    )
                })
                .collect();
            files.sort();
            files
        };
        assert!(read(&sorted) == read(&spooled));
    }
}
