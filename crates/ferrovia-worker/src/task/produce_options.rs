//! How a task produces, be it a source's records or a sink's dead letters: what the producer's settings mean for its
//! requests and its batches.

use std::collections::BTreeMap;

use bytes::Bytes;
use ferrovia_client::settings::{Compression, Divider, ProducerSettings};
use ferrovia_pipeline::batch::{BatchOptions, Codec, Fields, batches};
use ferrovia_pipeline::error::ConnectError;

/// What `producer.*` of the worker and `producer.override.*` of the connector say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProduceOptions {
    /// How batches travel. With `acks=0` the leader's word is waited for: offsets are committed only when what
    /// was produced for them is safe.
    pub producer: ProducerSettings,
    /// `compression.type`, its levels, and `batch.size`.
    pub batch: BatchOptions,
}

impl ProduceOptions {
    /// Reads them from a producer's settings. Defaults are those of Connect's producers, but for how long they wait,
    /// which is up to whoever produces.
    ///
    /// # Errors
    /// The first that is unusable, in Java's words.
    ///
    /// # Source
    /// `ProducerConfig`, and `Worker.baseProducerConfigs` for the defaults
    pub fn from_properties(mut properties: BTreeMap<String, String>) -> Result<Self, ConnectError> {
        for (name, value) in CONNECT_DEFAULTS {
            let entry = properties.entry((*name).to_owned());
            entry.or_insert_with(|| (*value).to_owned());
        }
        let mut producer = ProducerSettings::from_properties(&properties)
            .map_err(|error| ConnectError::config(error.to_string()))?;
        producer.divider = Some(Divider::new(halves));
        Ok(Self {
            batch: BatchOptions {
                bytes_target: producer.batch_bytes,
                ..batch_options(producer.compression)
            },
            producer,
        })
    }

    /// Checks that a record is not larger than a request may be.
    ///
    /// # Errors
    /// It is.
    ///
    /// # Source
    /// `KafkaProducer.ensureValidRecordSize`
    pub(crate) fn check_size(&self, record: &Fields<'_>) -> Result<(), ConnectError> {
        let bytes = record.bytes().saturating_add(RECORD_OVERHEAD_BYTES);
        let most = self.producer.request_bytes_max;
        if bytes <= most {
            return Ok(());
        }
        Err(ConnectError::java(
            "org.apache.kafka.common.errors.RecordTooLargeException",
            format!(
                "The message is {bytes} bytes when serialized which is larger than {most}, which is the value of the \
                 max.request.size configuration."
            ),
        ))
    }
}

fn batch_options(compression: Compression) -> BatchOptions {
    let (codec, level) = match compression {
        Compression::None => (Codec::None, None),
        Compression::Gzip(level) => (Codec::Gzip, level),
        Compression::Snappy => (Codec::Snappy, None),
        Compression::Lz4(_) => (Codec::Lz4, None),
        Compression::Zstd(level) => (Codec::Zstd, Some(level)),
    };
    BatchOptions {
        codec,
        level,
        ..BatchOptions::default()
    }
}

/// Divides a batch that its topic does not take.
fn halves(batch: &Bytes, compression: Compression) -> Option<[Bytes; 2]> {
    let batch = batches(batch.clone()).next()?.ok()?;
    batch.halves(batch_options(compression))
}

/// What Connect sets for its producers before the user does, but for how long they wait.
const CONNECT_DEFAULTS: &[(&str, &str)] = &[
    ("acks", "all"),
    ("enable.idempotence", "false"),
    ("max.in.flight.requests.per.connection", "1"),
];
/// The header of a batch, and all of a record but its key, value and headers, at most.
const RECORD_OVERHEAD_BYTES: usize = 61 + 21;

#[cfg(test)]
mod tests;
