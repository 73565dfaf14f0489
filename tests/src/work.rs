//! What the servers and workers of the tests can do.

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::standalone::{Server, Worker};
use palm_highlevel::{Call, Failure, Function, typed};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What the function `work` takes.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// What it squares.
    pub number: u64,
    /// For how long it keeps its thread busy first, in microseconds.
    pub microseconds: u32,
    /// Whether it prints its number before it begins.
    pub announced: bool,
    /// Whether it aborts its process instead.
    pub fatal: bool,
}

impl Work {
    /// The payload of a message for `work`.
    pub fn payload(self) -> Bytes {
        encoded(&self)
    }
}

/// The payload that is `value`.
///
/// # Panics
///
/// If there is none.
pub fn encoded<T: Serialize>(value: &T) -> Bytes {
    codec::encode(value).expect("it has a few bytes").into()
}

/// The square of a number, modulo 2⁶⁴.
pub fn square(number: u64) -> u64 {
    number.wrapping_mul(number)
}

fn work(work: Work) -> Result<u64, Failure> {
    if work.announced {
        println!("{}", work.number);
    }
    if work.fatal {
        std::process::abort();
    }
    let until = Instant::now() + Duration::from_micros(work.microseconds.into());
    while Instant::now() < until {
        black_box(work.number);
    }
    Ok(square(work.number))
}

/// What functions can be given to.
pub trait Offer: Sized {
    /// Offers one function.
    fn offer(self, name: &str, function: impl Function) -> Self;

    /// Offers `square` of a number, `echo` of any bytes, and `work`.
    fn offer_all(self) -> Self {
        self.offer(
            "square",
            typed(|number: u64| Ok::<_, Failure>(square(number))),
        )
        .offer("echo", |call: &Call| {
            Ok::<_, Failure>(call.payload().clone())
        })
        .offer("work", typed(work))
    }
}

impl Offer for Server {
    fn offer(self, name: &str, function: impl Function) -> Server {
        self.function(name, function)
    }
}

impl Offer for Worker {
    fn offer(self, name: &str, function: impl Function) -> Worker {
        self.function(name, function)
    }
}
