//! An element of a portfolio file, as it is read.

use super::admission;
use super::cursor::{Cursor, Found};
use super::entry::{Entry, Rejected};
use super::header::TRADES;
use super::json::{FromJson, Members, elements, text};
use super::names::Names;
use super::record::{EnvelopeRecord, TradeRecord};
use super::scalar::Version;
use super::value::Value;
use crate::fault::{Fault, Faults, Place};

/// Reads elements, and keeps what they have in common and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Elements {
    names: Names,
    pub(super) faults: Faults,
}

impl Elements {
    /// The element at this place in the file.
    pub(super) fn read(&mut self, index: usize, value: Value<'_>) -> Entry {
        let mut at = Cursor::at_element(TRADES, index);
        let trade = TradeRecord::from_json(value, &mut at)
            .and_then(|record| admission::admit(record, &mut self.names, &mut at));
        match trade {
            Some(trade) if at.is_clean() => Entry::Valid(trade),
            _ => Entry::Rejected(Box::new(self.reject(index, value, at))),
        }
    }

    /// Forgets what trades have in common if that has become much: it is then of little use.
    pub(super) fn forget(&mut self) {
        self.names.forget();
    }

    /// What of a trade with faults can be read, so that it can count as failed where it belongs.
    fn reject(&mut self, index: usize, value: Value<'_>, faulty: Cursor) -> Rejected {
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
