//! Topics that are not there when a record is for them.

use std::time::{Duration, Instant};

use ferrovia_broker::{ApiKey, BrokerConfig, Fault, Times};
use ferrovia_worker::status::State;

use crate::probe::at;
use crate::stage::{OFTEN, Stage, play, until};

const CREATES: [(&str, &str); 2] = [
    ("topic.creation.default.partitions", "2"),
    ("topic.creation.default.replication.factor", "1"),
];

#[test]
fn missing_topic_is_waited_for_and_commands_are_heard_meanwhile() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[OFTEN]).await;
        task.until_state(State::Running).await;
        task.probe
            .give_records([at("a", 1), at("b", 1).topic("late"), at("a", 2)]);
        until("polled", || task.probe.calls().len() > 1).await;
        task.pause(true).await;
        task.until_state(State::Paused).await;
        task.pause(false).await;
        task.until_state(State::Running).await;
        stage.until_stored("a", 1).await;
        assert!(stage.broker().create_topic("late", 1));
        stage.until_count("late", 1).await;
        stage.until_stored("b", 1).await;
        stage.until_stored("a", 2).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn task_that_waits_for_a_topic_stops_in_time_and_leaves_its_records() {
    play(async {
        let stage = Stage::new(1).await;
        let timeout = ("worker:offset.flush.timeout.ms", "100");
        let mut task = stage.task(&[timeout]).await;
        task.until_state(State::Running).await;
        task.probe
            .give_records([at("a", 1), at("a", 2).topic("never")]);
        until("polled", || task.probe.calls().len() > 1).await;
        let asked = Instant::now();
        task.stop().await;
        assert!(asked.elapsed() < Duration::from_secs(5));
        assert_eq!(stage.values(0).await, ["a1"]);
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}

#[test]
fn partition_that_a_topic_does_not_have_is_waited_for() {
    play(async {
        let stage = Stage::new(1).await;
        let timeout = ("worker:offset.flush.timeout.ms", "100");
        let mut task = stage.task(&[timeout]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1), at("a", 2).to(1)]);
        stage.until_count("t", 1).await;
        task.stop().await;
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}

#[test]
fn missing_topic_is_waited_for_as_long_as_settings_say() {
    play(async {
        let stage = Stage::new(1).await;
        let patience = ("producer.override.max.block.ms", "50");
        let mut task = stage.task(&[patience]).await;
        task.until_state(State::Running).await;
        task.probe
            .give_records([at("a", 1), at("a", 2).topic("never")]);
        let (trace, _) = task.until_failed().await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback\n\
             Caused by: org.apache.kafka.common.errors.TimeoutException: Topic never not present in metadata after 50 ms."
        );
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}

#[test]
fn broker_makes_a_topic_if_it_may() {
    play(async {
        let auto = |config| BrokerConfig {
            auto_create_topics: true,
            ..config
        };
        let stage = Stage::with(1, auto).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1).topic("auto")]);
        stage.until_count("auto", 1).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn topic_is_made_by_the_first_group_that_has_it() {
    play(async {
        let stage = Stage::new(1).await;
        let mut settings = CREATES.to_vec();
        settings.extend([
            ("topic.creation.groups", "big,other"),
            ("topic.creation.big.include", "big.*"),
            ("topic.creation.big.exclude", "bigger"),
            ("topic.creation.big.partitions", "5"),
            ("topic.creation.big.retention.ms", "7000"),
            ("topic.creation.other.include", "big.*"),
            ("topic.creation.other.partitions", "3"),
        ]);
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        let topics = ["big1", "bigger", "small", "t"];
        task.probe.give_records(
            (0..)
                .zip(topics)
                .map(|(position, topic)| at("a", position).topic(topic)),
        );
        stage.until_count("t", 1).await;
        until("written", || task.counts().written == 4).await;
        task.stop().await;
        let partitions = topics.map(|topic| stage.broker().topic_end_offsets(topic).len());
        assert_eq!(partitions, [5, 3, 2, 1]);
        stage.end().await;
    });
}

#[test]
fn topic_that_somebody_else_makes_meanwhile_is_fine() {
    play(async {
        let stage = Stage::new(1).await;
        const TOPIC_ALREADY_EXISTS: i16 = 36;
        let faults = stage.broker().faults();
        let exists = Fault::ErrorCode(TOPIC_ALREADY_EXISTS);
        faults.inject(ApiKey::CreateTopics, exists, Times::Once);
        let mut task = stage.task(&CREATES).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1).topic("u")]);
        until("asked", || faults.pending() == 0).await;
        assert!(stage.broker().create_topic("u", 1));
        stage.until_count("u", 1).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn task_that_may_not_make_a_topic_fails_in_javas_words() {
    play(async {
        let stage = Stage::new(1).await;
        const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
        let refused = Fault::ErrorCode(TOPIC_AUTHORIZATION_FAILED);
        stage
            .broker()
            .faults()
            .inject(ApiKey::CreateTopics, refused, Times::Always);
        let mut task = stage.task(&CREATES).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1), at("a", 2).topic("u")]);
        let (trace, _) = task.until_failed().await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.ConnectException: Task failed to create new topic (name=u, numPartitions=2, \
             replicationFactor=1, replicasAssignments=null, configs={}). Ensure that the task is authorized to create \
             topics or that the topic exists and restart the task"
        );
        assert_eq!(stage.stored("a").await, Some(1), "it was before");
        stage.end().await;
    });
}
