//! Where a day goes on which no business is done.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which business day takes the place of a day that is none; named as in ORE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BusinessDayConvention {
    /// `U`: the day stays as it is.
    Unadjusted,
    /// `F`: the next one.
    Following,
    /// `MF`: the next one, unless that is in another month: then the one before.
    ModifiedFollowing,
    /// `P`: the one before.
    Preceding,
    /// `MP`: the one before, unless that is in another month: then the next one.
    ModifiedPreceding,
    /// `HMMF`: as `MF`, and the middle of a month is crossed no more than its end: a day up to the
    /// 15th stays there.
    HalfMonthModifiedFollowing,
    /// `NEAREST`: the nearer of the next one and the one before; the next one if both are as near.
    Nearest,
}

impl FromStr for BusinessDayConvention {
    type Err = ();

    /// ORE's names and their synonyms.
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "U" | "Unadjusted" | "INDIFF" | "NONE" | "NotApplicable" => Self::Unadjusted,
            "F" | "Following" | "FOLLOWING" => Self::Following,
            "MF" | "ModifiedFollowing" | "Modified Following" | "MODIFIEDF" | "MODFOLLOWING" => {
                Self::ModifiedFollowing
            }
            "P" | "Preceding" | "PRECEDING" => Self::Preceding,
            "MP" | "ModifiedPreceding" | "Modified Preceding" | "MODIFIEDP" => {
                Self::ModifiedPreceding
            }
            "HMMF" | "HalfMonthModifiedFollowing" | "Half-Month Modified Following" => {
                Self::HalfMonthModifiedFollowing
            }
            "NEAREST" | "Nearest" => Self::Nearest,
            _ => return Err(()),
        })
    }
}

impl fmt::Display for BusinessDayConvention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unadjusted => "U",
            Self::Following => "F",
            Self::ModifiedFollowing => "MF",
            Self::Preceding => "P",
            Self::ModifiedPreceding => "MP",
            Self::HalfMonthModifiedFollowing => "HMMF",
            Self::Nearest => "NEAREST",
        })
    }
}
