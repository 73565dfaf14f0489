//! An element of a portfolio, valid or not.

use std::sync::Arc;

use super::{Averaging, Envelope, Product, Simulation, Trade};

/// One element of a portfolio: a trade, or what has to count as failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// It can be valued.
    Valid(Trade),
    /// It has faults.
    Rejected(Box<Rejected>),
}

/// An element with faults, as far as it could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Its id; without one, the JSON pointer to it.
    pub id: String,
    /// Its version; 1 if that could not be read.
    pub version: u32,
    /// Its trade type as it stands, supported or not.
    pub trade_type: String,
    /// The currency it would be valued in; may be empty.
    pub currency: String,
    /// What it is filed under.
    pub envelope: Arc<Envelope>,
    /// What is wrong, each with its JSON pointer, in one line.
    pub fault: String,
}

impl Rejected {
    /// Names and values of its dimensions, as [`Trade::dimensions`] gives them.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, &str)> {
        dimensions(&self.trade_type, &self.currency, &self.envelope)
    }
}

fn dimensions<'e>(
    trade_type: &'e str,
    currency: &'e str,
    envelope: &'e Envelope,
) -> impl Iterator<Item = (&'e str, &'e str)> {
    let own = [("TradeType", trade_type), ("Currency", currency)];
    own.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .chain(envelope.dimensions())
}

impl Entry {
    /// Sets how the trade is simulated, if it is.
    pub(super) fn simulate(&mut self, by: Simulation) {
        if let Self::Valid(trade) = self
            && let Product::EquityAsianOption(option) = &mut trade.product
            && let Averaging::Arithmetic(simulation) = &mut option.averaging
        {
            *simulation = by;
        }
    }

    /// The trade's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Valid(trade) => &trade.id,
            Self::Rejected(rejected) => &rejected.id,
        }
    }

    /// The trade's version.
    pub fn version(&self) -> u32 {
        match self {
            Self::Valid(trade) => trade.version,
            Self::Rejected(rejected) => rejected.version,
        }
    }

    /// The name of its trade type.
    pub fn trade_type(&self) -> &str {
        match self {
            Self::Valid(trade) => trade.product.trade_type().name(),
            Self::Rejected(rejected) => &rejected.trade_type,
        }
    }

    /// What it is filed under.
    pub fn envelope(&self) -> &Envelope {
        match self {
            Self::Valid(trade) => &trade.envelope,
            Self::Rejected(rejected) => &rejected.envelope,
        }
    }

    /// Value of the dimension `name`, as [`Trade::dimension`] gives it.
    pub fn dimension(&self, name: &str) -> &str {
        match self {
            Self::Valid(trade) => trade.dimension(name),
            Self::Rejected(rejected) => match name {
                "TradeId" => &rejected.id,
                "TradeType" => &rejected.trade_type,
                "Currency" => &rejected.currency,
                _ => rejected.envelope.dimension(name),
            },
        }
    }

    /// Names and values of its dimensions, as [`Trade::dimensions`] gives them.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, &str)> {
        let (trade_type, currency) = (self.trade_type(), self.dimension("Currency"));
        dimensions(trade_type, currency, self.envelope())
    }

    /// The trade, if it is valid.
    pub fn trade(&self) -> Option<&Trade> {
        match self {
            Self::Valid(trade) => Some(trade),
            Self::Rejected(_) => None,
        }
    }
}
