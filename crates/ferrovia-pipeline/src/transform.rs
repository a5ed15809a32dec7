//! Transformations: steps that change single records between the converters and the connector.
//!
//! A [`TransformationChain`] is made of a connector's settings once, when a task starts. A record is
//! changed in place where Java makes a copy, because nobody else sees it. Each Java class is a file here;
//! the classes that end in `$Key` and `$Value` are one transformation for either side of a record.
//!
//! # Source
//! `org.apache.kafka.connect.transforms` of Kafka 4.2

mod cast;
mod chain;
mod drop_headers;
mod extract_field;
mod field_path;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod mapping;
mod mask_field;
mod plugins;
mod regex_router;
mod replace_field;
mod replace_null;
mod requirements;
mod schema_cache;
mod set_schema_metadata;
mod side;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

pub use chain::{TransformationChain, TransformationFailed};
pub use plugins::{PLUGINS, TransformationPlugin};

use std::fmt::Debug;

use crate::data::Record;
use crate::error::ConnectError;

/// Changes records, one at a time, in the order of their partition.
///
/// # Source
/// `org.apache.kafka.connect.transforms.Transformation`
pub trait Transformation: Send + Debug {
    /// Changes the record, and answers whether it goes on.
    ///
    /// # Errors
    /// The record cannot be changed as configured. What has become of it then is nothing to look at: whoever wants to
    /// report it keeps what it was read from.
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError>;

    /// What it looks at and changes, so that the rest need not be decoded for it.
    fn scope(&self) -> Scope;
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Kept,
    /// It ends here: for Java the transformation answered `null`.
    Dropped,
}

/// What a step looks at and changes. Each includes what the ones before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The topic's name, by nothing but that name: once for a batch is enough.
    TopicOnly,
    /// The topic's name, by what is known of a record without opening it: its timestamp.
    TopicByTimestamp,
    /// Headers.
    HeadersOnly,
    /// The key.
    Key,
    /// The value.
    Value,
}
