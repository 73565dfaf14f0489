//! A hub: a master inside a pipeline, whose workers do what takes long.
//!
//! ```sh
//! cargo run -p examples --bin hub
//! ```
//!
//! It prints
//!
//! ```text
//! 2^61 - 1 is a prime
//! 2^59 - 1 is divisible by 179951
//! 2^53 - 1 is divisible by 6361
//! ```

use palm_core::codec;
use palm_highlevel::{Failure, pipelined, standalone, typed};

/// The smallest divisor of `number` but 1.
fn divisor(number: u64) -> u64 {
    let odd = (3..).step_by(2);
    let mut candidates = std::iter::once(2).chain(odd);
    let found =
        candidates.find(|divisor| divisor * divisor > number || number.is_multiple_of(*divisor));
    found
        .filter(|divisor| number.is_multiple_of(*divisor))
        .unwrap_or(number)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = pipelined::Registry::new().bind("tcp://127.0.0.1:*")?;
    let _numbers = pipelined::Server::new("numbers")
        .function(
            "mersenne",
            typed(|power: u32| Ok::<_, Failure>((1u64 << power) - 1)),
        )
        .function(
            "tell",
            typed(|(number, divisor): (u64, u64)| {
                let power = (number + 1).ilog2();
                Ok::<_, Failure>(match number == divisor {
                    true => format!("2^{power} - 1 is a prime"),
                    false => format!("2^{power} - 1 is divisible by {divisor}"),
                })
            }),
        )
        .bind("tcp://127.0.0.1:*", registry.address())?;
    let hub = pipelined::Master::new("hub").bind("tcp://127.0.0.1:*", registry.address())?;
    let worker = |name: &str| {
        standalone::Worker::new(name)
            .function(
                "divide",
                typed(|number| Ok::<_, Failure>((number, divisor(number)))),
            )
            .connect(hub.address())
    };
    let _workers = [worker("one")?, worker("two")?];

    let client = pipelined::Client::connect(registry.address())?;
    let route = "numbers.mersenne hub.divide numbers.tell";
    let mut job = client.job(route)?.in_order();
    for power in [61u32, 59, 53] {
        job.submit(codec::encode(&power)?)?;
    }
    for ending in job {
        println!("{}", codec::decode::<String>(&ending.result?)?);
    }
    Ok(())
}
