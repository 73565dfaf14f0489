//! Messages of which others come: split by a master or by a worker, and joined again. One of the pieces
//! does what the errand asks; the others tell which they are, so that one that is missing, or is there
//! twice, is noticed.

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::{Call, Failure, Pieces};
use std::thread;
use std::time::Duration;

/// How many pieces a message has.
const PIECES: u32 = 4;

/// How long those take that have no errand.
const SHORT: Duration = Duration::from_micros(100);

/// A piece: which one, and the message.
type Piece = (u32, Bytes);

/// The pieces of a message.
pub(super) fn split(call: &Call) -> Result<Vec<Bytes>, Failure> {
    let piece = |piece| codec::encode::<Piece>(&(piece, call.payload().clone()));
    let pieces = (0..PIECES).map(piece).map(|piece| piece.map(Bytes::from));
    Ok(pieces.collect::<Result<_, _>>()?)
}

/// Does a piece; `errand` is what the first of them is.
pub(super) fn piece(
    call: &Call,
    errand: impl FnOnce(&[u8]) -> Result<Bytes, Failure>,
) -> Result<Bytes, Failure> {
    let (piece, message): Piece = codec::decode(call.payload())?;
    let result = match piece {
        0 => errand(&message)?,
        _ => {
            thread::sleep(SHORT);
            message
        }
    };
    Ok(codec::encode::<Piece>(&(piece, result))?.into())
}

/// The result of a message: that of its errand, if all pieces are there.
pub(super) fn join(_: &Call, pieces: Pieces) -> Result<Bytes, Failure> {
    let mut results = Vec::new();
    for result in pieces.results()? {
        let (piece, result): Piece = codec::decode(result)?;
        if piece != results.len() as u32 {
            return Err(Failure::new(format!("piece {piece} is out of place")));
        }
        results.push(result);
    }
    match results.len() as u32 {
        PIECES => Ok(results.swap_remove(0)),
        found => Err(Failure::new(format!(
            "{found} of {PIECES} pieces are there"
        ))),
    }
}
