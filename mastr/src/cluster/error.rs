//! Why a client of the cluster stopped.

use std::io;

use palm_highlevel::Failure;
use thiserror::Error;

use crate::aggregation::QueryError;

/// Why a client of the cluster stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// A server or a client could not be set up, or cannot go on.
    #[error(transparent)]
    Palm(#[from] palm_highlevel::Error),
    /// The cluster could not do what it was asked.
    #[error("{0}")]
    Failed(Failure),
    /// The question has no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Whoever takes the results could not write them; the message names where.
    #[error("{0}")]
    Unwritable(io::Error),
    /// The portfolio file that is being read has faults. It has to be read as a whole to tell which.
    #[error("the portfolio has faults")]
    Faulty,
    /// The process was told to stop.
    #[error("interrupted")]
    Stopped,
}
