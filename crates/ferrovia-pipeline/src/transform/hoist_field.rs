//! `HoistField`: wraps a record's key or value in a struct or map of one field.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use crate::data::validate::validate_field;
use crate::data::{Map, Record, Schema, SchemaBuilder, Struct, Value};
use crate::error::ConnectError;
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::required("field", ConfigType::String)
            .importance(Importance::Medium)
            .doc(
                "Field name for the single field that will be created in the resulting Struct or Map.",
            ),
    )
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<HoistField, ConnectError> {
    let config = config().parse(settings)?;
    Ok(HoistField {
        side,
        field: config.string("field")?.to_owned(),
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct HoistField {
    side: Side,
    field: String,
    schemas: SchemaCache<Schema>,
}

impl Transformation for HoistField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        let value = std::mem::replace(&mut whole.value, Value::Null);
        if let Some(schema) = &whole.schema {
            let field = &self.field;
            let hoisted = self.schemas.get_or_make(schema, |schema| {
                let builder = SchemaBuilder::structure().field(field, schema.clone())?;
                Ok(builder.build())
            })?;
            validate_field(field, schema, &value)?;
            whole.value = Value::Struct(Struct::with_values(hoisted.clone(), vec![value]));
            whole.schema = Some(hoisted.clone());
        } else {
            let mut map = Map::new();
            map.put(self.field.clone(), value);
            whole.value = Value::Map(map);
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}
