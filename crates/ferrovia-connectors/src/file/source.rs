//! Reads lines of a file, or of standard input, as they are appended.

mod input;
mod lines;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrovia_pipeline::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator};
use ferrovia_pipeline::connector::{
    ConnectorContext, ExactlyOnceSupport, SourceConnector, SourceOffsetChange,
};
use ferrovia_pipeline::convert::TextEncoding;
use ferrovia_pipeline::data::{
    Headers, Map, Schema, SchemaAndValue, SchemaBuilder, SchemaType, Value,
};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};

use self::input::Input;
use self::lines::Lines;

const FILE: &str = "file";
const TOPIC: &str = "topic";
const BATCH_SIZE: &str = "batch.size";
const FILENAME: &str = "filename";
const POSITION: &str = "position";

/// How long to wait where there is nothing to read.
const PAUSE: Duration = Duration::from_secs(1);

/// Gives one task the file.
///
/// # Source
/// `org.apache.kafka.connect.file.FileStreamSourceConnector`
#[derive(Debug, Default)]
pub struct FileStreamSourceConnector {
    settings: BTreeMap<String, String>,
}

fn definitions() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::optional(FILE, ConfigType::String)
                .importance(Importance::High)
                .doc("Source filename. If not specified, the standard input will be used"),
        )
        .define(
            ConfigKey::required(TOPIC, ConfigType::String)
                .validator(Validator::NonEmpty)
                .importance(Importance::High)
                .doc("The topic to publish data to"),
        )
        .define(
            ConfigKey::with_default(BATCH_SIZE, ConfigType::Int, 2_000)
                .importance(Importance::Low)
                .doc(
                    "The maximum number of records the source task can read from the file each time it is polled",
                ),
        )
}

/// The file that the settings name; `None` for standard input.
fn file_of(settings: &BTreeMap<String, String>) -> Result<Option<String>, ConnectError> {
    let parsed = definitions().parse(settings)?;
    let file = parsed.optional_string(FILE).filter(|file| !file.is_empty());
    Ok(file.map(str::to_owned))
}

impl SourceConnector for FileStreamSourceConnector {
    fn config(&self) -> ConfigDef {
        definitions()
    }

    fn start(
        &mut self,
        settings: &BTreeMap<String, String>,
        _context: ConnectorContext,
    ) -> Result<(), ConnectError> {
        let file = file_of(settings)?;
        let shown = file.as_deref().unwrap_or("standard input");
        tracing::info!("Starting file source connector reading from {shown}");
        self.settings.clone_from(settings);
        Ok(())
    }

    /// One task, however many there may be: a file has one end to read on from.
    fn task_configs(
        &self,
        _tasks_max: usize,
    ) -> Result<Vec<BTreeMap<String, String>>, ConnectError> {
        Ok(vec![self.settings.clone()])
    }

    fn task(&self) -> Box<dyn SourceTask> {
        Box::new(FileStreamSourceTask::default())
    }

    /// A file that is only appended to has a place to go on from; standard input has none.
    fn exactly_once_support(
        &self,
        settings: &BTreeMap<String, String>,
    ) -> Option<ExactlyOnceSupport> {
        match file_of(settings) {
            Ok(Some(_)) => Some(ExactlyOnceSupport::Supported),
            _ => Some(ExactlyOnceSupport::Unsupported),
        }
    }

    fn alter_offsets(
        &mut self,
        settings: &BTreeMap<String, String>,
        offsets: &[SourceOffsetChange],
    ) -> Result<bool, ConnectError> {
        if file_of(settings)?.is_none() {
            return Err(ConnectError::failed(format!(
                "Offsets cannot be modified if the '{FILE}' configuration is unspecified. This is because stdin is used \
                 for input and offsets are not tracked."
            )));
        }
        offsets.iter().try_for_each(check_offset)?;
        Ok(true)
    }
}

/// A place can be set for any file, of former settings too, and what makes no sense can be forgotten.
fn check_offset(change: &SourceOffsetChange) -> Result<(), ConnectError> {
    let Some(offset) = &change.offset else {
        return Ok(());
    };
    let refused = match offset.get(POSITION) {
        None => {
            format!("Offset objects should either be null or contain the key '{POSITION}'")
        }
        Some(Value::Int64(position)) if *position < 0 => format!(
            "The value for the '{POSITION}' key in the offset should be a non-negative value"
        ),
        Some(Value::Int64(_)) if change.partition.contains_key(FILENAME) => return Ok(()),
        Some(Value::Int64(_)) => {
            format!("Partition objects should contain the key '{FILENAME}'")
        }
        Some(_) => format!(
            "The value for the '{POSITION}' key in the offset is expected to be a Long value"
        ),
    };
    Err(ConnectError::failed(refused))
}

/// Reads lines.
///
/// # Source
/// `org.apache.kafka.connect.file.FileStreamSourceTask`: a line ends with `\n`, `\r` or `\r\n`, and what has no end yet is
/// not a line. Positions count bytes, where Java counts UTF-16 units but skips bytes, and so goes on in the middle of a line
/// behind any character that is not ASCII.
#[derive(Debug)]
pub struct FileStreamSourceTask {
    /// The file's name; `None` for standard input.
    file: Option<String>,
    topic: String,
    records_max: usize,
    partition: Arc<Map<'static>>,
    schema: Schema,
    input: Option<Input>,
    /// Bytes before the lines that come next; `None` for standard input.
    position: Option<i64>,
    lines: Lines,
}

impl Default for FileStreamSourceTask {
    fn default() -> Self {
        Self {
            file: None,
            topic: String::new(),
            records_max: 1,
            partition: Arc::new(Map::new()),
            schema: SchemaBuilder::primitive(SchemaType::String).build(),
            input: None,
            position: None,
            lines: Lines::default(),
        }
    }
}

impl SourceTask for FileStreamSourceTask {
    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        let parsed = definitions().parse(context.settings())?;
        self.file = file_of(context.settings())?;
        parsed.string(TOPIC)?.clone_into(&mut self.topic);
        self.records_max = usize::try_from(parsed.int(BATCH_SIZE)?).unwrap_or(1).max(1);
        let mut partition = Map::linked();
        let name = self.file.clone().map(Into::into);
        partition.put(FILENAME, name.map_or(Value::Null, Value::String));
        self.partition = Arc::new(partition);
        Ok(())
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        self.lines.release();
        if self.input.is_none() {
            self.open(context)?;
        }
        let Some(input) = &mut self.input else {
            context.wait(PAUSE);
            return Ok(Vec::new());
        };
        let read = self.lines.gather(self.records_max, input);
        if read.map_err(|error| self.failed("read", &error))? == 0 {
            context.wait(PAUSE);
        }
        Ok(self.records())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.input = None;
        Ok(())
    }
}

impl FileStreamSourceTask {
    /// Opens the file where it was left; one that is not there yet is waited for.
    fn open(&mut self, context: &SourceContext) -> Result<(), ConnectError> {
        let Some(name) = &self.file else {
            let opened = Input::stdin().map_err(|error| self.failed("open", &error))?;
            self.input = Some(opened);
            return Ok(());
        };
        let stored = context.offset(&self.partition)?;
        let position = match stored.as_ref().and_then(|offset| offset.get(POSITION)) {
            None | Some(Value::Null) => 0,
            Some(Value::Int64(position)) => *position,
            Some(_) => {
                return Err(ConnectError::failed(
                    "Offset position is the incorrect type",
                ));
            }
        };
        match Input::file(name, u64::try_from(position).unwrap_or(0)) {
            Ok(Some(input)) => {
                self.input = Some(input);
                self.position = Some(position);
                Ok(())
            }
            Ok(None) => {
                tracing::warn!(
                    "File {name} is shorter than the {position} bytes that were read of it before: waiting for it to grow"
                );
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::warn!(
                    "Couldn't find file {name} for FileStreamSourceTask, sleeping to wait for it to be created"
                );
                Ok(())
            }
            Err(error) => Err(self.failed("open", &error)),
        }
    }

    /// The lines that were gathered.
    fn records(&mut self) -> Vec<SourceRecord<'_>> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        });
        let (topic, position) = (self.topic.as_str(), &mut self.position);
        let records = self.lines.iter().map(|line| {
            if let Some(position) = position {
                *position = position.saturating_add(line.length);
            }
            let offset = position.map_or(Value::Null, Value::Int64);
            let text = Value::String(TextEncoding::Utf8.decode(line.text));
            SourceRecord {
                source_partition: Arc::clone(&self.partition),
                source_offset: Map::from([(POSITION, offset)]),
                topic: topic.into(),
                partition: None,
                key: SchemaAndValue::NULL,
                value: SchemaAndValue::new(self.schema.clone(), text),
                timestamp: Some(now),
                headers: Headers::new(),
                tag: None,
                boundary: None,
            }
        });
        records.collect()
    }

    fn failed(&self, what: &str, error: &io::Error) -> ConnectError {
        let name = self.file.as_deref().unwrap_or("standard input");
        ConnectError::failed(format!("Couldn't {what} {name}: {error}"))
    }
}

#[cfg(test)]
mod tests;
