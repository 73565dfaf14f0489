//! Writes the history of `tests::history` into a store on disk, from where the store is on, and
//! prints the number of each step once it is flushed. It ends only by being killed, or when nobody
//! reads what it prints.
//!
//! Usage: `store_writer FOLDER`

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use palm_highlevel::store::Store;
use palm_persist::SledStore;
use tests::history;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn write() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).ok_or("usage: store_writer FOLDER")?;
    let mut store = SledStore::open(folder)?;
    let mut number = history::reached(&store)?;
    loop {
        number += 1;
        store.write(&history::step(number))?;
        store.flush()?;
        // In one piece, so that a kill cannot tear it.
        io::stdout().write_all(format!("{number}\n").as_bytes())?;
    }
}
