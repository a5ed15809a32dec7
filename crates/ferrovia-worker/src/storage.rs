//! The three internal topics in which the workers of a cluster remember everything.
//!
//! [`config`] holds what users want, [`status`] how it goes, and [`offsets`] how far sources have read: each knows its
//! records' bytes and folds them into a state, without IO. The [`log`] reads and writes such a topic and knows no record.
//! Nothing outside of this folder knows the shape of internal records.

pub mod config;
pub mod status;
pub mod offsets;
pub mod log;

mod base64;
mod json;
mod key;
#[cfg(test)]
mod recorded;
