//! Errors that the owner of an embedded broker sees. Clients see Kafka error codes instead.

use std::io;
use std::path::PathBuf;

/// Why a broker could not start, or could not keep its data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The listening address could not be bound.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file or folder below the data folder could not be read or written.
    #[error("cannot use {path}")]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The thread or runtime of a blocking broker could not be started.
    #[error("cannot start the broker thread")]
    Thread(#[source] io::Error),
}

impl BrokerError {
    pub(crate) fn storage(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Storage { path, source }
    }
}
