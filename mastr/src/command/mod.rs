//! The command line.

mod error;
mod generate;
mod input;
mod output;
mod price;
mod schema;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::CommandError;

/// Values portfolios of financial trades, and aggregates them.
#[derive(Debug, Parser)]
#[command(
    name = "mastr",
    version,
    after_help = "Exit status: 0 all valued, 2 bad input or usage, 3 some trades failed."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Value a portfolio in this process; npv.csv goes to standard output
    Price(price::Arguments),
    /// Tell what a portfolio holds, or everything that is wrong with it
    Validate(validate::Arguments),
    /// Print the JSON Schema of portfolios
    Schema,
    /// Write a made-up portfolio and its market
    Generate(generate::Arguments),
}

/// Done, and every trade is valued.
pub(crate) const ALL_VALUED: u8 = 0;
/// The input or the usage is bad.
pub(crate) const BAD_INPUT: u8 = 2;
/// Done, but some trades failed.
pub(crate) const SOME_FAILED: u8 = 3;

impl Arguments {
    /// Does what was asked for, and tells on standard error what stands in the way.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Price(arguments) => arguments.run(),
            Command::Validate(arguments) => arguments.run(),
            Command::Schema => schema::run(),
            Command::Generate(arguments) => arguments.run(),
        };
        match done {
            Ok(status) => ExitCode::from(status),
            // Whoever was reading has seen enough.
            Err(CommandError::ClosedPipe) => ExitCode::from(ALL_VALUED),
            Err(error) => {
                output::tell(&error);
                ExitCode::from(BAD_INPUT)
            }
        }
    }
}
