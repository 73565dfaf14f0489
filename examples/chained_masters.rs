//! Two masters in a chain: what comes out of the first goes on to the second, and the client that
//! sends to the first hears from the second.
//!
//! ```sh
//! cargo run -p examples --bin chained_masters
//! ```
//!
//! It prints
//!
//! ```text
//! 0: 5 words
//! 1: not one word
//! 2: 3 words
//! ```

use palm_highlevel::{Call, Client, Failure, chained, standalone};

/// The function of the first: one blank between words, and none around them.
fn tidy(call: &Call) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(call.payload());
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.is_empty() {
        false => Ok(words.join(" ")),
        // It travels on as a failure: the second does not execute it, the client hears of it.
        true => Err(Failure::new("not one word")),
    }
}

/// The function of the second.
fn count(call: &Call) -> Result<String, Failure> {
    let blanks = call.payload().iter().filter(|byte| **byte == b' ');
    Ok(format!("{} words", blanks.count() + 1))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Each of the four could be a process of its own, and start in any order.
    let second = standalone::Master::new("second").bind("tcp://127.0.0.1:*")?;
    let first = chained::Master::new("first")
        .next("second.count", second.address())
        .bind("tcp://127.0.0.1:*")?;
    let _workers = [
        standalone::Worker::new("tidier")
            .function("tidy", tidy)
            .connect(first.address())?,
        standalone::Worker::new("counter")
            .function("count", count)
            .connect(second.address())?,
    ];

    let client = Client::connect_through(first.address(), second.address())?;
    let mut job = client.job("first.tidy")?;
    for text in ["  a chain of  two masters ", " ", "and\none client"] {
        job.submit(text)?;
    }
    let mut endings: Vec<_> = job.collect();
    endings.sort_by_key(|ending| ending.index);
    for ending in endings {
        match ending.result {
            Ok(text) => println!("{}: {}", ending.index, String::from_utf8_lossy(&text)),
            Err(failure) => println!("{}: {failure}", ending.index),
        }
    }
    Ok(())
}
