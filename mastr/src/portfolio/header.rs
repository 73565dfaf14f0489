//! What a portfolio file says beside its trades.

use super::cursor::{Cursor, Found};
use super::json::{FromJson, elements};
use super::scalar::{Code, Day};
use super::value::Value;
use super::{Currency, PricingEngine, Simulation, unsupported};
use crate::fault::{Fault, Faults, Place};
use crate::time::Date;

/// The key of the trades.
pub(super) const TRADES: &str = "Portfolio";
const KEYS: [&str; 4] = ["AsOfDate", "BaseCurrency", "PricingEngines", TRADES];

/// The fields of a portfolio file but its trades, being read.
#[derive(Debug, Default)]
pub(super) struct Header {
    seen: Vec<&'static str>,
    pub(super) as_of: Option<Date>,
    pub(super) base: Option<Currency>,
    pub(super) engines: Vec<PricingEngine>,
    /// How trades are simulated, where the engines tell.
    pub(super) simulation: Option<Simulation>,
    pub(super) faults: Faults,
}

impl Header {
    /// The key that this one is, if it is one and comes for the first time; else that is a fault.
    pub(super) fn key(&mut self, key: &str) -> Option<&'static str> {
        let mut at = Cursor::default();
        let known = KEYS.into_iter().find(|known| *known == key);
        match known {
            None => at.fault_in(key, unsupported::message(key, &KEYS)),
            Some(known) if self.seen.contains(&known) => {
                at.fault_in(known, "the field is given twice: leave one");
            }
            Some(known) => {
                self.seen.push(known);
                return Some(known);
            }
        }
        self.tell(at);
        None
    }

    /// Reads the field of a key that is not that of the trades.
    pub(super) fn read(&mut self, key: &'static str, value: Value<'_>) {
        match key {
            "AsOfDate" => self.as_of = self.field::<Day>(key, value).map(|day| day.0),
            "BaseCurrency" => self.base = self.field::<Code>(key, value).map(|code| code.0),
            _ => self.pricing_engines(value),
        }
    }

    fn field<T: FromJson>(&mut self, key: &'static str, value: Value<'_>) -> Option<T> {
        let mut at = Cursor::default();
        let field = at.field(key, |at| T::from_json(value, at));
        self.tell(at);
        field
    }

    fn pricing_engines(&mut self, value: Value<'_>) {
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
        self.tell(at);
    }

    /// Whether the field of this key has come.
    pub(super) fn has(&self, key: &str) -> bool {
        self.seen.contains(&key)
    }

    /// Tells of fields that have not come.
    pub(super) fn finish(&mut self) {
        for key in ["AsOfDate", "BaseCurrency", TRADES] {
            if !self.has(key) {
                let message = format!("the field \"{key}\" is missing");
                self.faults
                    .push(Fault::new(Place::Pointer("/".to_owned() + key), message));
            }
        }
    }

    fn tell(&mut self, at: Cursor) {
        let (found, more) = at.into_faults();
        for Found { pointer, message } in found {
            self.faults
                .push(Fault::new(Place::Pointer(pointer), message));
        }
        self.faults.count_more(more);
    }
}
