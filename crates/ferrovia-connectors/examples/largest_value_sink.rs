//! A connector of your own, complete: it keeps the longest value of each key and prints them when offsets are committed.
//!
//! Run it with `cargo run -p ferrovia-connectors --example largest_value_sink`. A worker runs it when its
//! [`ConnectorPlugin`] is in the list that the worker is started with; users then configure it as
//! `connector.class=com.example.LargestValueSinkConnector`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, InflateLimits, Inflater, Seal, batches};
use ferrovia_pipeline::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin, SinkConnector};
use ferrovia_pipeline::convert::Converter;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::ErrorLog;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::sink::{Delivery, SinkBatch, SinkContext, SinkTask};
use ferrovia_pipeline::topic::{Offsets, TopicPartition};

/// What a worker needs to know of the connector.
const PLUGIN: ConnectorPlugin = ConnectorPlugin {
    class: "com.example.LargestValueSinkConnector",
    task_class: "com.example.LargestValueSinkTask",
    version: "1.0.0",
    factory: ConnectorFactory::Sink(|| Box::new(LargestValueSinkConnector::default())),
};

/// Its one setting.
const PREFIX: &str = "prefix";

#[derive(Default)]
struct LargestValueSinkConnector {
    settings: BTreeMap<String, String>,
}

impl SinkConnector for LargestValueSinkConnector {
    fn config(&self) -> ConfigDef {
        ConfigDef::new().define(
            ConfigKey::with_default(PREFIX, ConfigType::String, "")
                .importance(Importance::Low)
                .doc("Printed before each line."),
        )
    }

    fn start(&mut self, settings: &BTreeMap<String, String>) -> Result<(), ConnectError> {
        self.settings.clone_from(settings);
        Ok(())
    }

    fn task_configs(
        &self,
        tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        // Every task does the same for its own partitions. A connector that splits its work otherwise answers fewer.
        Ok(vec![self.settings.clone(); tasks_max])
    }

    fn task(&self) -> Box<dyn SinkTask> {
        Box::new(LargestValueSinkTask::default())
    }
}

#[derive(Default)]
struct LargestValueSinkTask {
    prefix: String,
    longest: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl SinkTask for LargestValueSinkTask {
    fn start(&mut self, context: &mut SinkContext) -> Result<(), ConnectError> {
        context
            .setting(PREFIX)
            .unwrap_or_default()
            .clone_into(&mut self.prefix);
        Ok(())
    }

    fn put(&mut self, batch: &mut SinkBatch, _: &mut SinkContext) -> Result<(), ConnectError> {
        batch.for_each(|record| {
            // Keys and values borrow from the batch: what the task keeps, it copies.
            let (key, value) = (record.key(), record.value());
            let longest = self.longest.entry(key.as_printed().to_vec()).or_default();
            if value.as_printed().len() > longest.len() {
                *longest = value.as_printed().to_vec();
            }
            Ok(())
        })
    }

    fn flush(&mut self, _: &Offsets, _: &mut SinkContext) -> Result<(), ConnectError> {
        // Offsets are committed when this returns: everything must be safe in the target by then.
        let mut out = io::stdout().lock();
        for (key, value) in &self.longest {
            let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
            // A target that is away for a moment is a retriable error; one that refuses the data is not.
            writeln!(out, "{}{key}: {value}", self.prefix)
                .map_err(|error| ConnectError::failed_by("cannot print", error))?;
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}

/// Plays the worker for a moment.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for (key, value) in [("a", "short"), ("b", "only"), ("a", "much longer")] {
        writer.append(0, Some(key.as_bytes()), Some(value.as_bytes()), &[])?;
    }
    let records = writer.seal(Seal::default())?;

    let ConnectorFactory::Sink(new_connector) = PLUGIN.factory else {
        return Ok(());
    };
    let mut connector = new_connector();
    connector.start(&BTreeMap::from([(
        PREFIX.to_owned(),
        "longest of ".to_owned(),
    )]))?;
    let settings = connector.task_configs(1)?.remove(0);
    let mut context = SinkContext::new(settings);
    let mut task = connector.task();
    task.start(&mut context)?;

    let plan = Plan::of_converters(Converter::ByteArray, Converter::ByteArray);
    let mut batch = SinkBatch::new(
        plan,
        Inflater::new(InflateLimits::default()),
        ErrorLog::default(),
        true,
    );
    for raw in batches(records) {
        let partition = TopicPartition::new("topic", 0);
        batch.push(Delivery {
            partition,
            batch: raw?,
            from_offset: 0,
        });
    }
    task.put(&mut batch, &mut context)?;
    task.pre_commit(&batch.next_offsets(), &mut context)?;
    task.stop()?;
    Ok(())
}
