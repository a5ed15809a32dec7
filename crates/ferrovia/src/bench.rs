//! `ferrovia bench`: how fast a topic drains through the sink path, and topics to measure with.

mod drain;
mod fill;
mod figures;

pub(crate) use drain::{DrainArguments, drain};
pub(crate) use fill::{FillArguments, fill};
