//! A portfolio file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cursor::{Cursor, Found};
use super::entry::{Entry, Rejected};
use super::json::{Cause, Elements, FromJson, Members, elements, text};
use super::names::Names;
use super::record::{EnvelopeRecord, TradeRecord};
use super::scalar::{Code, Day, Version};
use super::{Currency, PricingEngine, Simulation, Trade, admission, duplicates};
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

const FIELDS: [&str; 4] = ["AsOfDate", "BaseCurrency", "PricingEngines", "Portfolio"];

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
    seen: Vec<&'static str>,
    as_of: Option<Date>,
    base: Option<Currency>,
    engines: Vec<PricingEngine>,
    simulation: Option<Simulation>,
    entries: Vec<Entry>,
    names: Names,
    header_faults: Faults,
    faults: Faults,
}

impl Reading {
    fn header(&mut self, at: Cursor) {
        let (found, more) = at.into_faults();
        for Found { pointer, message } in found {
            self.header_faults
                .push(Fault::new(Place::Pointer(pointer), message));
        }
        self.header_faults.count_more(more);
    }

    fn header_field<T: FromJson>(&mut self, key: &'static str, value: &RawValue) -> Option<T> {
        let mut at = Cursor::default();
        let field = at.field(key, |at| T::from_json(value, at));
        self.header(at);
        field
    }

    fn pricing_engines(&mut self, value: &RawValue) {
        let mut at = Cursor::default();
        at.field("PricingEngines", |at| {
            elements(value, at, |element, at| {
                if let Some(engine) = PricingEngine::from_json(element, at) {
                    engine.check(at);
                    self.simulation = self.simulation.or(engine.simulation(at));
                    self.engines.push(engine);
                }
            })
        });
        self.header(at);
    }

    fn trade(&mut self, index: usize, value: &RawValue) {
        let mut at = Cursor::at_element("Portfolio", index);
        let trade = TradeRecord::from_json(value, &mut at)
            .and_then(|record| admission::admit(record, &mut self.names, &mut at));
        let entry = match trade {
            Some(trade) if at.is_clean() => Entry::Valid(trade),
            _ => Entry::Rejected(Box::new(self.reject(index, value, at))),
        };
        self.entries.push(entry);
    }

    /// What of a trade with faults can be read, so that it can count as failed where it belongs.
    fn reject(&mut self, index: usize, value: &RawValue, faulty: Cursor) -> Rejected {
        let mut ignored = Cursor::default();
        let at = &mut ignored;
        let mut members = Members::of(value, at);
        let mut read = |key| text(members.as_mut()?.take(key)?, at);
        let id = read("id").map(String::from);
        let trade_type = read("TradeType").map(String::from).unwrap_or_default();
        let members = members.as_mut();
        let (version, envelope, currency) = members.map_or_else(Default::default, |members| {
            let data = members
                .take(&format!("{trade_type}Data"))
                .and_then(|data| Members::of(data, at));
            let currency = data.and_then(|data| currency(data, at));
            (
                members.field::<Version>("Version", at),
                members.field::<EnvelopeRecord>("Envelope", at),
                currency,
            )
        });
        let (found, more) = faulty.into_faults();
        let mut fault = String::new();
        for Found { pointer, message } in found {
            let separator = if fault.is_empty() { "" } else { "; " };
            fault.push_str(&format!("{separator}{pointer}: {message}"));
            self.faults.push(Fault {
                trade: id.clone().unwrap_or_default(),
                place: Place::Pointer(pointer),
                message,
            });
        }
        if more > 0 {
            fault.push_str(&format!("; and {more} more faults"));
            self.faults.count_more(more);
        }
        Rejected {
            id: id.unwrap_or_else(|| format!("/Portfolio/{index}")),
            version: version.map_or(1, |version| version.0),
            trade_type,
            currency: currency.unwrap_or_default(),
            envelope: admission::envelope(envelope.unwrap_or_default(), &mut self.names),
            fault,
        }
    }

    fn finish(mut self) -> Result<Portfolio, Faults> {
        for key in ["AsOfDate", "BaseCurrency", "Portfolio"] {
            if !self.seen.contains(&key) {
                let message = format!("the field \"{key}\" is missing");
                self.header_faults
                    .push(Fault::new(Place::Pointer("/".to_owned() + key), message));
            }
        }
        if let Some(simulation) = self.simulation {
            self.entries
                .iter_mut()
                .for_each(|entry| entry.simulate(simulation));
        }
        duplicates::reject(&mut self.entries, &mut self.faults);
        match (self.as_of, self.base) {
            (Some(as_of), Some(base)) if self.header_faults.is_empty() => Ok(Portfolio {
                as_of,
                base,
                engines: self.engines,
                entries: self.entries,
                faults: self.faults,
            }),
            _ => {
                self.header_faults.append(self.faults);
                Err(self.header_faults)
            }
        }
    }
}

/// The currency that a trade with these data is valued in; of legs the first one's.
fn currency(mut data: Members<'_>, at: &mut Cursor) -> Option<String> {
    if let Some(value) = data.take("Currency").or_else(|| data.take("SoldCurrency")) {
        return text(value, at).map(String::from);
    }
    let mut first = None;
    let legs = data.take("LegData")?;
    if legs.get().starts_with('[') {
        elements(legs, at, |leg, _| first = first.or(Some(leg)))?;
    } else {
        first = Some(legs);
    }
    text(Members::of(first?, at)?.take("Currency")?, at).map(String::from)
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
        let reading = self.0;
        while let Some(key) = map.next_key::<String>()? {
            let Some(known) = FIELDS.into_iter().find(|known| *known == key) else {
                map.next_value::<IgnoredAny>()?;
                let mut at = Cursor::default();
                at.fault_in(&key, super::unsupported::message(&key, &FIELDS));
                reading.header(at);
                continue;
            };
            if reading.seen.contains(&known) {
                map.next_value::<IgnoredAny>()?;
                let mut at = Cursor::default();
                at.fault_in(known, "the field is given twice: leave one");
                reading.header(at);
                continue;
            }
            reading.seen.push(known);
            match known {
                "Portfolio" => map.next_value_seed(Elements(|index, value: &RawValue| {
                    reading.trade(index, value);
                }))?,
                "AsOfDate" => {
                    let day = reading.header_field::<Day>(known, map.next_value()?);
                    reading.as_of = day.map(|day| day.0);
                }
                "BaseCurrency" => {
                    let code = reading.header_field::<Code>(known, map.next_value()?);
                    reading.base = code.map(|code| code.0);
                }
                _ => reading.pricing_engines(map.next_value()?),
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
