//! Of what a flow's present value is the product, in words.

use std::fmt;

use super::{Flow, RateSource};
use crate::portfolio::Leg;
use crate::results::Shortest;

/// Of what the present value of a flow is the product.
pub(super) struct FlowOrigin<'a>(pub(super) &'a Leg, pub(super) &'a Flow);

impl fmt::Display for FlowOrigin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(leg, flow) = self;
        let (period, number) = (&flow.period, Shortest);
        write!(
            f,
            "{} * {} = ({} * {} * {}",
            number(flow.discount),
            number(flow.amount()),
            number(flow.notional),
            number(flow.rate),
            number(period.years),
        )?;
        if flow.redemption != 0.0 {
            write!(f, " + {}", number(flow.redemption))?;
        }
        write!(f, "), {} to {}", period.start, period.end)?;
        let (Some(index), Some(fixing)) = (leg.index(), period.fixing) else {
            return Ok(());
        };
        let date = fixing.date;
        match flow.source {
            RateSource::Agreed => Ok(()),
            RateSource::Fixed(fixed) => {
                write!(f, "; {index} was {} on {date}", number(fixed))
            }
            RateSource::Projected { growth, .. } => {
                let years = fixing.years;
                let projected = number(growth / years);
                let (growth, years) = (number(1.0 + growth), number(years));
                write!(
                    f,
                    "; {projected} = ({growth} - 1) / {years}, fixed on {date}"
                )
            }
        }
    }
}
