//! What the build script mends in libzmq. Without its mend, each of these tests ends by an abort of
//! the process, or with parts of several messages in one.

use zmq::{Context, Socket, SocketEvent, SocketType};

/// How long anything here may take, in milliseconds.
const DEADLINE: i32 = 20_000;

fn socket(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).unwrap();
    socket.set_linger(0).unwrap();
    socket.set_rcvtimeo(DEADLINE).unwrap();
    socket.set_sndtimeo(DEADLINE).unwrap();
    socket
}

/// Hears of `events` at `socket`.
struct Monitor(Socket);

impl Monitor {
    fn new(context: &Context, socket: &Socket, events: &[SocketEvent]) -> Monitor {
        let mask = events
            .iter()
            .fold(0, |mask, event| mask | i32::from(event.to_raw()));
        socket.monitor("inproc://monitor", mask).unwrap();
        let monitor = self::socket(context, zmq::PAIR);
        monitor.connect("inproc://monitor").unwrap();
        Monitor(monitor)
    }

    fn wait_for(&self, event: SocketEvent) {
        let event = event.to_raw().to_ne_bytes();
        while self.0.recv_multipart(0).unwrap()[0][..2] != event {}
    }
}

/// A socket with three connections.
struct Star {
    center: Socket,
    monitor: Monitor,
    peers: Vec<Socket>,
}

impl Star {
    fn new() -> Star {
        let context = Context::new();
        let center = socket(&context, zmq::DEALER);
        center.set_immediate(true).unwrap();
        center.set_reconnect_ivl(1).unwrap();
        let events = [
            SocketEvent::HANDSHAKE_SUCCEEDED,
            SocketEvent::CONNECT_RETRIED,
        ];
        let monitor = Monitor::new(&context, &center, &events);
        let peers = [(); 3].map(|()| {
            let peer = socket(&context, zmq::DEALER);
            peer.bind("tcp://127.0.0.1:*").unwrap();
            center
                .connect(&peer.get_last_endpoint().unwrap().unwrap())
                .unwrap();
            monitor.wait_for(SocketEvent::HANDSHAKE_SUCCEEDED);
            peer
        });
        center.get_events().unwrap(); // Hears that it has three connections.
        Star {
            center,
            monitor,
            peers: peers.into(),
        }
    }

    /// Ends the connection to a peer. When this returns, the center has let go of it, unless it has
    /// something to read there.
    fn close(&mut self, peer: usize) {
        drop(self.peers.remove(peer));
        self.monitor.wait_for(SocketEvent::CONNECT_RETRIED);
        self.center.get_events().unwrap(); // Hears that the connection has failed, and agrees.
        self.monitor.wait_for(SocketEvent::CONNECT_RETRIED);
        self.monitor.wait_for(SocketEvent::CONNECT_RETRIED);
        self.center.get_events().unwrap(); // Hears that its consent has been heard.
    }
}

/// All pairs of peers, five times: libzmq's order of the three is not always the same.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..3)
        .flat_map(|one| (0..3).map(move |other| (one, other)))
        .cycle()
        .take(45)
}

#[test]
fn what_is_read_is_of_one_connection_when_one_ends() {
    for (current, closed) in pairs() {
        let mut star = Star::new();
        let send = |peer: usize| {
            let part = vec![peer as u8];
            star.peers[peer]
                .send_multipart([part.clone(), part], 0)
                .unwrap();
        };
        (0..30).for_each(|number| send(number % 3));
        // Read until all three take turns and it is that of the current one.
        let mut last_two = [current; 2];
        loop {
            star.center.get_events().unwrap(); // Hears who has sent something.
            let peer = usize::from(star.center.recv_bytes(0).unwrap()[0]);
            if peer == current && last_two[0] != last_two[1] && !last_two.contains(&current) {
                break;
            }
            star.center.recv_bytes(0).unwrap();
            send(peer);
            last_two = [last_two[1], peer];
        }
        star.close(closed);
        assert!(star.center.get_rcvmore().unwrap());
        assert_eq!(star.center.recv_bytes(0).unwrap(), [current as u8]);
        assert!(!star.center.get_rcvmore().unwrap());
    }
}

#[test]
fn what_is_written_is_for_one_connection_when_another_ends() {
    for (current, closed) in pairs().filter(|(current, closed)| current != closed) {
        let mut star = Star::new();
        // Write until it is the turn of the current one: they take turns in an order of libzmq's.
        let center = &star.center;
        let turns: Vec<usize> = (0..3)
            .map(|_| {
                center.send("a turn", 0).unwrap();
                let mut items: Vec<_> = star
                    .peers
                    .iter()
                    .map(|peer| peer.as_poll_item(zmq::POLLIN))
                    .collect();
                zmq::poll(&mut items, DEADLINE.into()).unwrap();
                let peer = items.iter().position(|item| item.is_readable()).unwrap();
                star.peers[peer].recv_bytes(0).unwrap();
                peer
            })
            .collect();
        for &turn in turns.iter().take_while(|&&turn| turn != current) {
            center.send("a turn", 0).unwrap();
            star.peers[turn].recv_bytes(0).unwrap();
        }
        center.send("the first part", zmq::SNDMORE).unwrap();
        star.close(closed);
        star.center.send("and the second", 0).unwrap();
        let current = if closed < current {
            current - 1
        } else {
            current
        };
        let message = star.peers[current].recv_multipart(0).unwrap();
        assert_eq!(message, [&b"the first part"[..], b"and the second"]);
    }
}

#[test]
fn a_heartbeat_is_due_when_the_connection_of_a_full_socket_has_failed() {
    let (here, there) = (Context::new(), Context::new());
    let pull = socket(&here, zmq::PULL);
    pull.set_rcvhwm(1).unwrap();
    pull.set_heartbeat_ivl(10).unwrap();
    pull.set_heartbeat_timeout(1_000).unwrap();
    let monitor = Monitor::new(&here, &pull, &[SocketEvent::DISCONNECTED]);
    pull.bind("tcp://127.0.0.1:*").unwrap();

    let push = socket(&there, zmq::PUSH);
    push.set_sndhwm(1).unwrap();
    push.connect(&pull.get_last_endpoint().unwrap().unwrap())
        .unwrap();
    push.send("the first", 0).unwrap();
    push.set_sndtimeo(50).unwrap();
    while push.send(vec![0; 100_000], 0).is_ok() {}
    drop(push); // The connection fails, and a hundred heartbeats are due before it is given up.
    monitor.wait_for(SocketEvent::DISCONNECTED);
    assert_eq!(pull.recv_bytes(0).unwrap(), b"the first");
}
