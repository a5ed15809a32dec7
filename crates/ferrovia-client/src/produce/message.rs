//! Produce requests and answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::error::ProduceError;
use super::window::Dispatch;
use crate::error::ClientError;
use crate::net::Connection;
use crate::settings::{Acks, ProducerSettings};
use crate::topic_partition::TopicPartition;
use crate::wire::api::Api;
use crate::wire::body::Body;
use crate::wire::error_code::ErrorCode;

/// Where a batch landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Produced {
    /// Offset of its first record; `None` where the broker only knows that it has the batch.
    pub base_offset: Option<i64>,
}

impl Produced {
    /// The batch is in the log, and nobody remembers where.
    pub(super) const SOMEWHERE: Self = Self { base_offset: None };
}

/// What became of some records of a batch that was sent in parts, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The place of the first of them in the batch. They reach to the next part.
    pub first: i32,
    /// Where they landed, or why they did not.
    pub outcome: Result<Produced, ProduceError>,
}

impl Part {
    /// One part that is all of a batch.
    #[must_use]
    pub fn all(outcome: Result<Produced, ProduceError>) -> Vec<Self> {
        vec![Self { first: 0, outcome }]
    }
}

/// Why a leader did not take a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) detail: Option<Arc<str>>,
}

/// What a leader says to each batch of a request.
pub(super) type Answer = BTreeMap<TopicPartition, Result<Produced, Refusal>>;

/// What all requests of a producer have in common.
#[derive(Debug, Clone)]
pub(super) struct RequestHead {
    acks: i16,
    timeout_ms: i32,
    transactional_id: Option<Arc<str>>,
}

impl RequestHead {
    pub(super) fn new(settings: &ProducerSettings, transactional_id: Option<&str>) -> Self {
        // The coordinator's word on a transaction is worth no more than its batches' copies.
        let acks = match transactional_id {
            Some(_) => Acks::All,
            None => settings.acks,
        };
        let timeout = settings.client.request_timeout.as_millis();
        Self {
            acks: acks.wire_value(),
            timeout_ms: i32::try_from(timeout).unwrap_or(i32::MAX),
            transactional_id: transactional_id.map(Arc::from),
        }
    }

    /// Puts a request on its way before it returns. The batches are sent from where they are.
    ///
    /// # Errors
    /// As for `Connection::start`.
    pub(super) fn start<T>(
        &self,
        connection: &Connection,
        dispatch: &Dispatch<T>,
        versions: (i16, i16),
    ) -> Result<
        impl Future<Output = Result<ProduceResponse, ClientError>> + Send + use<T>,
        ClientError,
    > {
        let version = connection.negotiated_within(ProduceRequest::INFO, versions)?;
        let body = self.encode(dispatch).ok_or_else(|| ClientError::Encode {
            api: ProduceRequest::INFO.name,
            version,
            reason: "a text or a batch is too long".into(),
        })?;
        connection.start_encoded::<ProduceRequest>(body, version)
    }

    /// The body of a request, which is the same in all versions that this client speaks. `None` when
    /// a length does not fit.
    ///
    /// # Source
    /// `ProduceRequest.json`
    fn encode<T>(&self, dispatch: &Dispatch<T>) -> Option<Body> {
        let mut topics: BTreeMap<&str, Vec<(i32, &Bytes)>> = BTreeMap::new();
        for (partition, batch) in &dispatch.batches {
            let batches = topics.entry(&partition.topic).or_default();
            batches.push((partition.partition, &batch.bytes));
        }
        let mut body = Body::default();
        let mut small = BytesMut::new();
        match self.transactional_id.as_deref() {
            Some(id) => put_text(&mut small, id)?,
            None => small.put_u8(NULL),
        }
        small.put_i16(self.acks);
        small.put_i32(self.timeout_ms);
        put_length(&mut small, topics.len())?;
        for (topic, batches) in topics {
            put_text(&mut small, topic)?;
            put_length(&mut small, batches.len())?;
            for (partition, batch) in batches {
                small.put_i32(partition);
                put_length(&mut small, batch.len())?;
                body.push(small.split().freeze());
                body.push(batch.clone());
                small.put_u8(NO_TAGS);
            }
            small.put_u8(NO_TAGS);
        }
        small.put_u8(NO_TAGS);
        body.push(small.freeze());
        Some(body)
    }
}

/// A compact string.
fn put_text(buffer: &mut BytesMut, text: &str) -> Option<()> {
    // Kafka's strings are shorter than their length field allows.
    i16::try_from(text.len()).ok()?;
    put_length(buffer, text.len())?;
    buffer.put_slice(text.as_bytes());
    Some(())
}

/// A compact length: one more than it is, in groups of seven bits.
fn put_length(buffer: &mut BytesMut, length: usize) -> Option<()> {
    i32::try_from(length).ok()?;
    let mut rest = length + 1;
    while let (low, high @ 1..) = (rest & 0x7f, rest >> 7) {
        buffer.put_u8(u8::try_from(low).ok()? | 0x80);
        rest = high;
    }
    buffer.put_u8(u8::try_from(rest).ok()?);
    Some(())
}

pub(super) fn answer(response: &ProduceResponse) -> Answer {
    let mut answer = BTreeMap::new();
    for topic in &response.responses {
        let name: Arc<str> = topic.name.as_str().into();
        for partition in &topic.partition_responses {
            let produced = Produced {
                base_offset: Some(partition.base_offset).filter(|offset| *offset >= 0),
            };
            let refusal = |code| Refusal {
                code,
                detail: partition
                    .error_message
                    .as_ref()
                    .map(|text| text.as_str().into()),
            };
            let code = ErrorCode(partition.error_code);
            let outcome = code.ok().map(|()| produced).map_err(refusal);
            answer.insert(
                TopicPartition::new(Arc::clone(&name), partition.index),
                outcome,
            );
        }
    }
    answer
}

/// A compact text that is not there.
const NULL: u8 = 0;
const NO_TAGS: u8 = 0;

#[cfg(test)]
mod tests;
