//! An error in a chain: what fails in the first server passes the others without being executed, and
//! the client hears of it where it listens, at the last.
//!
//! ```sh
//! cargo run -p examples --bin chained_error
//! ```
//!
//! It prints
//!
//! ```text
//! 16 has the root 4
//! -1 has no real root
//! `ten` is no number: invalid float literal
//! 2.25 has the root 1.5
//! the last server has executed 2 of 4
//! ```

use palm_highlevel::{Call, Client, Failure, chained};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn root(call: &Call) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(call.payload());
    let number: f64 = text
        .parse()
        .map_err(|error| Failure::new(format!("`{text}` is no number: {error}")))?;
    match number >= 0.0 {
        true => Ok(format!("{number} has the root {}", number.sqrt())),
        false => Err(Failure::new(format!("{number} has no real root"))),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executed = Arc::new(AtomicU32::new(0));
    let counter = executed.clone();
    let last = chained::LastServer::new("last")
        .function("show", move |call: &Call| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Failure>(call.payload().clone())
        })
        .bind("tcp://127.0.0.1:*")?;
    let first = chained::Server::new("first")
        .function("root", root)
        .next("last.show", last.address())
        .bind("tcp://127.0.0.1:*")?;

    let client = Client::connect_through(first.address(), last.address())?;
    let mut job = client.job("first.root")?.in_order();
    for text in ["16", "-1", "ten", "2.25"] {
        job.submit(text)?;
    }
    for ending in job {
        match ending.result {
            Ok(text) => println!("{}", String::from_utf8_lossy(&text)),
            Err(failure) => println!("{failure}"),
        }
    }
    let executed = executed.load(Ordering::Relaxed);
    println!("the last server has executed {executed} of 4");
    Ok(())
}
