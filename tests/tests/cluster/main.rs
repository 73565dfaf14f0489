//! Servers, workers and clients together, through the public interface.

/// A server that executes by itself, and its client.
mod serial;

/// How a message ends that does not succeed, and what its client is told.
mod failures;

/// Windows that are full: tiny ones, large messages, applications that do not read.
mod windows;
