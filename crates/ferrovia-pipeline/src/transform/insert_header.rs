//! `InsertHeader`: adds a header with a fixed value.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::values::parse_string;
use crate::data::{Record, SchemaAndValue};
use crate::error::ConnectError;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("header", ConfigType::String)
                .validator(Validator::NonNull)
                .importance(Importance::High)
                .doc("The name of the header."),
        )
        .define(
            ConfigKey::required("value.literal", ConfigType::String)
                .validator(Validator::NonNull)
                .importance(Importance::High)
                .doc("The literal value that is to be set as the header value on all records."),
        )
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<InsertHeader, ConnectError> {
    let config = config().parse(settings)?;
    Ok(InsertHeader {
        name: config.string("header")?.to_owned(),
        value: parse_string(config.string("value.literal")?)
            .map_err(|error| ConnectError::config(error.to_string()))?,
    })
}

#[derive(Debug)]
pub(super) struct InsertHeader {
    name: String,
    value: SchemaAndValue<'static>,
}

impl Transformation for InsertHeader {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        record.headers.add(self.name.clone(), self.value.clone());
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::HeadersOnly
    }
}
