//! The sink path, from fetched bytes to committed offsets. Its files are its steps, in this order.
//!
//! `fetch` walks what a broker sent and asks for more, `decode` leaves out what a reader must not see, `convert`
//! is the plan by which values are made, `put` hands a batch to the connector's task, `report` tells of the records that
//! were bad, in the log and as `dead_letters`, and `commit` keeps which offsets are safe. `rebalance` takes partitions on
//! and gives them away. The `machine` says when to do what, and `driver` does it.

mod fetch;
mod decode;
mod convert;
mod put;
mod report;
mod dead_letters;
mod commit;
mod offsets;
mod rebalance;
mod partition;
mod machine;
mod driver;

pub use convert::compile;
pub use dead_letters::DeadLetterSpec;
pub use driver::{SinkTaskSpec, run};
pub use report::ReportSpec;
