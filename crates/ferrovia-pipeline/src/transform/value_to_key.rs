//! `ValueToKey`: a new key of some of the value's fields.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::{Map, Record, Schema, SchemaAndValue, SchemaBuilder, Struct, Value};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{carried, require_map, require_struct};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::{Fate, Scope, Transformation};

const PURPOSE: &str = "copying fields from value to key";

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("fields", ConfigType::List)
                .validator(Validator::List {
                    allow_empty: false,
                    allow_null: false,
                })
                .importance(Importance::High)
                .doc("Field names on the record value to extract as the record key."),
        )
        .define(replace_null_with_default())
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<ValueToKey, ConnectError> {
    let config = config().parse(settings)?;
    Ok(ValueToKey {
        fields: config.list("fields").to_vec(),
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct ValueToKey {
    fields: Vec<String>,
    with_default: bool,
    schemas: SchemaCache<KeyPlan>,
}

/// What the key of a value's schema is made of.
#[derive(Debug)]
struct KeyPlan {
    schema: Schema,
    /// Where the key's fields stand in the value.
    sources: Vec<usize>,
}

impl Transformation for ValueToKey {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        record.key = if record.value.schema.is_none() {
            SchemaAndValue::new(None, self.map_key(&record.value.value)?)
        } else {
            self.struct_key(require_struct(&record.value.value, PURPOSE)?)?
        };
        if let Value::Struct(value) = &record.value.value {
            record.value.schema = Some(value.schema().clone());
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::Value
    }
}

impl ValueToKey {
    fn map_key<'a>(&self, value: &Value<'a>) -> Result<Value<'a>, ConnectError> {
        let value = require_map(value, PURPOSE)?;
        let mut key = Map::with_capacity(self.fields.len());
        for field in &self.fields {
            let field_value = value.get(field).cloned().unwrap_or(Value::Null);
            key.put(field.clone(), field_value);
        }
        Ok(Value::Map(key))
    }

    fn struct_key<'a>(&mut self, value: &Struct<'a>) -> Result<SchemaAndValue<'a>, ConnectError> {
        let fields = &self.fields;
        let plan = self
            .schemas
            .get_or_make(value.schema(), |schema| KeyPlan::new(fields, schema))?;
        let mut values = Vec::with_capacity(plan.sources.len());
        for (field, source) in plan.schema.fields().iter().zip(&plan.sources) {
            values.push(carried(
                field,
                value.at(*source).clone(),
                self.with_default,
            )?);
        }
        let key = Struct::with_values(plan.schema.clone(), values);
        Ok(SchemaAndValue::new(plan.schema.clone(), Value::Struct(key)))
    }
}

impl KeyPlan {
    fn new(fields: &[String], value: &Schema) -> Result<Self, ConnectError> {
        let mut builder = SchemaBuilder::structure();
        let mut sources = Vec::with_capacity(fields.len());
        for name in fields {
            let field = value
                .field(name)
                .ok_or_else(|| ConnectError::data(format!("Field does not exist: {name}")))?;
            builder = builder.field(name, field.schema.clone())?;
            sources.push(field.index);
        }
        Ok(Self {
            schema: builder.build(),
            sources,
        })
    }
}
