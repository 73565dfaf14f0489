//! The folder that results are written to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{FAILED_HEADER, NPV_HEADER, PNL_HEADER, Rows, SENSITIVITY_HEADER};
use crate::aggregation::Aggregate;

/// `npv.csv`, `sensitivity.csv`, `failed.csv` and, where P&L vectors are wanted, `pnl.csv` being
/// written.
///
/// Until they are complete they have other names, so that a file under its own name is never a part
/// of what it should be. Dropping the folder without [finishing](Self::finish) it removes them.
#[derive(Debug)]
pub struct Folder {
    npv: Csv,
    sensitivity: Csv,
    failed: Csv,
    pnl: Option<Csv>,
}

#[derive(Debug)]
struct Csv {
    path: PathBuf,
    /// Where it stands until it is complete.
    partial: PathBuf,
    file: BufWriter<File>,
}

impl Folder {
    /// Creates `folder` if it does not exist, and the files in it with their headers; whether there
    /// is to be a `pnl.csv`. What an earlier run left under their names is removed.
    ///
    /// # Errors
    /// When folder or files cannot be written; the message names which.
    pub fn create(folder: &Path, with_pnl: bool) -> io::Result<Self> {
        create_folder(folder)?;
        // Where it is not wanted this still removes an earlier run's.
        let pnl = Csv::create(folder.join("pnl.csv"), PNL_HEADER)?;
        Ok(Self {
            npv: Csv::create(folder.join("npv.csv"), NPV_HEADER)?,
            sensitivity: Csv::create(folder.join("sensitivity.csv"), SENSITIVITY_HEADER)?,
            failed: Csv::create(folder.join("failed.csv"), FAILED_HEADER)?,
            pnl: with_pnl.then_some(pnl),
        })
    }

    /// Appends `rows` to the files.
    ///
    /// # Errors
    /// When a file cannot be written; the message names which.
    pub fn write(&mut self, rows: &Rows) -> io::Result<()> {
        self.npv.write(&rows.npv)?;
        self.sensitivity.write(&rows.sensitivity)?;
        self.failed.write(&rows.failed)?;
        match &mut self.pnl {
            Some(pnl) => pnl.write(&rows.pnl),
            None => Ok(()),
        }
    }

    /// Appends rows to the files but `pnl.csv`.
    pub(super) fn append(
        &mut self,
        npv: &[u8],
        sensitivity: &[u8],
        failed: &[u8],
    ) -> io::Result<()> {
        self.npv.write(npv)?;
        self.sensitivity.write(sensitivity)?;
        self.failed.write(failed)
    }

    /// Completes the files and gives them their names.
    ///
    /// # Errors
    /// When a file cannot be written; the message names which.
    pub fn finish(mut self) -> io::Result<()> {
        let files = [&mut self.npv, &mut self.sensitivity, &mut self.failed];
        files
            .into_iter()
            .chain(&mut self.pnl)
            .try_for_each(Csv::finish)
    }
}

/// `aggregate.csv`, in the same folder and complete or not there in the same way.
#[derive(Debug)]
pub struct TableFile(Csv);

impl TableFile {
    /// Creates `folder` if it does not exist, and the file in it.
    ///
    /// # Errors
    /// As [`Folder::create`].
    pub fn create(folder: &Path) -> io::Result<Self> {
        create_folder(folder)?;
        Csv::create(folder.join("aggregate.csv"), "").map(Self)
    }

    /// Writes the table, and completes the file.
    ///
    /// # Errors
    /// When the file cannot be written; the message names it.
    pub fn write(mut self, table: &Aggregate) -> io::Result<()> {
        table
            .write_csv(&mut self.0.file)
            .map_err(|error| named(&self.0.path, &error))?;
        self.0.finish()
    }
}

impl Csv {
    fn create(path: PathBuf, header: &str) -> io::Result<Self> {
        let partial = path.with_extension("csv.partial");
        let file = match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::create(&partial),
        };
        let file = file.map_err(|error| named(&path, &error))?;
        let mut csv = Self {
            path,
            partial,
            file: BufWriter::new(file),
        };
        csv.write(header.as_bytes())?;
        Ok(csv)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|error| named(&self.path, &error))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file
            .flush()
            .and_then(|()| fs::rename(&self.partial, &self.path))
            .map_err(|error| named(&self.path, &error))
    }
}

impl Drop for Csv {
    fn drop(&mut self) {
        // It is gone already if it is complete.
        drop(fs::remove_file(&self.partial));
    }
}

/// Creates a folder for results, and those around it, if it does not exist.
///
/// # Errors
/// When it cannot be created; the message names it.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| {
        // The system says that it exists, which is no help.
        let no_folder = error.kind() == io::ErrorKind::AlreadyExists && folder.is_file();
        match no_folder {
            true => named(folder, &io::ErrorKind::NotADirectory.into()),
            false => named(folder, &error),
        }
    })
}

pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_complete_or_not_there() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("results");
        let names = || {
            let files = fs::read_dir(&path).unwrap();
            let mut names: Vec<_> = files
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        Folder::create(&path, false).unwrap().finish().unwrap();
        assert_eq!(names(), ["failed.csv", "npv.csv", "sensitivity.csv"]);
        let unfinished = Folder::create(&path, true).unwrap();
        assert!(!names().contains(&"npv.csv".to_owned()));
        drop(unfinished);
        assert!(names().is_empty());
    }
}
