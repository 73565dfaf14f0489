//! Three serial servers in a chain, and a client in a loop: it sends to the first and listens at the
//! last.
//!
//! ```sh
//! cargo run -p examples --bin chain_of_three
//! ```
//!
//! It prints
//!
//! ```text
//! a chain of three servers: 5 words
//! and a client: 3 words
//! ```

use palm_highlevel::{Call, Client, Failure, chained};

fn tidy(call: &Call) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(call.payload());
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn lower(call: &Call) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(call.payload()).to_lowercase())
}

fn count(call: &Call) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(call.payload());
    Ok(format!("{text}: {} words", text.split(' ').count()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Each of them could be a process of its own, and start in any order.
    let last = chained::LastServer::new("last")
        .function("count", count)
        .bind("tcp://127.0.0.1:*")?;
    let middle = chained::Server::new("middle")
        .function("lower", lower)
        .next("last.count", last.address())
        .bind("tcp://127.0.0.1:*")?;
    let first = chained::Server::new("first")
        .function("tidy", tidy)
        .next("middle.lower", middle.address())
        .bind("tcp://127.0.0.1:*")?;

    let client = Client::connect_through(first.address(), last.address())?;
    let mut job = client.job("first.tidy")?.in_order();
    for text in ["  A chain of  THREE servers ", "and a\nCLIENT"] {
        job.submit(text)?;
    }
    for ending in job {
        println!("{}", String::from_utf8_lossy(&ending.result?));
    }
    Ok(())
}
