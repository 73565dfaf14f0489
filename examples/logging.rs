//! Central logs: what a process logs with the `log` crate goes to a collector, numbered, so that the
//! collector knows what is missing.
//!
//! ```sh
//! cargo run -p examples --bin logging
//! ```
//!
//! It prints
//!
//! ```text
//! INFO  pricing: trade 1 is valued
//! INFO  pricing: trade 2 is valued
//! INFO  pricing: trade 3 is valued
//! 2 lines of pricing are missing
//! WARN  pricing: trade 6 has no fixing
//! ```
//!
//! A process never waits for its log: what the collector or the network is too slow for is lost, and
//! counted.

use log::{LevelFilter, Log, Metadata, Record, info, warn};
use palm_core::{Context, Endpoint, Event, EventLoop, Pub, Result, Sub, Switchboard};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// What the functions of the `log` crate write to.
struct Central {
    /// Lines, each with how many were lost before it.
    lines: SyncSender<(u64, String)>,
    lost: AtomicU64,
}

impl Log for Central {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("logging")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{:<5} pricing: {}", record.level(), record.args());
            let lost = self.lost.swap(0, Relaxed);
            if self.lines.try_send((lost, line)).is_err() {
                self.lost.fetch_add(lost + 1, Relaxed);
            }
        }
    }

    fn flush(&self) {}
}

/// Publishes lines as they come, from when the collector is there.
fn publish(collector: &[Endpoint], lines: &Receiver<(u64, String)>) -> Result<()> {
    let mut publisher = Pub::connect(&Context::new(), collector, &Default::default())?;
    let mut events = EventLoop::new()?;
    while publisher.joined()?.is_none() {
        events.step(&[&publisher], None)?;
    }
    for (lost, line) in lines {
        publisher.skip("pricing", lost);
        publisher.send("pricing", line)?;
    }
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let any_port = [Endpoint::parse("tcp://127.0.0.1:*")?];
    let sub = Sub::bind(&Context::new(), &any_port, &[""], &Default::default())?;
    let address = sub.addresses().to_vec();

    // It holds three lines, no more, so that something is lost.
    let (lines, queued) = sync_channel(3);
    let lost = AtomicU64::new(0);
    log::set_boxed_logger(Box::new(Central { lines, lost }))?;
    log::set_max_level(LevelFilter::Info);
    for trade in 1..=5 {
        info!("trade {trade} is valued");
    }
    // A socket lives on the thread that makes it, and this one ends with the program.
    thread::spawn(move || publish(&address, &queued));

    let mut board = Switchboard::new()?;
    board.plug("logs", sub);
    let mut printed = 0;
    while printed < 4 {
        match board.wait()? {
            Some(Event::Message(_, _, frames)) => {
                let line = frames.second.unwrap_or_default();
                println!("{}", String::from_utf8_lossy(&line));
                printed += 1;
                if printed == 3 {
                    warn!("trade 6 has no fixing");
                }
            }
            Some(Event::Missed(_, count)) => println!("{count} lines of pricing are missing"),
            _ => {}
        }
    }
    Ok(())
}
