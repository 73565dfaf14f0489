//! The folder that results are written to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{FAILED_HEADER, NPV_HEADER, Rows, SENSITIVITY_HEADER};

/// `npv.csv`, `sensitivity.csv` and `failed.csv` being written.
#[derive(Debug)]
pub struct Folder {
    npv: Csv,
    sensitivity: Csv,
    failed: Csv,
}

#[derive(Debug)]
struct Csv {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Folder {
    /// Creates `folder` if it does not exist, and the files in it with their headers.
    ///
    /// # Errors
    /// When folder or files cannot be written; the message names which.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
        Ok(Self {
            npv: Csv::create(folder.join("npv.csv"), NPV_HEADER)?,
            sensitivity: Csv::create(folder.join("sensitivity.csv"), SENSITIVITY_HEADER)?,
            failed: Csv::create(folder.join("failed.csv"), FAILED_HEADER)?,
        })
    }

    /// Appends `rows` to the files.
    ///
    /// # Errors
    /// When a file cannot be written; the message names which.
    pub fn write(&mut self, rows: &Rows) -> io::Result<()> {
        self.npv.write(&rows.npv)?;
        self.sensitivity.write(&rows.sensitivity)?;
        self.failed.write(&rows.failed)
    }

    /// Completes the files.
    ///
    /// # Errors
    /// When a file cannot be written; the message names which.
    pub fn finish(mut self) -> io::Result<()> {
        for csv in [&mut self.npv, &mut self.sensitivity, &mut self.failed] {
            csv.file.flush().map_err(|error| named(&csv.path, &error))?;
        }
        Ok(())
    }
}

impl Csv {
    fn create(path: PathBuf, header: &str) -> io::Result<Self> {
        let file = File::create(&path).map_err(|error| named(&path, &error))?;
        let mut csv = Self {
            path,
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
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
