//! What a worker says when it joins its group, and what the leader answers: names, versions and bytes.
//!
//! A worker offers one or more protocols, each with its [`WorkerState`]; the broker picks the one that all members know;
//! the leader answers every member with an [`Assignment`] in that protocol. `wire` reads and writes the bytes.
//!
//! # Source
//! `ConnectProtocol`, `IncrementalCooperativeConnectProtocol`, `ConnectProtocolCompatibility` and KIP-415, KIP-507.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

mod wire;
mod assignment;
mod worker_state;

pub use assignment::Assignment;
pub use wire::{MalformedBytes, Unwritable};
pub use worker_state::WorkerState;

/// The protocol type of Connect's groups.
pub const PROTOCOL_TYPE: &str = "connect";

/// How the workers of a group agree on who gets what; a worker knows its protocol and all the older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ConnectProtocol {
    /// Version 0: everyone stops everything at each rebalance.
    Eager,
    /// Version 1: only what moves is stopped (KIP-415).
    Compatible,
    /// Version 2: as version 1, and the workers' requests to each other are signed (KIP-507).
    #[default]
    Sessioned,
}

impl ConnectProtocol {
    /// The name under which the protocol is offered to the broker.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eager => "default",
            Self::Compatible => "compatible",
            Self::Sessioned => "sessioned",
        }
    }

    /// The version that opens metadata and assignments.
    #[must_use]
    pub fn version(self) -> i16 {
        match self {
            Self::Eager => 0,
            Self::Compatible => 1,
            Self::Sessioned => 2,
        }
    }

    /// The protocol that the broker picked. Letter case does not count, as in Java.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Eager, Self::Compatible, Self::Sessioned];
        all.into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// What a worker with this setting offers, the most wanted first.
    #[must_use]
    pub fn offered(self) -> &'static [Self] {
        match self {
            Self::Eager => &[Self::Eager],
            Self::Compatible => &[Self::Compatible, Self::Eager],
            Self::Sessioned => &[Self::Sessioned, Self::Compatible, Self::Eager],
        }
    }

    /// What a worker with this setting sends in its request to join: names and metadata, the most wanted first.
    ///
    /// # Errors
    /// The state does not fit into the protocol.
    pub fn metadata(self, state: &WorkerState) -> Result<Vec<(&'static str, Bytes)>, Unwritable> {
        let offered = self.offered().iter();
        offered
            .map(|protocol| Ok((protocol.name(), state.to_bytes(*protocol)?)))
            .collect()
    }

    /// Whether workers keep their work through a rebalance until they are told to stop it.
    #[must_use]
    pub fn is_cooperative(self) -> bool {
        self != Self::Eager
    }
}

/// As in the setting `connect.protocol`.
impl fmt::Display for ConnectProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eager => "eager",
            Self::Compatible => "compatible",
            Self::Sessioned => "sessioned",
        })
    }
}

/// A value of `connect.protocol` that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown Connect protocol compatibility mode: {0}")]
pub struct UnknownProtocol(String);

/// From the setting `connect.protocol`, in any letter case.
impl FromStr for ConnectProtocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "eager" => Ok(Self::Eager),
            "compatible" => Ok(Self::Compatible),
            "sessioned" => Ok(Self::Sessioned),
            _ => Err(UnknownProtocol(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
