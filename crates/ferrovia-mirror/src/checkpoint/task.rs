//! Hands out the checkpoints that its thread makes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrovia_pipeline::data::{Map, Schema, SchemaAndValue, SchemaType, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, channel};

use super::follower::Follower;
use super::keeper::client;
use super::record::Checkpoint;
use crate::clients::{self, Side};
use crate::jobs::JobThread;
use crate::settings::CheckpointTaskSettings;

/// Writes checkpoints of the groups that it is given.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorCheckpointTask`
#[derive(Debug, Default)]
pub struct MirrorCheckpointTask {
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    topic: String,
    pause: Duration,
    schema: Schema,
    made: Receiver<Vec<Checkpoint>>,
    thread: JobThread,
}

impl SourceTask for MirrorCheckpointTask {
    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        let settings = CheckpointTaskSettings::parse(context.settings())?;
        let base = &settings.checkpoint.base;
        for side in Side::BOTH {
            clients::check(&client(base, side))?;
        }
        let name = base.entity_label();
        let topic = settings.checkpoint.checkpoints_topic();
        let pause = settings.checkpoint.poll_timeout.min(PAUSE_MAX);
        let (sender, made) = channel(1);
        let thread = JobThread::spawn(&name, move || async move {
            let ended = match Follower::open(settings, sender) {
                Ok(follower) => follower.run().await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                tracing::error!("cannot follow offset syncs: {}", error.trace());
            }
        })?;
        self.run = Some(Run {
            topic,
            pause,
            schema: Schema::of(SchemaType::Bytes),
            made,
            thread,
        });
        Ok(())
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        let run = self.run.as_mut();
        let run = run.ok_or_else(|| ConnectError::failed("The task is not started"))?;
        match run.made.try_recv() {
            Ok(checkpoints) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = since.unwrap_or_default().as_millis();
                let now_ms = i64::try_from(now).unwrap_or(i64::MAX);
                let records = checkpoints.iter().map(|each| run.record(each, now_ms));
                Ok(records.collect())
            }
            Err(TryRecvError::Empty) => {
                context.wait(run.pause);
                Ok(Vec::new())
            }
            Err(TryRecvError::Disconnected) => Err(ConnectError::failed(
                "The thread that follows offset syncs has ended; its log tells why",
            )),
        }
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        if let Some(Run {
            made, mut thread, ..
        }) = self.run.take()
        {
            // Nobody waits for room any more when the thread is waited for.
            drop(made);
            thread.stop();
        }
        Ok(())
    }
}

impl Run {
    fn record(&self, checkpoint: &Checkpoint, now_ms: i64) -> SourceRecord<'_> {
        let mut partition = Map::new();
        partition.put("group", Value::String(checkpoint.group.clone().into()));
        let topic = checkpoint.partition.topic.to_string();
        partition.put("topic", Value::String(topic.into()));
        let number = checkpoint.partition.partition;
        partition.put("partition", Value::Int32(number));
        let mut offset = Map::new();
        offset.put("offset", Value::Int64(0));
        let bytes =
            |bytes: Vec<u8>| SchemaAndValue::new(self.schema.clone(), Value::Bytes(bytes.into()));
        let value = bytes(checkpoint.value());
        SourceRecord {
            partition: Some(0),
            key: bytes(checkpoint.key()),
            timestamp: Some(now_ms),
            ..SourceRecord::new(Arc::new(partition), offset, self.topic.as_str(), value)
        }
    }
}

/// The longest time until a task notices that it is to stop or pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
