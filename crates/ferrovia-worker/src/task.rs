//! Tasks: from a connector's settings to what runs on the data threads.
//!
//! [`runner`] makes a task out of settings and gives it a thread, [`sink`] is the path of its records, and [`metrics`]
//! is what it counts.

pub mod runner;
pub mod sink;
pub mod metrics;
