//! The Kafka Connect worker: runs connectors and tasks.
//!
//! In reading order: [`config`] is where files become typed settings, [`plugins`] are what
//! settings may name, the [`herder`] decides what runs, [`membership`] is how workers share it out, a [`task`] moves
//! the records on one of the threads of the [`runtime`], [`status`] tells how it goes, [`storage`] keeps
//! it all in topics, and [`rest`] passes users'
//! requests to the herder. A [`worker`] is all of these together.

pub mod config;
pub mod plugins;
pub mod herder;
pub mod membership;
pub mod task;
pub mod runtime;
pub mod signature;
pub mod status;
pub mod storage;
pub mod rest;
pub mod worker;
pub mod logging;
