//! The dead letter topic: records that could not be processed, as they were read, with what went wrong in their headers.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter`. Beyond Java, offsets are committed only when the
//! dead letters before them are safe; where Java logs a letter that was not taken, this fails the task.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferrovia_client::admin::topics::{NewTopic, create_topics};
use ferrovia_client::cluster::Cluster;
use ferrovia_client::error::ClientError;
use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_client::produce::{Ack, Producer};
use ferrovia_client::settings::ClientSettings;
use ferrovia_client::{ErrorCode, FramePool, TopicPartition as ClientPartition};
use ferrovia_pipeline::batch::{BatchWriter, Fields, HeaderRef, Seal};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::BadRecord;

use crate::config::connector::DeadLetterConfig;
use crate::status::TaskId;
use crate::task::produce_options::ProduceOptions;

/// Idle buffers of the connection.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;
/// Batches that may wait to be asked about; before there are more, they are waited for.
const PENDING_MAX: usize = 1_024;
/// A dead letter topic that has to be created gets one partition, as in Java.
const NEW_PARTITIONS: i32 = 1;

/// What is needed to write dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetterSpec {
    /// The connector's settings.
    pub config: DeadLetterConfig,
    /// How topics are created.
    pub admin: ClientSettings,
    /// How letters are produced. They do not wait without end, as Java's do: a letter that no broker takes fails its task.
    pub options: ProduceOptions,
    /// Whose records they are.
    pub task: TaskId,
}

/// Writes dead letters.
#[derive(Debug)]
pub(super) struct DeadLetters {
    config: DeadLetterConfig,
    task: TaskId,
    topic: Arc<str>,
    partitions: i32,
    /// Where the next letter without a key goes.
    next: i32,
    producer: Producer,
    options: ProduceOptions,
    pending: Vec<Ack>,
    /// Whether a letter was lost: from then on nothing counts as safe.
    has_failed: bool,
}

impl DeadLetters {
    /// Makes sure that the topic is there. Call it inside the event loop that is to send.
    ///
    /// # Errors
    /// The topic neither exists nor can be created.
    pub(super) async fn prepare(spec: DeadLetterSpec) -> Result<Self, ConnectError> {
        let DeadLetterSpec {
            config,
            admin,
            options,
            task,
        } = spec;
        let topic: Arc<str> = config.topic.trim().into();
        let failed = |error: ClientError| {
            let what = format!("Could not initialize dead letter queue with topic={topic}");
            ConnectError::failed_by(what, error)
        };
        let admin = Cluster::new(admin, FramePool::new(IDLE_BUFFERS_BYTES));
        let mut partitions = partition_count(&admin, &topic).await.map_err(failed)?;
        if partitions.is_none() {
            tracing::error!("Topic {topic} doesn't exist. Will attempt to create topic.");
            create(&admin, &topic, config.replication_factor).await?;
            partitions = Some(NEW_PARTITIONS);
        }
        let cluster = Cluster::new(
            options.producer.client.clone(),
            FramePool::new(IDLE_BUFFERS_BYTES),
        );
        Ok(Self {
            config,
            task,
            topic,
            partitions: partitions.unwrap_or(NEW_PARTITIONS),
            next: 0,
            producer: Producer::new(cluster, options.producer.clone()),
            options,
            pending: Vec::new(),
            has_failed: false,
        })
    }

    /// Sends letters on their way.
    ///
    /// # Errors
    /// A record is too large for a batch, or an earlier letter was not taken.
    pub(super) async fn send(&mut self, bad: &[BadRecord]) -> Result<(), ConnectError> {
        let mut open: BTreeMap<i32, BatchWriter> = BTreeMap::new();
        for record in bad {
            let number = match &record.key {
                Some(key) => partition_for_key(key, self.partitions),
                None => self.next,
            };
            let bytes_target = self.options.batch.bytes_target;
            let has_room =
                |open: &BatchWriter| open.bytes_estimate() + record.size() <= bytes_target;
            if let Some(full) = open.get_mut(&number).filter(|open| !has_room(open)) {
                self.send_batch(number, full).await?;
            }
            let writer = open
                .entry(number)
                .or_insert_with(|| BatchWriter::new(self.options.batch));
            self.append(record, writer)?;
        }
        for (number, mut writer) in open {
            self.send_batch(number, &mut writer).await?;
        }
        // Letters without a key stay together, as Java's producer keeps them within a batch.
        self.next = (self.next + 1).checked_rem(self.partitions).unwrap_or(0);
        Ok(())
    }

    async fn send_batch(
        &mut self,
        partition: i32,
        writer: &mut BatchWriter,
    ) -> Result<(), ConnectError> {
        let batch = writer
            .seal(Seal::default())
            .map_err(|error| self.fail(error))?;
        if self.pending.len() >= PENDING_MAX {
            self.settle().await?;
        }
        let partition = ClientPartition {
            topic: Arc::clone(&self.topic),
            partition,
        };
        let ack = self.producer.send(partition, batch).await;
        self.pending.push(ack);
        Ok(())
    }

    /// Waits until every letter is safe.
    ///
    /// # Errors
    /// One was not taken, now or before: the commit at a failed task's end must not pass it either.
    pub(super) async fn settle(&mut self) -> Result<(), ConnectError> {
        for ack in std::mem::take(&mut self.pending) {
            if let Err(error) = ack.await {
                return Err(self.fail(error));
            }
        }
        if self.has_failed {
            return Err(ConnectError::failed(self.failure()));
        }
        Ok(())
    }

    fn fail(&mut self, error: impl std::error::Error + Send + Sync + 'static) -> ConnectError {
        self.has_failed = true;
        ConnectError::failed_by(self.failure(), error)
    }

    fn failure(&self) -> String {
        let topic = &self.topic;
        format!("Could not produce message to dead letter queue. topic={topic}")
    }

    fn append(&mut self, record: &BadRecord, writer: &mut BatchWriter) -> Result<(), ConnectError> {
        let context = if self.config.context_headers {
            self.context(record)
        } else {
            Vec::new()
        };
        let original = record
            .headers
            .iter()
            .map(|(key, value)| (&**key, value.as_deref()));
        let context = context
            .iter()
            .map(|(key, value)| (key.as_bytes(), Some(value.as_bytes())));
        let headers: Vec<HeaderRef<'_>> = original
            .chain(context)
            .map(|(key, value)| HeaderRef { key, value })
            .collect();
        let fields = Fields::new(record.key.as_deref(), record.value.as_deref(), &headers);
        let appended = match self.options.check_size(&fields) {
            Ok(()) => {
                let appended = writer.append_fields(record.timestamp, &fields);
                appended.map_err(|error| ConnectError::failed(error.to_string()))
            }
            Err(too_large) => Err(too_large),
        };
        appended.map_err(|error| self.fail(error))
    }

    /// The headers that tell what went wrong, behind the record's own. An identical header is not taken away, so a
    /// dead letter that dies again has each twice, as in Java.
    fn context(&self, record: &BadRecord) -> Vec<(&'static str, String)> {
        vec![
            ("__connect.errors.topic", record.partition.topic.to_string()),
            (
                "__connect.errors.partition",
                record.partition.partition.to_string(),
            ),
            ("__connect.errors.offset", record.offset.to_string()),
            (
                "__connect.errors.connector.name",
                self.task.connector.to_string(),
            ),
            ("__connect.errors.task.id", self.task.task.to_string()),
            ("__connect.errors.stage", record.stage.name().to_owned()),
            ("__connect.errors.class.name", record.class.to_owned()),
            (
                "__connect.errors.exception.class.name",
                record.error_class.clone(),
            ),
            ("__connect.errors.exception.message", record.message.clone()),
            (
                "__connect.errors.exception.stacktrace",
                format!("{}\n", record.trace),
            ),
        ]
    }
}

/// How many partitions a topic has, if it exists.
async fn partition_count(cluster: &Cluster, topic: &Arc<str>) -> Result<Option<i32>, ClientError> {
    cluster.add_topics([Arc::clone(topic)]);
    let view = cluster.refresh().await?;
    Ok(view
        .partition_count(topic)
        .and_then(|count| i32::try_from(count).ok()))
}

async fn create(
    cluster: &Cluster,
    topic: &Arc<str>,
    replication_factor: i16,
) -> Result<(), ConnectError> {
    let what = format!("Could not initialize dead letter queue with topic={topic}");
    let new = NewTopic {
        name: Arc::clone(topic),
        partitions: Some(NEW_PARTITIONS),
        replication_factor: Some(replication_factor),
        configs: BTreeMap::new(),
    };
    let outcomes = create_topics(cluster, &[new], false).await;
    let outcomes = outcomes.map_err(|error| ConnectError::failed_by(what.clone(), error))?;
    match outcomes.into_values().next() {
        Some(Err((code, reason))) if code != ErrorCode::TOPIC_ALREADY_EXISTS => {
            let reason = reason.as_deref().unwrap_or_default();
            Err(ConnectError::failed(format!("{what}: {code} {reason}")))
        }
        _ => Ok(()),
    }
}
