//! The Fetch answer, written by hand: kafka-protocol would copy every record into its buffer,
//! here stored batches are referenced.
//!
//! # Source
//! `FetchResponse.json`.

use bytes::{BufMut, BytesMut};

use super::Found;
use crate::body::Body;
use crate::log::Aborted;

const LOG_START_SINCE: i16 = 5;
const SESSIONS_SINCE: i16 = 7;
const PREFERRED_REPLICA_SINCE: i16 = 11;
const FLEXIBLE_SINCE: i16 = 12;
const TOPIC_IDS_SINCE: i16 = 13;

/// An answer that is only a top-level error.
pub(super) fn failed(version: i16, error: i16) -> Body {
    let mut body = Body::default();
    body.write(|out| {
        head(out, version, error, 0);
        put_count(out, version, 0);
        put_no_tags(out, version);
    });
    body
}

/// Neighbouring partitions of one topic share a row.
pub(super) fn encode(version: i16, session_id: i32, found: Vec<Found>) -> Body {
    let rows = found.chunk_by(|a, b| a.topic == b.topic).count();
    let mut body = Body::default();
    body.write(|out| {
        head(out, version, 0, session_id);
        put_count(out, version, rows);
    });
    for row in found.chunk_by(|a, b| a.topic == b.topic) {
        body.write(|out| topic_head(out, version, row));
        for partition in row {
            body.write(|out| partition_head(out, version, partition));
            for batch in &partition.records {
                body.share(batch.clone());
            }
            body.write(|out| put_no_tags(out, version));
        }
        body.write(|out| put_no_tags(out, version));
    }
    body.write(|out| put_no_tags(out, version));
    body
}

fn head(out: &mut BytesMut, version: i16, error: i16, session_id: i32) {
    out.put_i32(0);
    if version >= SESSIONS_SINCE {
        out.put_i16(error);
        out.put_i32(session_id);
    }
}

fn topic_head(out: &mut BytesMut, version: i16, row: &[Found]) {
    if let Some(first) = row.first() {
        if version >= TOPIC_IDS_SINCE {
            out.put_slice(first.topic.id.as_bytes());
        } else {
            put_text(out, version, &first.topic.name);
        }
    }
    put_count(out, version, row.len());
}

fn partition_head(out: &mut BytesMut, version: i16, found: &Found) {
    out.put_i32(found.partition);
    out.put_i16(found.error);
    out.put_i64(found.high_watermark);
    out.put_i64(found.last_stable_offset);
    if version >= LOG_START_SINCE {
        out.put_i64(found.log_start_offset);
    }
    put_aborted(out, version, found.aborted.as_deref());
    if version >= PREFERRED_REPLICA_SINCE {
        out.put_i32(-1);
    }
    put_count(out, version, found.bytes());
}

fn put_aborted(out: &mut BytesMut, version: i16, aborted: Option<&[Aborted]>) {
    let Some(aborted) = aborted else { return put_null_array(out, version) };
    put_count(out, version, aborted.len());
    for one in aborted {
        out.put_i64(one.producer_id);
        out.put_i64(one.first_offset);
        put_no_tags(out, version);
    }
}

/// The length of an array or of bytes; sizes come from answers that are bounded far below 2 GiB.
fn put_count(out: &mut BytesMut, version: i16, count: usize) {
    if version >= FLEXIBLE_SINCE {
        put_varint(out, u32::try_from(count + 1).unwrap_or(u32::MAX));
    } else {
        out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
    }
}

fn put_null_array(out: &mut BytesMut, version: i16) {
    if version >= FLEXIBLE_SINCE {
        out.put_u8(0);
    } else {
        out.put_i32(-1);
    }
}

fn put_text(out: &mut BytesMut, version: i16, text: &str) {
    if version >= FLEXIBLE_SINCE {
        put_count(out, version, text.len());
    } else {
        out.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
    }
    out.put_slice(text.as_bytes());
}

fn put_no_tags(out: &mut BytesMut, version: i16) {
    if version >= FLEXIBLE_SINCE {
        out.put_u8(0);
    }
}

fn put_varint(out: &mut BytesMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.put_u8(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kafka_protocol::messages::fetch_response::FetchResponse;
    use kafka_protocol::protocol::Decodable;
    use uuid::Uuid;

    use super::super::TopicKey;
    use super::*;

    async fn decoded(body: Body, version: i16) -> FetchResponse {
        let length = body.len();
        let mut bytes = Vec::new();
        body.write_to(&mut bytes).await.unwrap();
        assert_eq!(bytes.len(), length);
        let mut bytes = Bytes::from(bytes);
        let response = FetchResponse::decode(&mut bytes, version).unwrap();
        assert!(bytes.is_empty(), "v{version}");
        response
    }

    fn found(topic: &str, version: i16, partition: i32, records: Vec<Bytes>) -> Found {
        let id = if version >= TOPIC_IDS_SINCE { Uuid::from_u128(9) } else { Uuid::nil() };
        Found {
            topic: TopicKey { name: topic.to_owned(), id },
            partition,
            error: 0,
            high_watermark: 40,
            last_stable_offset: 38,
            log_start_offset: 3,
            aborted: (partition == 0).then(|| {
                let one = Aborted { producer_id: 6, first_offset: 5, last_offset: 7 };
                vec![one, Aborted { producer_id: 8, ..one }]
            }),
            records,
        }
    }

    #[tokio::test]
    async fn every_version_decodes_to_what_was_found() {
        let large = Bytes::from(vec![5; 10_000]);
        for version in 4..=18 {
            let all = vec![
                found("a", version, 0, vec![Bytes::from_static(b"xy"), large.clone()]),
                found("a", version, 1, Vec::new()),
                found("b", version, 0, vec![Bytes::from(vec![1; 200])]),
            ];
            let response = decoded(encode(version, 0, all), version).await;
            let rows: Vec<usize> = response.responses.iter().map(|t| t.partitions.len()).collect();
            assert_eq!(rows, [2, 1], "v{version}");
            let first = &response.responses[0].partitions[0];
            assert_eq!((first.high_watermark, first.last_stable_offset), (40, 38));
            let aborted = first.aborted_transactions.as_deref().unwrap();
            let aborted: Vec<_> = aborted.iter().map(|a| (a.producer_id.0, a.first_offset)).collect();
            assert_eq!(aborted, [(6, 5), (8, 5)], "v{version}");
            assert_eq!(response.responses[0].partitions[1].aborted_transactions, None);
            assert_eq!(first.records.as_ref().map(Bytes::len), Some(10_002));
            let log_start = if version >= LOG_START_SINCE { 3 } else { -1 };
            assert_eq!(first.log_start_offset, log_start);
        }
    }

    #[tokio::test]
    async fn a_failed_answer_carries_the_error() {
        for version in 7..=18 {
            let response = decoded(failed(version, 71), version).await;
            assert_eq!((response.error_code, response.responses.len()), (71, 0));
        }
    }
}
