use crate::engine::Task;
use crate::home::Home;
use crate::made::{Piece, Pieces, Then};
use crate::states::States;
use crate::watch::Watch;
use crate::{Cache, Failure, FailureKind, PartitionId};
use bytes::Bytes;
use palm_core::{Id, Message, codec};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// What a server does with a message: bytes in, bytes out.
///
/// Every closure from `&Call` to a `Result` is one. It may run on several threads at a time, so it
/// is `Sync`; what it shares it guards itself. Even a server with one thread does not always call it on the
/// same thread.
///
/// ```
/// use palm_highlevel::{Call, Failure, Function};
///
/// fn takes(_: impl Function) {}
/// takes(|call: &Call| Ok::<_, Failure>(call.payload().to_ascii_uppercase()));
/// ```
pub trait Function: Send + Sync + 'static {
    /// Does the work for one message.
    ///
    /// # Errors
    ///
    /// A [`Failure`] ends the message: its client gets it instead of a result.
    ///
    /// # Panics
    ///
    /// A panic ends the message with a failure that says so; the process goes on.
    fn call(&self, call: &Call) -> Result<Bytes, Failure>;
}

impl<F, R, E> Function for F
where
    F: Fn(&Call) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Bytes>,
    E: Into<Failure>,
{
    fn call(&self, call: &Call) -> Result<Bytes, Failure> {
        self(call).map(Into::into).map_err(Into::into)
    }
}

/// One message that a [`Function`] is called for.
#[derive(Clone, Debug)]
pub struct Call {
    message: Message,
    partition: Option<PartitionId>,
    token: u64,
    parent: Option<u64>,
    pieces: Option<Arc<Pieces>>,
    turn: u64,
    watch: Arc<Watch>,
    home: Arc<Home>,
}

impl Call {
    pub(crate) fn new(task: Task, turn: u64, watch: Arc<Watch>, home: Arc<Home>) -> Call {
        Call {
            message: task.message,
            partition: task.partition,
            token: task.token,
            parent: task.parent,
            pieces: task.pieces,
            turn,
            watch,
            home,
        }
    }

    /// The call for another message of the same bundle.
    pub(crate) fn go_on(&mut self, sequence: u64, payload: Bytes, turn: u64) {
        self.message.id.sequence = sequence;
        self.message.payload = payload;
        self.turn = turn;
    }

    /// The bytes that the function takes. To give them back as they are, clone them: that copies
    /// nothing.
    pub fn payload(&self) -> &Bytes {
        &self.message.payload
    }

    /// The message's id.
    pub fn id(&self) -> &Id {
        &self.message.id
    }

    /// The whole message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Says how far the function is. Its lease begins again: a function that says nothing for
    /// longer than that, 30 s by default, counts as hanging. Whoever looks for why a message was
    /// given up reads what was said last.
    pub fn progress(&self, text: impl Into<String>) {
        self.watch.say(self.turn, text.into());
    }

    /// Whether nobody waits for the result any more: the message was cancelled, or its deadline has
    /// passed. A function that takes long may ask, and give up.
    pub fn is_cancelled(&self) -> bool {
        self.watch.is_recalled(self.token)
    }

    /// Gives a result before the last one, which is what the function gives back. The client gets them
    /// all in [`Ending::branches`](crate::Ending::branches), in order; a next server gets each as a
    /// message. They leave once the function has succeeded.
    ///
    /// ```
    /// # use palm_highlevel::{Call, Client, Failure, standalone};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = standalone::Server::new("text")
    ///     .function("lines", |call: &Call| {
    ///         let text = String::from_utf8_lossy(call.payload()).into_owned();
    ///         let mut lines: Vec<&str> = text.lines().collect();
    ///         let last = lines.pop().unwrap_or_default().to_owned();
    ///         for line in lines {
    ///             call.give(line.to_owned());
    ///         }
    ///         Ok::<_, Failure>(last)
    ///     })
    ///     .bind("tcp://127.0.0.1:*")?;
    /// let client = Client::connect(server.address())?;
    /// let mut job = client.job("text.lines")?;
    /// job.submit("one\ntwo\nthree")?;
    /// assert_eq!(job.next().unwrap().branches, ["one", "two", "three"]);
    /// # Ok(()) }
    /// ```
    pub fn give(&self, part: impl Into<Bytes>) {
        self.watch
            .make(self.turn, |made| made.parts.push(part.into()));
    }

    /// Submits a message to `function` of the server that the message came to: this one, or the master
    /// of this worker. It is executed once this function has succeeded, and only then; the message has
    /// not ended before all that came of it has.
    ///
    /// Its id is this one's with a longer path. If it fails, so does the message, unless another
    /// function goes on with it: see [`then`](Self::then).
    ///
    /// ```
    /// # use palm_highlevel::{Call, Client, Failure, FailureKind, standalone, typed};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // The number of ways to climb n steps, one or two at a time.
    /// let master = standalone::Master::new("stairs").bind("tcp://127.0.0.1:*")?;
    /// let worker = standalone::Worker::new("one")
    ///     .function("ways", |call: &Call| match call.payload()[0] {
    ///         0 | 1 => Ok::<_, Failure>(vec![1]),
    ///         n => {
    ///             call.submit("ways", vec![n - 1]);
    ///             call.submit("ways", vec![n - 2]);
    ///             call.then("add");
    ///             Ok(vec![])
    ///         }
    ///     })
    ///     .function("add", |call: &Call| {
    ///         let pieces = call.pieces()?;
    ///         let sum: u8 = pieces.results()?.iter().map(|ways| ways[0]).sum();
    ///         Ok::<_, Failure>(vec![sum])
    ///     })
    ///     .connect(master.address())?;
    /// let client = Client::connect(master.address())?;
    /// assert_eq!(client.call("stairs.ways", vec![6])?, [13][..]);
    /// # Ok(()) }
    /// ```
    pub fn submit(&self, function: &str, payload: impl Into<Bytes>) {
        self.watch
            .make(self.turn, |made| made.submit(function, payload.into()));
    }

    /// Lets `function`, of the same server, go on with the message once all that this function has
    /// [submitted](Self::submit) has ended: it is called with [`pieces`](Self::pieces), and its result
    /// is the message's. What this function gives back is the state that it gets. Nobody waits
    /// meanwhile: the worker is free. Of several calls the last counts.
    pub fn then(&self, function: &str) {
        let then = Then::Call(function.to_owned());
        self.watch.make(self.turn, |made| made.then = then);
    }

    /// What came of the messages that a function submitted, for the one that goes on.
    ///
    /// # Errors
    ///
    /// If the function is called for another reason.
    pub fn pieces(&self) -> Result<Pieces, Failure> {
        if let Some(pieces) = &self.pieces {
            return Ok(Pieces::clone(pieces));
        }
        Pieces::decode(self.payload()).map_err(|_| {
            let function = self.message.step().map_or("", |step| &step.function);
            Failure::new(format!(
                "`{function}` goes on where another function has submitted messages, and can't be \
                 called otherwise"
            ))
        })
    }

    /// Sends the result through `route`, one or more `server.function`, instead of what was to come.
    /// Of a chained server the first of them is one of its next ones; with an empty route the result
    /// goes to the client from here.
    ///
    /// A route that leads nowhere is a failure, which the client gets.
    ///
    /// ```
    /// # use palm_highlevel::{Call, Client, Failure, chained};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let end = chained::LastServer::new("end")
    ///     .function("long", |_: &Call| Ok::<_, Failure>("long"))
    ///     .function("short", |_: &Call| Ok::<_, Failure>("short"))
    ///     .bind("tcp://127.0.0.1:*")?;
    /// let first = chained::Server::new("first")
    ///     .function("look", |call: &Call| {
    ///         call.route(if call.payload().len() > 5 { "end.long" } else { "end.short" });
    ///         Ok::<_, Failure>(call.payload().clone())
    ///     })
    ///     .next("end.short", end.address())
    ///     .bind("tcp://127.0.0.1:*")?;
    /// let client = Client::connect_through(first.address(), end.address())?;
    /// assert_eq!(client.call("first.look", "a microserver")?, "long");
    /// # Ok(()) }
    /// ```
    pub fn route(&self, route: &str) {
        let route = Some(route.to_owned());
        self.watch.make(self.turn, |made| made.route = route);
    }

    /// Submits several messages to one function.
    pub(crate) fn submit_all(&self, function: &str, payloads: Vec<Bytes>) {
        self.watch.make(self.turn, |made| {
            payloads
                .into_iter()
                .for_each(|payload| made.submit(function, payload));
        });
    }

    pub(crate) fn give_pieces(&self) {
        self.watch.make(self.turn, |made| made.then = Then::Give);
    }

    /// Has `function` be called for each of the pieces, and then for the message.
    pub(crate) fn gather_each(&self, function: &str) {
        let each = Some(function.to_owned());
        self.watch.make(self.turn, |made| made.each = each);
        self.then(function);
    }

    /// For a function that is called both for each piece and for the message that they are of: what is
    /// known of the message so far, and the piece, if it is one.
    pub(crate) fn piece(&self) -> Result<(&States, u64, Option<Piece>), Failure> {
        let states = &self.home.states;
        match self.parent {
            Some(parent) => Ok((states, parent, self.pieces()?.pieces.pop())),
            None => Ok((states, self.token, None)),
        }
    }

    /// The cache of the server that the message came to: this one, or the master of this worker. A
    /// function that waits for its answer goes on using up its lease.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread or a socket for the client that asks.
    pub fn cache(&self) -> Result<Cache<'_>, Failure> {
        Ok(self.home.client()?.own_cache())
    }

    /// The part of that cache whose keys are those of the session that the message comes from, see
    /// [`Client::session_cache`](crate::Client::session_cache); of a client without a session, its
    /// own.
    ///
    /// # Errors
    ///
    /// As [`cache`](Self::cache).
    pub fn session_cache(&self) -> Result<Cache<'_>, Failure> {
        Ok(self.cache()?.of(self.id().client))
    }

    /// What a client has [`put`](Cache::put) into that cache, by the key that it was given. It is
    /// fetched once by each process and kept, up to the process's
    /// [`cache_bytes`](crate::Config::cache_bytes); what has not been asked for longest goes first.
    ///
    /// # Errors
    ///
    /// If the cache has no such value (any more), and as [`cache`](Self::cache).
    pub fn content(&self, key: impl Into<Bytes>) -> Result<Bytes, Failure> {
        self.home.content(&key.into())
    }

    /// The partition that this worker owns, if its master has partitions.
    pub fn partition(&self) -> Option<PartitionId> {
        self.partition
    }
}

/// A function of serde values, as a function of bytes.
///
/// A payload that is no `I` is a failure that says so.
///
/// ```
/// use palm_highlevel::{Failure, standalone, typed};
///
/// let server = standalone::Server::new("math")
///     .function("add", typed(|(a, b): (u32, u32)| Ok::<u32, Failure>(a + b)));
/// ```
pub fn typed<I, O, E, F>(function: F) -> impl Function
where
    I: DeserializeOwned,
    O: Serialize,
    E: Into<Failure>,
    F: Fn(I) -> Result<O, E> + Send + Sync + 'static,
{
    move |call: &Call| -> Result<Bytes, Failure> {
        let input = codec::decode(call.payload())?;
        let output = function(input).map_err(Into::into)?;
        Ok(codec::encode(&output)?.into())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::of(FailureKind::Function, message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Failure {
        Failure::of(FailureKind::Function, message)
    }
}

impl From<std::convert::Infallible> for Failure {
    fn from(never: std::convert::Infallible) -> Failure {
        match never {}
    }
}
