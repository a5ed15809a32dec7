//! Decides which connectors and tasks run on this worker.
//!
//! The [`validation`] says whether settings can be used. The [`machine`] holds the rules and does nothing itself;
//! [`standalone`] is the driver of a worker that is alone. The rest of the worker talks to either through a
//! [`HerderHandle`], and the tasks report to it by [`TaskReports`].

pub mod catalog;
mod handle;
pub mod machine;
pub mod offsets;
pub mod request;
pub mod runner;
pub mod standalone;
pub mod validation;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
pub(crate) mod testing;

pub use catalog::ConnectorCatalog;
pub use handle::HerderHandle;
pub use request::{
    ActiveTopics, Change, ConnectorInfo, ConnectorKind, ConnectorOffset, ConnectorOverview,
    ConnectorStatus, HerderError, Outcome, Signature, TaskInfo,
};
pub use runner::{TaskEvent, TaskReport, TaskReports, TaskRunner, TaskStart};
pub use standalone::StandaloneHerder;
pub use validation::ConnectorValidator;
