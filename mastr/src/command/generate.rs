//! `mastr generate`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{ALL_VALUED, CommandError};
use crate::generation;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many trades
    #[arg(long, value_name = "N")]
    trades: u64,
    /// What the random numbers start from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder for portfolio.json and market.txt; created if need be
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

impl Arguments {
    pub(super) fn run(self) -> Result<u8, CommandError> {
        self.write().map_err(CommandError::Unwritable)?;
        Ok(ALL_VALUED)
    }

    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.output).map_err(|error| named(&self.output, &error))?;
        let portfolio_path = self.output.join("portfolio.json");
        let market_path = self.output.join("market.txt");
        let mut portfolio = create(&portfolio_path)?;
        let mut market = create(&market_path)?;
        // Hidden unless standard error is a terminal.
        let bar = ProgressBar::new(self.trades).with_style(style());
        generation::generate(
            self.trades,
            self.seed,
            &mut portfolio,
            &mut market,
            |written| bar.set_position(written),
        )
        .and_then(|()| portfolio.flush())
        .map_err(|error| named(&portfolio_path, &error))?;
        market
            .flush()
            .map_err(|error| named(&market_path, &error))?;
        bar.finish_and_clear();
        Ok(())
    }
}

fn style() -> ProgressStyle {
    // Invariant: the template is well-formed.
    ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} trades, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    File::create(path)
        .map(|file| BufWriter::with_capacity(1 << 16, file))
        .map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
