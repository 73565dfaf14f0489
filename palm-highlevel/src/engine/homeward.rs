use crate::Failure;
use palm_core::Route;
use std::sync::Arc;

/// The routes to functions here.
#[derive(Debug, Default)]
pub(super) struct Homeward {
    /// The one that was asked for last: a client, a pipeline, and the function.
    last: Option<(Arc<Route>, String)>,
}

impl Homeward {
    /// The route of a message to `function` of the server called `name`.
    pub(super) fn route(
        &mut self,
        like: &Route,
        name: &str,
        function: &str,
    ) -> Result<Arc<Route>, Failure> {
        let (client, pipeline) = (like.client(), like.pipeline());
        if let Some((route, of)) = &self.last
            && (route.client(), route.pipeline(), of.as_str()) == (client, pipeline, function)
        {
            return Ok(route.clone());
        }
        let route = Arc::new(Route::parse(
            client,
            pipeline,
            &format!("{name}.{function}"),
        )?);
        self.last = Some((route.clone(), function.to_owned()));
        Ok(route)
    }
}
