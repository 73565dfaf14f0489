//! Servers, workers and clients together, through the public interface.

/// A server that executes by itself, and its client.
mod serial;

/// How a message ends that does not succeed, and what its client is told.
mod failures;

/// Windows that are full: tiny ones, large messages, applications that do not read.
mod windows;

/// A master whose workers and clients come and go.
mod parallel;

/// A master whose workers own partitions.
mod partitioned;

/// Values by key in a server, for its clients and its functions.
mod bundles;
mod cache;

/// A chain of two masters, and a client that sends to one and hears from the other.
mod chain;

/// Messages that make messages.
mod families;

/// Several of them that a worker is given as one.
mod siblings;

/// Longer chains, tees and sinks.
mod topologies;

/// Servers that find each other by name.
mod pipelines;

/// Servers that start anew while clients wait for them.
mod restart;

/// Servers with stores, and those that take their place.
mod store;

/// A node of a cluster as a process that can be killed and stopped.
mod node;

/// Workers and masters that are killed, stopped, or abort.
mod death;

/// What comes to a server's port that is no peer of PALM.
mod hostile;

/// What can't be set up, and what it says.
mod setup;
