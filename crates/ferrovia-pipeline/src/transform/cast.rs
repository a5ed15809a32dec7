//! `Cast`: fields, or a whole key or value, of another primitive type.

mod convert;
mod spec;
mod text;

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::{Record, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Struct, Value};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{
    basics_of, carried, fields_of, require_map_mut, require_struct, take_struct,
};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

use convert::{cast_plain, cast_value};
use spec::{Casts, check_spec, parse_spec};

const PURPOSE: &str = "cast types";

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("spec", ConfigType::List)
                .validator(Validator::Rule(check_spec))
                .importance(Importance::High)
                .doc(
                    "List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of \
                     Maps or Structs. A single type to cast the entire value. Valid types are int8, int16, int32, int64, \
                     float32, float64, boolean, and string. Note that binary fields can only be cast to string.",
                ),
        )
        .define(replace_null_with_default())
}

pub(super) fn new(side: Side, settings: &BTreeMap<String, String>) -> Result<Cast, ConnectError> {
    let config = config().parse(settings)?;
    Ok(Cast {
        side,
        casts: parse_spec(config.list("spec"))?,
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct Cast {
    side: Side,
    casts: Casts,
    with_default: bool,
    schemas: SchemaCache<Plan>,
}

/// What becomes of values of one schema.
#[derive(Debug)]
struct Plan {
    schema: Schema,
    /// The fields to cast.
    fields: Vec<(usize, SchemaType)>,
}

impl Transformation for Cast {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        if whole.value.is_null() {
            return Ok(Fate::Kept);
        }
        if whole.schema.is_some() {
            self.cast_with_schema(whole)?;
        } else {
            self.cast_plain(&mut whole.value)?;
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl Cast {
    fn cast_plain(&self, value: &mut Value<'_>) -> Result<(), ConnectError> {
        match &self.casts {
            Casts::Whole(target) => {
                *value = cast_plain(std::mem::replace(value, Value::Null), *target)?;
            }
            Casts::Fields(casts) => {
                let map = require_map_mut(value, PURPOSE)?;
                map.become_copy();
                for (field, target) in casts {
                    // A field that is missing is there as null afterwards, as in Java.
                    if let Some(value) = map.get_mut(field) {
                        *value = cast_plain(std::mem::replace(value, Value::Null), *target)?;
                    } else {
                        map.put(field.clone(), Value::Null);
                    }
                }
            }
        }
        Ok(())
    }

    fn cast_with_schema(&mut self, whole: &mut SchemaAndValue<'_>) -> Result<(), ConnectError> {
        let Some(schema) = &whole.schema else {
            return Ok(());
        };
        let casts = &self.casts;
        let plan = self
            .schemas
            .get_or_make(schema, |schema| Plan::new(casts, schema))?;
        if let Casts::Whole(target) = casts {
            let value = std::mem::replace(&mut whole.value, Value::Null);
            whole.value = cast_value(schema, value, *target)?;
        } else {
            require_struct(&whole.value, PURPOSE)?;
            let (schema, mut values) = take_struct(&mut whole.value, PURPOSE)?.into_parts();
            plan.cast_fields(&schema, &mut values, self.with_default)?;
            whole.value = Value::Struct(Struct::with_values(plan.schema.clone(), values));
        }
        whole.schema = Some(plan.schema.clone());
        Ok(())
    }
}

impl Plan {
    fn new(casts: &Casts, schema: &Schema) -> Result<Self, ConnectError> {
        let mut fields = Vec::new();
        let mut builder = match casts {
            Casts::Whole(target) => basics_of(schema, SchemaBuilder::primitive(*target)),
            Casts::Fields(casts) => {
                let mut builder = basics_of(schema, SchemaBuilder::structure());
                for field in fields_of(schema)? {
                    let target = casts.iter().find(|(name, _)| **name == *field.name);
                    let field_schema = match target {
                        Some((_, target)) => {
                            fields.push((field.index, *target));
                            cast_schema(&field.schema, *target)?
                        }
                        None => field.schema.clone(),
                    };
                    builder = builder.field(&field.name, field_schema)?;
                }
                builder
            }
        };
        builder = builder.set_optional(schema.is_optional());
        if let Some(default) = schema.default_value() {
            let target = match casts {
                Casts::Whole(target) => *target,
                Casts::Fields(_) => SchemaType::Struct,
            };
            let default = cast_value(schema, default.clone(), target)?;
            builder = builder.checked_default_value(default)?;
        }
        Ok(Self {
            schema: builder.build(),
            fields,
        })
    }

    fn cast_fields(
        &self,
        schema: &Schema,
        values: &mut [Value<'_>],
        with_default: bool,
    ) -> Result<(), ConnectError> {
        // In the order of the fields: the first that cannot be cast, or is absent, is the one that is reported.
        let mut targets = self.fields.iter().peekable();
        for (field, value) in schema.fields().iter().zip(values) {
            if value.is_null() {
                *value = carried(field, Value::Null, with_default)?;
            }
            if let Some((_, target)) = targets.next_if(|(index, _)| *index == field.index) {
                let old = std::mem::replace(value, Value::Null);
                *value = cast_value(&field.schema, old, *target)?;
            }
        }
        Ok(())
    }
}

/// The schema of a field that is cast. Name, version, doc and parameters are left behind.
fn cast_schema(schema: &Schema, target: SchemaType) -> Result<Schema, ConnectError> {
    let builder = SchemaBuilder::primitive(target).set_optional(schema.is_optional());
    Ok(match schema.default_value() {
        Some(default) => {
            let default = cast_value(schema, default.clone(), target)?;
            builder.checked_default_value(default)?.build()
        }
        None => builder.build(),
    })
}
