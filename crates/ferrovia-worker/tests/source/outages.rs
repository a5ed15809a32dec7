//! Brokers that fail, refuse and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ferrovia_broker::{ApiKey, Fault, RequestView, Times};
use ferrovia_worker::status::State;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataResponse, TopicName};
use kafka_protocol::protocol::Encodable;

use crate::probe::at;
use crate::stage::{OFTEN, Stage, play, until};

const LEADER_NOT_AVAILABLE: i16 = 5;
const NOT_ENOUGH_REPLICAS: i16 = 19;
const INVALID_RECORD: i16 = 87;

/// Tells whoever asks for metadata that the topic `t` has no leader, while `u` has one; returns when a task must have
/// heard of it.
pub(crate) async fn leave_t_without_a_leader(stage: &Stage) {
    let view = stage.cluster().refresh().await.unwrap();
    let node = BrokerId(*view.brokers.keys().next().unwrap());
    let address = stage.broker().address();
    let asked = Arc::new(AtomicU32::new(0));
    let answers = Arc::clone(&asked);
    let answer = move |view: &RequestView<'_>| {
        answers.fetch_add(1, Ordering::Relaxed);
        let broker = MetadataResponseBroker::default()
            .with_node_id(node)
            .with_host(address.ip().to_string().into())
            .with_port(i32::from(address.port()));
        let topic = |name: &'static str, leader, error| {
            let partition = MetadataResponsePartition::default()
                .with_error_code(error)
                .with_leader_id(leader);
            MetadataResponseTopic::default()
                .with_name(Some(TopicName(name.into())))
                .with_partitions(vec![partition])
        };
        let topics = vec![
            topic("t", BrokerId(-1), LEADER_NOT_AVAILABLE),
            topic("u", node, 0),
        ];
        let answer = MetadataResponse::default()
            .with_brokers(vec![broker])
            .with_controller_id(node)
            .with_topics(topics);
        let mut bytes = bytes::BytesMut::new();
        answer.encode(&mut bytes, view.api_version).unwrap();
        Some(bytes.freeze())
    };
    let faults = stage.broker().faults();
    faults.inject(ApiKey::Metadata, Fault::custom(answer), Times::Always);
    // The second question comes behind the first answer.
    until("asked", || asked.load(Ordering::Relaxed) > 1).await;
}

/// Two hundred records, polled five at a time, while `faults` strike: the distinct values have to be all, in order.
async fn survives(faults: &[(Fault, u32)], may_repeat: bool) {
    let stage = Stage::new(1).await;
    for (fault, times) in faults {
        let times = Times::N(*times);
        stage
            .broker()
            .faults()
            .inject(ApiKey::Produce, fault.clone(), times);
    }
    let mut task = stage.task(&[OFTEN]).await;
    task.until_state(State::Running).await;
    for first in (0..200).step_by(5) {
        task.probe
            .give_records((first..first + 5).map(|position| at("a", position)));
    }
    stage.until_stored("a", 199).await;
    task.stop().await;
    let mut values = stage.values(0).await;
    let count = values.len();
    // A batch that is sent again comes right behind itself.
    let mut seen = std::collections::BTreeSet::new();
    values.retain(|value| seen.insert(value.clone()));
    assert!(may_repeat || count == values.len());
    let expected: Vec<String> = (0..200).map(|position| format!("a{position}")).collect();
    assert_eq!(values, expected);
    stage.end().await;
}

#[test]
fn lost_connections_and_lost_answers_lose_no_record() {
    play(survives(
        &[(Fault::Drop, 3), (Fault::DropAfterHandling, 2)],
        true,
    ));
}

#[test]
fn retriable_refusals_change_nothing() {
    play(survives(
        &[(Fault::ErrorCode(NOT_ENOUGH_REPLICAS), 4)],
        false,
    ));
}

#[test]
fn broker_that_restarts_is_found_again() {
    play(async {
        let mut stage = Stage::new(1).await;
        let mut task = stage.task(&[OFTEN]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1)]);
        stage.until_stored("a", 1).await;
        stage.restart_broker().await;
        task.probe.give_records([at("a", 2)]);
        stage.until_stored("a", 2).await;
        assert_eq!(stage.values(0).await, ["a1", "a2"]);
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn refused_batch_fails_the_task_in_its_next_turn() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[OFTEN]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1)]);
        stage.until_stored("a", 1).await;
        let refuse = Fault::ErrorCode(INVALID_RECORD);
        stage
            .broker()
            .faults()
            .inject(ApiKey::Produce, refuse, Times::Once);
        task.probe.give_records([at("a", 2).tag(1)]);
        let (trace, probe) = task.until_failed().await;
        let expected = "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send \
                        callback\nCaused by: ";
        assert!(trace.starts_with(expected), "{trace}");
        assert!(probe.told().is_empty());
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}

#[test]
fn refused_batch_is_skipped_where_errors_are_tolerated() {
    play(async {
        crate::logs::listen();
        let stage = Stage::new(1).await;
        let settings = [
            OFTEN,
            ("errors.tolerance", "all"),
            ("errors.log.enable", "true"),
            ("errors.log.include.messages", "true"),
        ];
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        let refuse = Fault::ErrorCode(INVALID_RECORD);
        stage
            .broker()
            .faults()
            .inject(ApiKey::Produce, refuse, Times::Once);
        let second = at("a", 2).value(ferrovia_pipeline::data::Value::String("the refused".into()));
        task.probe.give_records([at("a", 1).tag(1), second.tag(2)]);
        until("told", || task.probe.told() == [(1, None), (2, None)]).await;
        stage.until_stored("a", 2).await;
        task.probe.give_records([at("a", 3)]);
        stage.until_stored("a", 3).await;
        assert_eq!(stage.values(0).await, ["a3"]);
        task.stop().await;
        let lines = crate::logs::lines_with(&["KAFKA_PRODUCE", "the refused"]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("'org.apache.kafka.connect.runtime.WorkerSourceTask'"));
        stage.end().await;
    });
}

/// Goal: memory is bounded by `buffer.memory` while brokers take nothing, and nothing is lost.
#[test]
fn full_buffer_holds_records_back_while_commits_go_on() {
    play(async {
        let stage = Stage::new(1).await;
        let settings = [
            OFTEN,
            ("producer.override.buffer.memory", "2000"),
            ("producer.override.batch.size", "500"),
        ];
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 0)]);
        stage.until_stored("a", 0).await;
        let refuse = Fault::ErrorCode(NOT_ENOUGH_REPLICAS);
        stage
            .broker()
            .faults()
            .inject(ApiKey::Produce, refuse, Times::Always);
        for first in (1..301).step_by(10) {
            task.probe
                .give_records((first..first + 10).map(|position| at("a", position)));
        }
        let counts = || task.counts();
        let before = counts().commits_completed;
        until("commits", || counts().commits_completed > before + 3).await;
        assert!(counts().polled < 301, "{:?}", counts());
        stage.broker().faults().clear();
        stage.until_stored("a", 300).await;
        assert_eq!(stage.count("t"), 301);
        task.stop().await;
        stage.end().await;
    });
}
