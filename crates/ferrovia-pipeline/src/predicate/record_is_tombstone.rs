//! `RecordIsTombstone`: the record has no value.

use crate::config::ConfigDef;
use crate::data::Record;
use crate::predicate::Predicate;
use crate::transform::Scope;

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
}

#[derive(Debug)]
pub(super) struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &Record<'_>) -> bool {
        record.value.value.is_null()
    }

    fn scope(&self) -> Scope {
        Scope::Value
    }
}
