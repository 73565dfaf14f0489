use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::codec;
use serde::{Deserialize, Serialize};

/// What a function has made beside its result. It leaves with the function's success, all of it, or
/// not at all.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Results before the last one.
    pub(crate) parts: Vec<Bytes>,
    /// Messages to the function's own server.
    pub(crate) children: Vec<Child>,
    /// The function that each of them goes on with once it has ended.
    pub(crate) each: Option<String>,
    /// What becomes of the message once all of these have ended.
    pub(crate) then: Then,
    /// Where the result goes, if the function says so.
    pub(crate) route: Option<String>,
    /// The result; the state of whoever goes on with the message.
    pub(crate) result: Bytes,
}

/// A message that a function has submitted to its own server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) function: String,
    pub(crate) payload: Bytes,
}

/// What becomes of a message once all that its function has submitted has ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) enum Then {
    /// It ends with the result of the function that submitted.
    #[default]
    End,
    /// It ends with the results of all, one after another.
    Give,
    /// This function goes on with it.
    Call(String),
}

/// What a function is called with that goes on where another one has submitted messages; see
/// [`Call::then`](crate::Call::then).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// What the function gave back that submitted them.
    pub state: Bytes,
    /// How they have ended, in the order in which they were submitted.
    pub pieces: Vec<Piece>,
}

/// How a message has ended that a function submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The results that its function gave before the last one; see [`Call::give`](crate::Call::give).
    pub parts: Vec<Bytes>,
    /// Its result, or why there is none.
    pub result: Result<Bytes, Failure>,
}

impl Pieces {
    /// The results of all pieces, in order.
    ///
    /// # Errors
    ///
    /// The failure of the first piece that has none.
    pub fn results(&self) -> Result<Vec<&Bytes>, Failure> {
        let results = self.pieces.iter().map(|piece| piece.result.as_ref());
        results.collect::<Result<_, _>>().map_err(Failure::clone)
    }

    pub(crate) fn encode(&self) -> Result<Bytes, Failure> {
        encode(self, "what came of its messages has")
    }
}

impl Made {
    pub(crate) fn encode(&self) -> Result<Bytes, Failure> {
        encode(self, "what it made has")
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Made, Failure> {
        codec::decode(payload)
            .map_err(|error| Failure::new(format!("what its function made can't be read: {error}")))
    }
}

fn encode(value: &impl Serialize, what: &str) -> Result<Bytes, Failure> {
    codec::encode(value).map(Bytes::from).map_err(|_| {
        let limit = codec::LIMIT >> 20;
        let message = format!("{what} more than {limit} MiB, which one message can't carry");
        Failure::of(FailureKind::TooLarge, message)
    })
}
