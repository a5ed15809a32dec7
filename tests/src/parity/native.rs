//! Our answers: a case through the steps that a worker takes with a fetched batch, told in the form of Java's answers.

use std::error::Error;
use std::fmt::Display;

use ferrovia_pipeline::batch::{
    BatchOptions, BatchWriter, HeaderRef, Inflater, RawBatch, Seal, TimestampType, batches,
};
use ferrovia_pipeline::config::{ConfigDefault, ConfigValue};
use ferrovia_pipeline::convert::{self, Converter, ConverterRole, HeaderConverter};
use ferrovia_pipeline::data::{Header, Record, Schema, SchemaAndValue, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::predicate::PredicatePlugin;
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_pipeline::transform::{TransformationChain, TransformationPlugin};
use serde_json::{Value as Json, json};

use super::generate::{JSON, STRING};
use super::{Case, Choice, RawRecord, show};

/// What a record without a timestamp has in its place.
const NO_TIMESTAMP: i64 = -1;

/// Where a case ends before its record is complete.
struct Failed(Json);

impl Failed {
    fn new(kind: &str, stage: &str, executing: &str, error: &ConnectError) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            let known = error.downcast_ref::<ConnectError>();
            let class = known.map(|known| format!("{}: ", known.class()));
            causes.push(class.unwrap_or_default() + &error.to_string());
            cause = error.source();
        }
        Self(json!({kind: {
            "stage": stage,
            "executing": executing,
            "class": error.class(),
            "message": error.to_string(),
            "causes": causes,
        }}))
    }

    /// The record did not even come through a batch, which Java's answer never says.
    fn on_the_way(error: impl Display) -> Self {
        Self(json!({"batch": error.to_string()}))
    }
}

/// Answers cases. The converters that every answer is written with are made once.
#[derive(Debug)]
pub struct Pipeline {
    with_schemas: Converter,
    without_schemas: Converter,
    as_text: Converter,
}

impl Pipeline {
    /// A pipeline for any case.
    ///
    /// # Errors
    /// A converter that should be built in is none.
    pub fn new() -> Result<Self, ConnectError> {
        let make = |class: &str, settings: &[(&str, &str)]| {
            let settings = Choice::new(class, settings).settings;
            let made = Converter::from_class(class, &settings, ConverterRole::Value)?;
            made.ok_or_else(|| ConnectError::config(format!("{class} is not built in")))
        };
        Ok(Self {
            with_schemas: make(JSON, &[("schemas.enable", "true")])?,
            without_schemas: make(JSON, &[("schemas.enable", "false")])?,
            as_text: make(STRING, &[])?,
        })
    }

    /// What becomes of a case.
    #[must_use]
    pub fn answer(&self, case: &Case) -> Json {
        self.run(case).unwrap_or_else(|Failed(answer)| answer)
    }

    fn run(&self, case: &Case) -> Result<Json, Failed> {
        let mut plan = plan(case)?;
        let raw = &case.record;
        let partition = TopicPartition::new(raw.topic.as_str(), raw.partition);
        let batch = batch(raw).map_err(Failed::on_the_way)?;
        let mut inflater = Inflater::default();
        let batch = inflater.open(&batch).map_err(Failed::on_the_way)?;
        let record = batch.records().next();
        let record = record
            .ok_or("no record")
            .map_err(Failed::on_the_way)?
            .map_err(Failed::on_the_way)?;
        let applied = plan.apply(&partition, TimestampType::CreateTime, &record);
        let applied = applied.map_err(|failure| {
            let stage = failure.stage.name();
            Failed::new("failed", stage, failure.class, &failure.error)
        })?;
        Ok(applied.map_or_else(
            || json!({"dropped": true}),
            |record| self.show(&record, &plan),
        ))
    }

    fn show(&self, record: &Record<'_>, plan: &Plan) -> Json {
        let topic = &record.topic;
        let header = |header: &Header<'_>| {
            let SchemaAndValue { schema, value } = &header.value;
            let json = self
                .with_schemas
                .from_connect(topic, schema.as_ref(), value);
            let own =
                plan.headers()
                    .from_connect_header(topic, &header.key, schema.as_ref(), value);
            json!({
                "name": header.key,
                "text": value.to_string(),
                "types": types(value),
                "json": encoded(json),
                "own": encoded(own),
            })
        };
        json!({
            "topic": record.topic,
            "partition": record.partition,
            "timestamp": record.timestamp,
            "key": self.side(topic, &record.key, plan.key()),
            "value": self.side(topic, &record.value, plan.value()),
            "headers": record.headers.iter().map(header).collect::<Vec<_>>(),
        })
    }

    fn side(&self, topic: &str, side: &SchemaAndValue<'_>, own: &Converter) -> Json {
        let schema: Option<&Schema> = side.schema.as_ref();
        let written = |by: &Converter| encoded(by.from_connect(topic, schema, &side.value));
        json!({
            "text": side.value.to_string(),
            "types": types(&side.value),
            "envelope": written(&self.with_schemas),
            "plain": written(&self.without_schemas),
            "string": written(&self.as_text),
            "own": written(own),
        })
    }
}

fn plan(case: &Case) -> Result<Plan, Failed> {
    let keys = converter(&case.key, ConverterRole::Key, "key")?;
    let values = converter(&case.value, ConverterRole::Value, "value")?;
    let headers = header_converter(&case.header)?;
    let chain = TransformationChain::from_settings(&case.transforms);
    let chain = chain.map_err(|error| Failed::new("refused", "transforms", "", &error))?;
    Ok(Plan::new(keys, values, headers, chain))
}

fn converter(choice: &Choice, role: ConverterRole, name: &str) -> Result<Converter, Failed> {
    let Choice { class, settings } = choice;
    let made = Converter::from_class(class, settings, role);
    built(made, name, class)
}

fn header_converter(choice: &Choice) -> Result<HeaderConverter, Failed> {
    let Choice { class, settings } = choice;
    built(
        HeaderConverter::from_class(class, settings),
        "header",
        class,
    )
}

fn built<T>(made: Result<Option<T>, ConnectError>, role: &str, class: &str) -> Result<T, Failed> {
    let missing = || ConnectError::config(format!("{class} is not built in"));
    made.and_then(|made| made.ok_or_else(missing))
        .map_err(|error| Failed::new("refused", &format!("{role}.converter"), class, &error))
}

/// The record as a broker sends it: a batch of one.
fn batch(raw: &RawRecord) -> Result<RawBatch, Box<dyn Error>> {
    let headers: Vec<HeaderRef<'_>> = raw
        .headers
        .iter()
        .map(|(key, value)| HeaderRef {
            key: key.as_bytes(),
            value: value.as_deref(),
        })
        .collect();
    let mut writer = BatchWriter::new(BatchOptions::default());
    writer.append(
        raw.timestamp.unwrap_or(NO_TIMESTAMP),
        raw.key.as_deref(),
        raw.value.as_deref(),
        &headers,
    )?;
    let sealed = writer.seal(Seal {
        base_offset: raw.offset,
        ..Seal::default()
    })?;
    Ok(batches(sealed).next().ok_or("no batch")??)
}

fn encoded(written: Result<Option<Vec<u8>>, ConnectError>) -> Json {
    match written {
        Ok(bytes) => show(bytes.as_deref()),
        Err(error) => json!({"error": {"class": error.class(), "message": error.to_string()}}),
    }
}

/// The settings that a class knows, in their order; `None` when the class is none of ours.
#[must_use]
pub fn definitions(class: &str) -> Option<Json> {
    let transformation = TransformationPlugin::find(class).map(|plugin| (plugin.config)());
    let definition = transformation
        .or_else(|| PredicatePlugin::find(class).map(|plugin| (plugin.config)()))
        .or_else(|| convert::config_def(class))?;
    let shown = definition.keys().map(|key| {
        let default = match key.default() {
            ConfigDefault::Value(ConfigValue::List(items)) => Json::from(items.join(",")),
            ConfigDefault::Value(value) => Json::from(value.to_string()),
            ConfigDefault::Required | ConfigDefault::Null => Json::Null,
        };
        let one = json!({
            "type": key.config_type().to_string(),
            "importance": format!("{:?}", key.how_important()).to_uppercase(),
            "required": *key.default() == ConfigDefault::Required,
            "default": default,
            "group": key.group_name(),
            "order": key.order_in_group(),
            "width": format!("{:?}", key.width()).to_uppercase(),
            "display": key.shown_as(),
        });
        (key.name().to_owned(), one)
    });
    Some(shown.collect())
}

/// The classes inside a value, which its text does not tell.
fn types(value: &Value<'_>) -> String {
    match value {
        Value::Bytes(_) => "bytes".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(types).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| format!("{}:{}", types(key), types(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Value::Struct(structure) => {
            let fields = structure.schema().fields().iter();
            let fields =
                fields.map(|field| format!("{}:{}", field.name, types(structure.at(field.index))));
            format!("({})", fields.collect::<Vec<_>>().join(","))
        }
        other => other.java_class().to_owned(),
    }
}
