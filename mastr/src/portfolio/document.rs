//! A portfolio file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::element::Elements;
use super::entry::{Entry, Rejected};
use super::header::{Header, TRADES};
use super::json::{ArrayOf, Cause};
use super::record::TradeRecord;
use super::scalar::{Code, Day};
use super::value::Value;
use super::{Arrival, Arrivals, Currency, PricingEngine, Trade, duplicates};
use crate::fault::{Fault, Faults, Place};
use crate::time::Date;

/// A portfolio: its header, and its elements in the order of the file.
///
/// ```
/// use mastr::portfolio::Portfolio;
///
/// let text = br#"{"AsOfDate":"2026-06-15","BaseCurrency":"EUR","Portfolio":[
///     {"id":"FX1","TradeType":"FxForward","FxForwardData":{"ValueDate":"2027-06-15",
///      "BoughtCurrency":"EUR","BoughtAmount":1e6,"SoldCurrency":"USD","SoldAmount":-1}}]}"#;
/// let portfolio = Portfolio::parse(text).unwrap();
/// assert_eq!(portfolio.trades().count(), 0);
/// assert_eq!(
///     portfolio.faults().to_string(),
///     "trade \"FX1\" at /Portfolio/0/FxForwardData/SoldAmount: \
///      found -1, which is negative: zero or more is needed"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Portfolio {
    as_of: Date,
    base: Currency,
    engines: Vec<PricingEngine>,
    entries: Vec<Entry>,
    faults: Faults,
}

/// The file's form, for the schema and for writing one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "mastr portfolio")]
pub struct PortfolioRecord {
    /// The day everything is valued as of.
    #[serde(rename = "AsOfDate")]
    pub as_of: Day,
    /// The currency everything is added up in.
    #[serde(rename = "BaseCurrency")]
    pub base: Code,
    /// Models and engines, where they are not the usual ones.
    #[serde(rename = "PricingEngines", skip_serializing_if = "Option::is_none")]
    pub engines: Option<Vec<PricingEngine>>,
    /// The trades.
    #[serde(rename = "Portfolio")]
    pub trades: Vec<TradeRecord>,
}

impl Portfolio {
    /// Reads a portfolio file: JSON in UTF-8, with or without a byte order mark.
    ///
    /// Elements with faults become [`Entry::Rejected`]; [`Portfolio::faults`] tells what is wrong
    /// with them. Of elements with one id none can be trusted: they become one that is rejected.
    ///
    /// # Errors
    /// When the file is not JSON (one fault, with line and column), or when its header has faults
    /// (these, and those of the trades).
    pub fn parse(file: &[u8]) -> Result<Self, Faults> {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let file = std::str::from_utf8(file).map_err(|error| not_utf8(file, &error))?;
        let mut reading = Reading::default();
        let mut json = serde_json::Deserializer::from_str(file);
        Document(&mut reading)
            .deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| not_json(&error))?;
        reading.finish()
    }

    /// What arrives, once all of it has; `None` if the file has faults.
    pub fn collect(mut arrivals: Arrivals) -> Option<Self> {
        let mut entries = Vec::new();
        loop {
            match arrivals.wait() {
                Arrival::Trades(trades) => entries.extend(trades.into_iter().map(Entry::Valid)),
                Arrival::End => break,
                Arrival::NotYet | Arrival::Faulty => return None,
            }
        }
        let mut faults = Faults::new();
        duplicates::reject(&mut entries, &mut faults);
        faults.is_empty().then(|| Self {
            as_of: arrivals.as_of(),
            base: arrivals.base(),
            engines: arrivals.engines().to_vec(),
            entries,
            faults,
        })
    }

    /// This portfolio, if no element was rejected.
    ///
    /// # Errors
    /// The faults of the elements, if there was one.
    pub fn without_faults(self) -> Result<Self, Faults> {
        if self.faults.is_empty() {
            Ok(self)
        } else {
            Err(self.faults)
        }
    }

    /// The day everything is valued as of.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The currency everything is added up in.
    pub fn base(&self) -> Currency {
        self.base
    }

    /// Models and engines that the portfolio asks for.
    pub fn engines(&self) -> &[PricingEngine] {
        &self.engines
    }

    /// Every element, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every element, in the order of the file.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Every element, in the order of its id (by bytes): the order of all results.
    pub fn by_id(&self) -> Vec<&Entry> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|entry| entry.id());
        entries
    }

    /// The names of the dimensions that any element has a value of.
    pub fn dimensions(&self) -> BTreeSet<&str> {
        let elements = self.entries.iter().flat_map(Entry::dimensions);
        elements.map(|(name, _)| name).chain(["TradeId"]).collect()
    }

    /// Every valid trade, in the order of the file.
    pub fn trades(&self) -> impl Iterator<Item = &Trade> {
        self.entries.iter().filter_map(Entry::trade)
    }

    /// Every element that cannot be valued, in the order of the file.
    pub fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Rejected(rejected) => Some(&**rejected),
            Entry::Valid(_) => None,
        })
    }

    /// What is wrong with the rejected elements.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How many elements there are of each trade type, valid or not, by its name.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry(entry.trade_type()).or_default() += 1;
        }
        counts
    }
}

/// A portfolio being read.
#[derive(Default)]
struct Reading {
    header: Header,
    elements: Elements,
    entries: Vec<Entry>,
}

impl Reading {
    fn finish(self) -> Result<Portfolio, Faults> {
        let Self {
            mut header,
            elements: Elements { mut faults, .. },
            mut entries,
        } = self;
        header.finish();
        if let Some(simulation) = header.simulation {
            entries
                .iter_mut()
                .for_each(|entry| entry.simulate(simulation));
        }
        duplicates::reject(&mut entries, &mut faults);
        match (header.as_of, header.base) {
            (Some(as_of), Some(base)) if header.faults.is_empty() => Ok(Portfolio {
                as_of,
                base,
                engines: header.engines,
                entries,
                faults,
            }),
            _ => {
                header.faults.append(faults);
                Err(header.faults)
            }
        }
    }
}

/// Reads the document into a [`Reading`], trade by trade.
struct Document<'r>(&'r mut Reading);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a portfolio, an object with AsOfDate, BaseCurrency and Portfolio")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Reading {
            header,
            elements,
            entries,
        } = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match header.key(&key) {
                Some(TRADES) => map.next_value_seed(ArrayOf(|index, value: Value<'_>| {
                    entries.push(elements.read(index, value));
                }))?,
                Some(known) => header.read(known, map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn not_utf8(file: &[u8], error: &std::str::Utf8Error) -> Faults {
    let before = &file[..error.valid_up_to()];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let place = Place::Column(line as u64, (before.len() - start) as u64 + 1);
    Fault::new(place, "not UTF-8: save the file in that encoding").into()
}

fn not_json(error: &serde_json::Error) -> Faults {
    let place = Place::Column(error.line() as u64, (error.column() as u64).max(1));
    let kind = if error.is_data() {
        "no portfolio"
    } else {
        "not JSON"
    };
    Fault::new(place, format!("{kind}: {}", Cause(error))).into()
}
