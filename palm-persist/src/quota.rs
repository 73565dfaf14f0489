use std::path::Path;

use palm_highlevel::store::{Room, StoreError, StoreErrorKind};

/// How much of a disk a store may take, and how much of it has to be left free.
#[derive(Debug)]
pub(crate) struct Quota {
    pub(crate) limit: u64,
    pub(crate) reserve: u64,
    /// There was too little room when it was looked at last.
    is_short: bool,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            limit: u64::MAX,
            reserve: 256 << 20,
            is_short: false,
        }
    }
}

impl Quota {
    /// What a store should still take: its files have that size, and hold messages of `kept` bytes.
    pub(crate) fn room(
        &mut self,
        folder: &Path,
        files: u64,
        kept: u64,
    ) -> Result<Room, StoreError> {
        let free = fs2::available_space(folder).map_err(|error| {
            StoreError::new(
                StoreErrorKind::Io,
                format!(
                    "cannot ask how full the disk of {} is: {error}",
                    folder.display()
                ),
            )
            .with_source(error)
        })?;
        let found = self.judge(files, kept, free);
        self.is_short = found.is_err();
        Ok(match found {
            Ok(bytes) => Room {
                bytes: bytes.min(PLENTY),
                shortage: None,
            },
            Err(what) => Room {
                bytes: 0,
                shortage: Some(format!("the store in {} {what}", folder.display())),
            },
        })
    }

    /// For how many bytes of messages there is room, or why there is none.
    fn judge(&self, files: u64, kept: u64, free: u64) -> Result<u64, String> {
        let used = files.min(kept.saturating_mul(GROWTH));
        // What is deleted in the files makes room for what comes next.
        let free = free.saturating_add(files - used);
        // Once there is too little, it has to be a bit more before it is enough.
        let (limit, reserve) = match self.is_short {
            true => (
                self.limit / 16 * 15,
                self.reserve.saturating_add(self.reserve / 16),
            ),
            false => (self.limit, self.reserve),
        };
        if used >= limit {
            let (used, limit) = (Size(used), Size(self.limit));
            return Err(format!("takes {used} of the disk, its limit is {limit}"));
        }
        if free <= reserve {
            let (free, reserve) = (Size(free), Size(self.reserve));
            return Err(format!(
                "has {free} of the disk left, its reserve is {reserve}"
            ));
        }
        Ok((limit - used).min(free - reserve) / GROWTH)
    }
}

/// How many bytes the files of sled take at most for a byte that they are filled with: 1.7 were seen
/// with small batches, 2.6 with large ones.
const GROWTH: u64 = 3;

/// Of more room than this nobody needs to know.
const PLENTY: u64 = 1 << 30;

/// A number of bytes, for people.
struct Size(u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mebibytes = self.0 as f64 / f64::from(1 << 20);
        match mebibytes < 1024.0 {
            true => write!(f, "{mebibytes:.1} MiB"),
            false => write!(f, "{:.1} GiB", mebibytes / 1024.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn quota(limit: u64, reserve: u64) -> Quota {
        Quota {
            limit: limit * MIB,
            reserve: reserve * MIB,
            is_short: false,
        }
    }

    #[test]
    fn what_is_free_in_the_files_counts_as_free() {
        let quota = quota(100, 20);
        let judge = |files, kept, free| quota.judge(files * MIB, kept * MIB, free * MIB);
        assert_eq!(judge(90, 80, 500), Ok(10 * MIB / GROWTH));
        let taken = "takes 110.0 MiB of the disk, its limit is 100.0 MiB";
        assert_eq!(judge(110, 80, 500), Err(taken.to_owned()));
        assert_eq!(
            judge(110, 30, 500),
            Ok(10 * MIB / GROWTH),
            "20 MiB hold nothing"
        );
        let left = "has 10.0 MiB of the disk left, its reserve is 20.0 MiB";
        assert_eq!(judge(60, 50, 10), Err(left.to_owned()));
        assert_eq!(
            judge(60, 10, 10),
            Ok(20 * MIB / GROWTH),
            "30 MiB hold nothing"
        );
    }

    #[test]
    fn what_was_too_little_has_to_be_a_bit_more() {
        let mut quota = quota(1600, 16);
        quota.is_short = true;
        let judge = |used, free| quota.judge(used * MIB, used * MIB, free * MIB).is_ok();
        assert!(!judge(1550, 500));
        assert!(judge(1490, 500));
        assert!(!judge(100, 17));
        assert!(judge(100, 18));
    }
}
