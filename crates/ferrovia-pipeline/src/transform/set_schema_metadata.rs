//! `SetSchemaMetadata`: gives a schema another name or version.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use crate::data::{Record, Schema, Struct, Value};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{carry_all, fields_of};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::optional("schema.name", ConfigType::String)
                .importance(Importance::High)
                .doc("Schema name to set."),
        )
        .define(
            ConfigKey::optional("schema.version", ConfigType::Int)
                .importance(Importance::High)
                .doc("Schema version to set."),
        )
        .define(replace_null_with_default())
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<SetSchemaMetadata, ConnectError> {
    let config = config().parse(settings)?;
    let name = config.optional_string("schema.name").map(str::to_owned);
    let version = config.optional_int("schema.version");
    if name.is_none() && version.is_none() {
        return Err(ConnectError::config(
            "Neither schema name nor version configured",
        ));
    }
    Ok(SetSchemaMetadata {
        side,
        name,
        version,
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct SetSchemaMetadata {
    side: Side,
    name: Option<String>,
    version: Option<i32>,
    with_default: bool,
    schemas: SchemaCache<Schema>,
}

impl Transformation for SetSchemaMetadata {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        let Some(schema) = &whole.schema else {
            if whole.value.is_null() {
                return Ok(Fate::Kept);
            }
            return Err(ConnectError::data(
                "Schema required for [updating schema metadata]",
            ));
        };
        let (name, version) = (self.name.as_deref(), self.version);
        let updated = self.schemas.get_or_make(schema, |schema| {
            // Java asks every schema for its fields, so that only those of structs pass.
            fields_of(schema)?;
            let builder = schema.to_builder();
            let builder = builder.set_name(name.or_else(|| schema.name()));
            Ok(builder
                .set_version(version.or_else(|| schema.version()))
                .build())
        })?;
        if let Value::Struct(structure) = std::mem::replace(&mut whole.value, Value::Null) {
            let (_, mut values) = structure.into_parts();
            carry_all(updated, &mut values, self.with_default)?;
            whole.value = Value::Struct(Struct::with_values(updated.clone(), values));
        }
        whole.schema = Some(updated.clone());
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}
