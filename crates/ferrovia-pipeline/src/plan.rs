//! What happens to each record between its bytes and a sink, worked out once when a task starts.
//!
//! Identity steps vanish from a plan, and a value is decoded only when the sink asks for it.

use crate::convert::Converter;

/// The steps from a record's bytes to what a sink sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    key: Converter,
    value: Converter,
}

impl Plan {
    /// The plan of a task with these converters.
    pub fn new(key: Converter, value: Converter) -> Self {
        Self { key, value }
    }

    /// Whether the plan leaves whole batches as they are, so that a sink may take them unopened.
    pub fn keeps_batches(&self) -> bool {
        self.key == Converter::ByteArray && self.value == Converter::ByteArray
    }

    /// The converter of keys.
    pub fn key(&self) -> &Converter {
        &self.key
    }

    /// The converter of values.
    pub fn value(&self) -> &Converter {
        &self.value
    }
}
