//! Which topics a connector is known to have used (KIP-558).

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_worker::herder::Change;

use crate::probe::Script;
use crate::stage::{NAME, Stage, p, play};

/// Sends every record to a topic `elsewhere`.
const ROUTED: [(&str, &str); 6] = [
    ("topics", "t,u"),
    ("transforms", "r"),
    (
        "transforms.r.type",
        "org.apache.kafka.connect.transforms.RegexRouter",
    ),
    ("transforms.r.regex", ".*"),
    ("transforms.r.replacement", "elsewhere"),
    ("worker:offset.flush.interval.ms", "20"),
];

#[test]
fn topics_are_those_that_were_read_whatever_transformations_make_of_them() {
    play(async {
        let stage = Stage::new(1).await;
        assert!(stage.broker().create_topic("u", 1));
        let worker = stage.worker(Script::default(), &ROUTED).await;
        stage.produce(&p(0), 2).await;
        worker.until_topics(&["t"]).await;
        stage.produce(&TopicPartition::new("u", 0), 1).await;
        worker.until_topics(&["t", "u"]).await;
        stage.end(worker).await;
    });
}

#[test]
fn topics_that_a_user_has_reset_come_back_with_their_next_records() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage.worker(Script::default(), &ROUTED).await;
        stage.produce(&p(0), 1).await;
        worker.until_topics(&["t"]).await;
        stage.until_committed(0, 1).await;
        worker.change(Change::ResetTopics(NAME.to_owned())).await;
        assert!(worker.topics().await.is_empty());
        stage.produce(&p(0), 1).await;
        worker.until_topics(&["t"]).await;
        stage.end(worker).await;
    });
}

#[test]
fn topic_counts_as_used_when_its_records_are_refused() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 1).await;
        let refuse = Script::default().put(|put, _| match put.records {
            [] => Ok(()),
            _ => Err(ConnectError::retriable("later")),
        });
        let worker = stage.worker(refuse, &[]).await;
        worker.until_topics(&["t"]).await;
        stage.end(worker).await;
    });
}

#[test]
fn topics_of_a_connector_that_is_deleted_are_forgotten() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage.worker(Script::default(), &[]).await;
        stage.produce(&p(0), 1).await;
        worker.until_topics(&["t"]).await;
        worker.change(Change::Delete(NAME.to_owned())).await;
        worker.until_topics(&[]).await;
        stage.end(worker).await;
    });
}
