//! Appends each record's value and a line end to a file, or to standard output.
//!
//! Several tasks may append to one file: every write holds whole lines, so lines never mix.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use ferrovia_pipeline::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use ferrovia_pipeline::connector::SinkConnector;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::{SinkBatch, SinkContext, SinkTask};

const FILE: &str = "file";

/// Lines are gathered up to this size before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// Hands every task the same file.
///
/// # Source
/// `org.apache.kafka.connect.file.FileStreamSinkConnector`
#[derive(Debug, Default)]
pub struct FileStreamSinkConnector {
    settings: BTreeMap<String, String>,
}

impl SinkConnector for FileStreamSinkConnector {
    fn config(&self) -> ConfigDef {
        ConfigDef::new().define(
            ConfigKey::optional(FILE, ConfigType::String)
                .importance(Importance::High)
                .doc("Destination filename. If not specified, the standard output will be used"),
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
        Ok(vec![self.settings.clone(); tasks_max])
    }

    fn task(&self) -> Box<dyn SinkTask> {
        Box::new(FileStreamSinkTask::default())
    }

    /// The group's offsets are the only ones, and a file takes records from any.
    fn alter_offsets(
        &mut self,
        _settings: &BTreeMap<String, String>,
        _offsets: &BTreeMap<(String, i32), Option<i64>>,
    ) -> Result<bool, ConnectError> {
        Ok(true)
    }
}

/// Appends lines to a file.
///
/// # Source
/// `org.apache.kafka.connect.file.FileStreamSinkTask`: a `put` has reached the operating system when it returns, so a
/// crash of the worker loses nothing; nothing is synced to the disk. Values that are bytes are written as they are,
/// where Java prints an object's identity.
#[derive(Debug, Default)]
pub struct FileStreamSinkTask {
    /// The file, or `None` for standard output.
    file: Option<File>,
    name: String,
    lines: Vec<u8>,
}

impl SinkTask for FileStreamSinkTask {
    fn start(&mut self, context: &mut SinkContext) -> Result<(), ConnectError> {
        let Some(name) = context.setting(FILE).filter(|name| !name.is_empty()) else {
            "standard output".clone_into(&mut self.name);
            return Ok(());
        };
        name.clone_into(&mut self.name);
        let opened = OpenOptions::new().create(true).append(true).open(name);
        self.file = Some(opened.map_err(|error| {
            ConnectError::failed_by(
                format!("Couldn't find or create file '{name}' for FileStreamSinkTask"),
                error,
            )
        })?);
        Ok(())
    }

    fn put(&mut self, batch: &mut SinkBatch, _: &mut SinkContext) -> Result<(), ConnectError> {
        let taken = batch.for_each(|record| {
            let value = record.value();
            let line = value.as_printed();
            if self.lines.len() + line.len() >= BUFFER_BYTES {
                self.write_lines()?;
            }
            self.lines.extend_from_slice(&line);
            self.lines.push(b'\n');
            Ok(())
        });
        // What came before an invalid batch is written too, as it would be had it come alone.
        self.write_lines()?;
        taken
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.file = None;
        Ok(())
    }
}

impl FileStreamSinkTask {
    fn write_lines(&mut self) -> Result<(), ConnectError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let written = match &mut self.file {
            Some(file) => file.write_all(&self.lines),
            None => write_to_stdout(&self.lines),
        };
        self.lines.clear();
        self.lines.shrink_to(BUFFER_BYTES);
        written.map_err(|error| {
            ConnectError::failed_by(format!("Couldn't write to {}", self.name), error)
        })
    }
}

fn write_to_stdout(lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}

#[cfg(test)]
mod tests;
