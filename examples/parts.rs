//! A function that gives many results for one message, and an end.
//!
//! ```sh
//! cargo run -p examples --bin parts
//! ```
//!
//! It prints
//!
//! ```text
//! 5: 5 16 8 4 2, and 1 at the end
//! 1: 1 at the end
//! 0: it never comes to 1
//! ```

use palm_core::codec;
use palm_highlevel::{Call, Client, Failure, standalone};

/// All numbers on the way to 1: half of an even one, three times an odd one and one more.
fn collatz(call: &Call) -> Result<Vec<u8>, Failure> {
    let mut number: u64 = codec::decode(call.payload())?;
    if number == 0 {
        return Err(Failure::new("it never comes to 1"));
    }
    while number != 1 {
        call.give(codec::encode(&number)?);
        number = match number % 2 {
            0 => number / 2,
            _ => 3 * number + 1,
        };
    }
    Ok(codec::encode(&number)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let master = standalone::Master::new("numbers").bind("tcp://127.0.0.1:*")?;
    let _worker = standalone::Worker::new("one")
        .function("collatz", collatz)
        .connect(master.address())?;

    let client = Client::connect(master.address())?;
    let numbers: [u64; 3] = [5, 1, 0];
    let mut job = client.job("numbers.collatz")?.in_order();
    for number in numbers {
        job.submit(codec::encode(&number)?)?;
    }
    for (number, ending) in numbers.iter().zip(job) {
        let parts = ending
            .branches
            .iter()
            .map(|part| codec::decode::<u64>(part));
        let parts: Vec<String> = parts
            .map(|part| part.map(|number| number.to_string()))
            .collect::<Result<_, _>>()?;
        match (ending.result, parts.split_last()) {
            (Ok(_), Some((last, parts))) => {
                println!("{number}: {}, and {last} at the end", parts.join(" "));
            }
            (Ok(only), None) => println!("{number}: {} at the end", codec::decode::<u64>(&only)?),
            (Err(failure), _) => println!("{number}: {failure}"),
        }
    }
    Ok(())
}
