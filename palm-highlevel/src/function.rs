use crate::home::Home;
use crate::watch::Watch;
use crate::{Cache, Failure, FailureKind, PartitionId};
use bytes::Bytes;
use palm_core::{Id, Message, codec};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// What a server does with a message: bytes in, bytes out.
///
/// Every closure from `&Call` to a `Result` is one. It may run on several threads at a time, so it
/// is `Sync`; what it shares it guards itself.
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
    watch: Arc<Watch>,
    home: Arc<Home>,
}

impl Call {
    pub(crate) fn new(
        message: Message,
        partition: Option<PartitionId>,
        token: u64,
        watch: Arc<Watch>,
        home: Arc<Home>,
    ) -> Call {
        Call {
            message,
            partition,
            token,
            watch,
            home,
        }
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
        self.watch.say(text.into());
    }

    /// Whether nobody waits for the result any more: the message was cancelled, or its deadline has
    /// passed. A function that takes long may ask, and give up.
    pub fn is_cancelled(&self) -> bool {
        self.watch.is_recalled(self.token)
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
