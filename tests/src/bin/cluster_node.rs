//! A master or a worker as a process of its own, for tests that kill it.
//!
//! Usage: `cluster_node master NAME ENDPOINT` or `cluster_node worker NAME ENDPOINT`
//!
//! A master prints the address that it is bound to. A worker prints the number of each `work` that
//! it begins and is told to announce. Both end when their standard input does: with the test.

use std::env;
use std::error::Error;
use std::io::{self, Read};
use std::process::ExitCode;

use palm_highlevel::{Running, standalone};
use tests::work::Offer;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let _running: Running = match arguments[..] {
        ["master", name, endpoint] => {
            let master = standalone::Master::new(name).bind(endpoint)?;
            println!("{}", master.address());
            master
        }
        ["worker", name, endpoint] => standalone::Worker::new(name)
            .offer_all()
            .connect(endpoint)?,
        _ => return Err("usage: cluster_node master|worker NAME ENDPOINT".into()),
    };
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
