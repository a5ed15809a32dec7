//! Projection: a value of one schema as a value of another that is compatible.
//!
//! # Source
//! `org.apache.kafka.connect.data.SchemaProjector`

use crate::data::{Map, Schema, SchemaType, Struct, Value, logical};
use crate::error::ConnectError;

/// The class of these errors in Java.
const CLASS: &str = "org.apache.kafka.connect.errors.SchemaProjectorException";

/// `value`, which is one of `source`, as one of `target`.
///
/// # Errors
/// The schemas are not compatible.
pub fn project<'a>(
    source: &Schema,
    value: Value<'a>,
    target: &Schema,
) -> Result<Value<'a>, ConnectError> {
    check_compatible(source, target)?;
    let default = target.default_value();
    match (source.is_optional() && !target.is_optional(), value) {
        (true, _) if default.is_none() => Err(error(
            "Writer schema is optional, however, target schema does not provide a default value.",
        )),
        (true, Value::Null) => Ok(default.cloned().unwrap_or(Value::Null)),
        (false, Value::Null) => Ok(Value::Null),
        (_, value) => project_present(source, value, target),
    }
}

fn project_present<'a>(
    source: &Schema,
    value: Value<'a>,
    target: &Schema,
) -> Result<Value<'a>, ConnectError> {
    match (target.schema_type(), value) {
        (SchemaType::Struct, Value::Struct(structure)) => {
            project_struct(source, &structure, target).map(Value::Struct)
        }
        (SchemaType::Array, Value::Array(items)) => {
            let (from, to) = inner(source.value_schema(), target.value_schema())?;
            let items = items.into_iter().map(|item| project(from, item, to));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        (SchemaType::Map, Value::Map(map)) => {
            let (from_keys, to_keys) = inner(source.key_schema(), target.key_schema())?;
            let (from, to) = inner(source.value_schema(), target.value_schema())?;
            let mut projected = Map::new();
            for (key, value) in map.into_entries() {
                let key = project(from_keys, key, to_keys)?;
                projected.insert(key, project(from, value, to)?);
            }
            Ok(Value::Map(projected))
        }
        (kind @ (SchemaType::Struct | SchemaType::Array | SchemaType::Map), value) => {
            Err(cannot_cast(&value, kind))
        }
        (kind, value) => Ok(promote(kind, value)),
    }
}

fn project_struct<'a>(
    source: &Schema,
    structure: &Struct<'a>,
    target: &Schema,
) -> Result<Struct<'a>, ConnectError> {
    let mut projected = Struct::new(target.clone())?;
    for field in target.fields() {
        let name = &*field.name;
        if let Some(known) = source.field(name) {
            let value = structure.get(name)?.clone();
            let value = project(&known.schema, value, &field.schema)
                .map_err(|cause| error_by(format!("Error projecting {name}"), cause))?;
            projected.put(name, value)?;
        } else if let (false, default) = (field.schema.is_optional(), field.schema.default_value())
        {
            let default = default.cloned().ok_or_else(|| {
                error(format!(
                    "Required field `{name}` is missing from source schema: {source}"
                ))
            })?;
            projected.put(name, default)?;
        }
    }
    Ok(projected)
}

fn check_compatible(source: &Schema, target: &Schema) -> Result<(), ConnectError> {
    let (from, to) = (source.schema_type(), target.schema_type());
    if from != to && !is_promotable(from, to) {
        return Err(error(format!(
            "Schema type mismatch. source type: {} and target type: {}",
            from.java_name(),
            to.java_name()
        )));
    }
    if source.name() != target.name() {
        let shown = |schema: &Schema| schema.name().unwrap_or("null").to_owned();
        return Err(error(format!(
            "Schema name mismatch. source name: {} and target name: {}",
            shown(source),
            shown(target)
        )));
    }
    let contains_all = |one: &Schema, two: &Schema| {
        one.parameters()
            .iter()
            .all(|(key, value)| two.parameter(key) == Some(value))
    };
    if !contains_all(source, target) || !contains_all(target, source) {
        return Err(error(format!(
            "Schema parameters not equal. source parameters: {} and target parameters: {}",
            shown_parameters(source),
            shown_parameters(target)
        )));
    }
    Ok(())
}

fn shown_parameters(schema: &Schema) -> String {
    if schema.parameters().is_empty() {
        return "null".to_owned();
    }
    let entries = schema.parameters().iter();
    let entries: Vec<String> = entries
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// Whether numbers of one type may become numbers of another: none becomes narrower.
fn is_promotable(from: SchemaType, to: SchemaType) -> bool {
    to <= SchemaType::Float64 && from <= to
}

fn promote(to: SchemaType, value: Value<'_>) -> Value<'_> {
    let whole = match &value {
        Value::Int8(number) => i64::from(*number),
        Value::Int16(number) => i64::from(*number),
        Value::Int32(number) => i64::from(*number),
        Value::Int64(number) => *number,
        Value::Float32(number) if to == SchemaType::Float64 => {
            return Value::Float64(f64::from(*number));
        }
        _ => return value,
    };
    match to {
        SchemaType::Int16 => i16::try_from(whole).map_or(value, Value::Int16),
        SchemaType::Int32 => Value::Int32(logical::low_32_bits(whole)),
        SchemaType::Int64 => Value::Int64(whole),
        SchemaType::Float32 => Value::Float32(float_of(whole)),
        SchemaType::Float64 => Value::Float64(double_of(whole)),
        _ => value,
    }
}

/// The nearest float, as Java casts a long.
#[expect(clippy::cast_precision_loss, reason = "Java's cast rounds, too")]
pub(crate) fn float_of(whole: i64) -> f32 {
    whole as f32
}

/// The nearest double, as Java casts a long.
#[expect(clippy::cast_precision_loss, reason = "Java's cast rounds, too")]
pub(crate) fn double_of(whole: i64) -> f64 {
    whole as f64
}

fn inner<'s>(
    source: Option<&'s Schema>,
    target: Option<&'s Schema>,
) -> Result<(&'s Schema, &'s Schema), ConnectError> {
    source.zip(target).ok_or_else(|| {
        ConnectError::java(
            "java.lang.NullPointerException",
            "a schema of what is inside is missing",
        )
    })
}

fn cannot_cast(value: &Value<'_>, kind: SchemaType) -> ConnectError {
    ConnectError::java(
        "java.lang.ClassCastException",
        format!(
            "class {} cannot be cast to {}",
            value.java_class(),
            kind.java_name()
        ),
    )
}

fn error(message: impl Into<String>) -> ConnectError {
    ConnectError::java(CLASS, message)
}

fn error_by(message: String, cause: ConnectError) -> ConnectError {
    ConnectError::java_by(CLASS, message, cause)
}
