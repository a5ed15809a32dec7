//! `HeaderFrom`: copies or moves fields into headers.

use std::collections::BTreeMap;

use crate::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};
use crate::data::{Headers, Record, Schema, SchemaAndValue, SchemaBuilder, Struct, Value};
use crate::error::ConnectError;
use crate::transform::replace_null::{REPLACE_NULL_WITH_DEFAULT, replace_null_with_default};
use crate::transform::requirements::{
    basics_of, carried, fields_of, require_map_mut, require_struct, take_struct,
};
use crate::transform::schema_cache::SchemaCache;
use crate::transform::side::Side;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    let list = |name: &'static str, doc: &'static str| {
        ConfigKey::required(name, ConfigType::List)
            .validator(Validator::Rule(check_not_empty))
            .importance(Importance::High)
            .doc(doc)
    };
    ConfigDef::new()
        .define(list(
            "fields",
            "Field names in the record whose values are to be copied or moved to headers.",
        ))
        .define(list(
            "headers",
            "Header names, in the same order as the field names listed in the fields configuration property.",
        ))
        .define(
            ConfigKey::required("operation", ConfigType::String)
                .validator(Validator::OneOf(&["move", "copy"]))
                .importance(Importance::High)
                .doc(
                    "Either <code>move</code> if the fields are to be moved to the headers (removed from the key/value), \
                     or <code>copy</code> if the fields are to be copied to the headers (retained in the key/value).",
                ),
        )
        .define(replace_null_with_default())
}

fn check_not_empty(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        Some(ConfigValue::List(items)) if !items.is_empty() => Ok(()),
        _ => {
            let shown = value.map_or_else(|| "null".to_owned(), ToString::to_string);
            Err(ConfigError::invalid(name, shown, "Empty list"))
        }
    }
}

pub(super) fn new(
    side: Side,
    settings: &BTreeMap<String, String>,
) -> Result<HeaderFrom, ConnectError> {
    let config = config().parse(settings)?;
    let (fields, headers) = (config.list("fields"), config.list("headers"));
    if fields.len() != headers.len() {
        return Err(ConnectError::config(
            "'fields' config must have the same number of elements as 'headers' config.",
        ));
    }
    let is_move = config.string("operation")? == "move";
    Ok(HeaderFrom {
        side,
        pairs: fields
            .iter()
            .cloned()
            .zip(headers.iter().cloned())
            .collect(),
        purpose: if is_move {
            "header move"
        } else {
            "header copy"
        },
        is_move,
        with_default: config.boolean(REPLACE_NULL_WITH_DEFAULT)?,
        schemas: SchemaCache::new(),
    })
}

#[derive(Debug)]
pub(super) struct HeaderFrom {
    side: Side,
    /// Fields, and the headers that they go to.
    pairs: Vec<(String, String)>,
    purpose: &'static str,
    is_move: bool,
    with_default: bool,
    schemas: SchemaCache<Remainder>,
}

/// What is left of structs of one schema.
#[derive(Debug)]
struct Remainder {
    schema: Schema,
    sources: Vec<usize>,
}

impl Transformation for HeaderFrom {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let mut headers = std::mem::take(&mut record.headers);
        let whole = self.side.of_mut(record);
        if whole.schema.is_some() {
            self.add_from_struct(whole, &mut headers)?;
        } else {
            self.add_from_map(&mut whole.value, &mut headers)?;
        }
        record.headers = headers;
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        self.side.scope()
    }
}

impl HeaderFrom {
    fn add_from_map<'a>(
        &self,
        value: &mut Value<'a>,
        headers: &mut Headers<'a>,
    ) -> Result<(), ConnectError> {
        let map = require_map_mut(value, self.purpose)?;
        map.become_copy();
        for (field, header) in &self.pairs {
            let value = map.get(field).cloned().unwrap_or(Value::Null);
            headers.add(header.clone(), SchemaAndValue::new(None, value));
        }
        if self.is_move {
            for (field, _) in &self.pairs {
                map.remove(field);
            }
        }
        Ok(())
    }

    fn add_from_struct<'a>(
        &mut self,
        whole: &mut SchemaAndValue<'a>,
        headers: &mut Headers<'a>,
    ) -> Result<(), ConnectError> {
        let value = require_struct(&whole.value, self.purpose)?;
        if self.is_move {
            self.check_rest(value)?;
        }
        for (name, header) in &self.pairs {
            let Some(field) = value.schema().field(name) else {
                return Err(ConnectError::java(
                    "java.lang.NullPointerException",
                    "Cannot invoke \"org.apache.kafka.connect.data.Field.schema()\" because the return value of \
                     \"org.apache.kafka.connect.data.Schema.field(String)\" is null",
                ));
            };
            let value = match value.at(field.index) {
                Value::Null if self.with_default => field.schema.default_value().cloned(),
                value => Some(value.clone()),
            };
            let value = value.unwrap_or(Value::Null);
            let value = SchemaAndValue::new(field.schema.clone(), value);
            headers.add_checked(header.clone(), value)?;
        }
        if self.is_move {
            let rest = self.without_fields(take_struct(&mut whole.value, self.purpose)?)?;
            whole.schema = Some(rest.schema().clone());
            whole.value = Value::Struct(rest);
        }
        Ok(())
    }

    /// Fails as [`without_fields`](Self::without_fields) does, which Java calls before it looks at the headers.
    fn check_rest(&mut self, structure: &Struct<'_>) -> Result<(), ConnectError> {
        let pairs = &self.pairs;
        let plan = self
            .schemas
            .get_or_make(structure.schema(), |schema| Remainder::new(pairs, schema))?;
        for (field, source) in plan.schema.fields().iter().zip(&plan.sources) {
            if structure.at(*source).is_null() {
                carried(field, Value::Null, self.with_default)?;
            }
        }
        Ok(())
    }

    fn without_fields<'a>(&mut self, structure: Struct<'a>) -> Result<Struct<'a>, ConnectError> {
        let pairs = &self.pairs;
        let (schema, mut values) = structure.into_parts();
        let plan = self
            .schemas
            .get_or_make(&schema, |schema| Remainder::new(pairs, schema))?;
        let mut rest = Vec::with_capacity(plan.sources.len());
        for (field, source) in plan.schema.fields().iter().zip(&plan.sources) {
            let value = values
                .get_mut(*source)
                .map_or(Value::Null, |value| std::mem::replace(value, Value::Null));
            rest.push(carried(field, value, self.with_default)?);
        }
        Ok(Struct::with_values(plan.schema.clone(), rest))
    }
}

impl Remainder {
    fn new(moved: &[(String, String)], schema: &Schema) -> Result<Self, ConnectError> {
        let mut builder = basics_of(schema, SchemaBuilder::structure());
        let mut sources = Vec::new();
        for field in fields_of(schema)? {
            if moved.iter().all(|(name, _)| **name != *field.name) {
                builder = builder.field(&field.name, field.schema.clone())?;
                sources.push(field.index);
            }
        }
        Ok(Self {
            schema: builder.build(),
            sources,
        })
    }
}
