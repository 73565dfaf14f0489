//! What it costs to scatter a message among the workers and gather the pieces, beside as many tasks
//! of one message each.

use std::time::Instant;

use bytes::Bytes;
use palm_highlevel::Client as Connection;

use crate::error::{Attempt, Error, Result};
use crate::measurement;
use crate::palm::{FUNCTION, PIECES, Palm, SCATTER, SIZE};
use crate::report::median;
use crate::servers::Servers;

/// How many workers there are.
const WORKERS: usize = 2;

/// How often each is done in a round.
const TIMES: u32 = 50;

/// Measures both in turn in each of the rounds, and prints the medians.
pub(crate) fn measure(rounds: usize) -> Result<()> {
    let servers = Servers::start(&Palm::IN_MEMORY, WORKERS)?;
    let address = servers.address();
    let client = Connection::connect(address).attempt(|| format!("cannot connect to {address}"))?;
    // Both find everybody at work.
    one_by_one(&client)?;
    scattered(&client)?;
    let (mut single, mut split, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let one_by_one = timed(|| one_by_one(&client))?;
        let scattered = timed(|| scattered(&client))?;
        single.push(one_by_one);
        split.push(scattered);
        ratios.push(scattered / one_by_one);
    }
    let (single, split, ratio) = (
        median(single.into_iter()),
        median(split.into_iter()),
        median(ratios.into_iter()),
    );
    measurement::say(&format!("palm-single-{PIECES} {single:.3} ms 1.00"))?;
    measurement::say(&format!("palm-scatter-{PIECES} {split:.3} ms {ratio:.2}"))
}

/// The milliseconds that something takes, of many times.
fn timed(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..TIMES {
        run()?;
    }
    Ok(start.elapsed().as_secs_f64() * 1000.0 / f64::from(TIMES))
}

/// A job of as many tasks as a message has pieces.
fn one_by_one(client: &Connection) -> Result<()> {
    let payload = Bytes::from(vec![7; SIZE]);
    let mut job = client
        .job(FUNCTION)
        .attempt(|| "cannot begin a job".to_owned())?;
    for _ in 0..PIECES {
        job.submit(payload.clone())
            .attempt(|| "cannot send a task".to_owned())?;
    }
    let mut bytes = 0;
    for ending in &mut job {
        bytes += ending.result.attempt(|| "a task failed".to_owned())?.len();
    }
    check(bytes)
}

/// One message of as many pieces; its result is how many bytes theirs have.
fn scattered(client: &Connection) -> Result<()> {
    let bytes = client
        .call_typed::<_, usize>(SCATTER, &())
        .attempt(|| "a scattered task failed".to_owned())?;
    check(bytes)
}

fn check(bytes: usize) -> Result<()> {
    match bytes == PIECES * SIZE {
        true => Ok(()),
        false => Err(Error::new(format!("{bytes} bytes came back"))),
    }
}
