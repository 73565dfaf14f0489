//! A guide from the first socket to a server of one's own. It holds no code, each step of it is a
//! program that runs.
//!
//! Whoever only wants functions executed, by one process or by many, need not read it: that is what
//! `palm-highlevel` is for, which has a guide of its own. This one is for a server that none of its
//! templates is.
//!
//! # 1. Ask and answer
//!
//! A [`Rep`] answers, a [`Req`] asks. One of the two binds an address, the other connects to it; `*`
//! is a port that the system chooses, and [`addresses`](crate::Rep::addresses) says which. It does not
//! matter who starts first.
//!
//! Nothing here blocks but [`Req::ask`], which waits for as long as it is told. Whoever waits for
//! more than one thing has an [`EventLoop`] do it: a step of it ends when a socket has something.
//!
//! A socket belongs to one thread at a time. Mostly a thread makes its own.
//!
//! ```
//! use palm_core::{Context, Endpoint, EventLoop, Frames, Rep, Req};
//! use std::{thread, time::Duration};
//!
//! # fn main() -> palm_core::Result<()> {
//! let any_port = [Endpoint::parse("tcp://127.0.0.1:*")?];
//! let rep = Rep::bind(&Context::new(), &any_port, &Default::default())?;
//! let addresses = rep.addresses().to_vec();
//! let client = thread::spawn(move || {
//!     let req = Req::connect(&Context::new(), &addresses, &Default::default())?;
//!     req.ask(Frames::one("Ann"), Duration::from_secs(10))
//! });
//!
//! let mut events = EventLoop::new()?;
//! while !events.step(&[&rep], None)?.readable(0) {}
//! let name = rep.receive()?.expect("it is readable");
//! rep.send(Frames::one([b"Hello ", &name.first[..]].concat()))?;
//! assert_eq!(client.join().unwrap()?, Some(Frames::one("Hello Ann")));
//! # Ok(()) }
//! ```
//!
//! # 2. A server is a match
//!
//! A server has several sockets, timers, and somebody who stops it. On a [`Switchboard`] each has a
//! name, of an `enum` of the server's, and [`wait`](crate::Switchboard::wait) gives what comes next. So a
//! server is that: what it is plugged together from, and one `match`.
//!
//! This one has a [`Router`] in place of the `Rep`. A router has many peers at once, and answers
//! whom and when it likes: here it counts, and answers who asked. Its peers are [`Dealer`]s.
//!
//! ```
//! use palm_core::{Context, Dealer, Endpoint, Event, Frames, Router, StopHandle, Switchboard};
//! use std::{sync::mpsc, thread, time::Duration};
//!
//! #[derive(Clone, Copy, PartialEq)]
//! enum Part { Clients, Report }
//!
//! fn serve(started: mpsc::Sender<(Endpoint, StopHandle)>) -> palm_core::Result<u64> {
//!     let any_port = [Endpoint::parse("tcp://127.0.0.1:*")?];
//!     let router = Router::bind(&Context::new(), &any_port, &Default::default())?;
//!     let address = router.addresses()[0].clone();
//!     let mut board = Switchboard::new()?;
//!     board.plug(Part::Clients, router);
//!     board.every(Part::Report, Duration::from_secs(60));
//!     started.send((address, board.stop_handle())).expect("somebody waits for it");
//!
//!     let mut count = 0;
//!     while let Some(event) = board.wait()? {
//!         match event {
//!             Event::Message(Part::Clients, peer, _) => {
//!                 count += 1;
//!                 board.send(Part::Clients, peer, Frames::one(count.to_string()))?;
//!             }
//!             Event::Timer(Part::Report) => println!("{count} messages so far"),
//!             _ => {}
//!         }
//!     }
//!     Ok(count)
//! }
//!
//! # fn main() -> palm_core::Result<()> {
//! let (started, starting) = mpsc::channel();
//! let server = thread::spawn(|| serve(started));
//! let (address, stop) = starting.recv().unwrap();
//!
//! // A client is a server too, with one part.
//! let mut board = Switchboard::new()?;
//! board.plug((), Dealer::connect(&Context::new(), &address, &Default::default())?);
//! board.send((), None, Frames::one("first"))?;
//! board.send((), None, Frames::one("second"))?;
//! let answers = [board.wait()?.unwrap(), board.wait()?.unwrap()];
//! assert_eq!(answers[0], Event::Message((), None, Frames::one("1")));
//! assert_eq!(answers[1], Event::Message((), None, Frames::one("2")));
//! stop.stop();
//! assert_eq!(server.join().unwrap()?, 2);
//! # Ok(()) }
//! ```
//!
//! The match is quick, or everybody waits: what takes long belongs on a thread of its own, which
//! hands its results over by a channel and then calls [`Waker::wake`]. The server hears of it as
//! [`Event::Woken`].
//!
//! What has nothing to do with the rest, like the question whether the server is alive, passes the
//! match by: [`bypass`](crate::Switchboard::bypass).
//!
//! # 3. Tell everybody
//!
//! A [`Pub`] tells all that have subscribed, and waits for none of them. Who comes late has missed
//! what was before, and who is slow misses something; but a [`Sub`] knows how much, since each message
//! of a topic has a number.
//!
//! ```
//! use palm_core::{Context, Endpoint, Event, Pub, Sub, Switchboard};
//!
//! # fn main() -> palm_core::Result<()> {
//! let any_port = [Endpoint::parse("tcp://127.0.0.1:*")?];
//! let mut news = Pub::bind(&Context::new(), &any_port, &Default::default())?;
//! let address = news.addresses().to_vec();
//! let mut board = Switchboard::new()?;
//! board.plug("weather", Sub::connect(&Context::new(), &address, &["rain"], &Default::default())?);
//!
//! while news.joined()?.is_none() {
//!     std::thread::yield_now(); // A server would wait for this as for all else.
//! }
//! news.send("rain", "in the north")?;
//! news.skip("rain", 1); // One is lost before it is sent.
//! news.send("rain", "everywhere")?;
//!
//! let mut heard = Vec::new();
//! while heard.len() < 3 {
//!     heard.push(match board.wait()?.unwrap() {
//!         Event::Message(_, _, frames) => frames.second.unwrap_or_default(),
//!         Event::Missed(_, count) => format!("{count} missing").into(),
//!         _ => continue,
//!     });
//! }
//! assert_eq!(heard, ["in the north", "1 missing", "everywhere"]);
//! # Ok(()) }
//! ```
//!
//! # 4. Let nothing be lost
//!
//! That a socket has taken a message does not mean that it arrives. The connection may break, and the
//! peer may die with what it was given. A [`Link`] between two processes keeps each message until it
//! is answered, sends again what did not arrive, passes over what arrives twice, and sends no more
//! than the other end has room for. It owns no socket: its frames go by a `Router` on one side and a
//! `Dealer` on the other, [`send_link`](crate::Switchboard::send_link) sends them.
//!
//! Here a server gives each worker that comes three questions. The first answers one of them and
//! goes away; what it has left undone is the second's.
//!
//! ```
//! use palm_core::{Context, Dealer, Endpoint, Event, Incarnation, Link, PeerId, Received, Router,
//!     Sent, Switchboard};
//! use std::{collections::{BTreeMap, BTreeSet}, thread, time::Duration};
//!
//! const HEARTBEAT: Duration = Duration::from_millis(20);
//!
//! fn work(server: &Endpoint, mut answers: u32) -> palm_core::Result<()> {
//!     let mut board = Switchboard::new()?;
//!     board.plug("server", Dealer::connect(&Context::new(), server, &Default::default())?);
//!     board.every("heartbeat", HEARTBEAT);
//!     let mut link = Link::new(Incarnation::random(), 10);
//!     while answers > 0 || link.pending() > 0 {
//!         board.send_link("server", None, &mut link)?;
//!         match board.wait()?.expect("nobody stops it") {
//!             Event::Message(_, _, frames) => for received in link.receive(frames)? {
//!                 if let Received::Message { number, payload } = received && answers > 0 {
//!                     link.answer(number, payload.to_ascii_uppercase())?;
//!                     answers -= 1;
//!                 }
//!             },
//!             Event::Timer(_) => drop(link.tick()),
//!             _ => {}
//!         }
//!     }
//!     board.send_link("server", None, &mut link)?;
//!     Ok(())
//! }
//!
//! # fn main() -> palm_core::Result<()> {
//! let any_port = [Endpoint::parse("tcp://127.0.0.1:*")?];
//! let router = Router::bind(&Context::new(), &any_port, &Default::default())?;
//! let address = router.addresses()[0].clone();
//! let mut board = Switchboard::new()?;
//! board.plug("workers", router);
//! board.every("heartbeat", HEARTBEAT);
//! let workers = thread::spawn(move || work(&address, 1).and_then(|()| work(&address, 2)));
//!
//! let mut waiting = vec!["one", "two", "three"].into_iter().map(Into::into).collect::<Vec<_>>();
//! let mut links: BTreeMap<PeerId, Link> = BTreeMap::new();
//! let mut gone = BTreeSet::new(); // What they sent before may still come.
//! let mut answers = Vec::new();
//! while answers.len() < 3 {
//!     match board.wait()?.unwrap() {
//!         Event::Message(_, Some(peer), frames) if !gone.contains(&peer) => {
//!             let link = links.entry(peer).or_insert_with(|| Link::new(Incarnation::random(), 10));
//!             for received in link.receive(frames)? {
//!                 if let Received::Answer { payload, .. } = received {
//!                     answers.push(payload);
//!                 }
//!             }
//!         }
//!         Event::Timer(_) => for link in links.values_mut() {
//!             link.tick(); // The next frame is a heartbeat, and finds out who is gone.
//!         },
//!         _ => {}
//!     }
//!     for (peer, mut link) in std::mem::take(&mut links) {
//!         for question in waiting.drain(..) {
//!             link.push(question)?;
//!         }
//!         match board.send_link("workers", peer, &mut link)? {
//!             Sent::Unreachable => {
//!                 gone.insert(peer);
//!                 waiting.extend(link.unanswered().cloned());
//!             }
//!             _ => drop(links.insert(peer, link)),
//!         }
//!     }
//! }
//! answers.sort();
//! assert_eq!(answers, ["ONE", "THREE", "TWO"]);
//! workers.join().unwrap()
//! # }
//! ```
//!
//! # From here
//!
//! The repository's `examples` have three servers made of this: `custom_server` is the smallest,
//! `broker` gives workers the most urgent job first, and `event_tree` grows a simulation over
//! processes that may be killed. Below the link are the [lanes](crate::lane) and the
//! [wire](crate::wire), of which `palm-highlevel` has made its engine.
//!
//! [`Dealer`]: crate::Dealer
//! [`Event::Woken`]: crate::Event::Woken
//! [`EventLoop`]: crate::EventLoop
//! [`Link`]: crate::Link
//! [`Pub`]: crate::Pub
//! [`Rep`]: crate::Rep
//! [`Req`]: crate::Req
//! [`Req::ask`]: crate::Req::ask
//! [`Router`]: crate::Router
//! [`Sub`]: crate::Sub
//! [`Switchboard`]: crate::Switchboard
//! [`Waker::wake`]: crate::Waker::wake
