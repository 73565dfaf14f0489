//! What a process that the benchmark starts is told to be.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use crate::contender::Contender;
use crate::error::Result;
use crate::measurement::{self, Measurement};
use crate::meter::Span;

/// A role and what it has to know, as it stands on the command line.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub(crate) enum Role {
    /// The broker, which says its two addresses on a line
    Broker {
        /// The number of workers to wait for
        workers: usize,
        /// Its folder
        folder: PathBuf,
    },
    /// A worker
    Worker {
        /// The broker's address for workers
        address: String,
    },
    /// The client, which says what it has measured on a line
    Client {
        /// The broker's address for clients
        address: String,
        /// The name of the measurement
        measurement: Measurement,
        /// The time before anything counts, in seconds
        warm_up: f64,
        /// The time that counts, in seconds
        seconds: f64,
    },
}

impl Role {
    /// The words of the command line that stand for it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Broker { workers, folder } => vec![
                "broker".to_owned(),
                workers.to_string(),
                folder.display().to_string(),
            ],
            Self::Worker { address } => vec!["worker".to_owned(), address.clone()],
            Self::Client {
                address,
                measurement,
                warm_up,
                seconds,
            } => vec![
                "client".to_owned(),
                address.clone(),
                measurement.to_string(),
                warm_up.to_string(),
                seconds.to_string(),
            ],
        }
    }

    /// Is it: returns when the client has measured, and for the others only on failure.
    pub(crate) fn run(self, contender: &dyn Contender) -> Result<()> {
        match self {
            Self::Broker { workers, folder } => {
                contender.broker(workers, &folder, &mut |addresses| {
                    measurement::say(&format!("{} {}", addresses.client, addresses.worker))
                })
            }
            Self::Worker { address } => contender.worker(&address),
            Self::Client {
                address,
                measurement,
                warm_up,
                seconds,
            } => {
                let span = Span {
                    warm_up: Duration::from_secs_f64(warm_up),
                    measured: Duration::from_secs_f64(seconds),
                };
                measurement.run_client(contender, &address, span)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        role: Role,
    }

    #[test]
    fn the_command_line_carries_every_role() {
        let address = "tcp://127.0.0.1:40000".to_owned();
        for role in [
            Role::Broker {
                workers: 2,
                folder: "/tmp/folder".into(),
            },
            Role::Worker {
                address: address.clone(),
            },
            Role::Client {
                address,
                measurement: Measurement::RoundTrip,
                warm_up: 0.5,
                seconds: 2.0,
            },
        ] {
            let words = ["palm-bench".to_owned()].into_iter();
            let line = Line::try_parse_from(words.chain(role.arguments())).unwrap();
            assert_eq!(line.role, role);
        }
    }
}
