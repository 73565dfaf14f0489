//! Tasks that make tasks: how many ways there are to place eight queens on a chessboard so that none
//! attacks another. Each task places one queen in all ways that are left, and submits a task for each.
//!
//! ```sh
//! cargo run -p examples --bin sub_tasks
//! ```
//!
//! It prints
//!
//! ```text
//! 4 queens: 2 ways
//! 6 queens: 4 ways
//! 8 queens: 92 ways
//! ```

use palm_core::codec;
use palm_highlevel::{Call, Client, Failure, standalone};

/// From how many rows on a task counts the rest itself.
const REST: usize = 3;

fn is_safe(queens: &[u8], column: u8) -> bool {
    let rows = queens.iter().rev().zip(1u8..);
    rows.into_iter()
        .all(|(queen, rows)| *queen != column && queen.abs_diff(column) != rows)
}

fn count(queens: &mut Vec<u8>, size: u8) -> u64 {
    if queens.len() == usize::from(size) {
        return 1;
    }
    let mut ways = 0;
    for column in 0..size {
        if is_safe(queens, column) {
            queens.push(column);
            ways += count(queens, size);
            queens.pop();
        }
    }
    ways
}

/// The ways to go on from a board with some queens.
fn place(call: &Call) -> Result<Vec<u8>, Failure> {
    let (mut queens, size): (Vec<u8>, u8) = codec::decode(call.payload())?;
    if queens.len() + REST >= usize::from(size) {
        return Ok(codec::encode(&count(&mut queens, size))?);
    }
    for column in (0..size).filter(|column| is_safe(&queens, *column)) {
        let queens: Vec<u8> = queens.iter().copied().chain([column]).collect();
        call.submit("place", codec::encode(&(queens, size))?);
    }
    call.then("add");
    Ok(Vec::new())
}

/// Goes on once all that `place` has submitted has ended; no worker waits for that.
fn add(call: &Call) -> Result<Vec<u8>, Failure> {
    let mut sum: u64 = 0;
    for ways in call.pieces()?.results()? {
        sum += codec::decode::<u64>(ways)?;
    }
    Ok(codec::encode(&sum)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let master = standalone::Master::new("chess").bind("tcp://127.0.0.1:*")?;
    let worker = |name: &str| {
        standalone::Worker::new(name)
            .function("place", place)
            .function("add", add)
            .connect(master.address())
    };
    let _workers = [worker("one")?, worker("two")?];

    let client = Client::connect(master.address())?;
    for size in [4u8, 6, 8] {
        let board: (Vec<u8>, u8) = (Vec::new(), size);
        let ways: u64 = client.call_typed("chess.place", &board)?;
        println!("{size} queens: {ways} ways");
    }
    Ok(())
}
