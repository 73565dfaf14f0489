use super::{Context, Frames, Part, PeerId, Pollable, Sent, Socket, SocketOptions, Taken, one_way};
use crate::event_loop::Interest;
use crate::{Endpoint, Error, Result};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Asks a [`Rep`], one question at a time.
///
/// An answer always belongs to the last question: whoever asks again before it came has given the
/// first one up, and what comes late for that is dropped.
///
/// ```
/// use palm_core::{Context, Endpoint, EventLoop, Frames, Rep, Req};
/// use std::time::Duration;
///
/// # fn main() -> palm_core::Result<()> {
/// let (context, options) = (Context::new(), Default::default());
/// let rep = Rep::bind(&context, &[Endpoint::parse("tcp://127.0.0.1:*")?], &options)?;
/// let addresses = rep.addresses().to_vec();
/// let client = std::thread::spawn(move || -> palm_core::Result<Option<Frames>> {
///     let req = Req::connect(&Context::new(), &addresses, &Default::default())?;
///     req.ask(Frames::one("6 x 7"), Duration::from_secs(10))
/// });
///
/// let mut events = EventLoop::new()?;
/// while !events.step(&[&rep], None)?.readable(0) {}
/// assert_eq!(rep.receive()?, Some(Frames::one("6 x 7")));
/// rep.send(Frames::one("42"))?;
/// assert_eq!(client.join().unwrap()?, Some(Frames::one("42")));
/// # Ok(()) }
/// ```
pub struct Req {
    socket: Socket,
}

/// Answers [`Req`]s, one question at a time: it takes the next once the last is answered. Who wants
/// to take many and answer in another order uses a [`Router`](crate::Router), to which
/// [`Dealer`](crate::Dealer)s connect. The example is at [`Req`].
pub struct Rep {
    socket: Socket,
    /// A question was taken and not answered.
    asked: Cell<bool>,
}

impl Req {
    fn of(socket: Socket) -> Req {
        Req { socket }
    }

    /// Asks. It never blocks: without a connection it says [`Sent::NotNow`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses.
    pub fn send(&self, question: Frames) -> Result<Sent> {
        self.socket.send_frames(question)
    }

    /// The answer to the last question, or `None` if it has not come. It never blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<Frames>> {
        match self.socket.receive_frames() {
            // Nothing was asked: there is no answer either.
            Err(error) if is_out_of_turn(&error) => Ok(None),
            received => received,
        }
    }

    /// Asks and waits for the answer; `None` if it has not come within `patience`. It blocks its
    /// thread, unlike all else here, and is for programs that have nothing to do meanwhile. Whoever
    /// answers may be started while it waits. Whether a question without an answer was heard nobody
    /// knows: ask again only what may be done twice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn ask(&self, question: Frames, patience: Duration) -> Result<Option<Frames>> {
        let deadline = Instant::now().checked_add(patience);
        while self.send(question.clone())? != Sent::Yes {
            if !self.socket.wait(zmq::POLLOUT, deadline)? {
                return Ok(None);
            }
        }
        loop {
            if let Some(answer) = self.receive()? {
                return Ok(Some(answer));
            }
            if !self.socket.wait(zmq::POLLIN, deadline)? {
                return Ok(None);
            }
        }
    }
}

impl Rep {
    fn of(socket: Socket) -> Rep {
        Rep {
            socket,
            asked: Cell::new(false),
        }
    }

    /// The next question, or `None` if there is none or the last is not answered yet. It never
    /// blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq refuses, as when its context ends.
    pub fn receive(&self) -> Result<Option<Frames>> {
        if self.asked.get() {
            return Ok(None);
        }
        let question = self.socket.receive_frames()?;
        self.asked.set(question.is_some());
        Ok(question)
    }

    /// Answers the question that was received. It never blocks. If who asked is gone, nobody hears
    /// the answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfTurn`](crate::ErrorKind::OutOfTurn) if there is no question to answer; [`ErrorKind::Io`](crate::ErrorKind::Io) if libzmq
    /// refuses.
    pub fn send(&self, answer: Frames) -> Result<Sent> {
        if !self.asked.replace(false) {
            return Err(one_way("there is no question that a Rep could answer"));
        }
        self.socket.send_frames(answer)
    }
}

/// Whether libzmq says that it is not this socket's turn.
fn is_out_of_turn(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<zmq::Error>());
    source == Some(&zmq::Error::EFSM)
}

ends!(Req, |context: &Context,
            options: &SocketOptions|
 -> Result<Socket> {
    let socket = Socket::new(context, zmq::REQ, options)?;
    // Without the two, a question whose answer is lost is the last one.
    let relaxed = socket.inner.set_req_relaxed(true);
    let set = relaxed.and_then(|()| socket.inner.set_req_correlate(true));
    socket.with(set)?.for_connections()
});
ends!(Rep, |context, options| Socket::new(
    context,
    zmq::REP,
    options
));

impl Part for Req {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(Taken::from))
    }

    fn give(&mut self, _: Option<PeerId>, frames: Frames) -> Result<Sent> {
        self.send(frames)
    }
}

impl Part for Rep {
    fn take(&mut self) -> Result<Option<Taken>> {
        Ok(self.receive()?.map(Taken::from))
    }

    fn give(&mut self, _: Option<PeerId>, frames: Frames) -> Result<Sent> {
        self.send(frames)
    }
}
