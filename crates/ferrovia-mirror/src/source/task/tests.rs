//! Tests of this module: a task that reads an embedded broker.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use ferrovia_broker::{Fault, RequestView, Times};
use ferrovia_pipeline::source::BatchForm;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{ApiKey, FetchRequest, FetchResponse};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::*;
use crate::testing::{DEADLINE, Stage, make_topic, sealed, task_context, write};

/// Polls until so many records were handed out, and shows their values.
fn polled(context: &mut SourceContext, task: &mut MirrorSourceTask, count: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        task.start(context).unwrap();
        let deadline = Instant::now() + DEADLINE;
        let mut values = Vec::new();
        while values.len() < count {
            assert!(Instant::now() < deadline, "waited in vain: {values:?}");
            for record in task.poll(context).unwrap() {
                let Value::Bytes(value) = &record.value.value else {
                    panic!("bytes");
                };
                values.push(String::from_utf8(value.to_vec()).unwrap());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        task.stop().unwrap();
        values
    })
}

/// The context of a task that copies these partitions.
fn copying(stage: &Stage, partitions: &str) -> SourceContext {
    task_context(stage.settings(&[
        ("task.assigned.partitions", partitions),
        ("emit.offset-syncs.enabled", "false"),
    ]))
}

/// Answers fetches of partition 1 as a broker does that lets nobody read it, with `records` of the others beside.
fn denying(view: &RequestView<'_>, records: &Bytes) -> Option<Bytes> {
    let asked = FetchRequest::decode(&mut view.body.clone(), view.api_version).ok()?;
    let partitions = asked.topics.iter().flat_map(|topic| &topic.partitions);
    if partitions.clone().all(|it| it.partition != 1) {
        return None;
    }
    let answered = |asked: &FetchPartition| {
        let answer = PartitionData::default().with_partition_index(asked.partition);
        let held = (asked.fetch_offset == 0).then(|| records.clone());
        match asked.partition {
            1 => answer.with_error_code(TOPIC_AUTHORIZATION_FAILED),
            _ => answer.with_high_watermark(1).with_records(held),
        }
    };
    let topics = asked.topics.iter().map(|topic| {
        FetchableTopicResponse::default()
            .with_topic(topic.topic.clone())
            .with_topic_id(topic.topic_id)
            .with_partitions(topic.partitions.iter().map(answered).collect())
    });
    let answer = FetchResponse::default().with_responses(topics.collect());
    let mut body = BytesMut::new();
    answer.encode(&mut body, view.api_version).ok()?;
    Some(body.freeze())
}

#[test]
fn partition_that_may_not_be_read_keeps_nobody_from_the_others() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 2, &[]);
    let record = [(b"k".to_vec(), b"first".to_vec())];
    write(&stage.source, "orders", &record);
    let records = sealed(&record);
    let fault = Fault::custom(move |view| denying(view, &records));
    stage
        .source
        .faults()
        .inject(ApiKey::Fetch, fault, Times::Always);
    let mut context = copying(&stage, "orders-0,orders-1");
    let values = polled(&mut context, &mut MirrorSourceTask::new(), 1);
    assert_eq!(values, ["first"]);
}

#[test]
fn task_fails_when_its_reader_has_ended() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    let mut context = copying(&stage, "orders-0");
    let mut task = MirrorSourceTask::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime.block_on(async {
        task.start(&mut context).unwrap();
        task.run().unwrap().reader.end();
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Err(error) = task.poll(&mut context) {
                return error;
            }
            assert!(Instant::now() < deadline, "the task goes on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(error.to_string().contains("has ended"), "{error}");
}

#[test]
fn poll_ends_behind_enough_copies_and_the_next_goes_on() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    let form = BatchForm {
        codec: None,
        level: None,
        bytes_max: 1 << 20,
    };
    let mut context = copying(&stage, "orders-0").with_batches(form);
    let mut task = MirrorSourceTask::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    task.start(&mut context).unwrap();
    let bytes = sealed(&[(b"k".to_vec(), vec![b'v'; COPIES_BYTES / 2])]);
    let batch = ferrovia_pipeline::batch::batches(bytes)
        .next()
        .unwrap()
        .unwrap();
    let seen = Seen {
        batch,
        from_offset: 0,
    };
    let waiting = std::iter::repeat_n((TopicPartition::new("orders", 0), seen), 5);
    task.run().unwrap().waiting.extend(waiting);
    let mut polled = || task.poll_batches(&mut context).unwrap().len();
    assert_eq!([polled(), polled(), polled()], [2, 2, 1]);
}

#[test]
fn poll_ends_behind_enough_records_and_the_next_goes_on_in_the_batch() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    let mut context = copying(&stage, "orders-0");
    let mut task = MirrorSourceTask::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    task.start(&mut context).unwrap();
    let records = vec![(Vec::new(), Vec::new()); 2 * RECORDS_MAX + 1];
    let bytes = sealed(&records);
    let batch = ferrovia_pipeline::batch::batches(bytes)
        .next()
        .unwrap()
        .unwrap();
    let seen = Seen {
        batch,
        from_offset: 1,
    };
    let waiting = (TopicPartition::new("orders", 0), seen);
    task.run().unwrap().waiting.push_back(waiting);
    let mut next = 1;
    let mut polled = || {
        let records = task.poll(&mut context).unwrap();
        for record in &records {
            assert_eq!(record.source_offset, source_offset(next));
            next += 1;
        }
        records.len()
    };
    let counts = [polled(), polled(), polled()];
    assert_eq!(counts, [RECORDS_MAX, RECORDS_MAX, 0]);
}

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
