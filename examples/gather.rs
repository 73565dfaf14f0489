//! A master that splits a message and makes one result of the pieces, as each of them comes.
//!
//! ```sh
//! cargo run -p examples --bin gather
//! ```
//!
//! It prints
//!
//! ```text
//! the area under y = x^2 from 0 to 3 is 9.0000
//! 100 pieces, 100 of them by the workers
//! ```

use palm_core::codec;
use palm_highlevel::{Call, Client, Failure, standalone, typed};

/// How many pieces there are, and of how many steps each.
const PIECES: u32 = 100;
const STEPS: u32 = 1000;

/// The pieces of an interval.
fn split(call: &Call) -> Result<Vec<Vec<u8>>, Failure> {
    let (from, to): (f64, f64) = codec::decode(call.payload())?;
    let at = |piece: u32| from + (to - from) * f64::from(piece) / f64::from(PIECES);
    let pieces = (0..PIECES).map(|piece| codec::encode(&(at(piece), at(piece + 1))));
    Ok(pieces.collect::<Result<_, _>>()?)
}

/// The area under y = x² over a short interval, by the rule of midpoints.
fn area((from, to): (f64, f64)) -> Result<f64, Failure> {
    let width = (to - from) / f64::from(STEPS);
    let middles = (0..STEPS).map(|step| from + (f64::from(step) + 0.5) * width);
    Ok(middles.map(|x| x * x * width).sum())
}

/// What is known so far: the areas, each at its place, as they are to be added in one order.
type Areas = Vec<(Vec<u32>, f64)>;

fn add(areas: &mut Areas, call: &Call, piece: palm_highlevel::Piece) -> Result<(), Failure> {
    areas.push((
        call.id().path.ordinals().to_vec(),
        codec::decode(&piece.result?)?,
    ));
    Ok(())
}

fn sum(mut areas: Areas, _: &Call) -> Result<Vec<u8>, Failure> {
    areas.sort_by(|(one, _), (other, _)| one.cmp(other));
    let sum: f64 = areas.iter().map(|(_, area)| area).sum();
    Ok(codec::encode(&sum)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let master = standalone::Master::new("integral")
        .scatter("square", "area", split)
        .gather_each("square", Areas::new, add, sum)
        .bind("tcp://127.0.0.1:*")?;
    let worker = |name: &str| {
        standalone::Worker::new(name)
            .function("area", typed(area))
            .connect(master.address())
    };
    let workers = [worker("one")?, worker("two")?];

    let client = Client::connect(master.address())?;
    let sum: f64 = client.call_typed("integral.square", &(0.0, 3.0))?;
    println!("the area under y = x^2 from 0 to 3 is {sum:.4}");
    let mut executed = 0;
    for worker in workers {
        worker.stop();
        executed += worker.join()?.succeeded;
    }
    println!("{PIECES} pieces, {executed} of them by the workers");
    Ok(())
}
