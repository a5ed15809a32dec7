//! The worker's threads: data threads that run tasks, and whoever calls, which is the control thread.

mod shards;

pub use shards::{Job, Shards};
