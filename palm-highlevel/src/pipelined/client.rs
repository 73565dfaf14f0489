use super::names::Announcement;
use super::presence::ask;
use super::tracker::{Tracked, Tracker};
use crate::{Config, Failure, FailureKind, Job, Result};
use bytes::Bytes;
use palm_core::{Endpoint, Incarnation, Route, Step};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the registry may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Sends messages along routes of names, as in `clean.strip words.count last.show`: the registry knows
/// where the servers are.
///
/// A route is checked when it is used for the first time. From then on the client goes on without the
/// registry. It follows the first and the last server of a route where these go, and listens to all that
/// share the name of the last one: within a second or two, as it asks the registry each second.
///
/// Behind each route, as it is written, stands a client of its own, with a thread and sockets. It is kept
/// for as long as this one: a program is to have few routes, and to use them often.
pub struct Client {
    registry: Arc<crate::Client>,
    config: Config,
    tracker: Tracker,
    /// The clients that go along the routes that were checked.
    routes: Mutex<HashMap<String, Arc<crate::Client>>>,
}

impl Client {
    /// A client that asks the registry at `registry`.
    ///
    /// # Errors
    ///
    /// If the endpoint is none, or the system refuses a thread or a socket.
    pub fn connect(registry: &str) -> Result<Client> {
        Client::start(registry, Config::default())
    }

    /// A client with other settings than the default ones.
    ///
    /// Each route has connections of its own. A [`session`](Config::session) is the same for all of them,
    /// and a server takes one connection of a session: where a client has one, no two of its routes may
    /// begin or end at the same server, or the messages of one of them are refused.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), or if a setting is not as it should be.
    pub fn start(registry: &str, config: Config) -> Result<Client> {
        let own = Config {
            session: None,
            ..config.clone()
        };
        let registry = Arc::new(crate::Client::start(registry, None, own)?);
        Ok(Client {
            tracker: Tracker::start(registry.clone())?,
            registry,
            config,
            routes: Mutex::new(HashMap::new()),
        })
    }

    /// Sends one message along `route` and waits for its ending, as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`job`](Self::job), or how the message ended, if not with success.
    pub fn call(
        &self,
        route: &str,
        payload: impl Into<Bytes>,
    ) -> std::result::Result<Bytes, Failure> {
        self.along(route)?.call(route, payload)
    }

    /// Begins a stream of messages along `route`.
    ///
    /// # Errors
    ///
    /// [`FailureKind::Unknown`], at once, if `route` is none, no server of a name in it is announced, or
    /// it does not offer the function; [`FailureKind::Expired`] if the registry does not answer.
    pub fn job(&self, route: &str) -> std::result::Result<Job, Failure> {
        self.along(route)?.job(route)
    }

    fn along(&self, route: &str) -> std::result::Result<Arc<crate::Client>, Failure> {
        if let Some(client) = self.checked().get(route) {
            return Ok(client.clone());
        }
        // The registry is asked without the lock: if it is silent, that is to hold up nobody whose route
        // was checked.
        let steps = Route::parse(Incarnation::UNKNOWN, 0, route)
            .map_err(|error| unknown(error.to_string()))?;
        let servers = self.check(steps.steps())?;
        let (Some(first), Some(last)) = (steps.steps().first(), steps.steps().last()) else {
            return Err(unknown("a route needs a function".to_owned()));
        };
        let (entry, exit) = (&servers[&first.server], &servers[&last.server]);
        let entry = match entry.shares {
            true => ask::<Announcement>(&self.registry, "registry.find", &entry.name, ANSWER)?,
            false => entry.clone(),
        };
        let goes_on = steps.steps().len() > 1;
        let address =
            Endpoint::parse(&entry.address).map_err(|error| unknown(error.to_string()))?;
        let mut routes = self.checked();
        if let Some(client) = routes.get(route) {
            // Another thread was faster.
            return Ok(client.clone());
        }
        let listens = goes_on.then_some(exit.address.as_str());
        let client = crate::Client::start(&entry.address, listens, self.config.clone());
        let client = Arc::new(client.map_err(|error| Failure::new(error.to_string()))?);
        routes.insert(route.to_owned(), client.clone());
        drop(routes);
        let exit = goes_on.then(|| exit.name.clone());
        let mut ends = Tracked::new(client.clone(), (entry.name, address), exit);
        ends.look(&self.registry);
        self.tracker.track(ends);
        Ok(client)
    }

    fn checked(&self) -> MutexGuard<'_, HashMap<String, Arc<crate::Client>>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds all servers of a route, and checks that they offer what it asks for.
    fn check(
        &self,
        steps: &[Step],
    ) -> std::result::Result<BTreeMap<String, Announcement>, Failure> {
        let mut servers = BTreeMap::new();
        for step in steps {
            if step.server.is_empty() {
                return Err(unknown(format!(
                    "`{step}` names no server: write `server.{step}`"
                )));
            }
            if !servers.contains_key(&step.server) {
                let found: Announcement =
                    ask(&self.registry, "registry.look", &step.server, ANSWER)?;
                servers.insert(step.server.clone(), found);
            }
            let functions = servers[&step.server].functions.as_deref();
            if let Some(functions) = functions.filter(|all| !all.contains(&step.function)) {
                return Err(unknown(format!(
                    "{} has no function `{}`; it has {}",
                    step.server,
                    step.function,
                    functions.join(", ")
                )));
            }
        }
        Ok(servers)
    }
}

fn unknown(message: String) -> Failure {
    Failure::of(FailureKind::Unknown, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, standalone, typed};
    use crossbeam_channel::bounded;

    #[test]
    fn a_registry_that_is_silent_holds_up_no_route_that_was_checked() {
        let echo = |call: &Call| Ok::<_, Failure>(call.payload().clone());
        let server = standalone::Server::new("one").function("echo", echo);
        let server = server.bind("tcp://127.0.0.1:*").unwrap();
        let one = Announcement {
            name: "one".into(),
            address: server.address().into(),
            functions: None,
            shares: false,
            life: 1,
        };
        let all = vec![one.clone()];
        let (asks, asked) = bounded(1);
        let (gate, closed) = bounded::<()>(0);
        let look = move |name: String| {
            if name == "two" {
                // The test may have gone on; nothing is ever sent through the gate.
                let _ = (asks.try_send(()), closed.recv());
            }
            Ok::<_, Failure>(one.clone())
        };
        let registry = standalone::Server::new("registry")
            .function("look", typed(look))
            .function("all", typed(move |_: String| Ok::<_, Failure>(all.clone())))
            .bind("tcp://127.0.0.1:*")
            .unwrap();
        let client = Client::connect(registry.address()).unwrap();
        assert_eq!(client.call("one.echo", "a").unwrap(), "a");
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| client.call("two.echo", "b"));
            asked.recv().unwrap();
            assert_eq!(client.call("one.echo", "c").unwrap(), "c");
            assert!(!waits.is_finished(), "it was waited for");
            drop(gate);
        });
    }
}
