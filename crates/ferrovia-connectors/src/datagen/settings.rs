//! The settings, and where the schema comes from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};

use super::avro::{Avro, AvroField, Fault, Kind};
use super::plan::Plan;
use super::quickstart::{self, Quickstart};

pub(super) const TASK_ID: &str = "task.id";
const KAFKA_TOPIC: &str = "kafka.topic";
const MAX_INTERVAL: &str = "max.interval";
const ITERATIONS: &str = "iterations";
const SCHEMA_STRING: &str = "schema.string";
const SCHEMA_FILENAME: &str = "schema.filename";
const SCHEMA_KEYFIELD: &str = "schema.keyfield";
const QUICKSTART: &str = "quickstart";
const RANDOM_SEED: &str = "random.seed";

/// How large a file with a schema may be.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The definitions of the settings.
///
/// # Source
/// `io.confluent.kafka.connect.datagen.DatagenConnectorConfig`
pub(super) fn definitions() -> ConfigDef {
    let text = |name, doc| {
        ConfigKey::with_default(name, ConfigType::String, "")
            .importance(Importance::High)
            .doc(doc)
    };
    ConfigDef::new()
        .define(
            ConfigKey::required(KAFKA_TOPIC, ConfigType::String)
                .importance(Importance::High)
                .doc("Topic to write to"),
        )
        .define(
            ConfigKey::with_default(MAX_INTERVAL, ConfigType::Long, 500_i64)
                .importance(Importance::High)
                .doc("Max interval between messages (ms)"),
        )
        .define(
            ConfigKey::with_default(ITERATIONS, ConfigType::Int, -1)
                .importance(Importance::High)
                .doc("Number of messages to send from each task, or less than 1 for unlimited"),
        )
        .define(
            text(SCHEMA_STRING, "The literal JSON-encoded Avro schema to use")
                .validator(Validator::Rule(check_schema)),
        )
        .define(
            text(SCHEMA_FILENAME, "Filename of schema to use")
                .validator(Validator::Rule(check_file)),
        )
        .define(text(SCHEMA_KEYFIELD, "Name of field to use as the message key"))
        .define(
            text(QUICKSTART, "Name of quickstart to use")
                .validator(Validator::Rule(check_quickstart)),
        )
        .define(
            ConfigKey::optional(RANDOM_SEED, ConfigType::Long)
                .importance(Importance::Low)
                .doc(
                    "A number that decides on the random data: with the same one the same data is made again. Each task \
                     of a connector makes data of its own.",
                ),
        )
}

/// Checked settings.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) topic: String,
    /// Milliseconds; none if there is to be no pause.
    pub(super) interval_max_ms: u64,
    /// How many records each task makes; `None` for no end.
    pub(super) iterations: Option<i64>,
    pub(super) seed: Option<i64>,
    pub(super) schema: Arc<Avro>,
    /// Where the key stands among the fields.
    pub(super) key: Option<usize>,
}

impl Settings {
    /// Reads the settings, and the schema that they name.
    pub(super) fn parse(settings: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let parsed = definitions().parse(settings)?;
        let given = |name| parsed.optional_string(name).filter(|text| !text.is_empty());
        let sources = [SCHEMA_STRING, SCHEMA_FILENAME, QUICKSTART];
        let (schema, quickstart_key) = match sources.map(given) {
            [Some(text), None, None] => (schema_of(SCHEMA_STRING, text)?, None),
            [None, Some(file), None] => (schema_of(SCHEMA_FILENAME, &read(file)?)?, None),
            [None, None, Some(name)] => {
                let quickstart = quickstart::find(name).ok_or_else(unknown_quickstart)?;
                let schema = schema_of(QUICKSTART, quickstart.schema)?;
                (schema, Some(quickstart.key))
            }
            _ => {
                let message = format!("Must set exactly one of {}", sources.join(", "));
                return Err(ConfigError::rule(SCHEMA_STRING, message));
            }
        };
        let key = given(SCHEMA_KEYFIELD).or(quickstart_key);
        let key = key.map(|name| place_of(&schema, name)).transpose()?;
        let iterations = i64::from(parsed.int(ITERATIONS)?);
        let seed = match parsed.value(RANDOM_SEED) {
            Some(ConfigValue::Long(seed)) => Some(*seed),
            _ => None,
        };
        Ok(Self {
            topic: parsed.string(KAFKA_TOPIC)?.to_owned(),
            interval_max_ms: u64::try_from(parsed.long(MAX_INTERVAL)?).unwrap_or(0),
            iterations: (iterations > 0).then_some(iterations),
            seed,
            schema,
            key,
        })
    }

    /// The field that is the key.
    pub(super) fn key_field(&self) -> Option<&AvroField> {
        match &self.schema.kind {
            Kind::Record(fields) => fields.get(self.key?),
            _ => None,
        }
    }
}

fn place_of(schema: &Avro, name: &str) -> Result<usize, ConfigError> {
    let place = match &schema.kind {
        Kind::Record(fields) => fields.iter().position(|field| field.name == name),
        _ => None,
    };
    place.ok_or_else(|| {
        let message =
            format!("The schema does not contain the field provided in '{SCHEMA_KEYFIELD}'");
        ConfigError::rule(SCHEMA_KEYFIELD, message)
    })
}

/// Reads a schema and checks that records can be made of it.
fn schema_of(setting: &str, text: &str) -> Result<Arc<Avro>, ConfigError> {
    let usable = Avro::parse(text).and_then(|schema| {
        Plan::compile(&schema, 0)?;
        Ok(schema)
    });
    usable.map_err(|fault| unusable(setting, &fault))
}

fn unusable(setting: &str, fault: &Fault) -> ConfigError {
    ConfigError::rule(
        setting,
        format!("Unable to parse the provided schema: {fault}"),
    )
}

/// The text of a schema's file, or of the quickstart that has this file name in Java's plugin.
fn read(name: &str) -> Result<String, ConfigError> {
    let refused = |reason: String| unusable(SCHEMA_FILENAME, &Fault::new(reason));
    let file = match File::open(name) {
        Ok(file) => file,
        Err(error) => {
            let bundled = quickstart::find_file(name);
            return match bundled {
                Some(quickstart) => Ok(quickstart.schema.to_owned()),
                None => Err(refused(format!("{name}: {error}"))),
            };
        }
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| refused(format!("{name}: {error}")))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(refused(format!(
            "{name} has more than {FILE_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}

fn check_schema(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match text_of(value) {
        Some(text) => schema_of(name, text).map(|_| ()),
        None => Ok(()),
    }
}

fn check_file(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match text_of(value) {
        Some(file) => schema_of(name, &read(file)?).map(|_| ()),
        None => Ok(()),
    }
}

fn check_quickstart(_name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match text_of(value) {
        Some(name) if quickstart::find(name).is_none() => Err(unknown_quickstart()),
        _ => Ok(()),
    }
}

fn unknown_quickstart() -> ConfigError {
    let names: Vec<&str> = quickstart::ALL.iter().map(Quickstart::name).collect();
    let message = format!("{QUICKSTART} must be one out of {}", names.join(","));
    ConfigError::rule(QUICKSTART, message)
}

fn text_of(value: Option<&ConfigValue>) -> Option<&str> {
    match value {
        Some(ConfigValue::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}
