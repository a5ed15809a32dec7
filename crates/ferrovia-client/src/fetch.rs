//! Reading partitions: from positions to fetched bytes.
//!
//! In reading order: a [`position`] is where a partition is read, a [`session`] is what a broker remembers of our
//! requests, the [`machine`] decides what to ask next and what an answer means, `message` turns decisions into
//! requests and answers into plain values, and the [`fetcher`] does what the machine decides. Fetched bytes are handed
//! on unopened: whoever walks the batches tells the fetcher where to read on.

pub mod position;
pub mod session;
pub mod machine;
mod message;
mod offsets;
pub mod fetcher;

pub use fetcher::Fetcher;
pub use machine::{FetchError, FetchSettings, Fetched};
pub use position::{OffsetReset, Start};
