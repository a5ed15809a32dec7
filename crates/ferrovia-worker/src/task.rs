//! Tasks: from a connector's settings to what runs on the data threads.
//!
//! [`runner`] makes a task out of settings and gives it a thread, [`sink`] and [`source`] are the paths of its records
//! either way, a [`command`] is what an operator wants of it, and [`metrics`] is what it counts. Both paths share
//! `converters`, the tries of a step that failed (`retry`), the guard around the connector's own code (`guarded`) and
//! what is reported of a task from its start to its end (`life`). What either produces goes by its [`produce_options`].
//! `activity` is what a task is doing at this moment, and `progress` notices when that takes too long.

pub mod runner;
pub mod sink;
pub mod source;
pub mod command;
pub mod metrics;
pub mod produce_options;
mod converters;
mod retry;
mod guarded;
mod life;
mod activity;
mod progress;
