//! The currencies and equities that generated trades are about.

use rand_chacha::ChaCha8Rng;

use super::random::{between, rounded};
use crate::portfolio::{Currency, Index};
use crate::time::{Calendar, Date};

/// One made-up state of the world.
pub(super) struct World {
    pub(super) as_of: Date,
    pub(super) rates: Vec<Rates>,
    pub(super) indices: Vec<IndexRates>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) equities: Vec<Equity>,
}

/// A currency's interest rates.
pub(super) struct Rates {
    pub(super) currency: Currency,
    pub(super) short: f64,
    pub(super) long: f64,
}

/// What an index's curve is above the discount curve of its currency.
pub(super) struct IndexRates {
    pub(super) index: Index,
    pub(super) basis: f64,
}

/// A pair of currencies that options are traded on.
pub(super) struct Exchange {
    pub(super) foreign: Currency,
    pub(super) domestic: Currency,
    pub(super) spot: f64,
    /// Whether the market quotes the rate, or it follows from others.
    pub(super) quoted: bool,
    pub(super) decimals: usize,
    pub(super) volatility: f64,
}

/// A share or an index.
pub(super) struct Equity {
    pub(super) name: &'static str,
    pub(super) currency: Currency,
    pub(super) spot: f64,
    pub(super) dividend: f64,
    pub(super) volatility: f64,
}

/// Code, short and long rate.
const RATES: [([u8; 3], f64, f64); 5] = [
    (*b"EUR", 0.0205, 0.0268),
    (*b"USD", 0.0382, 0.0415),
    (*b"GBP", 0.0394, 0.0448),
    (*b"CHF", 0.0012, 0.0061),
    (*b"JPY", 0.0074, 0.0171),
];

/// How far the curves of indices are above the discount curves.
const BASES: [(Index, f64); 6] = [
    (Index::Euribor3M, 0.0009),
    (Index::Euribor6M, 0.0017),
    (Index::GbpLibor3M, 0.0012),
    (Index::GbpLibor6M, 0.0024),
    (Index::UsdLibor3M, 0.0026),
    (Index::UsdLibor6M, 0.0043),
];

/// The quoted rates: foreign, domestic, spot, volatility.
const QUOTED: [([u8; 3], [u8; 3], f64, f64); 4] = [
    (*b"EUR", *b"USD", 1.1342, 0.074),
    (*b"EUR", *b"GBP", 0.8511, 0.058),
    (*b"EUR", *b"CHF", 0.9372, 0.049),
    (*b"USD", *b"JPY", 147.35, 0.098),
];

/// Name, currency, spot, dividend yield, volatility.
const EQUITIES: [(&str, [u8; 3], f64, f64, f64); 14] = [
    ("SP5", *b"USD", 5987.4, 0.0131, 0.168),
    ("NDX", *b"USD", 21_760.0, 0.0068, 0.214),
    ("STOXX50E", *b"EUR", 5412.5, 0.0287, 0.177),
    ("DAX", *b"EUR", 23_890.0, 0.0, 0.184),
    ("FTSE", *b"GBP", 8811.0, 0.0349, 0.149),
    ("SMI", *b"CHF", 12_205.0, 0.0302, 0.151),
    ("N225", *b"JPY", 38_120.0, 0.0183, 0.226),
    ("SIEMENS", *b"EUR", 214.6, 0.0241, 0.267),
    ("SAP", *b"EUR", 258.3, 0.0091, 0.281),
    ("MICROSOFT", *b"USD", 468.2, 0.0071, 0.243),
    ("APPLE", *b"USD", 203.9, 0.0051, 0.272),
    ("HSBC", *b"GBP", 8.742, 0.0561, 0.238),
    ("NESTLE", *b"CHF", 87.18, 0.0349, 0.186),
    ("TOYOTA", *b"JPY", 2614.0, 0.0342, 0.291),
];

impl Equity {
    /// The business days of its market, or of the nearest that is known.
    pub(super) fn calendar(&self) -> Calendar {
        match self.currency {
            Currency::USD => Calendar::US,
            Currency::GBP => Calendar::UK,
            _ => Calendar::TARGET,
        }
    }
}

impl World {
    pub(super) fn new(as_of: Date, random: &mut ChaCha8Rng) -> Self {
        let mut moved =
            |number: f64, decimals| rounded(number * between(random, 0.95, 1.05), decimals);
        let rates = RATES.map(|(code, short, long)| Rates {
            currency: currency(code),
            short: moved(short, 5),
            long: moved(long, 5),
        });
        let indices = BASES.map(|(index, basis)| IndexRates {
            index,
            basis: moved(basis, 5),
        });
        let mut exchanges: Vec<Exchange> = QUOTED
            .map(|(foreign, domestic, spot, volatility)| {
                let decimals = if spot > 10.0 { 2 } else { 4 };
                Exchange {
                    foreign: currency(foreign),
                    domestic: currency(domestic),
                    spot: moved(spot, decimals),
                    quoted: true,
                    decimals,
                    volatility: moved(volatility, 4),
                }
            })
            .into();
        // One pair that nothing quotes: it goes through the euro.
        exchanges.push(Exchange {
            foreign: currency(*b"GBP"),
            domestic: currency(*b"USD"),
            spot: exchanges[0].spot / exchanges[1].spot,
            quoted: false,
            decimals: 4,
            volatility: moved(0.083, 4),
        });
        let equities = EQUITIES.map(|(name, code, spot, dividend, volatility)| Equity {
            name,
            currency: currency(code),
            spot: moved(spot, if spot > 1000.0 { 1 } else { 3 }),
            dividend: moved(dividend, 5),
            volatility: moved(volatility, 4),
        });
        Self {
            as_of,
            rates: rates.into(),
            indices: indices.into(),
            exchanges,
            equities: equities.into(),
        }
    }
}

impl World {
    /// The interest rates of a currency.
    pub(super) fn rates_of(&self, currency: Currency) -> &Rates {
        let mut rates = self.rates.iter();
        // Invariant: it is one of the table's, or the first will do.
        rates
            .find(|rates| rates.currency == currency)
            .unwrap_or(&self.rates[0])
    }
}

fn currency(code: [u8; 3]) -> Currency {
    // Invariant: the tables above hold codes.
    Currency::try_from(code).unwrap_or(Currency::EUR)
}
