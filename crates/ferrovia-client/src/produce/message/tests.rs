//! What is encoded by hand is what the protocol's own encoder makes of it.

use std::collections::BTreeSet;

use bytes::Buf;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{TopicName, TransactionalId};
use kafka_protocol::protocol::{Encodable, StrBytes};
use tokio::time::Instant;

use super::*;
use crate::produce::stamp::tests::sealed;
use crate::produce::window::tests::{settings, t, view};
use crate::produce::window::{Numbering, Outlook, Window, WindowSettings};

/// Batches whose lengths, one more than they are, take one to three bytes.
const PAYLOADS: [usize; 5] = [0, 65, 66, 16_321, 16_322];

fn dispatch() -> Dispatch<()> {
    let now = Instant::now();
    let mut window = Window::new(WindowSettings {
        request_bytes: usize::MAX,
        ..settings(Numbering::None)
    });
    for (partition, payload) in (0..).zip(PAYLOADS) {
        window.push(t(partition), sealed(1, &vec![7; payload]), 1, (), now);
    }
    let (view, connected) = (view(&[1; PAYLOADS.len()]), BTreeSet::from([1]));
    let outlook = Outlook {
        view: &view,
        connected: &connected,
        admitted: None,
    };
    window.next_dispatch(outlook, now).unwrap()
}

fn expected(head: &RequestHead, dispatch: &Dispatch<()>, version: i16) -> Vec<u8> {
    let data = dispatch.batches.iter().map(|(partition, batch)| {
        PartitionProduceData::default()
            .with_index(partition.partition)
            .with_records(Some(batch.bytes.clone()))
    });
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str("t")))
        .with_partition_data(data.collect());
    let id = |id: &str| TransactionalId(StrBytes::from_string(id.to_owned()));
    let mut encoded = BytesMut::new();
    ProduceRequest::default()
        .with_transactional_id(head.transactional_id.as_deref().map(id))
        .with_acks(head.acks)
        .with_timeout_ms(head.timeout_ms)
        .with_topic_data(vec![topic])
        .encode(&mut encoded, version)
        .unwrap();
    encoded.to_vec()
}

#[test]
fn body_is_that_of_the_protocol_in_all_versions() {
    let dispatch = dispatch();
    assert_eq!(dispatch.batches.len(), PAYLOADS.len());
    for id in [None, Some("tx")] {
        let head = RequestHead {
            acks: -1,
            timeout_ms: 30_000,
            transactional_id: id.map(Arc::from),
        };
        let mut body = head.encode(&dispatch).unwrap();
        let body = body.copy_to_bytes(body.remaining());
        let info = ProduceRequest::INFO;
        for version in info.min_version..=info.max_version {
            assert_eq!(body, expected(&head, &dispatch, version), "{version}");
        }
    }
}

#[test]
fn batches_are_not_copied() {
    let dispatch = dispatch();
    let head = RequestHead {
        acks: -1,
        timeout_ms: 30_000,
        transactional_id: None,
    };
    let mut body = head.encode(&dispatch).unwrap();
    for batch in dispatch.batches.values() {
        body.advance(body.chunk().len());
        assert_eq!(body.chunk().as_ptr(), batch.bytes.as_ptr());
        body.advance(batch.bytes.len());
    }
}

#[test]
fn text_that_no_broker_takes_is_refused() {
    let head = RequestHead {
        acks: -1,
        timeout_ms: 30_000,
        transactional_id: Some("x".repeat(40_000).into()),
    };
    assert!(head.encode(&dispatch()).is_none());
}
