use palm_core::{Result, Route};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many of them are remembered.
const MOST: usize = 256;

/// The routes of messages whose functions have said where they go on. Messages with one route stand
/// next to each other, so that those of one route are remembered, at one step.
#[derive(Debug, Default)]
pub(super) struct Choices {
    of: Option<(Arc<Route>, u16)>,
    routes: BTreeMap<String, Arc<Route>>,
}

impl Choices {
    /// What is behind a message that stands at `stage` of `route`, and then what its function says.
    pub(super) fn route(
        &mut self,
        route: &Arc<Route>,
        stage: u16,
        then: &str,
    ) -> Result<Arc<Route>> {
        let same = |(from, at): &(Arc<Route>, u16)| Arc::ptr_eq(from, route) && *at == stage;
        if !self.of.as_ref().is_some_and(same) || self.routes.len() >= MOST {
            self.routes.clear();
            self.of = Some((route.clone(), stage));
        }
        if let Some(chosen) = self.routes.get(then) {
            return Ok(chosen.clone());
        }
        let chosen = Arc::new(route.turned(usize::from(stage), then)?);
        self.routes.insert(then.to_owned(), chosen.clone());
        Ok(chosen)
    }
}
