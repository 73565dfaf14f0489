//! Sockets and the event loop: every scenario runs over each transport from one function, with
//! addresses of its own and a watchdog.

mod binding;
mod event_loop;
mod hostile;
mod place;
mod router_dealer;
