use std::time::Duration;

/// The options of a socket that differ from one use to another. All others are the same
/// everywhere and set where a socket is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// How long a dropped socket goes on sending what it holds; zero drops it at once.
    pub linger: Duration,
    /// The most bytes of one part; a peer that sends more is disconnected.
    pub max_part: usize,
    /// How often the transport probes a silent connection; it closes one that is silent for three
    /// times as long.
    pub heartbeat: Duration,
    /// The most messages that a [`Push`](crate::Push), [`Pull`](crate::Pull), [`Pub`](crate::Pub),
    /// [`Sub`](crate::Sub) or [`Pair`](crate::Pair) holds for each connection. A `Pub` drops what is
    /// beyond, all others say [`Sent::NotNow`](crate::Sent::NotNow). The other sockets have no such
    /// mark: who uses them bounds what is under way, as [lanes](crate::lane) do.
    pub queue: usize,
}

impl Default for SocketOptions {
    fn default() -> SocketOptions {
        SocketOptions {
            linger: Duration::from_secs(1),
            max_part: crate::wire::MAX_PAYLOAD,
            heartbeat: Duration::from_secs(1),
            queue: 1_000,
        }
    }
}

impl SocketOptions {
    pub(super) fn apply(&self, socket: &zmq::Socket) -> zmq::Result<()> {
        let heartbeat = milliseconds(self.heartbeat);
        socket.set_linger(milliseconds(self.linger))?;
        socket.set_maxmsgsize(i64::try_from(self.max_part).unwrap_or(i64::MAX))?;
        // Lanes bound what is under way by credit; a mark here would drop or stall instead.
        socket.set_sndhwm(0)?;
        socket.set_rcvhwm(0)?;
        socket.set_heartbeat_ivl(heartbeat)?;
        socket.set_heartbeat_timeout(heartbeat.saturating_mul(3))?;
        socket.set_heartbeat_ttl(heartbeat.saturating_mul(3))?;
        socket.set_handshake_ivl(2000)?;
        socket.set_reconnect_ivl(100)?;
        socket.set_reconnect_ivl_max(1000)?;
        socket.set_connect_timeout(3000)?;
        socket.set_tcp_keepalive(1)?;
        Ok(())
    }
}

fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
