//! The library as the `zmq` crate sees it: its version, and CURVE over tcp.

use zmq::{Context, CurveKeyPair, Mechanism, Socket};

/// How long a message may take before a test fails, in milliseconds.
const DEADLINE: i32 = 20_000;

fn socket(context: &Context, kind: zmq::SocketType) -> Socket {
    let socket = context.socket(kind).unwrap();
    socket.set_linger(0).unwrap();
    socket.set_rcvtimeo(DEADLINE).unwrap();
    socket.set_sndtimeo(DEADLINE).unwrap();
    socket
}

fn bind(socket: &Socket) -> String {
    socket.bind("tcp://127.0.0.1:*").unwrap();
    socket.get_last_endpoint().unwrap().unwrap()
}

fn curve_server(context: &Context, keys: &CurveKeyPair) -> (Socket, String) {
    let server = socket(context, zmq::REP);
    server.set_curve_server(true).unwrap();
    server.set_curve_secretkey(&keys.secret_key).unwrap();
    let endpoint = bind(&server);
    (server, endpoint)
}

#[test]
fn the_library_is_4_3_5_with_curve() {
    assert_eq!(zmq::version(), (4, 3, 5));
    assert_eq!(zmq::has("curve"), Some(true));
    assert_eq!(zmq::has("ipc"), Some(true));
    assert_eq!(zmq::has("gssapi"), Some(false));
}

#[test]
fn a_message_travels_encrypted_and_back() {
    let context = Context::new();
    let (server_keys, client_keys) = (CurveKeyPair::new().unwrap(), CurveKeyPair::new().unwrap());
    let (server, endpoint) = curve_server(&context, &server_keys);

    let client = socket(&context, zmq::REQ);
    client.set_curve_serverkey(&server_keys.public_key).unwrap();
    client.set_curve_publickey(&client_keys.public_key).unwrap();
    client.set_curve_secretkey(&client_keys.secret_key).unwrap();
    client.connect(&endpoint).unwrap();
    assert_eq!(client.get_mechanism().unwrap(), Mechanism::ZMQ_CURVE);

    client.send("a secret", 0).unwrap();
    assert_eq!(server.recv_bytes(0).unwrap(), b"a secret");
    server.send("kept", 0).unwrap();
    assert_eq!(client.recv_bytes(0).unwrap(), b"kept");
}

#[test]
fn a_client_with_the_wrong_server_key_is_refused() {
    let context = Context::new();
    let keys = CurveKeyPair::new().unwrap();
    let (server, endpoint) = curve_server(&context, &keys);
    let events = zmq_sys::ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq_sys::ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
        | zmq_sys::ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    server.monitor("inproc://refusals", events as i32).unwrap();
    let monitor = socket(&context, zmq::PAIR);
    monitor.connect("inproc://refusals").unwrap();

    let (stranger, own) = (CurveKeyPair::new().unwrap(), CurveKeyPair::new().unwrap());
    let client = socket(&context, zmq::REQ);
    client.set_curve_serverkey(&stranger.public_key).unwrap();
    client.set_curve_publickey(&own.public_key).unwrap();
    client.set_curve_secretkey(&own.secret_key).unwrap();
    client.connect(&endpoint).unwrap();

    let event = monitor.recv_bytes(0).unwrap();
    let event = u32::from(u16::from_ne_bytes([event[0], event[1]]));
    assert_ne!(event, zmq_sys::ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}
