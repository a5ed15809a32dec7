//! `JsonConverter`: values as JSON, with or without their schema beside them.
//!
//! # Source
//! `org.apache.kafka.connect.json.JsonConverter`

mod cache;
mod decode;
mod encode;
mod encoding;
mod node;
mod reader;
mod schema;

use std::sync::Arc;

use cache::SchemaCache;
use decode::Decoder;
use encode::Encoder;
use node::Node;
use reader::{Fault, Reader};

use super::Written;
use crate::config::ParsedConfig;
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::ConnectError;

/// The class of what goes wrong below a converter.
const SERIALIZATION: &str = "org.apache.kafka.common.errors.SerializationException";
/// What is said of bytes that are no JSON.
const NO_JSON: &str = "Converting byte[] to Kafka Connect data failed due to serialization error: ";

/// A `JsonConverter` with its settings. What it has learnt of schemas is shared by all tasks that use it.
#[derive(Debug)]
pub struct JsonConverter {
    has_schemas: bool,
    /// The schema of everything that is read, where one is set.
    schema: Option<Schema>,
    replaces_null: bool,
    decimals: DecimalFormat,
    schemas: SchemaCache,
}

/// How decimals are written (`decimal.format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DecimalFormat {
    /// The bytes of the unscaled number.
    Base64,
    /// A JSON number.
    Numeric,
}

impl JsonConverter {
    /// A converter with these settings, which have been checked.
    ///
    /// # Errors
    /// `schema.content` does not describe a schema.
    pub(super) fn new(settings: &ParsedConfig) -> Result<Self, ConnectError> {
        let is_numeric = settings
            .optional_string("decimal.format")
            .is_some_and(|format| format.eq_ignore_ascii_case("NUMERIC"));
        let size = settings.int("schemas.cache.size")?;
        let replaces_null = settings.boolean("replace.null.with.default")?;
        let schema = match settings.optional_string("schema.content") {
            None | Some("") => None,
            Some(content) => read_content(content, replaces_null)?,
        };
        Ok(Self {
            has_schemas: settings.boolean("schemas.enable")?,
            schema,
            replaces_null,
            decimals: if is_numeric {
                DecimalFormat::Numeric
            } else {
                DecimalFormat::Base64
            },
            schemas: SchemaCache::new(usize::try_from(size).unwrap_or_default()),
        })
    }

    /// What the JSON of a record stands for.
    pub(super) fn read<'a>(&self, bytes: &'a [u8]) -> Result<SchemaAndValue<'a>, ConnectError> {
        match encoding::transcoded(bytes) {
            Some(text) => self
                .read_utf8(text.as_bytes())
                .map(SchemaAndValue::into_owned),
            None => self.read_utf8(bytes),
        }
    }

    fn read_utf8<'a>(&self, bytes: &'a [u8]) -> Result<SchemaAndValue<'a>, ConnectError> {
        let mut reader = Reader::new(bytes);
        if !self.has_schemas {
            let value: Option<Value<'a>> = reader.root().map_err(no_json)?;
            return Ok(SchemaAndValue::new(None, value.unwrap_or(Value::Null)));
        }
        if let Some(schema) = &self.schema {
            let node = reader.root().map_err(no_json)?;
            return self.with_schema(Some(schema.clone()), node.unwrap_or(Node::Missing));
        }
        if !reader.is_at_object() {
            // What is wrong with the text comes before what is wrong with the value.
            reader.root::<Node<'_>>().map_err(no_json)?;
            return Err(no_envelope());
        }
        let envelope = self.read_envelope(&mut reader).map_err(no_json)?;
        match envelope {
            Envelope {
                schema: Some(described),
                payload: Some(payload),
                has_more: false,
            } => self.with_schema(self.schema_of(described)?, payload),
            _ => Err(no_envelope()),
        }
    }

    fn with_schema<'a>(
        &self,
        schema: Option<Schema>,
        payload: Node<'a>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let value = Decoder::new(self.replaces_null).value(schema.as_ref(), Some(payload))?;
        Ok(SchemaAndValue { schema, value })
    }

    fn read_envelope<'a>(&self, reader: &mut Reader<'a>) -> Result<Envelope<'a>, Box<Fault>> {
        let mut envelope = Envelope::default();
        reader.object(|reader, name| {
            match &*name {
                "schema" => {
                    let start = reader.token_start();
                    let latest = self.schemas.latest();
                    envelope.schema = Some(match latest {
                        Some((json, schema)) if reader.skip_known(&json) => {
                            Described::Known(schema)
                        }
                        _ => {
                            let node = reader.value()?;
                            Described::Json(reader.since(start), node)
                        }
                    });
                }
                "payload" => envelope.payload = Some(reader.value()?),
                _ => {
                    reader.value::<Node<'a>>()?;
                    envelope.has_more = true;
                }
            }
            Ok(())
        })?;
        Ok(envelope)
    }

    fn schema_of(&self, described: Described<'_>) -> Result<Option<Schema>, ConnectError> {
        let (json, node) = match described {
            Described::Known(schema) => return Ok(Some(schema)),
            Described::Json(json, node) => (json, node),
        };
        if let Some(known) = self.schemas.schema_of(json) {
            return Ok(Some(known));
        }
        let schema = schema::read(&node, self.replaces_null)?;
        if let Some(schema) = &schema {
            self.schemas.learn(json, schema);
        }
        Ok(schema)
    }

    /// Appends the JSON of a value to `out`. There is none of a value that is null and has no schema.
    pub(super) fn write<'v>(
        &self,
        out: &mut Vec<u8>,
        schema: Option<&Schema>,
        value: &Value<'_>,
    ) -> Result<Written<'v>, ConnectError> {
        if schema.is_none() && value.is_null() {
            return Ok(Written::Null);
        }
        let mut encoder = self.encoder(out);
        if self.has_schemas {
            encoder.open("{")?;
            encoder.raw("\"schema\":");
            encoder.raw(&self.json_of(schema)?);
            encoder.raw(",\"payload\":");
            encoder.value(schema, value)?;
            encoder.close("}");
        } else {
            encoder.value(schema, value)?;
        }
        Ok(Written::Appended)
    }

    fn json_of(&self, schema: Option<&Schema>) -> Result<Arc<str>, ConnectError> {
        if let Some(json) = schema.and_then(|schema| self.schemas.json_of(schema)) {
            return Ok(json);
        }
        let mut json = Vec::new();
        schema::write(&mut self.encoder(&mut json), schema)?;
        let json: Arc<str> = String::from_utf8_lossy(&json).into();
        if let Some(schema) = schema {
            self.schemas.learn_json(schema, Arc::clone(&json));
        }
        Ok(json)
    }

    fn encoder<'o>(&self, out: &'o mut Vec<u8>) -> Encoder<'o> {
        Encoder::new(out, self.replaces_null, self.decimals)
    }
}

/// A value beside its schema.
#[derive(Debug, Default)]
struct Envelope<'a> {
    schema: Option<Described<'a>>,
    payload: Option<Node<'a>>,
    /// Whether there is anything else, which must not be.
    has_more: bool,
}

/// A schema, or what describes it.
#[derive(Debug)]
enum Described<'a> {
    Known(Schema),
    Json(&'a [u8], Node<'a>),
}

fn read_content(content: &str, replaces_null: bool) -> Result<Option<Schema>, ConnectError> {
    let node = Reader::new(content.as_bytes()).root().map_err(|fault| {
        ConnectError::data_by(
            "Failed to parse schema in converter config due to serialization error: ",
            serialization(fault),
        )
    })?;
    schema::read(&node.unwrap_or(Node::Missing), replaces_null)
}

#[cold]
fn no_json(fault: Box<Fault>) -> ConnectError {
    ConnectError::data_by(NO_JSON, serialization(fault))
}

fn serialization(fault: Box<Fault>) -> ConnectError {
    ConnectError::java_by(SERIALIZATION, fault.to_string(), fault)
}

fn no_envelope() -> ConnectError {
    ConnectError::data(
        "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional \
         fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter \
         configuration.",
    )
}

#[cfg(test)]
mod tests;
