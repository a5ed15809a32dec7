//! The Connect schema of an Avro schema.
//!
//! # Source
//! `io.confluent.connect.avro.AvroData.toConnectSchema` with its default settings

use ferrovia_pipeline::data::{Schema, SchemaBuilder, SchemaType, logical};
use ferrovia_pipeline::error::ConnectError;
use serde_json::Value as Json;

use super::value::{Charset, value_of};
use super::{Avro, AvroField, Fault, Kind};

/// How many schemas one may consist of, each counted as often as it is used.
const SCHEMAS_MAX: usize = 10_000;

const UNION: &str = "io.confluent.connect.avro.Union";
const ENUM: &str = "io.confluent.connect.avro.Enum";
const RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
const FIELD_DOC: &str = "io.confluent.connect.avro.field.doc.";
const ENUM_DOC: &str = "io.confluent.connect.avro.enum.doc.";
const ENUM_DEFAULT: &str = "io.confluent.connect.avro.enum.default.";
const FIELD_DEFAULT: &str = "io.confluent.connect.avro.field.default";
const MAP_ENTRY: &str = "io.confluent.connect.avro.MapEntry";
const CONNECT_DEFAULT: &str = "io.confluent.connect.avro.ConnectDefault";
const DECIMAL_PRECISION: &str = "connect.decimal.precision";
const FIXED_SIZE: &str = "connect.fixed.size";
/// The precision that is not written down.
const PRECISION_DEFAULT: i64 = 64;

/// The schema of what stands alone: a record, or a key.
pub(in crate::datagen) fn schema_of(avro: &Avro) -> Result<Schema, Fault> {
    let mut schemas = Schemas { left: SCHEMAS_MAX };
    schemas.schema(avro, false, None)
}

struct Schemas {
    left: usize,
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        Self::new(error.to_string())
    }
}

impl Schemas {
    fn schema(
        &mut self,
        avro: &Avro,
        is_optional: bool,
        default: Option<&Json>,
    ) -> Result<Schema, Fault> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| Fault::new(format!("a record has more than {SCHEMAS_MAX} values")))?;
        if let Some(member) = avro.beside_null() {
            return self.schema(member, true, None);
        }
        let builder = self.shape(avro)?;
        let builder = named(avro, described(avro, builder)?)?;
        let builder = with_default(avro, builder, default);
        Ok(if is_optional {
            builder.optional().build()
        } else {
            builder.build()
        })
    }

    fn shape(&mut self, avro: &Avro) -> Result<SchemaBuilder, Fault> {
        Ok(match &avro.kind {
            Kind::Null => {
                return Err(Fault::new(
                    "null stands alone, which Connect has no schema for",
                ));
            }
            Kind::Boolean => SchemaBuilder::primitive(SchemaType::Boolean),
            Kind::Int => int(avro)?,
            Kind::Long => match avro.property("logicalType") {
                Some(kind) if kind.eq_ignore_ascii_case("timestamp-millis") => logical::timestamp(),
                _ => SchemaBuilder::primitive(SchemaType::Int64),
            },
            Kind::Float => SchemaBuilder::primitive(SchemaType::Float32),
            Kind::Double => SchemaBuilder::primitive(SchemaType::Float64),
            Kind::String => SchemaBuilder::primitive(SchemaType::String),
            Kind::Bytes => bytes(avro),
            Kind::Fixed(size) => bytes(avro).parameter(FIXED_SIZE, &size.to_string()),
            Kind::Enum(symbols) => symbols_of(avro, symbols),
            Kind::Array(items) if items.name.as_deref() == Some(MAP_ENTRY) => {
                return Err(Fault::new("maps as arrays of entries are not supported"));
            }
            Kind::Array(items) => SchemaBuilder::array(self.schema(items, false, None)?),
            Kind::Map(values) => {
                let keys = Schema::of(SchemaType::String);
                SchemaBuilder::map(keys, self.schema(values, false, None)?)
            }
            Kind::Record(fields) => self.record(avro, fields)?,
            Kind::Union(members) => {
                let mut builder = SchemaBuilder::structure().name(UNION);
                for member in members {
                    if member.is_null() {
                        builder = builder.optional();
                    } else {
                        let schema = self.schema(member, true, None)?;
                        builder = builder.field(member.member_name(), schema)?;
                    }
                }
                builder
            }
        })
    }

    fn record(&mut self, avro: &Avro, fields: &[AvroField]) -> Result<SchemaBuilder, Fault> {
        let mut builder = SchemaBuilder::structure();
        if let Some(doc) = avro.property("doc") {
            builder = builder.parameter(RECORD_DOC, doc);
        }
        let mut listed = Vec::with_capacity(fields.len());
        for field in fields {
            let AvroField { name, doc, .. } = field;
            if let Some(doc) = doc {
                builder = builder.parameter(&format!("{FIELD_DOC}{name}"), doc);
            }
            let schema = self
                .schema(&field.schema, false, field.default.as_ref())
                .map_err(|fault| fault.within(name))?;
            listed.push((name.as_str(), schema));
        }
        Ok(builder.fields(listed)?)
    }
}

fn int(avro: &Avro) -> Result<SchemaBuilder, Fault> {
    if let Some(kind) = avro.property("logicalType") {
        return Ok(if kind.eq_ignore_ascii_case("date") {
            logical::date()
        } else if kind.eq_ignore_ascii_case("time-millis") {
            logical::time()
        } else {
            SchemaBuilder::primitive(SchemaType::Int32)
        });
    }
    let primitive = match avro.property("connect.type") {
        None => SchemaType::Int32,
        Some("int8") => SchemaType::Int8,
        Some("int16") => SchemaType::Int16,
        Some(other) => return Err(Fault::new(format!("connect.type {other} of an int"))),
    };
    Ok(SchemaBuilder::primitive(primitive))
}

fn bytes(avro: &Avro) -> SchemaBuilder {
    if !is_decimal(avro) {
        return SchemaBuilder::primitive(SchemaType::Bytes);
    }
    let number = |key| avro.properties.get(key).and_then(Json::as_i64);
    let scale = number("scale").and_then(|scale| i32::try_from(scale).ok());
    let builder = logical::decimal(scale.unwrap_or(0));
    match number("precision") {
        Some(precision) if precision != PRECISION_DEFAULT => {
            builder.parameter(DECIMAL_PRECISION, &precision.to_string())
        }
        _ => builder,
    }
}

/// Whether bytes are said to be decimals.
pub(in crate::datagen) fn is_decimal(avro: &Avro) -> bool {
    avro.property("logicalType")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("decimal"))
}

fn symbols_of(avro: &Avro, symbols: &[String]) -> SchemaBuilder {
    let mut builder = SchemaBuilder::primitive(SchemaType::String);
    if let Some(doc) = avro.property("doc") {
        builder = builder.parameter(&format!("{ENUM_DOC}{}", avro.member_name()), doc);
    }
    if let Some(default) = avro.property("default") {
        builder = builder.parameter(&format!("{ENUM_DEFAULT}{}", avro.member_name()), default);
    }
    builder = builder.parameter(ENUM, avro.name.as_deref().unwrap_or(""));
    for symbol in symbols {
        builder = builder.parameter(&format!("{ENUM}.{symbol}"), symbol);
    }
    builder
}

/// What Connect's own properties say: documentation, version and parameters.
fn described(avro: &Avro, mut builder: SchemaBuilder) -> Result<SchemaBuilder, Fault> {
    if let Some(doc) = avro.property("connect.doc") {
        builder = builder.doc(doc);
    }
    if let Some(version) = avro.properties.get("connect.version") {
        let number = version
            .as_i64()
            .and_then(|number| i32::try_from(number).ok());
        let number = number.ok_or_else(|| Fault::new(format!("connect.version {version}")))?;
        let known = builder.clone().build().version();
        if known.is_some_and(|known| known != number) {
            return Err(Fault::new(format!(
                "connect.version {number} of a logical type"
            )));
        }
        builder = builder.version(number);
    }
    match avro.properties.get("connect.parameters") {
        None => {}
        Some(Json::Object(parameters)) => {
            for (key, value) in parameters {
                let text = value.as_str().ok_or_else(|| {
                    Fault::new(format!("{key} of connect.parameters is not a text"))
                })?;
                builder = builder.parameter(key, text);
            }
        }
        Some(_) => return Err(Fault::new("connect.parameters is not an object")),
    }
    for (key, value) in &avro.properties {
        if key.starts_with("avro") {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            builder = builder.parameter(key, &text);
        }
    }
    Ok(builder)
}

fn named(avro: &Avro, builder: SchemaBuilder) -> Result<SchemaBuilder, Fault> {
    let said = avro.property("connect.name");
    let name = said.or(avro.name.as_deref());
    let known = builder.clone().build();
    match (name, known.name()) {
        (None, _) => Ok(builder),
        (Some(name), _) if name.starts_with(CONNECT_DEFAULT) => Ok(builder),
        (Some(name), None) => {
            let named = builder.name(name);
            check_logical(&named.clone().build())?;
            Ok(named)
        }
        (Some(name), Some(known)) if said.is_some() && name != known => {
            Err(Fault::new(format!("connect.name {name} of a {known}")))
        }
        // A fixed that is a decimal: that it is one says more than its name.
        (Some(_), Some(_)) => Ok(builder),
    }
}

/// Refuses the name of a logical type where values are not what it is made of.
fn check_logical(schema: &Schema) -> Result<(), Fault> {
    let wanted = match schema.name() {
        Some(logical::DATE | logical::TIME) => SchemaType::Int32,
        Some(logical::TIMESTAMP) => SchemaType::Int64,
        Some(logical::DECIMAL) => SchemaType::Bytes,
        _ => return Ok(()),
    };
    if schema.schema_type() != wanted {
        return Err(Fault::new(format!(
            "{schema} is not made of {}",
            wanted.name()
        )));
    }
    if wanted == SchemaType::Bytes {
        logical::scale_of(schema)?;
    }
    Ok(())
}

/// A default that does not fit is left out.
fn with_default(avro: &Avro, builder: SchemaBuilder, default: Option<&Json>) -> SchemaBuilder {
    let said = avro.properties.get("connect.default");
    let builder = match default {
        Some(_) if said.is_none() => builder.parameter(FIELD_DEFAULT, "true"),
        _ => builder,
    };
    let Some(json) = default.or(said) else {
        return builder;
    };
    if json.is_null() {
        return builder;
    }
    let schema = builder.clone().build();
    let with = value_of(avro, &schema, json, Charset::Latin1)
        .and_then(|value| Ok(builder.clone().checked_default_value(value)?));
    with.unwrap_or(builder)
}
