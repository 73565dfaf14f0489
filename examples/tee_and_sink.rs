//! A tee and a sink: even numbers take one way, odd ones another, those that three divides a third
//! one as well, and all of them come together again.
//!
//! ```sh
//! cargo run -p examples --bin tee_and_sink
//! ```
//!
//! It prints
//!
//! ```text
//! 1: 1 -> 4
//! 2: 2 -> 1
//! 3: 3 -> 10 and 3 is thrice 1
//! 4: 4 -> 2
//! 5: 5 -> 16
//! 6: 6 -> 3 and 6 is thrice 2
//! ```

use palm_core::codec;
use palm_highlevel::{Client, Failure, chained, typed};

/// Whether a result of the tee's, a number, is a multiple of `divisor`.
fn divides(divisor: u64) -> impl Fn(&[u8]) -> bool {
    move |result| codec::decode::<u64>(result).is_ok_and(|number| number % divisor == 0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A sink is a last server with several previous ones.
    let sink = chained::Sink::new("sink")
        .function(
            "tell",
            typed(|(number, how, result): (u64, String, u64)| {
                Ok::<_, Failure>(format!("{number} {how} {result}"))
            }),
        )
        .bind("tcp://127.0.0.1:*")?;
    let branch = |name: &str, how: &'static str, step: fn(u64) -> u64| {
        let function = move |number: u64| Ok::<_, Failure>((number, how, step(number)));
        chained::Server::new(name)
            .function("step", typed(function))
            .next("sink.tell", sink.address())
            .bind("tcp://127.0.0.1:*")
    };
    let even = branch("even", "->", |number| number / 2)?;
    let odd = branch("odd", "->", |number| 3 * number + 1)?;
    let third = branch("third", "is thrice", |number| number / 3)?;
    let tee = chained::Server::new("tee")
        .function("number", typed(Ok::<u64, Failure>))
        // With `next` in place of `next_if` a server takes all of them.
        .next_if("even.step", even.address(), divides(2))
        .next_if("odd.step", odd.address(), |result| !divides(2)(result))
        .next_if("third.step", third.address(), divides(3))
        .bind("tcp://127.0.0.1:*")?;

    let client = Client::connect_through(tee.address(), sink.address())?;
    let mut job = client.job("tee.number")?.in_order();
    for number in 1..=6u64 {
        job.submit(codec::encode(&number)?)?;
    }
    for (ending, number) in job.zip(1..) {
        // A message has one ending, when all its branches have come together.
        let parts = match ending.branches.is_empty() {
            true => vec![ending.result?],
            false => ending.branches,
        };
        let parts: Result<Vec<String>, _> = parts.iter().map(|part| codec::decode(part)).collect();
        println!("{number}: {}", parts?.join(" and "));
    }
    Ok(())
}
