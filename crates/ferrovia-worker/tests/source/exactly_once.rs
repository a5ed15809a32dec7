//! Records and offsets in the same transactions: whoever reads what is committed sees each record once, and what is stored
//! is how far those records reach.

use ferrovia_broker::{ApiKey, Fault, Times};
use ferrovia_client::cluster::Cluster;
use ferrovia_client::produce::TransactionalProducer;
use ferrovia_client::settings::ProducerSettings;
use ferrovia_pipeline::source::Boundary;
use ferrovia_worker::status::State;

use crate::logs;
use crate::probe::{Call, Given, Line, at};
use crate::stage::{Stage, Task, play, until};

const BY_CONNECTOR: (&str, &str) = ("transaction.boundary", "connector");
const RARELY: [(&str, &str); 2] = [
    ("transaction.boundary", "interval"),
    ("transaction.boundary.interval.ms", "3600000"),
];

async fn running(stage: &Stage, settings: &[(&str, &str)]) -> Task {
    let mut task = stage.task(settings).await;
    task.until_state(State::Running).await;
    task
}

/// Takes the transactional id of the task, as a newer instance of it would.
async fn fence(stage: &Stage) -> TransactionalProducer {
    let client = stage.cluster().settings().clone();
    let mut settings = ProducerSettings::with_defaults(client.clone());
    settings.transactional_id = Some("g-s-0".into());
    settings.is_idempotent = true;
    let cluster = Cluster::new(client, ferrovia_client::budget::FramePool::new(1 << 20));
    TransactionalProducer::start(cluster, settings)
        .await
        .unwrap()
}

#[test]
fn each_poll_is_committed_with_its_offsets_and_then_told_of() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &[]).await;
        task.probe
            .give_records([at("a", 1).tag(1), at("a", 2), at("b", 7)]);
        stage.until_committed(&["a1", "a2", "b7"]).await;
        stage.until_stored("a", 2).await;
        assert_eq!(stage.stored("b").await, Some(7));
        until("told", || task.probe.told().len() == 1).await;
        task.probe.give_records([at("a", 3)]);
        stage.until_committed(&["a1", "a2", "b7", "a3"]).await;
        let probe = task.stop().await;
        let calls = probe.calls();
        let told = calls
            .iter()
            .position(|it| matches!(it, Call::CommitRecord(1, Some(_))));
        let told = told.unwrap();
        assert_eq!(calls[told + 1], Call::Commit);
        let task = running(&stage, &[]).await;
        assert_eq!(task.probe.calls()[0], Call::Start(vec![Some(3), Some(7)]));
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn transaction_of_a_long_interval_is_committed_on_pause_and_on_stop() {
    play(async {
        let stage = Stage::exactly_once().await;
        let mut task = running(&stage, &RARELY).await;
        task.probe.give_records([at("a", 1)]);
        stage.until_count("t", 1).await;
        task.probe.give_records([at("a", 2)]);
        stage.until_count("t", 2).await;
        assert!(stage.committed().await.is_empty());
        assert!(!task.probe.calls().contains(&Call::Commit));
        task.pause(true).await;
        stage.until_committed(&["a1", "a2"]).await;
        stage.until_stored("a", 2).await;
        task.until_state(State::Paused).await;
        task.pause(false).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 3)]);
        until("polled", || {
            task.probe
                .calls()
                .iter()
                .filter(|it| matches!(it, Call::Poll(_)))
                .count()
                == 3
        })
        .await;
        task.stop().await;
        assert_eq!(stage.committed().await, ["a1", "a2", "a3"]);
        assert_eq!(stage.stored("a").await, Some(3));
        stage.end().await;
    });
}

#[test]
fn transaction_ends_after_its_interval_while_the_source_has_nothing() {
    play(async {
        let stage = Stage::exactly_once().await;
        let interval = [RARELY[0], ("transaction.boundary.interval.ms", "50")];
        let task = running(&stage, &interval).await;
        task.probe.give_records([at("a", 1)]);
        task.probe
            .give(Given::Wait(std::time::Duration::from_secs(60)));
        stage.until_committed(&["a1"]).await;
        stage.until_stored("a", 1).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn connector_says_where_transactions_end() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &[BY_CONNECTOR]).await;
        task.probe.give_records([at("a", 1)]);
        task.probe
            .give_records([at("a", 2).ends(Boundary::Commit), at("a", 3)]);
        stage.until_committed(&["a1", "a2"]).await;
        stage.until_stored("a", 2).await;
        let last = Given::Last(vec![at("a", 4)], Boundary::Commit);
        task.probe.give(last);
        stage.until_committed(&["a1", "a2", "a3", "a4"]).await;
        task.probe.give_records([at("a", 5)]);
        stage.until_count("t", 5 + 2).await;
        task.stop().await;
        assert_eq!(stage.committed().await, ["a1", "a2", "a3", "a4"]);
        assert_eq!(stage.stored("a").await, Some(4), "what is open is given up");
        stage.end().await;
    });
}

#[test]
fn aborted_records_are_never_seen_and_never_come_again() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &[BY_CONNECTOR]).await;
        task.probe.give_records([at("a", 1).tag(1)]);
        stage.until_count("t", 1).await;
        let aborted = at("a", 2).tag(2).ends(Boundary::Abort);
        task.probe.give_records([aborted, at("a", 3)]);
        stage.until_stored("a", 2).await;
        // Whether the answer for the first comes before the second is given up is chance.
        let told = || {
            let mut told = task.probe.told();
            told.sort_by_key(|(tag, _)| *tag);
            told
        };
        until("told", || told() == [(1, None), (2, None)]).await;
        task.probe
            .give(Given::Last(vec![at("a", 4)], Boundary::Commit));
        stage.until_committed(&["a3", "a4"]).await;
        task.probe.give(Given::Last(Vec::new(), Boundary::Abort));
        task.probe
            .give(Given::Last(vec![at("a", 5)], Boundary::Abort));
        stage.until_stored("a", 5).await;
        assert_eq!(stage.committed().await, ["a3", "a4"]);
        let counts = task.counts();
        assert_eq!(counts.active(), 0);
        task.stop().await;
        stage.end().await;
    });
}

/// A record that fills a batch where those are small.
fn large(position: i64) -> Line {
    let value = format!("{position:0500}");
    at("a", position).value(ferrovia_pipeline::data::Value::String(value.into()))
}

/// Goal: of a record that Kafka has, but whose transaction is open, the task hears nothing. Room for one batch on its way
/// makes sure that Kafka has the record when the poll ends.
#[test]
fn records_behind_a_boundary_are_told_of_with_their_own_transaction() {
    play(async {
        let stage = Stage::exactly_once().await;
        let one_at_a_time = [
            BY_CONNECTOR,
            ("producer.override.batch.size", "600"),
            ("producer.override.buffer.memory", "1024"),
        ];
        let task = running(&stage, &one_at_a_time).await;
        let before = [1, 2, 3].map(|position| at("a", position).tag(position.cast_unsigned()));
        let [first, second, third] = before;
        let behind = [4, 5, 6].map(|position| large(position).tag(position.cast_unsigned()));
        let committed = [first, second, third.ends(Boundary::Commit)];
        task.probe.give_records(committed.into_iter().chain(behind));
        until("told", || task.probe.told().len() >= 3).await;
        let probe = task.stop().await;
        let told = probe.told().into_iter();
        let told: Vec<_> = told.map(|(tag, landed)| (tag, landed.is_some())).collect();
        assert_eq!(told, [(1, true), (2, true), (3, true)]);
        stage.end().await;
    });
}

#[test]
fn abort_takes_nothing_back_of_what_the_same_poll_committed() {
    play(async {
        let stage = Stage::exactly_once().await;
        logs::listen();
        let task = running(&stage, &[BY_CONNECTOR]).await;
        let [a, b, c, d] = [1, 2, 3, 4].map(|position| at("a", position));
        task.probe.give_records([
            a.tag(1),
            b.tag(2).ends(Boundary::Commit),
            c.tag(3),
            d.tag(4).topic("t").ends(Boundary::Abort),
        ]);
        until("told", || task.probe.told().len() >= 4).await;
        let told = task.probe.told().into_iter();
        let told: Vec<_> = told.map(|(tag, landed)| (tag, landed.is_some())).collect();
        assert_eq!(told, [(1, true), (2, true), (3, false), (4, false)]);
        assert_eq!(stage.committed().await, ["a1", "a2"]);
        task.probe
            .give(Given::Last(vec![at("a", 5)], Boundary::Abort));
        stage.until_stored("a", 5).await;
        task.stop().await;
        for expected in [
            "Aborting transaction for record on topic t as requested by connector",
            "Aborting transaction for batch as requested by connector",
        ] {
            assert!(!logs::lines_with(&[expected]).is_empty(), "{expected}");
        }
        stage.end().await;
    });
}

#[test]
fn topic_is_reported_once_whatever_the_number_of_transactions() {
    play(async {
        let stage = Stage::exactly_once().await;
        let mut task = running(&stage, &[]).await;
        for position in 1..=3 {
            task.probe.give_records([at("a", position)]);
            stage.until_stored("a", position).await;
        }
        task.ask_to_stop().await;
        task.until_state(State::Unassigned).await;
        assert_eq!(task.used_topics, ["t"]);
        task.until_ended().await;
        stage.end().await;
    });
}

#[test]
fn task_that_may_not_start_is_not_called() {
    play(async {
        let stage = Stage::exactly_once().await;
        let mut task = stage.task(&[]).await;
        task.refuse("it is not wanted").await;
        let (trace, probe) = task.until_failed().await;
        assert!(trace.ends_with("it is not wanted"), "{trace}");
        assert_eq!(probe.calls(), []);
        stage.end().await;
    });
}

#[test]
fn zombie_is_fenced_and_says_so() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &RARELY).await;
        task.probe.give_records([at("a", 1)]);
        stage.until_count("t", 1).await;
        let _newer = fence(&stage).await;
        task.probe.give_records([at("a", 2)]);
        let (trace, probe) = task.until_failed().await;
        let expected = "org.apache.kafka.connect.errors.ConnectException: Failed to flush offsets and/or records for task s-0";
        let advice = "org.apache.kafka.connect.errors.ConnectException: The task s-0 was unable to finish writing records to \
                      Kafka before its producer transaction expired.";
        assert!(
            trace.starts_with(expected) || trace.starts_with(advice),
            "{trace}"
        );
        assert!(!probe.calls().contains(&Call::Commit));
        assert!(stage.committed().await.is_empty());
        assert_eq!(stage.stored("a").await, None);
        stage.end().await;
    });
}

/// Goal: what a task left open when it died is settled before the next one asks how far it came.
#[test]
fn task_that_dies_in_a_transaction_leaves_nothing_behind() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &[]).await;
        task.probe.give_records([at("a", 1), at("a", 2)]);
        stage.until_committed(&["a1", "a2"]).await;
        task.stop().await;
        for round in 0..3 {
            let task = running(&stage, &RARELY).await;
            assert_eq!(task.probe.calls()[0], Call::Start(vec![Some(2), None]));
            let before = stage.count("t");
            task.probe.give_records([at("a", 3), at("a", 4)]);
            stage.until_count("t", before + 2).await;
            // It cannot say good-bye: its requests end here.
            let faults = stage.broker().faults();
            faults.inject(ApiKey::EndTxn, Fault::Drop, Times::Always);
            faults.inject(ApiKey::AddPartitionsToTxn, Fault::Drop, Times::Always);
            faults.inject(ApiKey::Produce, Fault::Drop, Times::Always);
            task.abandon();
            stage.broker().faults().clear();
            assert_eq!(
                stage.stored("a").await.or(Some(2)),
                Some(2),
                "round {round}"
            );
        }
        let task = running(&stage, &[]).await;
        task.probe.give_records([at("a", 3), at("a", 4)]);
        stage.until_committed(&["a1", "a2", "a3", "a4"]).await;
        stage.until_stored("a", 4).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn lost_connections_and_answers_repeat_nothing() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &[]).await;
        for (api, fault) in [
            (ApiKey::Produce, Fault::Drop),
            (ApiKey::Produce, Fault::DropAfterHandling),
            (ApiKey::EndTxn, Fault::Drop),
            (ApiKey::EndTxn, Fault::DropAfterHandling),
        ] {
            stage.broker().faults().inject(api, fault, Times::N(2));
        }
        let expected: Vec<String> = (0..100).map(|position| format!("a{position}")).collect();
        for first in (0..100).step_by(5) {
            task.probe
                .give_records((first..first + 5).map(|position| at("a", position)));
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        stage.until_committed(&expected).await;
        stage.until_stored("a", 99).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn refused_records_fail_the_task_whatever_is_tolerated() {
    play(async {
        let stage = Stage::exactly_once().await;
        let settings = [
            ("errors.tolerance", "all"),
            ("producer.override.max.request.size", "1000"),
        ];
        let task = running(&stage, &settings).await;
        let large = ferrovia_pipeline::data::Value::String("x".repeat(1000).into());
        task.probe
            .give_records([at("a", 1), at("a", 2).value(large)]);
        let (trace, _) = task.until_failed().await;
        assert!(
            trace.contains("records for task s-0\nCaused by: org.apache.kafka.common.errors.RecordTooLargeException"),
            "{trace}"
        );
        const INVALID_RECORD: i16 = 87;
        let task = running(&stage, &settings[..1]).await;
        let refuse = Fault::ErrorCode(INVALID_RECORD);
        stage
            .broker()
            .faults()
            .inject(ApiKey::Produce, refuse, Times::Once);
        task.probe.give_records([at("a", 1)]);
        let (trace, _) = task.until_failed().await;
        assert!(
            trace.contains("records for task s-0\nCaused by: "),
            "{trace}"
        );
        assert!(stage.committed().await.is_empty());
        assert_eq!(stage.stored("a").await, None);
        stage.end().await;
    });
}

#[test]
fn records_for_the_topic_of_offsets_fail_the_task() {
    play(async {
        let stage = Stage::exactly_once().await;
        let task = running(&stage, &[]).await;
        task.probe.give_records([at("a", 1).topic("offsets")]);
        let (trace, _) = task.until_failed().await;
        assert!(
            trace.contains("may not produce to their own offsets topics"),
            "{trace}"
        );
        stage.end().await;
    });
}

#[test]
fn connectors_own_topic_gets_offsets_first_and_the_workers_a_copy() {
    play(async {
        let stage = Stage::exactly_once().await;
        let own = ("offsets.storage.topic", "own");
        let task = running(&stage, &[own]).await;
        task.probe.give_records([at("a", 1)]);
        stage.until_committed(&["a1"]).await;
        // This store knows the worker's topic only.
        stage.until_stored("a", 1).await;
        task.stop().await;
        assert!(stage.count("own") >= 2, "a record and a marker");
        let task = running(&stage, &[own]).await;
        assert_eq!(task.probe.calls()[0], Call::Start(vec![Some(1), None]));
        task.stop().await;
        stage.end().await;
    });
}
