//! Sockets and the event loop: every scenario runs over each transport from one function, with
//! addresses of its own and a watchdog.

mod binding;
mod event_loop;
mod hostile;
mod pair;
mod place;
mod publish;
mod push_pull;
mod request;
mod router_dealer;
mod switchboard;
