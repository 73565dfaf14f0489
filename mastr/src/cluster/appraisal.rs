//! Contributions on their way to the partition that owns them, and what returns to the client.

use std::time::Duration;

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::{Failure, PartitionId};
use serde::{Deserialize, Serialize};

use super::submission::Fate;
use crate::aggregation::Batch;
use crate::valuation::{PathSums, Valuation};

/// What the client hears of an assignment once its contributions are held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    /// The id of the process that valued the trades.
    pub worker: u32,
    /// How long it took.
    pub took: Duration,
    /// The trades of the assignment that have no value, by their place in it, and why.
    pub failed: Vec<(u32, String)>,
    /// The values of the others, in the assignment's order, if the client wants them.
    pub valuations: Vec<Valuation>,
    /// What a block of paths adds up to, if that was asked for.
    pub paths: Option<PathSums>,
}

/// The bytes before the contributions: the partition, whether they are held, and how long they are.
const HEAD: usize = 13;
/// The place of the second of these.
const IS_HELD: usize = 8;

/// Packs contributions for the partition that owns them, with what is to return to the client: all of it if they
/// are to be held there.
pub(super) fn pack(
    partition: PartitionId,
    is_held: bool,
    batch: &Batch,
    returns: Option<&Returns>,
) -> Result<Vec<u8>, Failure> {
    let mut payload = codec::encode(&partition)?;
    payload.push(is_held.into());
    payload.extend([0; 4]);
    codec::encode_into(&mut payload, batch)?;
    let length = u32::try_from(payload.len() - HEAD)
        .map_err(|_| Failure::new("the contributions do not fit a message"))?;
    payload[HEAD - 4..HEAD].copy_from_slice(&length.to_le_bytes());
    if let Some(returns) = returns {
        codec::encode_into(&mut payload, returns)?;
    }
    Ok(payload)
}

/// Contributions that have arrived at the partition they are for, or at a client that holds them.
pub(super) struct Arrived {
    pub(super) partition: PartitionId,
    /// Nothing of contributions that are to be held by the client.
    pub(super) batch: Option<Batch>,
    /// The bytes that return to the client.
    pub(super) returns: Bytes,
}

/// Takes a payload apart.
pub(super) fn unpack(payload: &Bytes) -> Result<Arrived, Failure> {
    let end = end(payload)?;
    let is_held = payload[IS_HELD] != 0;
    Ok(Arrived {
        partition: codec::decode(&payload[..IS_HELD])?,
        batch: match is_held {
            true => None,
            false => Some(codec::decode(&payload[HEAD..end])?),
        },
        returns: match is_held {
            true => payload.clone(),
            false => payload.slice(end..),
        },
    })
}

/// What has come back to the client: contributions that it is to hold, as it will send them, if they are held, and
/// what is for itself.
pub(super) fn returned(
    payload: &Bytes,
    is_held: bool,
) -> Result<(Option<Bytes>, Returns), Failure> {
    if !is_held {
        return Ok((None, Returns::decode(payload)?));
    }
    let end = end(payload)?;
    // It may be as long as the contributions, and is not kept.
    let mut contributions = payload[..end].to_vec();
    contributions[IS_HELD] = 0;
    Ok((
        Some(contributions.into()),
        Returns::decode(&payload[end..])?,
    ))
}

/// Where the contributions end that a payload holds.
fn end(payload: &[u8]) -> Result<usize, Failure> {
    let length = payload.get(HEAD - 4..HEAD);
    let length = length.and_then(|length| length.try_into().ok());
    let end = length.map(|length| HEAD + u32::from_le_bytes(length) as usize);
    end.filter(|end| *end <= payload.len())
        .ok_or_else(|| Failure::new(format!("{} bytes are no contributions", payload.len())))
}

impl Returns {
    /// Reads what came back.
    ///
    /// # Errors
    ///
    /// If the bytes are something else.
    pub fn decode(payload: &[u8]) -> Result<Self, Failure> {
        Ok(codec::decode(payload)?)
    }

    /// What became of each of the `count` trades of the assignment.
    pub(super) fn fates(self, count: usize, wants_valuations: bool) -> impl Iterator<Item = Fate> {
        let mut failed = self.failed.into_iter().peekable();
        let mut valuations = self.valuations.into_iter();
        (0..count as u32).map(
            move |place| match failed.next_if(|(failed, _)| *failed == place) {
                Some((_, reason)) => Err(reason),
                None if !wants_valuations => Ok(None),
                None => match valuations.next() {
                    Some(valuation) => Ok(Some(valuation)),
                    None => {
                        Err("the valuation worker, another version of mastr, gave no value".into())
                    }
                },
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::{Job, Outcome, Packing};

    #[test]
    fn what_is_packed_comes_apart_again_and_anything_else_is_refused() {
        let job = Job {
            id: 1,
            market: "m".into(),
            trades: 1,
            dimensions: Vec::new(),
            scenarios: 0,
        };
        let mut packing = Packing::new(job);
        let combination = packing.combination([("Desk", "FX")].into_iter());
        let mut batch = packing.finish();
        batch.push("a".into(), 1, combination, Outcome::Expected);
        let returns = Returns {
            worker: 12,
            took: Duration::from_micros(34),
            failed: vec![(0, "no curve".into())],
            valuations: Vec::new(),
            paths: Some(PathSums::default()),
        };
        let partition = PartitionId { number: 2, of: 3 };
        let payload: Bytes = pack(partition, false, &batch, Some(&returns))
            .unwrap()
            .into();
        assert_eq!(payload[..4], 2_u32.to_le_bytes());
        let arrived = unpack(&payload).unwrap();
        assert_eq!(
            (arrived.partition, arrived.batch),
            (partition, Some(batch.clone()))
        );
        assert_eq!(Returns::decode(&arrived.returns).unwrap(), returns);
        for length in 0..payload.len() - arrived.returns.len() {
            assert!(unpack(&payload.slice(..length)).is_err(), "{length}");
        }
        let alone: Bytes = pack(partition, false, &batch, None).unwrap().into();
        assert!(unpack(&alone).unwrap().returns.is_empty());

        let to_hold: Bytes = pack(partition, true, &batch, Some(&returns))
            .unwrap()
            .into();
        let passing = unpack(&to_hold).unwrap();
        assert_eq!((passing.batch, &passing.returns), (None, &to_hold));
        let back = returned(&passing.returns, true).unwrap();
        assert_eq!(back, (Some(alone), returns.clone()));
        let rest = returned(&arrived.returns, false).unwrap();
        assert_eq!(rest, (None, returns));
        assert!(returned(&to_hold.slice(..HEAD), true).is_err());
    }
}
