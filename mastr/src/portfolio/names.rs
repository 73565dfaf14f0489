//! What many trades have in common, stored once: strings, envelopes, terms of legs.

use std::sync::Arc;

use hashbrown::HashSet;

use super::{Accrual, Envelope};

/// So many of a kind are kept while they are read piece by piece.
const MANY: usize = 1 << 14;

/// Gives out shared copies, so that a million trades of a hundred books hold a hundred names.
#[derive(Debug, Default)]
pub(super) struct Names {
    strings: HashSet<Arc<str>>,
    envelopes: HashSet<Arc<Envelope>>,
    accruals: HashSet<Arc<Accrual>>,
}

impl Names {
    /// Forgets those of which there are many.
    pub(super) fn forget(&mut self) {
        if self.strings.len() > MANY {
            self.strings.clear();
        }
        if self.envelopes.len() > MANY {
            self.envelopes.clear();
        }
        if self.accruals.len() > MANY {
            self.accruals.clear();
        }
    }

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
