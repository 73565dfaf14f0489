//! Contributions on their way to the partition that owns them, and what returns to the client.

use bytes::Bytes;
use palm_core::codec;
use palm_highlevel::{Failure, PartitionId};
use serde::{Deserialize, Serialize};

use crate::aggregation::Batch;
use crate::valuation::{PathSums, Valuation};

/// What the client hears of an assignment once its contributions are held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    /// The id of the process that valued the trades.
    pub worker: u32,
    /// The trades of the assignment that have no value, by their place in it, and why.
    pub failed: Vec<(u32, String)>,
    /// The values of the others, in the assignment's order, if the client wants them.
    pub valuations: Vec<Valuation>,
    /// What a block of paths adds up to, if that was asked for.
    pub paths: Option<PathSums>,
}

/// The bytes before the contributions: the partition and how long they are.
const HEAD: usize = 12;

/// Packs contributions for the partition that owns them, with what is to return to the client.
pub(super) fn pack(
    partition: PartitionId,
    batch: &Batch,
    returns: Option<&Returns>,
) -> Result<Vec<u8>, Failure> {
    let mut payload = codec::encode(&partition)?;
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

/// The contributions that a payload holds, and the bytes that return to the client.
pub(super) fn unpack(payload: &Bytes) -> Result<(PartitionId, Batch, Bytes), Failure> {
    let damaged = || Failure::new(format!("{} bytes are no contributions", payload.len()));
    let head = payload.get(..HEAD).ok_or_else(damaged)?;
    let (partition, length) = head.split_at(HEAD - 4);
    let length = u32::from_le_bytes(length.try_into().map_err(|_| damaged())?) as usize;
    let end = HEAD.checked_add(length).ok_or_else(damaged)?;
    let batch = payload.get(HEAD..end).ok_or_else(damaged)?;
    Ok((
        codec::decode(partition)?,
        codec::decode(batch)?,
        payload.slice(end..),
    ))
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
            failed: vec![(0, "no curve".into())],
            valuations: Vec::new(),
            paths: Some(PathSums::default()),
        };
        let partition = PartitionId { number: 2, of: 3 };
        let payload: Bytes = pack(partition, &batch, Some(&returns)).unwrap().into();
        assert_eq!(payload[..4], 2_u32.to_le_bytes());
        let (to, contributions, rest) = unpack(&payload).unwrap();
        assert_eq!((to, contributions), (partition, batch.clone()));
        assert_eq!(Returns::decode(&rest).unwrap(), returns);
        for length in 0..payload.len() - rest.len() {
            assert!(unpack(&payload.slice(..length)).is_err(), "{length}");
        }
        let alone: Bytes = pack(partition, &batch, None).unwrap().into();
        assert!(unpack(&alone).unwrap().2.is_empty());
    }
}
