//! The interface of sources: the task that a connector author writes, and the records that it hands out.

mod batch;
mod context;
mod record;
mod task;

pub use batch::{BatchForm, SourceBatch};
pub use context::{OffsetReader, SourceContext, SourceRequests};
pub use record::{Boundary, SourceRecord};
pub use task::{Landed, OutputForm, SourceTask};
