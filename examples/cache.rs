//! The cache of a server: values by key, from clients and inside functions.
//!
//! ```sh
//! cargo run -p examples --bin cache
//! ```
//!
//! It prints
//!
//! ```text
//! 100 USD are 92 EUR
//! 100 GBP: there is no rate for GBP
//! 100 USD are 93 EUR
//! the cache has rate.JPY, rate.USD
//! ```

use palm_core::codec;
use palm_highlevel::{Call, Client, Failure, standalone};

/// An amount in euros, at the rate that the server has by then.
fn in_euros(call: &Call) -> Result<String, Failure> {
    let (amount, currency): (u32, String) = codec::decode(call.payload())?;
    let rate = call.cache()?.get(format!("rate.{currency}"))?;
    let rate = rate.ok_or_else(|| Failure::new(format!("there is no rate for {currency}")))?;
    let euros = f64::from(amount) * codec::decode::<f64>(&rate)?;
    Ok(format!("{amount} {currency} are {euros:.0} EUR"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = standalone::Server::new("money")
        .function("in_euros", in_euros)
        .bind("tcp://127.0.0.1:*")?;
    let client = Client::connect(server.address())?;
    let ask = |currency: &str| -> Result<String, Failure> {
        let answer = client.call("money.in_euros", codec::encode(&(100u32, currency))?)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };

    let cache = client.cache("money");
    for (currency, rate) in [("USD", 0.92), ("JPY", 0.006), ("CHF", 1.05)] {
        cache.set(format!("rate.{currency}"), codec::encode(&rate)?)?;
    }
    println!("{}", ask("USD")?);
    match ask("GBP") {
        Ok(answer) => println!("{answer}"),
        Err(failure) => println!("100 GBP: {failure}"),
    }
    cache.set("rate.USD", codec::encode(&0.93)?)?;
    println!("{}", ask("USD")?);
    cache.delete("rate.CHF")?;
    let keys = cache.keys("rate.")?;
    let keys: Vec<_> = keys
        .iter()
        .map(|key| String::from_utf8_lossy(key))
        .collect();
    println!("the cache has {}", keys.join(", "));
    Ok(())
}
