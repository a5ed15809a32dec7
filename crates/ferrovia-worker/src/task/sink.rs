//! The sink path, from fetched bytes to committed offsets. Its files are its steps, in this order.
//!
//! `fetch` walks what a broker sent and asks for more, `decode` leaves out what a reader must not see, `convert`
//! is the plan by which values are made, `put` hands a batch to the connector's task, and `commit` keeps which
//! offsets are safe. `rebalance` takes partitions on and gives them away. The `machine` says when to do what, and
//! `driver` does it.

mod fetch;
mod decode;
mod convert;
mod put;
mod commit;
mod offsets;
mod rebalance;
mod partition;
mod machine;
mod driver;

pub use convert::compile;
pub use driver::{Command, SinkTaskSpec, run};
