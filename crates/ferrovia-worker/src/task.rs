//! Tasks: from a connector's settings to what runs on the data threads.
//!
//! [`runner`] makes a task out of settings and gives it a thread, [`sink`] is the path of its records, and [`metrics`]
//! is what it counts. `activity` is what it is doing at this moment, and `progress` notices when that takes too long.

pub mod runner;
pub mod sink;
pub mod metrics;
mod activity;
mod progress;
