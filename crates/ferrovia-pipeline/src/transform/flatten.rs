//! `Flatten`: nested structs or maps become one, whose fields are named by the way to them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use crate::data::validate::value_type;
use crate::data::{Map, Record, Schema, SchemaBuilder, SchemaType, Struct, Value};
use crate::error::ConnectError;
use crate::transform::requirements::{basics_of, carried, fields_of, require_map_mut, take_struct};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

const PURPOSE: &str = "flattening";

pub(super) fn config() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::with_default("delimiter", ConfigType::String, ".")
            .importance(Importance::Medium)
            .doc(
                "Delimiter to insert between field names from the input record when generating field names for the \
                 output record",
            ),
    )
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<Flatten, ConnectError> {
    let config = config().parse(settings)?;
    Ok(Flatten {
        side,
        delimiter: config.string("delimiter")?.to_owned(),
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct Flatten {
    side: Side,
    delimiter: String,
    schemas: SchemaCache<Schema>,
}

impl Transformation for Flatten {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        if whole.value.is_null() {
            return Ok(Fate::Kept);
        }
        if whole.schema.is_some() {
            let structure = take_struct(&mut whole.value, PURPOSE)?;
            let flat = self.flatten_struct(structure)?;
            whole.schema = Some(flat.schema().clone());
            whole.value = Value::Struct(flat);
        } else {
            let map = std::mem::take(require_map_mut(&mut whole.value, PURPOSE)?);
            let mut flat = Map::linked();
            flatten_map(map, "", &self.delimiter, &mut flat)?;
            whole.value = Value::Map(flat);
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl Flatten {
    fn flatten_struct<'a>(&mut self, structure: Struct<'a>) -> Result<Struct<'a>, ConnectError> {
        let delimiter = &self.delimiter;
        let flat = self.schemas.get_or_make(structure.schema(), |schema| {
            let mut flat = FlatSchema {
                delimiter,
                builder: basics_of(schema, SchemaBuilder::structure()),
            };
            let default = schema.default_value();
            flat.add_fields(schema, "", schema.is_optional(), default)?;
            Ok(flat.builder.build())
        })?;
        let mut values = Vec::with_capacity(flat.fields().len());
        let schema = structure.schema().clone();
        push_values(&schema, Some(structure), flat, &mut values)?;
        Ok(Struct::with_values(flat.clone(), values))
    }
}

fn flatten_map<'a>(
    map: Map<'a>,
    prefix: &str,
    delimiter: &str,
    flat: &mut Map<'a>,
) -> Result<(), ConnectError> {
    for (key, value) in map.into_entries() {
        let Value::String(key) = key else {
            let class = "java.lang.ClassCastException";
            let message = format!(
                "class {} cannot be cast to class java.lang.String",
                key.java_class()
            );
            return Err(ConnectError::java(class, message));
        };
        let name = joined(prefix, key, delimiter);
        match value {
            Value::Map(inner) => flatten_map(inner, &name, delimiter, flat)?,
            Value::Struct(_) => {
                return Err(ConnectError::data(format!(
                    "Flatten transformation does not support class org.apache.kafka.connect.data.Struct for record \
                     without schemas (for field {name})."
                )));
            }
            value if value.is_null() || value_type(&value).is_some() => {
                flat.put(name, value);
            }
            other => {
                return Err(ConnectError::data(format!(
                    "Flatten transformation was passed a value of type class {} which is not supported by Connect's \
                     data API",
                    other.java_class()
                )));
            }
        }
    }
    Ok(())
}

fn joined<'a>(prefix: &str, name: Cow<'a, str>, delimiter: &str) -> Cow<'a, str> {
    if prefix.is_empty() {
        name
    } else {
        Cow::Owned([prefix, delimiter, &name].concat())
    }
}

/// A flat schema that is being built.
struct FlatSchema<'d> {
    delimiter: &'d str,
    builder: SchemaBuilder,
}

impl FlatSchema<'_> {
    /// Adds the fields of a schema. A field is optional if anything around it is, and its default may come from there.
    fn add_fields(
        &mut self,
        schema: &Schema,
        prefix: &str,
        is_optional: bool,
        outer_default: Option<&Value<'static>>,
    ) -> Result<(), ConnectError> {
        for field in fields_of(schema)? {
            let name = joined(prefix, Cow::Borrowed(&field.name), self.delimiter);
            let is_optional = is_optional || field.schema.is_optional();
            let default = match (field.schema.default_value(), outer_default) {
                (None, Some(Value::Struct(outer))) => Some(outer.at(field.index)),
                (own, _) => own,
            };
            let default = default.filter(|default| !default.is_null());
            match field.schema.schema_type() {
                SchemaType::Struct => {
                    self.add_fields(&field.schema, &name, is_optional, default)?;
                }
                SchemaType::Map => return Err(map_field(&name)),
                _ => {
                    let schema = flat_field(&field.schema, is_optional, default)?;
                    let builder = std::mem::replace(&mut self.builder, SchemaBuilder::structure());
                    self.builder = builder.field(&name, schema)?;
                }
            }
        }
        Ok(())
    }
}

fn map_field(name: &str) -> ConnectError {
    ConnectError::data(format!(
        "Flatten transformation does not support MAP for record with schemas (for field {name})."
    ))
}

fn flat_field(
    schema: &Schema,
    is_optional: bool,
    default: Option<&Value<'static>>,
) -> Result<Schema, ConnectError> {
    let builder = match (schema.schema_type(), schema.value_schema()) {
        (SchemaType::Array, Some(items)) => SchemaBuilder::array(items.clone()),
        (SchemaType::Array, None) => SchemaBuilder::array_of_nulls(),
        (primitive, _) => SchemaBuilder::primitive(primitive),
    };
    let builder = basics_of(schema, builder).set_optional(is_optional);
    Ok(match default {
        Some(default) => builder.checked_default_value(default.clone())?.build(),
        None => builder.build(),
    })
}

/// Lays the values of a struct out flat; those of one that is absent are absent.
fn push_values<'a>(
    schema: &Schema,
    structure: Option<Struct<'a>>,
    flat: &Schema,
    values: &mut Vec<Value<'a>>,
) -> Result<(), ConnectError> {
    let is_present = structure.is_some();
    let mut own = structure.map(|structure| structure.into_parts().1.into_iter());
    for field in schema.fields() {
        let value = own.as_mut().and_then(Iterator::next).unwrap_or(Value::Null);
        if field.schema.schema_type() == SchemaType::Struct {
            let inner = match value {
                Value::Struct(inner) => Some(inner),
                _ => None,
            };
            push_values(&field.schema, inner, flat, values)?;
            continue;
        }
        values.push(match flat.fields().get(values.len()) {
            Some(target) if is_present && value.is_null() => {
                // The default is the field's own: Java reads it before it looks at the flat schema.
                let default = field.schema.default_value().cloned().unwrap_or(Value::Null);
                carried(target, default, false)?
            }
            _ => value,
        });
    }
    Ok(())
}
