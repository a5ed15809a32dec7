//! The source path, from polled records to stored offsets. Its files are its steps, in this order.
//!
//! `poll` asks the connector's task for records, `take` leads each of them through the plan that `convert` makes of
//! settings, and `place` puts it into an open `batch`; `topics` makes topics that are not there. Batches that come sealed are taken by
//! `whole`; the `bell` ends a wait for the next poll. `produce` sends batches,
//! `report` tells of records that were bad, and `commit` keeps which offsets may be stored;
//! `exactly_once` puts them into the records' transactions instead. `flow` hears commands and acknowledgements meanwhile;
//! `heard` keeps what the connector's task may hear of that, and `told_topics` what the herder has heard. The `machine`
//! says when to do what, and `driver` does it.

mod poll;
mod take;
mod parts;
mod place;
mod convert;
mod topics;
mod whole;
mod batch;
mod bell;
mod produce;
mod report;
mod commit;
mod exactly_once;
mod flow;
mod heard;
mod told_topics;
mod machine;
mod driver;

pub use convert::compile;
pub use driver::{SourceTaskSpec, run};
pub use produce::ProduceSpec;
pub use topics::CreationSpec;
