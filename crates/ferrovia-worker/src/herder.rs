//! Decides which connectors and tasks run on this worker.
//!
//! The [`validation`] says whether settings can be used. The [`machine`] holds the rules and does nothing itself, with
//! [`work`] for what runs on this worker; the [`driver`] does what it says, with a `crew` that calls connectors and has
//! tasks run, and with the [`cluster`] of which the worker is part. The rest of the worker talks to the herder through a
//! [`HerderHandle`], and the tasks report to it by [`TaskReports`].

pub mod catalog;
mod handle;
pub mod request;
mod stage;
pub mod machine;
pub mod work;
mod code;
mod signals;
mod crew;
pub mod cluster;
pub mod offsets;
pub mod driver;
pub mod runner;
pub mod validation;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
pub(crate) mod testing;

pub use catalog::ConnectorCatalog;
pub use cluster::Cluster;
pub use driver::{Herder, HerderParts};
pub use handle::HerderHandle;
pub(crate) use handle::REQUEST_TIMEOUT;
pub use request::{
    ActiveTopics, Change, ConnectorInfo, ConnectorKind, ConnectorOffset, ConnectorOverview,
    ConnectorStatus, HerderError, Outcome, Signature, TaskInfo,
};
pub use runner::{Permission, TaskCode, TaskEvent, TaskReport, TaskReports, TaskRunner, TaskStart};
pub use validation::ConnectorValidator;
