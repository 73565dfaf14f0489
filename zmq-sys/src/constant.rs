//! The numbers of `zmq.h`, by the sections of the header.

// Context options.

/// Number of I/O threads of a context.
pub const ZMQ_IO_THREADS: u32 = 1;
/// I/O threads of a context that sets no number.
pub const ZMQ_IO_THREADS_DFLT: u32 = 1;
/// Most sockets that a context may hold open at a time.
pub const ZMQ_MAX_SOCKETS: u32 = 2;

// Socket types.

/// Exclusive link between exactly two sockets.
pub const ZMQ_PAIR: u32 = 0;
/// Publisher, which fans messages out to its subscribers.
pub const ZMQ_PUB: u32 = 1;
/// Subscriber, which takes the topics that it has asked for.
pub const ZMQ_SUB: u32 = 2;
/// Requester, which sends and receives in strict alternation.
pub const ZMQ_REQ: u32 = 3;
/// Replier, the counterpart of [`ZMQ_REQ`].
pub const ZMQ_REP: u32 = 4;
/// Sends to its peers in turn and receives from them fairly.
pub const ZMQ_DEALER: u32 = 5;
/// Addresses each message to the peer that its first frame names.
pub const ZMQ_ROUTER: u32 = 6;
/// Receiving end of a pipeline.
pub const ZMQ_PULL: u32 = 7;
/// Sending end of a pipeline.
pub const ZMQ_PUSH: u32 = 8;
/// [`ZMQ_PUB`] that also receives the subscriptions.
pub const ZMQ_XPUB: u32 = 9;
/// [`ZMQ_SUB`] that sends its subscriptions as messages.
pub const ZMQ_XSUB: u32 = 10;
/// Plain TCP peers, addressed as [`ZMQ_ROUTER`] does.
pub const ZMQ_STREAM: u32 = 11;

// Socket options.

/// Bit mask of the I/O threads that serve new connections (`u64`).
pub const ZMQ_AFFINITY: u32 = 4;
/// Name under which a ROUTER peer knows this socket (bytes).
pub const ZMQ_ROUTING_ID: u32 = 5;
/// Topic prefix to add to a SUB socket (bytes).
pub const ZMQ_SUBSCRIBE: u32 = 6;
/// Topic prefix to remove from a SUB socket (bytes).
pub const ZMQ_UNSUBSCRIBE: u32 = 7;
/// Highest multicast rate, in kilobits a second (`int`).
pub const ZMQ_RATE: u32 = 8;
/// How long a multicast receiver may lag and still recover, in milliseconds (`int`).
pub const ZMQ_RECOVERY_IVL: u32 = 9;
/// Kernel's transmit buffer, in bytes; -1 leaves it to the system (`int`).
pub const ZMQ_SNDBUF: u32 = 11;
/// Kernel's receive buffer, in bytes; -1 leaves it to the system (`int`).
pub const ZMQ_RCVBUF: u32 = 12;
/// Whether the last frame received has a successor (`int`, read only).
pub const ZMQ_RCVMORE: u32 = 13;
/// Descriptor that signals a change of [`ZMQ_EVENTS`] (read only).
pub const ZMQ_FD: u32 = 14;
/// What the socket is ready for, as poll flags (`int`, read only).
pub const ZMQ_EVENTS: u32 = 15;
/// Type of the socket (`int`, read only).
pub const ZMQ_TYPE: u32 = 16;
/// How long unsent messages outlive a closed socket, in milliseconds; -1 is for ever (`int`).
pub const ZMQ_LINGER: u32 = 17;
/// First pause before a connection is tried again, in milliseconds (`int`).
pub const ZMQ_RECONNECT_IVL: u32 = 18;
/// Most connections that wait to be accepted (`int`).
pub const ZMQ_BACKLOG: u32 = 19;
/// Longest pause between attempts to reconnect, in milliseconds (`int`).
pub const ZMQ_RECONNECT_IVL_MAX: u32 = 21;
/// Largest frame accepted, in bytes; a peer that exceeds it is cut off; -1 is no limit (`i64`).
pub const ZMQ_MAXMSGSIZE: u32 = 22;
/// Most outgoing messages queued per peer; 0 is no limit (`int`).
pub const ZMQ_SNDHWM: u32 = 23;
/// Most incoming messages queued per peer; 0 is no limit (`int`).
pub const ZMQ_RCVHWM: u32 = 24;
/// Network hops that a multicast packet may take (`int`).
pub const ZMQ_MULTICAST_HOPS: u32 = 25;
/// How long a receive blocks, in milliseconds; -1 is for ever (`int`).
pub const ZMQ_RCVTIMEO: u32 = 27;
/// How long a send blocks, in milliseconds; -1 is for ever (`int`).
pub const ZMQ_SNDTIMEO: u32 = 28;
/// Endpoint last bound or connected, wildcards resolved (string, read only).
pub const ZMQ_LAST_ENDPOINT: u32 = 32;
/// Whether a ROUTER reports what it cannot route instead of dropping it (`int`).
pub const ZMQ_ROUTER_MANDATORY: u32 = 33;
/// Whether TCP keeps idle connections alive; -1 leaves it to the system (`int`).
pub const ZMQ_TCP_KEEPALIVE: u32 = 34;
/// Unanswered TCP probes before a connection is dropped (`int`).
pub const ZMQ_TCP_KEEPALIVE_CNT: u32 = 35;
/// Idle time before the first TCP probe, in seconds (`int`).
pub const ZMQ_TCP_KEEPALIVE_IDLE: u32 = 36;
/// Time between TCP probes, in seconds (`int`).
pub const ZMQ_TCP_KEEPALIVE_INTVL: u32 = 37;
/// Whether messages are queued to completed connections only (`int`).
pub const ZMQ_IMMEDIATE: u32 = 39;
/// Whether an XPUB passes on repeated subscriptions too (`int`).
pub const ZMQ_XPUB_VERBOSE: u32 = 40;
/// Whether the socket speaks IPv6 as well as IPv4 (`int`).
pub const ZMQ_IPV6: u32 = 42;
/// Security mechanism in force (`int`, read only).
pub const ZMQ_MECHANISM: u32 = 43;
/// Whether the socket is the server side of PLAIN (`int`).
pub const ZMQ_PLAIN_SERVER: u32 = 44;
/// User name of a PLAIN client (string).
pub const ZMQ_PLAIN_USERNAME: u32 = 45;
/// Password of a PLAIN client (string).
pub const ZMQ_PLAIN_PASSWORD: u32 = 46;
/// Whether the socket is the server side of CURVE (`int`).
pub const ZMQ_CURVE_SERVER: u32 = 47;
/// Public key of this socket (32 bytes, or 40 characters of Z85).
pub const ZMQ_CURVE_PUBLICKEY: u32 = 48;
/// Secret key of this socket (32 bytes, or 40 characters of Z85).
pub const ZMQ_CURVE_SECRETKEY: u32 = 49;
/// Server's public key, as its client must know it (32 bytes, or 40 characters of Z85).
pub const ZMQ_CURVE_SERVERKEY: u32 = 50;
/// Whether each new connection opens with an empty message (`int`).
pub const ZMQ_PROBE_ROUTER: u32 = 51;
/// Whether a REQ numbers its requests to match the replies (`int`).
pub const ZMQ_REQ_CORRELATE: u32 = 52;
/// Whether a REQ may send anew without a reply (`int`).
pub const ZMQ_REQ_RELAXED: u32 = 53;
/// Whether a socket keeps only its last message (`int`).
pub const ZMQ_CONFLATE: u32 = 54;
/// Domain handed to the authentication handler (string).
pub const ZMQ_ZAP_DOMAIN: u32 = 55;
/// Whether a new peer takes a routing id over from the old one (`int`).
pub const ZMQ_ROUTER_HANDOVER: u32 = 56;
/// Type-of-service field of the IP packets (`int`).
pub const ZMQ_TOS: u32 = 57;
/// Whether the socket is the server side of GSSAPI (`int`).
pub const ZMQ_GSSAPI_SERVER: u32 = 62;
/// Principal that the socket acts for (string).
pub const ZMQ_GSSAPI_PRINCIPAL: u32 = 63;
/// Principal of the server that a GSSAPI client connects to (string).
pub const ZMQ_GSSAPI_SERVICE_PRINCIPAL: u32 = 64;
/// Whether GSSAPI authenticates without encryption (`int`).
pub const ZMQ_GSSAPI_PLAINTEXT: u32 = 65;
/// Longest handshake, in milliseconds; 0 is no limit (`int`).
pub const ZMQ_HANDSHAKE_IVL: u32 = 66;
/// SOCKS5 proxy through which to connect (string).
pub const ZMQ_SOCKS_PROXY: u32 = 68;
/// Message that each new subscriber receives first (bytes).
pub const ZMQ_XPUB_WELCOME_MSG: u32 = 72;
/// Time between ZMTP pings, in milliseconds; 0 sends none (`int`).
pub const ZMQ_HEARTBEAT_IVL: u32 = 75;
/// Time after which the peer is told to give up on silence, in milliseconds (`int`).
pub const ZMQ_HEARTBEAT_TTL: u32 = 76;
/// Time to wait for an answer to a ping, in milliseconds (`int`).
pub const ZMQ_HEARTBEAT_TIMEOUT: u32 = 77;
/// Longest TCP connect, in milliseconds; 0 leaves it to the system (`int`).
pub const ZMQ_CONNECT_TIMEOUT: u32 = 79;

// Message properties.

/// Whether another frame of the same message follows.
pub const ZMQ_MORE: u32 = 1;

// Send and receive flags.

/// Fail with `EAGAIN` instead of blocking.
pub const ZMQ_DONTWAIT: u32 = 1;
/// More frames of this message follow.
pub const ZMQ_SNDMORE: u32 = 2;

// Security mechanisms.

/// No authentication and no encryption.
pub const ZMQ_NULL: u32 = 0;
/// User name and password in clear text.
pub const ZMQ_PLAIN: u32 = 1;
/// Mutual authentication and encryption with elliptic curves.
pub const ZMQ_CURVE: u32 = 2;
/// Authentication through GSSAPI, usually Kerberos.
pub const ZMQ_GSSAPI: u32 = 3;

// Monitor events.

/// A connection is up.
pub const ZMQ_EVENT_CONNECTED: u32 = 0x0001;
/// A connection attempt goes on in the background.
pub const ZMQ_EVENT_CONNECT_DELAYED: u32 = 0x0002;
/// A connection will be tried again; the value is the pause in milliseconds.
pub const ZMQ_EVENT_CONNECT_RETRIED: u32 = 0x0004;
/// An endpoint is bound.
pub const ZMQ_EVENT_LISTENING: u32 = 0x0008;
/// An endpoint could not be bound; the value is an errno.
pub const ZMQ_EVENT_BIND_FAILED: u32 = 0x0010;
/// A peer's connection was accepted.
pub const ZMQ_EVENT_ACCEPTED: u32 = 0x0020;
/// A peer's connection could not be accepted; the value is an errno.
pub const ZMQ_EVENT_ACCEPT_FAILED: u32 = 0x0040;
/// A connection was closed from this side.
pub const ZMQ_EVENT_CLOSED: u32 = 0x0080;
/// Closing a connection failed; the value is an errno.
pub const ZMQ_EVENT_CLOSE_FAILED: u32 = 0x0100;
/// A connection broke.
pub const ZMQ_EVENT_DISCONNECTED: u32 = 0x0200;
/// Monitoring has ended; nothing follows.
pub const ZMQ_EVENT_MONITOR_STOPPED: u32 = 0x0400;
/// Every event.
pub const ZMQ_EVENT_ALL: u32 = 0xFFFF;
/// A handshake failed for a reason of the system; the value is an errno.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: u32 = 0x0800;
/// A handshake is complete.
pub const ZMQ_EVENT_HANDSHAKE_SUCCEEDED: u32 = 0x1000;
/// A handshake broke the protocol.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: u32 = 0x2000;
/// A peer was refused; the value is the status of the authentication handler.
pub const ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: u32 = 0x4000;

// Poll flags.

/// There is something to receive.
pub const ZMQ_POLLIN: u32 = 1;
/// A send would not block.
pub const ZMQ_POLLOUT: u32 = 2;
/// A plain descriptor is in an error state.
pub const ZMQ_POLLERR: u32 = 4;
/// A plain descriptor has urgent data.
pub const ZMQ_POLLPRI: u32 = 8;
