//! The half of a record that a transformation works on: `$Key` or `$Value`.

use crate::data::{Record, SchemaAndValue};
use crate::transform::Scope;

/// Which half of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Key,
    Value,
}

impl Side {
    pub(super) fn of_mut<'r, 'a>(self, record: &'r mut Record<'a>) -> &'r mut SchemaAndValue<'a> {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }

    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Key => Scope::Key,
            Self::Value => Scope::Value,
        }
    }
}
