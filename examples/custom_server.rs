//! A server of one's own on palm-core alone: it answers a word with how often it was sent.
//!
//! ```sh
//! cargo run -p examples --bin custom_server
//! ```
//!
//! It prints
//!
//! ```text
//! spam 1
//! egg 1
//! spam 2
//! ```

use palm_core::{Context, Dealer, Endpoint, EventLoop, Frames, Result, Router, Sent, StopHandle};
use std::{collections::HashMap, sync::mpsc, thread};

/// Says where it is bound, then answers until it is told to stop.
fn serve(started: &mpsc::Sender<(Endpoint, StopHandle)>) -> Result<()> {
    let any_port = Endpoint::parse("tcp://127.0.0.1:*")?;
    let router = Router::bind(&Context::new(), &[any_port], &Default::default())?;
    let mut events = EventLoop::new()?;
    let _ = started.send((router.addresses()[0].clone(), events.stop_handle()));
    let mut counts = HashMap::new();
    while !events.step(&[&router], None)?.stopped() {
        while let Some((peer, word)) = router.receive()? {
            let word = String::from_utf8_lossy(&word.first).into_owned();
            let count = *counts
                .entry(word.clone())
                .and_modify(|n| *n += 1)
                .or_insert(1);
            router.send(peer, Frames::one(format!("{word} {count}")))?;
        }
    }
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (started, starting) = mpsc::channel();
    // A socket lives on the thread that makes it.
    let server = thread::spawn(move || serve(&started));
    let (address, stop) = starting.recv()?;

    let dealer = Dealer::connect(&Context::new(), &address, &Default::default())?;
    let mut events = EventLoop::new()?;
    for word in ["spam", "egg", "spam"] {
        while dealer.send(Frames::one(word))? != Sent::Yes {
            events.await_writable(0);
            events.step(&[&dealer], None)?;
        }
        while !events.step(&[&dealer], None)?.readable(0) {}
        let answer = dealer.receive()?.unwrap_or_default();
        println!("{}", String::from_utf8_lossy(&answer.first));
    }
    stop.stop();
    server.join().expect("it does not panic")?;
    Ok(())
}
