//! The interface of sinks: the task that a connector author writes, and what it is handed.

mod batch;
mod context;
mod faults;
mod record;
mod task;

pub use batch::{Delivery, Shown, SinkBatch};
pub use context::{SinkContext, SinkRequests};
pub use record::SinkRecord;
pub use task::{InputForm, Placement, SinkTask};
