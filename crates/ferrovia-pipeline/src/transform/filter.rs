//! `Filter`: drops every record it gets; its predicate says which those are.

use std::collections::BTreeMap;

use crate::config::ConfigDef;
use crate::data::Record;
use crate::error::ConnectError;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "all transformations are made by functions of one shape"
)]
pub(super) fn new(_: &BTreeMap<String, String>) -> Result<Filter, ConnectError> {
    Ok(Filter)
}

#[derive(Debug)]
pub(super) struct Filter;

impl Transformation for Filter {
    fn apply(&mut self, _: &mut Record<'_>) -> Result<Fate, ConnectError> {
        Ok(Fate::Dropped)
    }

    fn scope(&self) -> Scope {
        Scope::TopicOnly
    }
}
