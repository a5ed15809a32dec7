//! Writes offset syncs to their topic, beside the task that copies.

use std::collections::BTreeMap;

use ferrovia_client::TopicPartition;
use ferrovia_client::produce::Producer;
use ferrovia_client::settings::ProducerSettings;
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal};
use ferrovia_pipeline::error::ConnectError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::clients;
use crate::sync::OffsetSync;

/// Writes on the event loop on which it was opened. Once it is dropped, what it has taken is still written.
#[derive(Debug)]
pub(super) struct SyncWriter {
    syncs: Sender<OffsetSync>,
}

impl SyncWriter {
    /// Writes to partition 0 of `topic` with a producer's properties.
    ///
    /// # Errors
    /// A property that cannot be used.
    pub(super) fn open(
        properties: &BTreeMap<String, String>,
        topic: &str,
    ) -> Result<Self, ConnectError> {
        let settings = ProducerSettings::from_properties(properties);
        let settings = settings.map_err(|error| ConnectError::config(error.to_string()))?;
        let producer = Producer::new(clients::open(properties)?, settings);
        let partition = TopicPartition::new(topic, 0);
        let (syncs, queue) = channel(SYNCS_AHEAD);
        tokio::spawn(write(producer, partition, queue));
        Ok(Self { syncs })
    }

    /// Takes a sync, or gives it back where too many wait already.
    pub(super) fn take(&self, sync: OffsetSync) -> Result<(), OffsetSync> {
        self.syncs
            .try_send(sync)
            .map_err(tokio::sync::mpsc::error::TrySendError::into_inner)
    }
}

async fn write(producer: Producer, partition: TopicPartition, mut queue: Receiver<OffsetSync>) {
    let mut writer = BatchWriter::new(BatchOptions::default());
    let mut syncs = Vec::new();
    while queue.recv_many(&mut syncs, SYNCS_AHEAD).await > 0 {
        let written = syncs.drain(..).try_for_each(|sync| {
            let (key, value) = (sync.key(), sync.value());
            writer.append(now_ms(), Some(&key), Some(&value), &[])
        });
        let sealed = written.and_then(|()| writer.seal(Seal::default()));
        let sent = match sealed {
            Ok(batch) => {
                let ack = producer.send(partition.clone(), batch).await;
                ack.await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = sent {
            tracing::error!(error, "Failure sending offset sync.");
        }
    }
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// Syncs that wait until others are written; those of a partition replace each other meanwhile.
/// Large batches have many at once.
const SYNCS_AHEAD: usize = 256;
