//! Ferrovia's test grounds: real Apache Kafka, real Java Connect and our own binary as processes that tests
//! start, drive and stop. Nothing here knows how Ferrovia works inside; it only sees files, ports and exit codes.
//! Only [`parity`] calls a crate directly, to compare single records with what Kafka Connect's classes make of them.
//!
//! Reading order: [`grounds`] says what this machine has; [`process`] keeps children from outliving a test;
//! [`kafka`] is a broker, before which [`proxy`] can stand; [`lab`] drives it with Kafka's own clients; [`worker`] is a Connect worker, Java's or
//! ours, and [`cluster`] several of them; [`http`] asks its REST interface, [`scenario`] many questions of two workers;
//! [`census`] judges what a sink wrote; [`drain`], [`drains`] and [`stream`] put these together. [`lines`] is what a file
//! source reads, and [`chase`] kills those who do. [`mirror`] is two clusters, and MirrorMaker's connectors between them.

pub mod grounds;
pub mod wait;
pub mod process;
pub mod kafka;
pub mod proxy;
pub mod lab;
pub mod worker;
pub mod cluster;
pub mod http;
pub mod scenario;
pub mod census;
pub mod drain;
pub mod drains;
pub mod stream;
pub mod lines;
pub mod chase;
pub mod mirror;
pub mod parity;
