//! The `mastr` command; see `mastr --help`.

use std::process::ExitCode;

use clap::Parser;
use mastr::command::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}
