//! A guide from the first server to masters, chains and pipelines. It holds no code, each step of it
//! is a program that runs.
//!
//! # 1. A server
//!
//! A server has a name and functions; a client calls `server.function`. Functions take and give
//! bytes, [`typed`](crate::typed) makes one of a function of serde values. What a function can't do
//! it says with a [`Failure`](crate::Failure), and that is what its client gets.
//!
//! ```
//! use palm_highlevel::{Client, Failure, standalone, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = standalone::Server::new("text")
//!     .function("length", typed(|text: String| Ok::<usize, Failure>(text.len())))
//!     .bind("tcp://127.0.0.1:*")?;
//! let client = Client::connect(server.address())?;
//! assert_eq!(client.call_typed::<_, usize>("text.length", "spam")?, 4);
//! # Ok(()) }
//! ```
//!
//! A server runs until it is dropped, or told to stop. It does not matter whether it or its client is
//! started first.
//!
//! # 2. A job
//!
//! A call is one message. A job is a stream of them: submit, and take the endings as they come. Each
//! message has one, a result or a failure, whatever crashes in between; its index says which
//! message it is of.
//!
//! ```
//! use palm_core::codec;
//! use palm_highlevel::{Client, Failure, standalone, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = standalone::Server::new("math")
//!     .function("square", typed(|x: u64| Ok::<u64, Failure>(x * x)))
//!     .bind("tcp://127.0.0.1:*")?;
//! let client = Client::connect(server.address())?;
//! let mut job = client.job("math.square")?;
//! for number in 0..100u64 {
//!     job.submit(codec::encode(&number)?)?;
//! }
//! let mut sum = 0;
//! for ending in &mut job {
//!     sum += codec::decode::<u64>(&ending.result?)?;
//! }
//! assert_eq!(sum, 328_350);
//! # Ok(()) }
//! ```
//!
//! # 3. A master and its workers
//!
//! What is too much for one process goes to many. The functions move to workers, the client stays as
//! it is. Workers come and go at any time; what one held that was killed, another does. What all
//! messages need, a large model say, they need not carry: [`Cache::put`](crate::Cache::put) it
//! once, and every worker fetches it once.
//!
//! ```
//! use palm_highlevel::{Call, Client, Failure, standalone};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let master = standalone::Master::new("models").bind("tcp://127.0.0.1:*")?;
//! // Each of them would be a process of its own.
//! let worker = |name: &str| {
//!     standalone::Worker::new(name)
//!         .function("size", |call: &Call| {
//!             let model = call.content(call.payload().clone())?;
//!             Ok::<_, Failure>(model.len().to_string())
//!         })
//!         .connect(master.address())
//! };
//! let _workers = [worker("one")?, worker("two")?];
//! let client = Client::connect(master.address())?;
//! let model = client.cache("models").put("a large model")?;
//! assert_eq!(client.call("models.size", model)?, "13");
//! # Ok(()) }
//! ```
//!
//! A master whose workers each keep a part of what came, and hold it, is
//! [`partitioned`](crate::standalone::Master::partitioned).
//!
//! # 4. A chain
//!
//! In a chain the result of one server is the message of the next. The client sends to the first and
//! listens at the last. A server with several next ones is a tee, one with several previous ones a
//! [`Sink`](crate::chained::Sink); each may be a master with workers instead.
//!
//! ```
//! use palm_highlevel::{Call, Client, Failure, chained};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let last = chained::LastServer::new("count")
//!     .function("letters", |call: &Call| Ok::<_, Failure>(call.payload().len().to_string()))
//!     .bind("tcp://127.0.0.1:*")?;
//! let first = chained::Server::new("clean")
//!     .function("strip", |call: &Call| Ok::<_, Failure>(call.payload().trim_ascii().to_vec()))
//!     .next("count.letters", last.address())
//!     .bind("tcp://127.0.0.1:*")?;
//! let client = Client::connect_through(first.address(), last.address())?;
//! assert_eq!(client.call("clean.strip", "  spam ")?, "4");
//! # Ok(()) }
//! ```
//!
//! # 5. A pipeline
//!
//! In a pipeline servers have names instead of addresses, which they tell a registry, and each message
//! says where it goes.
//!
//! ```
//! use palm_highlevel::{Call, Failure, pipelined};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = pipelined::Registry::new().bind("tcp://127.0.0.1:*")?;
//! let _clean = pipelined::Server::new("clean")
//!     .function("strip", |call: &Call| Ok::<_, Failure>(call.payload().trim_ascii().to_vec()))
//!     .bind("tcp://127.0.0.1:*", registry.address())?;
//! let _count = pipelined::Server::new("count")
//!     .function("letters", |call: &Call| Ok::<_, Failure>(call.payload().len().to_string()))
//!     .bind("tcp://127.0.0.1:*", registry.address())?;
//! let client = pipelined::Client::connect(registry.address())?;
//! assert_eq!(client.call("clean.strip count.letters", "  spam ")?, "4");
//! assert_eq!(client.call("count.letters", "  spam ")?, "7");
//! # Ok(()) }
//! ```
//!
//! # 6. Messages that make messages
//!
//! A master can split a message, have its workers do the pieces, and make one result of theirs: it
//! scatters and gathers. Whatever is killed meanwhile, each message ends once, with all of its pieces.
//!
//! ```
//! use palm_core::codec;
//! use palm_highlevel::{Call, Client, Failure, standalone, typed};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let master = standalone::Master::new("math")
//!     .scatter("squares", "square", |call: &Call| {
//!         let numbers: Vec<u64> = codec::decode(call.payload())?;
//!         let numbers = numbers.iter().map(codec::encode);
//!         numbers.collect::<Result<Vec<_>, _>>().map_err(Failure::from)
//!     })
//!     .gather("squares", |_: &Call, squares| {
//!         let mut sum = 0;
//!         for square in squares.results()? {
//!             sum += codec::decode::<u64>(square)?;
//!         }
//!         codec::encode(&sum).map_err(Failure::from)
//!     })
//!     .bind("tcp://127.0.0.1:*")?;
//! let worker = standalone::Worker::new("one")
//!     .function("square", typed(|x: u64| Ok::<u64, Failure>(x * x)))
//!     .connect(master.address())?;
//! let client = Client::connect(master.address())?;
//! let sum: u64 = client.call_typed("math.squares", &vec![1u64, 2, 3])?;
//! assert_eq!(sum, 14);
//! # Ok(()) }
//! ```
//!
//! [`Master::gather_each`](crate::standalone::Master::gather_each) takes the pieces one by one, as they
//! come. Any function can do the same for itself: it [submits](crate::Call::submit) messages to its own
//! server, and names the function that [goes on](crate::Call::then) once these have ended; those may
//! submit further ones. It can [give](crate::Call::give) several results instead of one, and say by which
//! [route](crate::Call::route) they go on. What a function makes becomes true with its success: if its
//! worker dies before, another makes it.
//!
//! # 7. A server of one's own
//!
//! What none of these is you make yourself, of sockets, links and one `match`:
//! [`palm_core::guide`] shows how.
