//! `InsertField`: adds what is known of the record, or a fixed text, as fields.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigError, ConfigKey, ConfigType, Importance, ParsedConfig};
use crate::data::{Origin, Record, Schema, SchemaBuilder, SchemaType, Struct, Value, logical};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{basics_of, carry_all, require_map_mut, take_struct};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

const PURPOSE: &str = "field insertion";

pub(super) fn config() -> ConfigDef {
    let key = |name: &'static str, doc: &'static str, suffix: &str| {
        ConfigKey::optional(name, ConfigType::String)
            .importance(Importance::Medium)
            .doc(format!("{doc}{suffix}"))
    };
    let suffix = "Suffix with <code>!</code> to make this a required field, or <code>?</code> to keep it optional (the \
                  default).";
    ConfigDef::new()
        .define(key("topic.field", "Field name for Kafka topic. ", suffix))
        .define(key(
            "partition.field",
            "Field name for Kafka partition. ",
            suffix,
        ))
        .define(key(
            "offset.field",
            "Field name for Kafka offset - only applicable to sink connectors.<br/>",
            suffix,
        ))
        .define(key(
            "timestamp.field",
            "Field name for record timestamp. ",
            suffix,
        ))
        .define(key(
            "static.field",
            "Field name for static data field. ",
            suffix,
        ))
        .define(key(
            "static.value",
            "Static field value, if field name configured.",
            "",
        ))
        .define(replace_null_with_default())
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<InsertField, ConnectError> {
    let config = config().parse(settings)?;
    let insertions = insertions(&config)?;
    Ok(InsertField {
        side,
        insertions,
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

/// The fields to insert, in the order in which Java does it.
fn insertions(config: &ParsedConfig) -> Result<Vec<Insertion>, ConnectError> {
    let keys = [
        ("topic.field", Source::Topic),
        ("partition.field", Source::Partition),
        ("offset.field", Source::Offset),
        ("timestamp.field", Source::Timestamp),
    ];
    let mut insertions: Vec<Insertion> = keys
        .into_iter()
        .filter_map(|(key, source)| Some(Insertion::new(config.optional_string(key)?, source)))
        .collect();
    if let Some(field) = config.optional_string("static.field") {
        let text = config.optional_string("static.value").ok_or_else(|| {
            // Java prints the object that it has parsed the name into, whose text is a memory address.
            let reason = format!("No value specified for static field: {field}");
            ConfigError::invalid("static.value", "null", reason)
        })?;
        insertions.push(Insertion::new(field, Source::Static(text.to_owned())));
    }
    if insertions.is_empty() {
        return Err(ConnectError::config("No field insertion configured"));
    }
    Ok(insertions)
}

#[derive(Debug)]
pub(super) struct InsertField {
    side: Side,
    insertions: Vec<Insertion>,
    with_default: bool,
    schemas: SchemaCache<Schema>,
}

/// A field to insert.
#[derive(Debug)]
struct Insertion {
    field: String,
    is_optional: bool,
    source: Source,
}

/// Where an inserted value comes from.
#[derive(Debug)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

/// What may be inserted of one record, read before one of its sides is changed.
struct Facts<'a> {
    topic: Value<'a>,
    partition: Value<'a>,
    offset: Value<'a>,
    timestamp: Option<i64>,
}

impl Transformation for InsertField {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let facts = Facts {
            topic: Value::String(record.topic.clone()),
            partition: record.partition.map_or(Value::Null, Value::Int32),
            offset: record
                .origin
                .kafka_offset()
                .map_or(Value::Null, Value::Int64),
            timestamp: record.timestamp,
        };
        let is_of_source = matches!(record.origin, Origin::Source { .. });
        let whole = self.side.of_mut(record);
        if whole.value.is_null() {
            return Ok(Fate::Kept);
        }
        let wants_offset = |it: &Insertion| matches!(it.source, Source::Offset);
        if is_of_source && self.insertions.iter().any(wants_offset) {
            return Err(ConnectError::data(format!(
                "Only SinkRecord supported for [{PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord"
            )));
        }
        if whole.schema.is_some() {
            let structure = take_struct(&mut whole.value, PURPOSE)?;
            let inserted = self.insert_into_struct(structure, &facts)?;
            whole.schema = Some(inserted.schema().clone());
            whole.value = Value::Struct(inserted);
        } else {
            let map = require_map_mut(&mut whole.value, PURPOSE)?;
            map.become_copy();
            for insertion in &self.insertions {
                match insertion.value(&facts, Value::Int64) {
                    Value::Null => {}
                    value => match map.get_mut(&insertion.field) {
                        Some(known) => *known = value,
                        None => {
                            map.put(insertion.field.clone(), value);
                        }
                    },
                }
            }
        }
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl InsertField {
    fn insert_into_struct<'a>(
        &mut self,
        structure: Struct<'a>,
        facts: &Facts<'a>,
    ) -> Result<Struct<'a>, ConnectError> {
        let insertions = &self.insertions;
        let (schema, mut values) = structure.into_parts();
        let inserted = self
            .schemas
            .get_or_make(&schema, |schema| schema_with(insertions, schema))?;
        carry_all(&schema, &mut values, self.with_default)?;
        // What the record does not have stays absent, be the field required or not, as in Java.
        values.extend(insertions.iter().map(|it| it.value(facts, Value::Date)));
        Ok(Struct::with_values(inserted.clone(), values))
    }
}

fn schema_with(insertions: &[Insertion], schema: &Schema) -> Result<Schema, ConnectError> {
    let mut builder = basics_of(schema, SchemaBuilder::structure());
    for field in schema.fields() {
        builder = builder.field(&field.name, field.schema.clone())?;
    }
    for insertion in insertions {
        builder = builder.field(&insertion.field, insertion.schema())?;
    }
    Ok(builder.build())
}

impl Insertion {
    fn new(text: &str, source: Source) -> Self {
        let required = text.strip_suffix('!');
        let field = required.or_else(|| text.strip_suffix('?')).unwrap_or(text);
        Self {
            field: field.to_owned(),
            is_optional: required.is_none(),
            source,
        }
    }

    fn schema(&self) -> Schema {
        let builder = match &self.source {
            Source::Topic | Source::Static(_) => SchemaBuilder::primitive(SchemaType::String),
            Source::Partition => SchemaBuilder::primitive(SchemaType::Int32),
            Source::Offset => SchemaBuilder::primitive(SchemaType::Int64),
            Source::Timestamp => logical::timestamp(),
        };
        builder.set_optional(self.is_optional).build()
    }

    fn value<'a>(
        &self,
        facts: &Facts<'a>,
        of_timestamp: impl FnOnce(i64) -> Value<'a>,
    ) -> Value<'a> {
        match &self.source {
            Source::Topic => facts.topic.clone(),
            Source::Partition => facts.partition.clone(),
            Source::Offset => facts.offset.clone(),
            Source::Timestamp => facts.timestamp.map_or(Value::Null, of_timestamp),
            Source::Static(text) => Value::String(text.clone().into()),
        }
    }
}
