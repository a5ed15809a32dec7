//! Batches for the connectors' tests.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, InflateLimits, Inflater, Seal, batches};
use ferrovia_pipeline::convert::{Converter, TextEncoding};
use ferrovia_pipeline::errors::ErrorLog;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::sink::{Delivery, SinkBatch, SinkContext};
use ferrovia_pipeline::topic::TopicPartition;

/// A record batch that holds these values.
pub(crate) fn sealed(values: &[Option<&[u8]>]) -> Bytes {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for value in values {
        writer.append(1_000, None, *value, &[]).unwrap();
    }
    writer.seal(Seal::default()).unwrap()
}

/// What a task is put when `records` were fetched, with `StringConverter` or `ByteArrayConverter`.
pub(crate) fn put_of(records: Bytes, value: Converter) -> SinkBatch {
    let plan = Plan::of_converters(Converter::ByteArray, value);
    let mut batch = SinkBatch::new(
        plan,
        Inflater::new(InflateLimits::default()),
        ErrorLog::default(),
        true,
    );
    for raw in batches(records) {
        let partition = TopicPartition::new("t", 0);
        batch.push(Delivery {
            partition,
            batch: raw.unwrap(),
            from_offset: 0,
        });
    }
    batch
}

/// `StringConverter` as it is by default.
pub(crate) const TEXT: Converter = Converter::String(TextEncoding::Utf8);

/// The context of a task with these settings.
pub(crate) fn context(settings: &[(&str, &str)]) -> SinkContext {
    let settings = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    SinkContext::new(settings.collect::<BTreeMap<_, _>>())
}

/// `records` with one bit of its last byte turned.
pub(crate) fn damaged(records: &Bytes) -> Bytes {
    let mut bytes = BytesMut::from(&records[..]);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bytes.freeze()
}
