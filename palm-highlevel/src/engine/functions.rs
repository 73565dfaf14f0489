use super::ledger::FunctionId;
use palm_core::{Route, Step};
use std::collections::HashMap;
use std::sync::Arc;

/// Numbers for the names of functions, so that a message's function is compared as a number.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    ids: HashMap<String, FunctionId>,
    /// The answer for the step that was asked for last: the messages of a job come one after
    /// another.
    last: Option<(Arc<Route>, u16, Resolved)>,
}

/// What the step of a message is to this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// One of its functions, or one that nobody offers yet.
    Function(FunctionId),
    /// A step of another server.
    Elsewhere,
    /// There is no such step.
    NoStep,
}

impl Functions {
    /// The number of a name.
    pub(crate) fn id(&mut self, name: &str) -> FunctionId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = FunctionId(self.ids.len() as u32);
        self.ids.insert(name.to_owned(), id);
        id
    }

    /// What step `stage` of `route` is to the server called `name`; to any, if that is `None`.
    pub(crate) fn resolve(
        &mut self,
        route: &Arc<Route>,
        stage: u16,
        name: Option<&str>,
    ) -> Resolved {
        if let Some((last, last_stage, resolved)) = &self.last
            && Arc::ptr_eq(last, route)
            && *last_stage == stage
        {
            return *resolved;
        }
        let resolved = match route.steps().get(usize::from(stage)) {
            None => Resolved::NoStep,
            Some(Step { server, function }) => match name {
                Some(name) if !server.is_empty() && server != name => Resolved::Elsewhere,
                _ => Resolved::Function(self.id(function)),
            },
        };
        self.last = Some((route.clone(), stage, resolved));
        resolved
    }
}
