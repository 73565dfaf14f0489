use crate::{Failure, FailureKind};
use bytes::Bytes;
use palm_core::codec;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What a function has made beside its result. It leaves with the function's success, all of it, or
/// not at all. The result is the state of whoever goes on with the message.
///
/// Invariant: every child names one of `functions`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Results before the last one.
    pub parts: Vec<Bytes>,
    /// The functions that the children are for, each once.
    pub functions: Vec<String>,
    /// Messages to the function's own server.
    pub children: Vec<Child>,
    /// The function that each of them goes on with once it has ended.
    pub each: Option<String>,
    /// What becomes of the message once all of these have ended.
    pub then: Then,
    /// Where the result goes, if the function says so.
    pub route: Option<String>,
}

/// A message that a function has submitted to its own server.
#[derive(Debug, PartialEq, Eq)]
pub struct Child {
    /// Which of the functions it is for.
    pub function: u32,
    /// What it is called with.
    pub payload: Bytes,
}

/// What becomes of a message once all that its function has submitted has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// What the function gave back that submitted them.
    pub state: Bytes,
    /// How they have ended, in the order in which they were submitted.
    pub pieces: Vec<Piece>,
}

/// How a message has ended that a function submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Made {
    /// Adds a message to `function`.
    pub fn submit(&mut self, function: &str, payload: Bytes) {
        let known = self.functions.iter().rposition(|name| name == function);
        let index = known.unwrap_or_else(|| {
            self.functions.push(function.to_owned());
            self.functions.len() - 1
        });
        self.children.push(Child {
            function: index as u32,
            payload,
        });
    }
}

/// What a payload says of the many parts that it holds, before their bytes: reading it copies none of
/// them.
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | the length of the head |
/// | … | the head, by [`codec`]: all but the bytes of the parts, and how long each of those is |
/// | … | the bytes of the parts, one after another |
struct Packed;

impl Packed {
    fn pack<'a>(
        head: &impl Serialize,
        parts: impl Iterator<Item = &'a Bytes> + Clone,
        what: &str,
    ) -> Result<Bytes, Failure> {
        let too_large = || {
            let limit = codec::LIMIT >> 20;
            let message = format!("{what} more than {limit} MiB, which one message can't carry");
            Failure::of(FailureKind::TooLarge, message)
        };
        let mut packed = vec![0; size_of::<u32>()];
        codec::encode_into(&mut packed, head).map_err(|_| too_large())?;
        let length = (packed.len() - size_of::<u32>()) as u32;
        packed[..size_of::<u32>()].copy_from_slice(&length.to_le_bytes());
        let bytes: usize = parts.clone().map(Bytes::len).sum();
        if (packed.len() + bytes) as u64 > codec::LIMIT {
            return Err(too_large());
        }
        packed.reserve_exact(bytes);
        parts.for_each(|part| packed.extend_from_slice(part));
        Ok(packed.into())
    }

    /// The head, and what it is the head of.
    fn unpack<Head: DeserializeOwned>(packed: &Bytes) -> Result<(Head, Parts), String> {
        let (length, rest) = packed
            .split_first_chunk()
            .ok_or_else(|| format!("it has {} bytes", packed.len()))?;
        let length = u32::from_le_bytes(*length) as usize;
        let head = rest.get(..length).ok_or_else(|| {
            let bytes = rest.len();
            format!("its head of {length} bytes has {bytes}")
        })?;
        let head = codec::decode(head).map_err(|error| error.to_string())?;
        Ok((head, Parts(packed.slice(size_of::<u32>() + length..))))
    }
}

/// The parts that have not been taken yet.
struct Parts(Bytes);

impl Parts {
    fn take(&mut self, length: u32) -> Result<Bytes, String> {
        match self.0.len() >= length as usize {
            true => Ok(self.0.split_to(length as usize)),
            false => Err(format!("a part of {length} bytes has {}", self.0.len())),
        }
    }

    fn take_all(&mut self, lengths: &[u32]) -> Result<Vec<Bytes>, String> {
        lengths.iter().map(|length| self.take(*length)).collect()
    }

    /// All of them were taken.
    fn end(self) -> Result<(), String> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(format!("{more} bytes are left over")),
        }
    }
}

fn length(part: &Bytes) -> u32 {
    // More than `codec::LIMIT` are not packed.
    u32::try_from(part.len()).unwrap_or(u32::MAX)
}

#[derive(Serialize, Deserialize)]
struct MadeHead {
    parts: Vec<u32>,
    functions: Vec<String>,
    /// The function of each child, and the length of its payload.
    children: Vec<(u32, u32)>,
    each: Option<String>,
    then: Then,
    route: Option<String>,
    result: u32,
}

impl Made {
    /// All of it, with the result, as one payload.
    ///
    /// # Errors
    ///
    /// If that is more than one message can carry.
    pub fn encode(self, result: &Bytes) -> Result<Bytes, Failure> {
        let children = &self.children;
        let head = MadeHead {
            parts: self.parts.iter().map(length).collect(),
            functions: self.functions,
            children: children
                .iter()
                .map(|child| (child.function, length(&child.payload)))
                .collect(),
            each: self.each,
            then: self.then,
            route: self.route,
            result: length(result),
        };
        let payloads = children.iter().map(|child| &child.payload);
        let parts = self.parts.iter().chain(payloads);
        let parts = parts.chain(std::iter::once(result));
        Packed::pack(&head, parts, "what it made has")
    }

    /// What was made, and the result. Their bytes are those of the payload.
    pub(crate) fn decode(payload: &Bytes) -> Result<(Made, Bytes), Failure> {
        Made::unpack(payload)
            .map_err(|error| Failure::new(format!("what its function made can't be read: {error}")))
    }

    fn unpack(payload: &Bytes) -> Result<(Made, Bytes), String> {
        let (head, mut bytes) = Packed::unpack::<MadeHead>(payload)?;
        let parts = bytes.take_all(&head.parts)?;
        let functions = head.functions;
        let mut children = Vec::with_capacity(head.children.len());
        for (function, length) in head.children {
            if function as usize >= functions.len() {
                let count = functions.len();
                return Err(format!("a message is for function {function} of {count}"));
            }
            let payload = bytes.take(length)?;
            children.push(Child { function, payload });
        }
        let result = bytes.take(head.result)?;
        bytes.end()?;
        let made = Made {
            parts,
            functions,
            children,
            each: head.each,
            then: head.then,
            route: head.route,
        };
        Ok((made, result))
    }
}

#[derive(Serialize, Deserialize)]
struct PiecesHead {
    state: u32,
    /// Of each piece: how many parts there are, whether it has a result, and the length of that or of
    /// its failure.
    pieces: Vec<(u32, bool, u32)>,
    /// The lengths of the parts of all pieces.
    parts: Vec<u32>,
}

impl Pieces {
    pub(crate) fn encode(&self) -> Result<Bytes, Failure> {
        let mut head = PiecesHead {
            state: length(&self.state),
            pieces: Vec::with_capacity(self.pieces.len()),
            parts: Vec::new(),
        };
        let mut all = Vec::with_capacity(1 + self.pieces.len());
        all.push(self.state.clone());
        for Piece { parts, result } in &self.pieces {
            head.parts.extend(parts.iter().map(length));
            all.extend_from_slice(parts);
            let end = match result {
                Ok(result) => result.clone(),
                Err(failure) => failure.encode(),
            };
            head.pieces
                .push((parts.len() as u32, result.is_ok(), length(&end)));
            all.push(end);
        }
        Packed::pack(&head, all.iter(), "what came of its messages has")
    }

    /// Reads what a function is called with; the pieces share the bytes of the payload.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn decode(payload: &Bytes) -> Result<Pieces, String> {
        let (head, mut bytes) = Packed::unpack::<PiecesHead>(payload)?;
        let state = bytes.take(head.state)?;
        let mut lengths = head.parts.as_slice();
        let mut pieces = Vec::with_capacity(head.pieces.len());
        for (count, succeeded, length) in head.pieces {
            let (of, others) = lengths
                .split_at_checked(count as usize)
                .ok_or_else(|| format!("a piece of {count} parts has {}", lengths.len()))?;
            lengths = others;
            let parts = bytes.take_all(of)?;
            let end = bytes.take(length)?;
            let result = match succeeded {
                true => Ok(end),
                false => Err(Failure::decode(&end)),
            };
            pieces.push(Piece { parts, result });
        }
        bytes.end()?;
        Ok(Pieces { state, pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made() -> Made {
        let mut made = Made {
            parts: vec!["first".into(), Bytes::new()],
            each: Some("gather".to_owned()),
            then: Then::Call("join".to_owned()),
            route: Some("end.shout".to_owned()),
            ..Made::default()
        };
        made.submit("one", "a".into());
        made.submit("two", Bytes::new());
        made.submit("one", vec![7; 100_000].into());
        made
    }

    fn pieces() -> Pieces {
        let piece = |parts: &[&'static str], result| Piece {
            parts: parts.iter().map(|part| Bytes::from(*part)).collect(),
            result,
        };
        Pieces {
            state: "state".into(),
            pieces: vec![
                piece(&[], Ok("one".into())),
                piece(&["a", "", "b"], Ok(Bytes::new())),
                piece(&["c"], Err(Failure::of(FailureKind::Expired, "too late"))),
            ],
        }
    }

    #[test]
    fn what_is_packed_is_read_back() {
        let (packed, expected) = (made().encode(&"state".into()).unwrap(), made());
        assert_eq!(expected.functions, ["one", "two"]);
        assert_eq!(Made::decode(&packed).unwrap(), (expected, "state".into()));
        let packed = pieces().encode().unwrap();
        assert_eq!(Pieces::decode(&packed).unwrap(), pieces());
    }

    #[test]
    fn what_is_packed_too_short_or_too_long_is_refused() {
        let (made, pieces) = (
            made().encode(&"state".into()).unwrap(),
            pieces().encode().unwrap(),
        );
        let cuts = (0..=200).chain(made.len() - 10..made.len());
        for length in cuts {
            let cut = made.slice(..length);
            assert!(Made::decode(&cut).is_err(), "{length} bytes");
        }
        for length in 0..pieces.len() {
            assert!(Pieces::decode(&pieces.slice(..length)).is_err());
        }
        let more = |bytes: &Bytes| Bytes::from([bytes, &b"!"[..]].concat());
        assert!(Made::decode(&more(&made)).is_err());
        assert!(Pieces::decode(&more(&pieces)).is_err());
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_read_or_refused(
            at in 0usize..250, bytes in prop::collection::vec(any::<u8>(), 1..12),
        ) {
            let spoilt = |packed: Bytes| {
                let mut packed = packed.to_vec();
                let at = at.min(packed.len() - 1);
                for (place, byte) in packed[at..].iter_mut().zip(&bytes) {
                    *place = *byte;
                }
                Bytes::from(packed)
            };
            if let Ok((made, _)) = Made::decode(&spoilt(made().encode(&"state".into()).unwrap())) {
                let known = |child: &Child| (child.function as usize) < made.functions.len();
                prop_assert!(made.children.iter().all(known));
            }
            let _ = Pieces::decode(&spoilt(pieces().encode().unwrap()));
            let _ = Made::decode(&Bytes::from(bytes.clone()));
        }
    }
}
