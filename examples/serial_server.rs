//! A serial server and its client: the server executes functions by itself, one message after
//! another.
//!
//! ```sh
//! cargo run -p examples --bin serial_server
//! ```
//!
//! It prints
//!
//! ```text
//! PALM LOOKS INTO NO PAYLOAD
//! the root of 2 is 1.4142135623730951
//! no root: -1 has no real root
//! no function: math has no function `cube`; it has root, upper
//! the roots of 0 to 999 sum up to 21065.833
//! ```

use palm_highlevel::{Call, Client, Failure, standalone, typed};

/// A function of values. What it can't do, its client hears as a failure.
fn root(x: f64) -> Result<f64, Failure> {
    match x >= 0.0 {
        true => Ok(x.sqrt()),
        false => Err(Failure::new(format!("{x} has no real root"))),
    }
}

/// A function of bytes.
fn upper(call: &Call) -> Result<Vec<u8>, Failure> {
    Ok(call.payload().to_ascii_uppercase())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = standalone::Server::new("math")
        .function("root", typed(root))
        .function("upper", upper)
        .bind("tcp://127.0.0.1:*")?;

    // In another process this would be the address of the server, as in tcp://10.0.0.7:5555.
    let client = Client::connect(server.address())?;

    let text = client.call("math.upper", "palm looks into no payload")?;
    println!("{}", String::from_utf8_lossy(&text));

    let two: f64 = client.call_typed("math.root", &2.0)?;
    println!("the root of 2 is {two}");
    let failure = client.call_typed::<_, f64>("math.root", &-1.0).unwrap_err();
    println!("no root: {failure}");
    let failure = client.call("math.cube", "3").unwrap_err();
    println!("no function: {failure}");

    // A job is a stream: nobody waits for one message before sending the next.
    let mut job = client.job("math.root")?;
    for number in 0..1000 {
        job.submit(palm_core::codec::encode(&f64::from(number))?)?;
    }
    let mut roots = vec![0.0; 1000];
    for ending in &mut job {
        roots[ending.index as usize] = palm_core::codec::decode::<f64>(&ending.result?)?;
    }
    println!(
        "the roots of 0 to 999 sum up to {:.3}",
        roots.iter().sum::<f64>()
    );
    Ok(())
}
