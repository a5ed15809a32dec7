//! Throughput side by side: Java Connect, a bare client and Ferrovia drain the same topics of the same broker in
//! turn, and the report gives medians and ratios.
//!
//! Reading order: [`topic`] says what is drained; [`client`] runs one drain; [`report`] compares them. [`bare`] and
//! [`wire`] are the bare client: what this machine allows when a client does nothing but read.

pub mod topic;
pub mod client;
pub mod report;
pub mod usage;
pub mod bare;
pub mod wire;
