//! `TimestampRouter`: renames topics by the record's timestamp.

use std::collections::BTreeMap;

use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use crate::data::Record;
use crate::data::time::{DateFormat, DatePatternError};
use crate::error::ConnectError;
use crate::transform::{Fate, Scope, Transformation};

pub(super) fn config() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::with_default("topic.format", ConfigType::String, "${topic}-${timestamp}")
                .importance(Importance::High)
                .doc(
                    "Format string which can contain <code>${topic}</code> and <code>${timestamp}</code> as placeholders \
                     for the topic and timestamp, respectively.",
                ),
        )
        .define(
            ConfigKey::with_default("timestamp.format", ConfigType::String, "yyyyMMdd")
                .importance(Importance::High)
                .doc(
                    "Format string for the timestamp that is compatible with <code>java.text.SimpleDateFormat</code>.",
                ),
        )
}

pub(super) fn new(settings: &BTreeMap<String, String>) -> Result<TimestampRouter, ConnectError> {
    let config = config().parse(settings)?;
    Ok(TimestampRouter {
        topic_format: config.string("topic.format")?.to_owned(),
        timestamp_format: DateFormat::new(config.string("timestamp.format")?),
    })
}

#[derive(Debug)]
pub(super) struct TimestampRouter {
    topic_format: String,
    /// Java makes the format of the first record, so that only records meet a bad pattern.
    timestamp_format: Result<DateFormat, DatePatternError>,
}

impl Transformation for TimestampRouter {
    fn apply(&mut self, record: &mut Record<'_>) -> Result<Fate, ConnectError> {
        let Some(timestamp) = record.timestamp else {
            let message = format!("Timestamp missing on record: {record}");
            return Err(ConnectError::data(message));
        };
        let format = self.timestamp_format.as_ref().map_err(|error| {
            ConnectError::java("java.lang.IllegalArgumentException", error.to_string())
        })?;
        let named = self.topic_format.replace("${topic}", &record.topic);
        record.topic = named
            .replace("${timestamp}", &format.format(timestamp))
            .into();
        Ok(Fate::Kept)
    }

    fn scope(&self) -> Scope {
        Scope::TopicByTimestamp
    }
}
