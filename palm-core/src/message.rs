use crate::{Error, ErrorKind, Incarnation, Result};
use bytes::Bytes;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// What travels between servers: an id, the route it takes, the step it stands at, and a payload
/// that PALM never looks into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which message it is.
    pub id: Id,
    /// Where it goes; shared by all messages of a job.
    pub route: Arc<Route>,
    /// Which step of the route is next, from 0.
    pub stage: u16,
    /// A key into a server's cache, if the message names one.
    pub cache: Option<String>,
    /// The bytes that functions take and give.
    pub payload: Bytes,
}

impl Message {
    /// The step that the message stands at, or `None` once its route is over.
    pub fn step(&self) -> Option<&Step> {
        self.route.steps().get(usize::from(self.stage))
    }
}

/// The id of a message. The client chooses `client` and `sequence` before it sends; what servers
/// make of the message gets a longer `path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id {
    /// The incarnation of the client that awaits the ending.
    pub client: Incarnation,
    /// The client's own count.
    pub sequence: u64,
    /// Empty for what a client sends.
    pub path: Path,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.client, self.sequence, self.path)
    }
}

/// Where a message descends from: a child's path is its parent's plus an ordinal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Path(SmallVec<[u32; SHALLOW]>);

/// How long a path may be that takes no memory of its own.
const SHALLOW: usize = 4;

impl Path {
    /// The path of the client's own message.
    pub const ROOT: Path = Path(SmallVec::new_const());

    /// The path of the child with that ordinal.
    ///
    /// ```
    /// use palm_core::Path;
    /// assert_eq!(Path::ROOT.child(2).child(7).to_string(), ".2.7");
    /// ```
    pub fn child(&self, ordinal: u32) -> Path {
        let mut path = self.0.clone();
        path.push(ordinal);
        Path(path)
    }

    /// The path of the sibling so many ordinals further; of the client's own message, itself.
    ///
    /// ```
    /// use palm_core::Path;
    /// assert_eq!(Path::ROOT.child(2).child(7).sibling(3).to_string(), ".2.10");
    /// ```
    pub fn sibling(&self, further: u32) -> Path {
        let mut path = self.0.clone();
        if let Some(ordinal) = path.last_mut() {
            *ordinal = ordinal.wrapping_add(further);
        }
        Path(path)
    }

    /// The ordinals that it consists of.
    pub fn ordinals(&self) -> &[u32] {
        &self.0
    }

    /// Whether it is the client's own message.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Path, D::Error> {
        deserializer.deserialize_seq(Ordinals)
    }
}

/// Takes ordinals as they come: `SmallVec` itself would believe in their number.
struct Ordinals;

impl<'de> Visitor<'de> for Ordinals {
    type Value = Path;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ordinals of a path")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Path, A::Error> {
        let mut path = Path::ROOT;
        while let Some(ordinal) = seq.next_element()? {
            path.0.push(ordinal);
        }
        Ok(path)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}

/// What the messages of a job have in common: who awaits the endings, which job it is, and the
/// functions to go through. Sent once per lane and referred to by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Route {
    client: Incarnation,
    pipeline: u64,
    steps: Vec<Step>,
}

/// One step of a route: a function of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// The server's name; empty means whichever server the message reaches.
    pub server: String,
    /// The function's name.
    pub function: String,
}

impl Route {
    /// The most steps that a route may have.
    pub const MAX_STEPS: usize = 1024;

    /// Reads a route as a user writes it: one or more `server.function`, or only `function`,
    /// with spaces between.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if there is no step, too many of them, or one without a function.
    ///
    /// ```
    /// use palm_core::{Incarnation, Route};
    /// let route = Route::parse(Incarnation::random(), 1, "clean.strip count").unwrap();
    /// assert_eq!(route.steps()[0].server, "clean");
    /// assert_eq!(route.steps()[1].function, "count");
    /// assert!(Route::parse(Incarnation::random(), 1, "clean.").is_err());
    /// ```
    pub fn parse(client: Incarnation, pipeline: u64, function: &str) -> Result<Route> {
        let steps = function.split_whitespace().map(Step::parse);
        Route::of(client, pipeline, steps.collect::<Result<_>>()?)
    }

    fn of(client: Incarnation, pipeline: u64, steps: Vec<Step>) -> Result<Route> {
        if steps.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                "a route needs at least one function, written `server.function`",
            ));
        }
        if steps.len() > Route::MAX_STEPS {
            let found = steps.len();
            let most = Route::MAX_STEPS;
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("a route of {found} steps is too long: {most} are allowed"),
            ));
        }
        Ok(Route {
            client,
            pipeline,
            steps,
        })
    }

    /// The client that awaits the endings.
    pub fn client(&self) -> Incarnation {
        self.client
    }

    /// The job, as its client numbers them.
    pub fn pipeline(&self) -> u64 {
        self.pipeline
    }

    /// The route with one more step at its end.
    pub fn then(&self, step: Step) -> Route {
        let mut route = self.clone();
        route.steps.push(step);
        route
    }

    /// The route whose first `steps` are this one's, and which goes on with `then`: `server.function`,
    /// any number of them, with spaces between.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); but `then` may be empty.
    pub fn turned(&self, steps: usize, then: &str) -> Result<Route> {
        let before = self.steps.iter().take(steps).cloned().map(Ok);
        let then = then.split_whitespace().map(Step::parse);
        Route::of(
            self.client,
            self.pipeline,
            before.chain(then).collect::<Result<_>>()?,
        )
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Step {
    /// Reads a step as a user writes it: `server.function`, or only `function`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`] if it names no function.
    pub fn parse(text: &str) -> Result<Step> {
        let (server, function) = text.rsplit_once('.').unwrap_or(("", text));
        if function.is_empty() {
            return Err(Error::new(
                ErrorKind::Malformed,
                format!("`{text}` names no function: write `server.function`"),
            ));
        }
        Ok(Step {
            server: server.to_owned(),
            function: function.to_owned(),
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server.as_str() {
            "" => f.write_str(&self.function),
            server => write!(f, "{server}.{}", self.function),
        }
    }
}
