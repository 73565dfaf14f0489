//! What many trades have in common, stored once: strings, envelopes, terms of legs.

use std::collections::HashSet;
use std::sync::Arc;

use super::accrual::ScheduleCache;
use super::{Accrual, Envelope, Period};
use crate::time::ScheduleError;

/// Gives out shared copies, so that a million trades of a hundred books hold a hundred names.
#[derive(Debug, Default)]
pub(super) struct Names {
    strings: HashSet<Arc<str>>,
    envelopes: HashSet<Arc<Envelope>>,
    accruals: HashSet<Arc<Accrual>>,
    periods: ScheduleCache<Accrual, Period>,
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

    /// The shared copy of `accrual`, with its periods.
    ///
    /// # Errors
    /// Those of [`Accrual::periods`].
    pub(super) fn accrual(
        &mut self,
        accrual: Accrual,
    ) -> Result<(Arc<Accrual>, Arc<[Period]>), ScheduleError> {
        let periods = self.periods.get(&accrual, || accrual.periods())?;
        if let Some(shared) = self.accruals.get(&accrual) {
            return Ok((Arc::clone(shared), periods));
        }
        let shared = Arc::new(accrual);
        self.accruals.insert(Arc::clone(&shared));
        Ok((shared, periods))
    }
}
