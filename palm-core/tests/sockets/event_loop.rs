//! The event loop: what wakes it, and that nothing which should is lost.

use crate::place::watched;
use palm_core::{Context, Dealer, Endpoint, ErrorKind, EventLoop, Pollable, Router, SocketOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Long enough that only what is lost takes as long.
const LOST: Duration = Duration::from_secs(20);

/// Each thread hands over one thing, wakes the loop, and goes on once it was seen: every single
/// wake counts, there is none behind it to make up for it.
fn hand_over(threads: usize, wakes: u64) {
    let mut events = EventLoop::new().unwrap();
    let cells: Vec<[Arc<AtomicU64>; 2]> = (0..threads).map(|_| Default::default()).collect();
    let threads: Vec<_> = cells
        .iter()
        .map(|[handed, seen]| {
            let (handed, seen) = (handed.clone(), seen.clone());
            let waker = events.waker();
            std::thread::spawn(move || {
                for number in 1..=wakes {
                    handed.store(number, SeqCst);
                    waker.wake();
                    while seen.load(SeqCst) < number {
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let all_seen = || cells.iter().all(|[_, seen]| seen.load(SeqCst) == wakes);
    while !all_seen() {
        let start = events.now();
        let ready = events.step(&[], Some(LOST)).unwrap();
        assert!(events.now() - start < LOST, "a wake was lost");
        if ready.woken() {
            for [handed, seen] in &cells {
                seen.store(handed.load(SeqCst), SeqCst);
            }
        }
    }
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn no_wake_of_one_thread_is_lost() {
    watched(|| hand_over(1, 50_000));
}

#[test]
fn no_wake_of_many_threads_is_lost() {
    watched(|| hand_over(4, 4000));
}

/// The same without a pause between wakes, so that they meet the loop at every point of a step.
#[test]
fn the_last_of_many_wakes_is_not_lost() {
    watched(|| {
        const THREADS: u64 = 8;
        const WAKES: u64 = 20_000;
        let mut events = EventLoop::new().unwrap();
        let handed = Arc::new(AtomicU64::new(0));
        for _ in 0..THREADS {
            let (handed, waker) = (handed.clone(), events.waker());
            std::thread::spawn(move || {
                for _ in 0..WAKES {
                    handed.fetch_add(1, SeqCst);
                    waker.wake();
                }
            });
        }
        let mut seen = 0;
        while seen < THREADS * WAKES {
            let start = events.now();
            let ready = events.step(&[], Some(LOST)).unwrap();
            assert!(events.now() - start < LOST, "a wake was lost at {seen}");
            if ready.woken() {
                seen = handed.load(SeqCst);
            }
        }
    });
}

#[test]
fn a_wake_before_a_step_ends_it_and_only_it() {
    watched(|| {
        let mut events = EventLoop::new().unwrap();
        events.waker().wake();
        events.waker().clone().wake();
        assert!(events.step(&[], None).unwrap().woken());
        assert!(!events.step(&[], Some(Duration::ZERO)).unwrap().woken());
    });
}

#[test]
fn no_timeout_at_all_does_not_block() {
    watched(|| {
        let mut events = EventLoop::new().unwrap();
        events.schedule(events.now() + Duration::from_secs(3600));
        let ready = events.step(&[], Some(Duration::ZERO)).unwrap();
        assert!(!ready.woken() && !ready.timer() && !ready.stopped());
    });
}

#[test]
fn the_longest_timeout_is_none_that_ends_at_once() {
    watched(|| {
        let mut events = EventLoop::new().unwrap();
        let waker = events.waker();
        let start = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            start.1.recv().unwrap();
            waker.wake();
        });
        start.0.send(()).unwrap();
        while !events.step(&[], Some(Duration::MAX)).unwrap().woken() {}
        thread.join().unwrap();
    });
}

#[test]
fn timers_fire_once_each_in_order_and_never_early() {
    watched(|| {
        let mut events = EventLoop::new().unwrap();
        let base = events.now();
        let times: Vec<Duration> = [30, 10, 20, 10, 0, 30]
            .map(|after| base + Duration::from_millis(after))
            .into();
        times.iter().for_each(|at| events.schedule(*at));
        let mut due: Vec<Duration> = times.clone();
        due.sort_unstable();
        while let Some(first) = due.first().copied() {
            let ready = events.step(&[], None).unwrap();
            let now = events.now();
            if ready.timer() {
                assert!(now >= first, "fired at {now:?}, due at {first:?}");
                due.retain(|at| *at > now);
            }
        }
        assert!(!events.step(&[], Some(Duration::ZERO)).unwrap().timer());
    });
}

#[test]
fn a_stop_reaches_a_loop_that_waits_and_stays() {
    watched(|| {
        let mut events = EventLoop::new().unwrap();
        let stop = events.stop_handle();
        assert!(!stop.is_stopped());
        let thread = std::thread::spawn({
            let stop = stop.clone();
            move || stop.stop()
        });
        while !events.step(&[], None).unwrap().stopped() {}
        thread.join().unwrap();
        assert!(stop.is_stopped());
        for _ in 0..3 {
            assert!(events.step(&[], Some(Duration::ZERO)).unwrap().stopped());
        }
    });
}

#[test]
fn a_waker_may_outlive_its_loop() {
    watched(|| {
        let events = EventLoop::new().unwrap();
        let (waker, stop) = (events.waker(), events.stop_handle());
        drop(events);
        waker.wake();
        stop.stop();
        assert!(stop.is_stopped());
    });
}

#[test]
fn as_many_sockets_as_a_loop_takes_and_one_more() {
    watched(|| {
        let context = Context::new();
        let options = SocketOptions {
            linger: Duration::ZERO,
            ..SocketOptions::default()
        };
        let endpoint = Endpoint::parse("inproc://many").unwrap();
        let router = Router::bind(&context, std::slice::from_ref(&endpoint), &options).unwrap();
        let dealer = Dealer::connect(&context, &endpoint, &options).unwrap();
        dealer.send(palm_core::Frames::one("x")).unwrap();
        let idle = Dealer::connect(&context, &endpoint, &options).unwrap();

        let mut events = EventLoop::new().unwrap();
        let most = EventLoop::MAX_SOCKETS;
        let mut sockets: Vec<&dyn Pollable> = vec![&idle; most - 1];
        sockets.push(&router);
        events.await_writable(0);
        let ready = events.step(&sockets, None).unwrap();
        assert!(ready.readable(most - 1) && !ready.readable(0));
        assert!(ready.writable(0) && !ready.writable(1) && !ready.writable(most - 1));
        // It was awaited once.
        assert!(!events.step(&sockets, Some(LOST)).unwrap().writable(0));

        sockets.push(&idle);
        let error = events.step(&sockets, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("1001"), "{error}");
    });
}
