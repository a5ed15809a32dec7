//! What happens to each record between its bytes and a sink, worked out once when a task starts. [`source`] is the
//! way back: from a source to bytes.
//!
//! A plan without transformations, whose converters only give bytes or text another name, is lazy: a key or value is
//! looked at when the sink asks for it, and not before. Every other plan converts a record whole, because a record that
//! cannot be converted must be told apart before the sink sees it.

pub mod source;

use crate::batch::{RecordRef, TimestampType};
use crate::convert::{Converter, HeaderConverter};
use crate::data::{Headers, Origin, Record};
use crate::error::ConnectError;
use crate::errors::{Failure, Stage};
use crate::topic::TopicPartition;
use crate::transform::TransformationChain;

/// The steps from a record's bytes to what a sink sees.
#[derive(Debug)]
pub struct Plan {
    key: Converter,
    value: Converter,
    headers: HeaderConverter,
    chain: TransformationChain,
}

impl Plan {
    /// The plan of a task with these converters and transformations.
    pub fn new(
        key: Converter,
        value: Converter,
        headers: HeaderConverter,
        chain: TransformationChain,
    ) -> Self {
        Self {
            key,
            value,
            headers,
            chain,
        }
    }

    /// The plan of a task with these converters, Connect's own header converter and no transformations.
    pub fn of_converters(key: Converter, value: Converter) -> Self {
        Self::new(
            key,
            value,
            HeaderConverter::Simple,
            TransformationChain::default(),
        )
    }

    /// Whether the plan leaves whole batches as they are, so that a sink may take them unopened.
    pub fn keeps_batches(&self) -> bool {
        let keeps = |converter: &Converter| *converter == Converter::ByteArray;
        keeps(&self.key) && keeps(&self.value) && self.chain.is_empty()
    }

    /// Whether keys, values and headers can be converted one by one, when they are asked for.
    pub fn is_lazy(&self) -> bool {
        self.key.is_view()
            && self.value.is_view()
            && self.headers.accepts_all()
            && self.chain.is_empty()
    }

    /// The converter of keys.
    pub fn key(&self) -> &Converter {
        &self.key
    }

    /// The converter of values.
    pub fn value(&self) -> &Converter {
        &self.value
    }

    /// The converter of headers.
    pub fn headers(&self) -> &HeaderConverter {
        &self.headers
    }

    /// Converts and transforms a record: `None` when a transformation dropped it.
    ///
    /// # Errors
    /// Where it failed, and why.
    ///
    /// # Source
    /// `WorkerSinkTask.convertAndTransformRecord`, for the order of the steps
    pub fn apply<'a>(
        &mut self,
        partition: &'a TopicPartition,
        timestamp_type: TimestampType,
        record: &RecordRef<'a>,
    ) -> Result<Option<Record<'a>>, Failure> {
        let topic = &*partition.topic;
        let failed = |stage, class| {
            move |error: ConnectError| Failure {
                stage,
                class,
                error,
            }
        };
        let key = self.key.to_connect(topic, record.key);
        let key = key.map_err(failed(Stage::KeyConverter, self.key.class()))?;
        let value = self.value.to_connect(topic, record.value);
        let value = value.map_err(failed(Stage::ValueConverter, self.value.class()))?;
        let headers = convert_headers(&self.headers, topic, record);
        let headers = headers.map_err(failed(Stage::HeaderConverter, self.headers.class()))?;
        let origin = Origin::Kafka {
            partition,
            offset: record.offset,
            timestamp_type,
        };
        let record = Record {
            topic: topic.into(),
            partition: Some(partition.partition),
            key,
            value,
            timestamp: (record.timestamp >= 0).then_some(record.timestamp),
            headers,
            origin,
        };
        let transformed = self.chain.apply(record);
        transformed.map_err(|at| failed(Stage::Transformation, at.class)(at.error))
    }
}

/// The headers of a record, converted.
pub(crate) fn convert_headers<'a>(
    converter: &HeaderConverter,
    topic: &str,
    record: &RecordRef<'a>,
) -> Result<Headers<'a>, ConnectError> {
    let mut headers = Headers::new();
    for header in record.headers.iter() {
        let header = header.map_err(|fault| ConnectError::data(fault.to_string()))?;
        let key = String::from_utf8_lossy(header.key);
        let value = converter.to_connect_header(topic, &key, header.value)?;
        headers.add_checked(key, value)?;
    }
    Ok(headers)
}
