//! What many trades have in common, stored once: strings, envelopes, terms of legs.

use std::sync::Arc;

use hashbrown::HashSet;

use super::{Accrual, Envelope};

/// Gives out shared copies, so that a million trades of a hundred books hold a hundred names.
#[derive(Debug, Default)]
pub(super) struct Names {
    strings: HashSet<Arc<str>>,
    envelopes: HashSet<Arc<Envelope>>,
    accruals: HashSet<Arc<Accrual>>,
}

impl Names {
    /// The shared copy of `text`.
    pub(super) fn string(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.strings.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(text);
        self.strings.insert(Arc::clone(&shared));
        shared
    }

    /// The shared copy of `envelope`.
    pub(super) fn envelope(&mut self, envelope: Envelope) -> Arc<Envelope> {
        if let Some(shared) = self.envelopes.get(&envelope) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(envelope);
        self.envelopes.insert(Arc::clone(&shared));
        shared
    }

    /// The shared copy of `accrual`.
    pub(super) fn accrual(&mut self, accrual: Accrual) -> Arc<Accrual> {
        if let Some(shared) = self.accruals.get(&accrual) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(accrual);
        self.accruals.insert(Arc::clone(&shared));
        shared
    }
}
