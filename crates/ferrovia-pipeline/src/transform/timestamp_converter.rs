//! `TimestampConverter`: points in time as text, numbers or logical types.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use crate::data::time::DateFormat;
use crate::data::{Record, Schema, SchemaAndValue, SchemaBuilder, Struct, Value};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{
    basics_of, carried, fields_of, require_map_mut, require_struct, take_struct,
};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

mod forms;

use forms::{Conversion, Form, Precision};

const PURPOSE: &str = "converting timestamp formats";

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::with_default("field", ConfigType::String, "")
                .importance(Importance::High)
                .doc("The field containing the timestamp, or empty if the entire value is a timestamp"),
        )
        .define(
            ConfigKey::required("target.type", ConfigType::String)
                .validator(Validator::OneOf(&["string", "unix", "Date", "Time", "Timestamp"]))
                .importance(Importance::High)
                .doc("The desired timestamp representation: string, unix, Date, Time, or Timestamp"),
        )
        .define(
            ConfigKey::with_default("format", ConfigType::String, "")
                .importance(Importance::Medium)
                .doc(
                    "A SimpleDateFormat-compatible format for the timestamp. Used to generate the output when \
                     type=string or used to parse the input if the input is a string.",
                ),
        )
        .define(
            ConfigKey::with_default("unix.precision", ConfigType::String, "milliseconds")
                .validator(Validator::OneOf(&[
                    "nanoseconds",
                    "microseconds",
                    "milliseconds",
                    "seconds",
                ]))
                .importance(Importance::Low)
                .doc(
                    "The desired Unix precision for the timestamp: seconds, milliseconds, microseconds, or nanoseconds. \
                     Used to generate the output when type=unix or used to parse the input if the input is a Long.Note: \
                     This SMT will cause precision loss during conversions from, and to, values with sub-millisecond \
                     components.",
                ),
        )
        .define(replace_null_with_default())
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<TimestampConverter, ConnectError> {
    let config = config().parse(settings)?;
    let target = Form::of(config.string("target.type")?);
    let pattern = config.string("format")?;
    let is_blank = pattern.trim().is_empty();
    if target == Form::Text && is_blank {
        return Err(ConnectError::config(
            "TimestampConverter requires format option to be specified when using string timestamps",
        ));
    }
    let format = (!is_blank).then(|| DateFormat::new(pattern));
    let format = format.transpose().map_err(|error| {
        // Java hands the cause over where the value belongs, and the text where the name does.
        ConnectError::config(format!(
            "Invalid value java.lang.IllegalArgumentException: {error} for configuration TimestampConverter requires a \
             SimpleDateFormat-compatible pattern for string timestamps: {pattern}"
        ))
    })?;
    Ok(TimestampConverter {
        side,
        field: config.string("field")?.to_owned(),
        conversion: Conversion {
            target,
            format,
            precision: Precision::of(config.string("unix.precision")?),
        },
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct TimestampConverter {
    side: Side,
    /// Empty for the whole key or value.
    field: String,
    conversion: Conversion,
    with_default: bool,
    schemas: SchemaCache<Schema>,
}

impl Transformation for TimestampConverter {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let whole = self.side.of_mut(record);
        match &whole.schema {
            None => self.convert_plain(&mut whole.value)?,
            Some(schema) if self.field.is_empty() => {
                let form = Form::of_schema(schema)?;
                let target = self.conversion.target.schema(schema.is_optional());
                whole.value = self.conversion.convert(&whole.value, Some(form))?;
                whole.schema = Some(target);
            }
            Some(_) => self.convert_field(whole)?,
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl TimestampConverter {
    fn convert_plain(&self, value: &mut Value<'_>) -> Result<(), ConnectError> {
        if value.is_null() || self.field.is_empty() {
            *value = self.conversion.convert(value, None)?;
            return Ok(());
        }
        let map = require_map_mut(value, PURPOSE)?;
        map.become_copy();
        if let Some(value) = map.get_mut(&self.field) {
            *value = self.conversion.convert(value, None)?;
        } else {
            map.put(self.field.clone(), Value::Null);
        }
        Ok(())
    }

    fn convert_field(&mut self, whole: &mut SchemaAndValue<'_>) -> Result<(), ConnectError> {
        let Some(schema) = &whole.schema else {
            return Ok(());
        };
        if !whole.value.is_null() {
            require_struct(&whole.value, PURPOSE)?;
        }
        let step = FieldStep {
            field: &self.field,
            conversion: &self.conversion,
            with_default: self.with_default,
        };
        let converted = self
            .schemas
            .get_or_make(schema, |schema| step.schema(schema))?;
        if !whole.value.is_null() {
            let structure = take_struct(&mut whole.value, PURPOSE)?;
            whole.value = Value::Struct(step.apply(structure, converted)?);
        }
        whole.schema = Some(converted.clone());
        Ok(())
    }
}

/// The conversion of one field of structs.
struct FieldStep<'t> {
    field: &'t str,
    conversion: &'t Conversion,
    with_default: bool,
}

impl FieldStep<'_> {
    fn schema(&self, schema: &Schema) -> Result<Schema, ConnectError> {
        let mut builder = basics_of(schema, SchemaBuilder::structure());
        for field in fields_of(schema)? {
            let field_schema = if *field.name == *self.field {
                self.conversion.target.schema(field.schema.is_optional())
            } else {
                field.schema.clone()
            };
            builder = builder.field(&field.name, field_schema)?;
        }
        builder = builder.set_optional(schema.is_optional());
        if let Some(Value::Struct(default)) = schema.default_value() {
            let converted = self.apply(default.clone(), &builder.clone().build())?;
            builder = builder.default_value(Value::Struct(converted));
        }
        Ok(builder.build())
    }

    fn apply<'a>(
        &self,
        structure: Struct<'a>,
        converted: &Schema,
    ) -> Result<Struct<'a>, ConnectError> {
        let (schema, mut values) = structure.into_parts();
        let fields = schema.fields().iter().zip(converted.fields());
        for ((field, target), value) in fields.zip(&mut values) {
            if *field.name == *self.field {
                if let (Value::Null, true, Some(default)) =
                    (&*value, self.with_default, field.schema.default_value())
                {
                    *value = default.clone();
                }
                let form = Form::of_schema(&field.schema)?;
                let changed = self.conversion.convert(value, Some(form))?;
                *value = carried(target, changed, false)?;
            } else if value.is_null() {
                *value = carried(field, Value::Null, self.with_default)?;
            }
        }
        Ok(Struct::with_values(converted.clone(), values))
    }
}
