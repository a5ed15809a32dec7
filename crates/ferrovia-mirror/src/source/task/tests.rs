//! Tests of this module: a task that reads an embedded broker.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use ferrovia_broker::{Fault, RequestView, Times};
use ferrovia_pipeline::batch::batches;
use ferrovia_pipeline::source::BatchForm;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{ApiKey, FetchRequest, FetchResponse};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::*;
use crate::testing::{DEADLINE, Stage, make_topic, sealed, task_context, write};

/// A started task, with the event loop that its reader is on.
struct Running {
    context: SourceContext,
    task: MirrorSourceTask,
    event_loop: tokio::runtime::Runtime,
}

impl Running {
    fn start(mut context: SourceContext) -> Self {
        let event_loop = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut task = MirrorSourceTask::new();
        event_loop.block_on(async { task.start(&mut context).unwrap() });
        Self {
            context,
            task,
            event_loop,
        }
    }

    /// Looks again and again, while the reader has its turns, until there is something.
    fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut MirrorSourceTask, &mut SourceContext) -> Option<T>,
    ) -> T {
        self.event_loop.block_on(async {
            let deadline = Instant::now() + DEADLINE;
            loop {
                if let Some(found) = look(&mut self.task, &mut self.context) {
                    return found;
                }
                assert!(Instant::now() < deadline, "waited in vain for {what}");
                tokio::task::yield_now().await;
            }
        })
    }

    /// Has this batch wait to be handed out, so many times.
    fn give(&mut self, records: &[(Vec<u8>, Vec<u8>)], from_offset: i64, times: usize) {
        let batch = batches(sealed(records)).next().unwrap().unwrap();
        let seen = Seen { batch, from_offset };
        let waiting = std::iter::repeat_n((TopicPartition::new("orders", 0), seen), times);
        self.task.run().unwrap().waiting.extend(waiting);
    }
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
    let mut running = Running::start(copying(&stage, "orders-0,orders-1"));
    let value = running.until("a record", |task, context| {
        let records = task.poll(context).unwrap();
        let [record] = &records[..] else {
            return None;
        };
        Some(record.value.value.clone().into_owned())
    });
    assert_eq!(value, Value::Bytes(b"first".into()));
    running.task.stop().unwrap();
}

#[test]
fn task_fails_when_its_reader_has_ended() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    let mut running = Running::start(copying(&stage, "orders-0"));
    running.task.run().unwrap().reader.end();
    let error = running.until("a failure", |task, context| task.poll(context).err());
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
    let mut running = Running::start(copying(&stage, "orders-0").with_batches(form));
    let half = [(b"k".to_vec(), vec![b'v'; COPIES_BYTES / 2])];
    running.give(&half, 0, 5);
    let Running { context, task, .. } = &mut running;
    let mut polled = || task.poll_batches(context).unwrap().len();
    assert_eq!([polled(), polled(), polled()], [2, 2, 1]);
}

#[test]
fn poll_ends_behind_enough_records_and_the_next_goes_on_in_the_batch() {
    let stage = Stage::new();
    make_topic(&stage.source, "orders", 1, &[]);
    let mut running = Running::start(copying(&stage, "orders-0"));
    let records = vec![(Vec::new(), Vec::new()); 2 * RECORDS_MAX + 1];
    running.give(&records, 1, 1);
    let Running { context, task, .. } = &mut running;
    let mut next = 1;
    let mut polled = || {
        let records = task.poll(context).unwrap();
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
