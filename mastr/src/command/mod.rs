//! The command line.

mod address;
mod aggregate;
mod aggregation_master;
mod aggregation_worker;
mod bench;
mod error;
mod generate;
mod input;
mod lifeline;
mod memory;
mod output;
mod price;
mod question;
mod report;
mod run;
mod schema;
mod tally;
mod thread;
mod validate;
mod valuation_master;
mod valuation_worker;
mod value;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::CommandError;

/// Values portfolios of financial trades, and aggregates them.
#[derive(Debug, Parser)]
#[command(
    name = "mastr",
    version,
    after_help = "Exit status: 0 all valued, 1 it could not be done, 2 bad input or usage, \
                  3 some trades failed, 130 interrupted."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Value and aggregate a portfolio on a cluster that lives on this machine as long as it takes
    Run(run::Arguments),
    /// Value a portfolio in this process; npv.csv goes to standard output
    Price(price::Arguments),
    /// Tell what a portfolio holds, or everything that is wrong with it
    Validate(validate::Arguments),
    /// Print the JSON Schema of portfolios
    Schema,
    /// Write a made-up portfolio and its market
    Generate(generate::Arguments),
    /// Measure the engines on one core, beside QuantLib's or plain ones
    Bench(bench::Arguments),
    /// Submit a portfolio to a running cluster
    Value(value::Arguments),
    /// Ask a running cluster how the figures stand
    Aggregate(aggregate::Arguments),
    /// Give trades to valuation workers and pass the results on
    #[command(
        after_help = "The first line on standard output is the address that it is bound to. \
                            The last one is what it did."
    )]
    ValuationMaster(valuation_master::Arguments),
    /// Value trades for a valuation master
    #[command(after_help = "The line on standard output at the end is what it did.")]
    ValuationWorker(valuation_worker::Arguments),
    /// Give results to the aggregation workers, and answer for all of them
    #[command(
        after_help = "The first line on standard output is the address that it is bound to. \
                            The last one is what it did."
    )]
    AggregationMaster(aggregation_master::Arguments),
    /// Add up results for an aggregation master
    #[command(after_help = "The line on standard output at the end is what it did.")]
    AggregationWorker(aggregation_worker::Arguments),
}

/// Done, and every trade is valued.
pub(crate) const ALL_VALUED: u8 = 0;
/// It could not be done, though nothing was wrong with what was asked.
pub(crate) const FAILED: u8 = 1;
/// The input or the usage is bad.
pub(crate) const BAD_INPUT: u8 = 2;
/// Done, but some trades failed.
pub(crate) const SOME_FAILED: u8 = 3;
/// Told to stop before it was done; 128 and the signal's number, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

impl Arguments {
    /// Does what was asked for, and tells on standard error what stands in the way.
    pub fn run(self) -> ExitCode {
        // What a server has to say of its peers goes to standard error; RUST_LOG asks for more.
        env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
        let done = match self.command {
            Command::Run(arguments) => arguments.run(),
            Command::Price(arguments) => arguments.run(),
            Command::Validate(arguments) => arguments.run(),
            Command::Schema => schema::run(),
            Command::Generate(arguments) => arguments.run(),
            Command::Bench(arguments) => arguments.run(),
            Command::Value(arguments) => arguments.run(),
            Command::Aggregate(arguments) => arguments.run(),
            Command::ValuationMaster(arguments) => arguments.run(),
            Command::ValuationWorker(arguments) => arguments.run(),
            Command::AggregationMaster(arguments) => arguments.run(),
            Command::AggregationWorker(arguments) => arguments.run(),
        };
        let status = done.unwrap_or_else(|error| {
            match error {
                CommandError::ClosedPipe | CommandError::Interrupted => {}
                _ => output::tell(&error),
            }
            error.status()
        });
        ExitCode::from(status)
    }
}
