//! Keys of quotes.

use std::cmp::Ordering;

use crate::portfolio::Currency;
use crate::time::{Date, DayCount, Tenor};

/// What a quote is of. Two keys that mean the same, such as `1Y` and the day a year later, are one
/// slot. Slots of one subject stand together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) subject: Subject,
    /// The pillar or the expiry; the as-of date for a price.
    pub(super) date: Date,
    /// Of a volatility.
    pub(super) strike: Option<Strike>,
}

/// What one or more quotes are about: a rate, a price, a curve or a surface. Those whose strikes
/// may depend on others come after them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    FxRate {
        foreign: Currency,
        domestic: Currency,
    },
    Curve {
        name: Box<str>,
        currency: Currency,
    },
    Spot {
        name: Box<str>,
        currency: Currency,
    },
    Dividend {
        name: Box<str>,
        currency: Currency,
    },
    EquityVolatility {
        name: Box<str>,
        currency: Currency,
    },
    FxVolatility {
        foreign: Currency,
        domestic: Currency,
    },
}

/// How a quote's value is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotation {
    /// As it stands.
    Plain,
    /// A continuous zero rate; its time is counted so.
    Zero(DayCount),
    /// A discount factor.
    Discount,
}

/// The strike of a quoted volatility.
#[derive(Clone, Copy, Debug)]
pub(super) enum Strike {
    /// A number, not negative.
    Number(f64),
    /// The spot.
    Spot,
    /// The forward at the expiry.
    Forward,
}

impl Strike {
    /// Orders strikes: a number comes first.
    fn rank(self) -> (u8, u64) {
        match self {
            // The bits of numbers that are not negative are in the numbers' order.
            Self::Number(strike) => (0, strike.to_bits()),
            Self::Spot => (1, 0),
            Self::Forward => (2, 0),
        }
    }
}

impl PartialEq for Strike {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Strike {}

impl PartialOrd for Strike {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Strike {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// The forms a key can have, for messages.
const FORMS: &str = "FX/RATE/CCY1/CCY2, ZERO/RATE/CCY/CURVE/DC/TERM, DISCOUNT/RATE/CCY/CURVE/TERM, \
     EQUITY/PRICE/NAME/CCY, EQUITY_DIVIDEND/RATE/NAME/CCY/TERM, \
     EQUITY_OPTION/RATE_LNVOL/NAME/CCY/EXPIRY/STRIKE, \
     FX_OPTION/RATE_LNVOL/CCY1/CCY2/EXPIRY/STRIKE";

/// Reads `key`; tenors count from `as_of`.
pub(super) fn parse(key: &str, as_of: Date) -> Result<(Slot, Quotation), String> {
    let parts: Vec<&str> = key.split('/').collect();
    let mut quotation = Quotation::Plain;
    let mut date = as_of;
    let mut at = None;
    let subject = match *parts {
        ["FX", "RATE", foreign, domestic] => {
            let (foreign, domestic) = pair(key, foreign, domestic)?;
            Subject::FxRate { foreign, domestic }
        }
        // The names of some day counters have a slash of their own, such as 30/360.
        ["ZERO", "RATE", currency, curve, ref day_count @ .., term] if day_count.len() <= 2 => {
            let day_count = day_count.join("/");
            let count = day_count
                .parse()
                .map_err(|()| format!("{key}: \"{day_count}\" is no day counter: A365F is one"))?;
            quotation = Quotation::Zero(count);
            date = day(key, term, as_of)?;
            let (name, currency) = named(key, curve, currency)?;
            Subject::Curve { name, currency }
        }
        ["DISCOUNT", "RATE", currency, curve, term] => {
            quotation = Quotation::Discount;
            date = day(key, term, as_of)?;
            let (name, currency) = named(key, curve, currency)?;
            Subject::Curve { name, currency }
        }
        ["EQUITY", "PRICE", name, currency] => {
            let (name, currency) = named(key, name, currency)?;
            Subject::Spot { name, currency }
        }
        ["EQUITY_DIVIDEND", "RATE", name, currency, term] => {
            date = day(key, term, as_of)?;
            let (name, currency) = named(key, name, currency)?;
            Subject::Dividend { name, currency }
        }
        ["EQUITY_OPTION", "RATE_LNVOL", name, currency, expiry, level] => {
            date = day(key, expiry, as_of)?;
            at = Some(strike(key, level)?);
            let (name, currency) = named(key, name, currency)?;
            Subject::EquityVolatility { name, currency }
        }
        ["FX_OPTION", "RATE_LNVOL", foreign, domestic, expiry, level] => {
            date = day(key, expiry, as_of)?;
            at = Some(strike(key, level)?);
            let (foreign, domestic) = pair(key, foreign, domestic)?;
            Subject::FxVolatility { foreign, domestic }
        }
        _ => return Err(format!("{key} is no key that is known: {FORMS} are")),
    };
    let slot = Slot {
        subject,
        date,
        strike: at,
    };
    Ok((slot, quotation))
}

fn pair(key: &str, foreign: &str, domestic: &str) -> Result<(Currency, Currency), String> {
    if foreign == domestic {
        return Err(format!("{key}: two currencies are needed"));
    }
    Ok((code(key, foreign)?, code(key, domestic)?))
}

fn code(key: &str, text: &str) -> Result<Currency, String> {
    text.parse()
        .map_err(|reason| format!("{key}: \"{text}\" is {reason}"))
}

fn named(key: &str, name: &str, currency: &str) -> Result<(Box<str>, Currency), String> {
    if name.is_empty() {
        return Err(format!("{key}: a name is missing"));
    }
    Ok((Box::from(name), code(key, currency)?))
}

/// The day that `term`, a date or a tenor, names; it has to come after the as-of date.
fn day(key: &str, term: &str, as_of: Date) -> Result<Date, String> {
    let date = match term.parse::<Date>() {
        Ok(date) => date,
        Err(_) => term
            .parse::<Tenor>()
            .map_err(|_| format!("{key}: \"{term}\" is neither a date nor a tenor such as 3M"))?
            .after(as_of)
            .ok_or_else(|| format!("{key}: {term} ends after the year 9999"))?,
    };
    if date <= as_of {
        return Err(format!("{key}: {term} is not after the as-of date {as_of}"));
    }
    Ok(date)
}

fn strike(key: &str, text: &str) -> Result<Strike, String> {
    match text {
        "ATM" => Ok(Strike::Spot),
        "ATMF" => Ok(Strike::Forward),
        _ => match text.parse::<f64>() {
            Ok(strike) if strike.is_finite() && strike >= 0.0 => Ok(Strike::Number(strike.abs())),
            _ => Err(format!(
                "{key}: \"{text}\" is no strike: a number from zero, ATM or ATMF is needed"
            )),
        },
    }
}
