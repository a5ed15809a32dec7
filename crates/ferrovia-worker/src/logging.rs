//! What log lines are about: spans that say which connector or task speaks, and [`Loggers`] whose levels change while the
//! worker runs.
//!
//! # Source
//! `LoggingContext` of Kafka 4.2: the text between brackets that Java puts before messages. A span's field `context` holds
//! it, and whoever prints log lines shows it.

mod loggers;
mod namespaces;

pub use loggers::{Level, LoggerLevel, Loggers};

use tracing::{Span, info_span};

use crate::status::TaskId;

/// The field whose value comes before messages, in brackets.
pub const CONTEXT_FIELD: &str = "context";

/// For all that concerns a connector.
pub fn connector_span(name: &str) -> Span {
    info_span!("connector", context = %format_args!("{name}|worker"))
}

/// For all that concerns a task.
pub fn task_span(id: &TaskId) -> Span {
    info_span!("task", context = %format_args!("{}|task-{}", id.connector, id.task))
}
