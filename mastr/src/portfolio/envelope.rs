//! What a trade is filed under.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A trade's counterparty, netting set and further fields; all of them dimensions to aggregate by.
/// What the portfolio leaves out is the empty string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// `CounterParty`.
    pub counterparty: Arc<str>,
    /// `NettingSetId`.
    pub netting_set: Arc<str>,
    /// `AdditionalFields`, by name, each once.
    pub additional: Box<[(Arc<str>, Arc<str>)]>,
}

impl Default for Envelope {
    fn default() -> Self {
        Self {
            counterparty: Arc::from(""),
            netting_set: Arc::from(""),
            additional: Box::default(),
        }
    }
}

impl Envelope {
    /// Value of the dimension `name`: `CounterParty`, `NettingSetId` or an additional field; the
    /// empty string where there is none.
    pub fn dimension(&self, name: &str) -> &str {
        match name {
            "CounterParty" => &self.counterparty,
            "NettingSetId" => &self.netting_set,
            _ => self
                .additional
                .iter()
                .find(|(field, _)| **field == *name)
                .map_or("", |(_, value)| value),
        }
    }

    /// Names and values of the dimensions that are not empty.
    pub fn dimensions(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = [
            ("CounterParty", &*self.counterparty),
            ("NettingSetId", &*self.netting_set),
        ];
        let additional = self
            .additional
            .iter()
            .map(|(name, value)| (&**name, &**value));
        named
            .into_iter()
            .chain(additional)
            .filter(|(_, value)| !value.is_empty())
    }
}
