//! Writes a heartbeat at each interval.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrovia_pipeline::data::{Map, Schema, SchemaAndValue, SchemaType, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};

use super::{SOURCE_ALIAS, TARGET_ALIAS};
use crate::bytes::Writer;
use crate::settings::HeartbeatSettings;

/// Writes heartbeats: the clusters' aliases as the key, the time as the value.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorHeartbeatTask` and `Heartbeat`
#[derive(Debug, Default)]
pub struct MirrorHeartbeatTask {
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    topic: &'static str,
    interval: Duration,
    partition: Arc<Map<'static>>,
    key: Vec<u8>,
    schema: Schema,
    /// Whether the first interval is over: heartbeats come behind it.
    has_waited: bool,
}

impl SourceTask for MirrorHeartbeatTask {
    /// It waits by its context alone.
    fn placement(&self) -> Placement {
        Placement::Shared
    }

    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        let settings = HeartbeatSettings::parse(context.settings())?;
        let base = &settings.base;
        let mut partition = Map::new();
        for (key, alias) in [
            (SOURCE_ALIAS, &base.source_alias),
            (TARGET_ALIAS, &base.target_alias),
        ] {
            partition.put(key, Value::String(alias.clone().into()));
        }
        self.run = Some(Run {
            topic: base.policy.heartbeats_topic(),
            interval: settings.interval.unwrap_or_default(),
            partition: Arc::new(partition),
            key: key(&base.source_alias, &base.target_alias),
            schema: Schema::of(SchemaType::Bytes),
            has_waited: false,
        });
        Ok(())
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        let run = self.run.as_mut();
        let run = run.ok_or_else(|| ConnectError::failed("The task is not started"))?;
        context.wait(run.interval);
        if !std::mem::replace(&mut run.has_waited, true) {
            return Ok(Vec::new());
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.unwrap_or_default().as_millis();
        Ok(vec![run.heartbeat(i64::try_from(now).unwrap_or(i64::MAX))])
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.run = None;
        Ok(())
    }
}

impl Run {
    fn heartbeat(&self, now_ms: i64) -> SourceRecord<'_> {
        let mut offset = Map::new();
        offset.put("offset", Value::Int64(0));
        let bytes = |bytes| SchemaAndValue::new(self.schema.clone(), Value::Bytes(bytes));
        let value = bytes(value(now_ms).into());
        SourceRecord {
            partition: Some(0),
            key: bytes(self.key.as_slice().into()),
            timestamp: Some(now_ms),
            ..SourceRecord::new(Arc::clone(&self.partition), offset, self.topic, value)
        }
    }
}

fn key(source: &str, target: &str) -> Vec<u8> {
    Writer::default().text(source).text(target).into_bytes()
}

fn value(now_ms: i64) -> Vec<u8> {
    Writer::default().short(VERSION).long(now_ms).into_bytes()
}

/// The version of the value's layout.
const VERSION: i16 = 0;

#[cfg(test)]
mod tests;
