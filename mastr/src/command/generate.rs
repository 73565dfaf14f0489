//! `mastr generate`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{ALL_VALUED, CommandError};
use crate::generation::{Files, generate};
use crate::results::create_folder;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many trades
    #[arg(long, value_name = "N")]
    trades: u64,
    /// What the random numbers start from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder for portfolio.json, market.txt, fixings.txt and scenarios.csv; created if need be
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        self.write().map_err(CommandError::Unwritable)?;
        Ok(ALL_VALUED)
    }

    fn write(&self) -> io::Result<()> {
        create_folder(&self.output)?;
        let file = |name| Named::create(self.output.join(name));
        let mut files = Files {
            portfolio: file("portfolio.json")?,
            market: file("market.txt")?,
            scenarios: file("scenarios.csv")?,
            fixings: file("fixings.txt")?,
        };
        // Hidden unless standard error is a terminal.
        let bar = ProgressBar::new(self.trades).with_style(style());
        generate(self.trades, self.seed, &mut files, |written| {
            bar.set_position(written);
        })?;
        let Files {
            portfolio,
            market,
            scenarios,
            fixings,
        } = &mut files;
        [portfolio, market, scenarios, fixings]
            .into_iter()
            .try_for_each(Write::flush)?;
        bar.finish_and_clear();
        Ok(())
    }
}

/// A file whose errors name it.
struct Named {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Named {
    fn create(path: PathBuf) -> io::Result<Self> {
        match File::create(&path) {
            Ok(file) => Ok(Self {
                path,
                file: BufWriter::with_capacity(1 << 16, file),
            }),
            Err(error) => Err(named(&path, &error)),
        }
    }
}

impl Write for Named {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file
            .write(bytes)
            .map_err(|error| named(&self.path, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| named(&self.path, &error))
    }
}

fn style() -> ProgressStyle {
    // Invariant: the template is well-formed.
    ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} trades, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
