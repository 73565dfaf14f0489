//! A master that splits a message: each piece is for any of its workers, and their results are the
//! results of the message.
//!
//! ```sh
//! cargo run -p examples --bin scatter
//! ```
//!
//! It prints
//!
//! ```text
//! the quick brown fox: eht kciuq nworb xof
//! jumps: spmuj
//! : it was scattered into nothing, and text gathers nothing that could be its result
//! ```

use palm_highlevel::{Call, Client, Failure, standalone};

fn words(call: &Call) -> Result<Vec<String>, Failure> {
    let text = String::from_utf8_lossy(call.payload());
    Ok(text.split_whitespace().map(String::from).collect())
}

fn reverse(call: &Call) -> Result<Vec<u8>, Failure> {
    Ok(call.payload().iter().rev().copied().collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let master = standalone::Master::new("text")
        .scatter("reverse", "reverse_word", words)
        .bind("tcp://127.0.0.1:*")?;
    let worker = |name: &str| {
        standalone::Worker::new(name)
            .function("reverse_word", reverse)
            .connect(master.address())
    };
    let _workers = [worker("one")?, worker("two")?];

    let client = Client::connect(master.address())?;
    let texts = ["the quick brown fox", "jumps", ""];
    let mut job = client.job("text.reverse")?.in_order();
    for text in texts {
        job.submit(text)?;
    }
    for (text, ending) in texts.iter().zip(job) {
        match ending.result {
            Ok(first) if ending.branches.is_empty() => println!("{text}: {}", first.escape_ascii()),
            Ok(_) => println!("{text}: {}", ending.branches.join(&b' ').escape_ascii()),
            Err(failure) => println!("{text}: {failure}"),
        }
    }
    Ok(())
}
