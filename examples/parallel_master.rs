//! A parallel server: a master, the workers that it hands messages to, and a client that streams a
//! job.
//!
//! ```sh
//! cargo run -p examples --bin parallel_master
//! ```
//!
//! It prints
//!
//! ```text
//! 10000 numbers done: 6171 takes the most steps to reach 1, 261 of them
//! ```
//!
//! That was all in one process. In a cluster each part is a process of its own; start them in any
//! order, workers as many as you like, and stop or kill workers while the client waits:
//!
//! ```sh
//! cargo run -p examples --bin parallel_master -- master tcp://127.0.0.1:5555
//! cargo run -p examples --bin parallel_master -- worker tcp://127.0.0.1:5555 one
//! cargo run -p examples --bin parallel_master -- worker tcp://127.0.0.1:5555 two
//! cargo run -p examples --bin parallel_master -- client tcp://127.0.0.1:5555
//! ```

use palm_core::codec;
use palm_highlevel::{Client, Failure, Running, standalone, typed};
use std::error::Error;

/// How many steps it takes to 1, halving an even number and going from an odd n to 3n + 1.
fn steps(mut number: u64) -> Result<u32, Failure> {
    let mut steps = 0;
    while number != 1 {
        number = match number % 2 {
            0 => number / 2,
            _ => 3 * number + 1,
        };
        steps += 1;
    }
    Ok(steps)
}

fn master(endpoint: &str) -> palm_highlevel::Result<Running> {
    standalone::Master::new("collatz").bind(endpoint)
}

fn worker(endpoint: &str, name: &str) -> palm_highlevel::Result<Running> {
    standalone::Worker::new(name)
        .function("steps", typed(steps))
        .connect(endpoint)
}

fn client(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::connect(endpoint)?;
    let mut job = client.job("collatz.steps")?;
    for number in 1..=10_000u64 {
        job.submit(codec::encode(&number)?)?;
    }
    // The endings come as they come, from any worker: their indices tell them apart.
    let (mut done, mut most) = (0, (0, 0));
    for ending in &mut job {
        let steps: u32 = codec::decode(&ending.result?)?;
        most = most.max((steps, ending.index + 1));
        done += 1;
    }
    let (steps, number) = most;
    println!("{done} numbers done: {number} takes the most steps to reach 1, {steps} of them");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            let master = master("tcp://127.0.0.1:*")?;
            let _workers = [
                worker(master.address(), "one")?,
                worker(master.address(), "two")?,
            ];
            client(master.address())?;
        }
        ["master", endpoint] => {
            let master = master(endpoint)?;
            println!("serving at {}", master.address());
            master.join()?;
        }
        ["worker", endpoint, name] => drop(worker(endpoint, name)?.join()?),
        ["client", endpoint] => client(endpoint)?,
        _ => return Err("it takes nothing, or a role and an endpoint, as its source says".into()),
    }
    Ok(())
}
