//! A tee and a sink: a tee hands each number to both servers that are next to it, or to those whose
//! filter takes it, and the sink brings them together again.
//!
//! ```sh
//! cargo run -p examples --bin tee_and_sink
//! ```
//!
//! It prints
//!
//! ```text
//! all, 2: 2 squared is 4 and 2 cubed is 8
//! all, 3: 3 squared is 9 and 3 cubed is 27
//! all, 5: 5 squared is 25 and 5 cubed is 125
//! all, 6: 6 squared is 36 and 6 cubed is 216
//! some, 2: 2 squared is 4
//! some, 3: 3 cubed is 27
//! some, 5: no server that is next to some takes the result
//! some, 6: 6 squared is 36 and 6 cubed is 216
//! ```

use palm_core::codec;
use palm_highlevel::{Client, Failure, chained, typed};

/// Whether a result of a tee's, a number, is a multiple of `divisor`.
fn divides(divisor: u64) -> impl Fn(&[u8]) -> bool {
    move |result| codec::decode::<u64>(result).is_ok_and(|number| number % divisor == 0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A sink is a last server with several previous ones.
    let sink = chained::Sink::new("sink")
        .function(
            "tell",
            typed(|(number, how, result): (u64, String, u64)| {
                Ok::<_, Failure>(format!("{number} {how} is {result}"))
            }),
        )
        .bind("tcp://127.0.0.1:*")?;
    let branch = |name: &str, how: &'static str, power: u32| {
        let function = move |number: u64| Ok::<_, Failure>((number, how, number.pow(power)));
        chained::Server::new(name)
            .function("raise", typed(function))
            .next("sink.tell", sink.address())
            .bind("tcp://127.0.0.1:*")
    };
    let square = branch("square", "squared", 2)?;
    let cube = branch("cube", "cubed", 3)?;
    let tee = |name| chained::Server::new(name).function("number", typed(Ok::<u64, Failure>));
    let all = tee("all")
        .next("square.raise", square.address())
        .next("cube.raise", cube.address())
        .bind("tcp://127.0.0.1:*")?;
    let some = tee("some")
        .next_if("square.raise", square.address(), divides(2))
        .next_if("cube.raise", cube.address(), divides(3))
        .bind("tcp://127.0.0.1:*")?;

    for (name, tee) in [("all", all), ("some", some)] {
        let client = Client::connect_through(tee.address(), sink.address())?;
        let numbers = [2u64, 3, 5, 6];
        let mut job = client.job(&format!("{name}.number"))?.in_order();
        for number in numbers {
            job.submit(codec::encode(&number)?)?;
        }
        for (number, ending) in numbers.iter().zip(job) {
            // A message has one ending, when all its branches have come together.
            let parts = match ending.result {
                Ok(only) if ending.branches.is_empty() => vec![only],
                Ok(_) => ending.branches,
                Err(failure) => {
                    println!("{name}, {number}: {failure}");
                    continue;
                }
            };
            let parts: Result<Vec<String>, _> =
                parts.iter().map(|part| codec::decode(part)).collect();
            println!("{name}, {number}: {}", parts?.join(" and "));
        }
    }
    Ok(())
}
