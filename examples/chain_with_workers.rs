//! A chain of three whose middle has workers: what comes out of it in another order is put in order
//! again for the client that asks for that.
//!
//! ```sh
//! cargo run -p examples --bin chain_with_workers
//! ```
//!
//! It prints
//!
//! ```text
//! the divisors of 12 are 6
//! the divisors of 97 are 2
//! the divisors of 720720 are 240
//! the divisors of 30030 are 64
//! ```

use palm_highlevel::{Client, Failure, chained, standalone, typed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let last = chained::LastServer::new("words")
        .function(
            "tell",
            typed(|(number, count): (u64, u64)| {
                Ok::<_, Failure>(format!("the divisors of {number} are {count}"))
            }),
        )
        .bind("tcp://127.0.0.1:*")?;
    // Its workers come and go; each of them could be a process on any machine.
    let middle = chained::Master::new("divisors")
        .next("words.tell", last.address())
        .bind("tcp://127.0.0.1:*")?;
    let worker = |name: &str| {
        let count = |number: u64| {
            let divisors = (1..=number).filter(|divisor| number.is_multiple_of(*divisor));
            Ok::<_, Failure>((number, divisors.count() as u64))
        };
        standalone::Worker::new(name)
            .function("count", typed(count))
            .connect(middle.address())
    };
    let _workers = [worker("one")?, worker("two")?];
    let first = chained::Server::new("numbers")
        .function(
            "read",
            typed(|text: String| {
                text.parse::<u64>()
                    .map_err(|error| Failure::new(error.to_string()))
            }),
        )
        .next("divisors.count", middle.address())
        .bind("tcp://127.0.0.1:*")?;

    let client = Client::connect_through(first.address(), last.address())?;
    let mut job = client.job("numbers.read")?.in_order();
    for text in ["12", "97", "720720", "30030"] {
        job.submit(palm_core::codec::encode(text)?)?;
    }
    for ending in job {
        let line: String = palm_core::codec::decode(&ending.result?)?;
        println!("{line}");
    }
    Ok(())
}
