//! What is stored of how far a source was read: all that Kafka has, and nothing that it has not.

use ferrovia_broker::{ApiKey, Fault, Times};
use ferrovia_pipeline::source::Landed;
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_worker::status::State;

use crate::probe::{Call, at};
use crate::stage::{OFTEN, Stage, play, until};

#[test]
fn offsets_are_stored_every_interval_and_the_task_hears_of_it() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[OFTEN]).await;
        task.until_state(State::Running).await;
        for round in 1..=3 {
            task.probe
                .give_records([at("a", round * 2 - 1), at("a", round * 2)]);
            stage.until_stored("a", round * 2).await;
        }
        assert_eq!(stage.stored("b").await, None);
        let probe = task.stop().await;
        let calls = probe.calls();
        assert_eq!(calls[0], Call::Start(vec![None, None]));
        assert!(calls.contains(&Call::Commit));
        assert_eq!(calls.last(), Some(&Call::Stop));
        stage.end().await;
    });
}

#[test]
fn last_offsets_are_stored_on_stop_and_the_next_task_finds_them() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe
            .give_records([at("a", 1), at("b", 10), at("a", 2)]);
        until("polled", || task.probe.calls().len() > 1).await;
        let probe = task.stop().await;
        let end = [Call::Poll(3), Call::Commit, Call::Stop];
        assert_eq!(probe.calls()[1..], end);
        assert_eq!(stage.count("t"), 3, "what was handed out is produced");
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        let probe = task.stop().await;
        assert_eq!(probe.calls()[0], Call::Start(vec![Some(2), Some(10)]));
        stage.end().await;
    });
}

#[test]
fn tagged_records_are_told_of_with_the_place_where_they_landed() {
    play(async {
        let stage = Stage::new(2).await;
        let drop_tombstones = [
            ("transforms", "f"),
            ("transforms.f.type", "Filter"),
            ("transforms.f.predicate", "none"),
            ("predicates", "none"),
            ("predicates.none.type", "RecordIsTombstone"),
        ];
        let mut task = stage.task(&drop_tombstones).await;
        task.until_state(State::Running).await;
        let dropped = at("a", 3).value(ferrovia_pipeline::data::Value::Null);
        task.probe.give_records([
            at("a", 1).to(1),
            at("a", 2).to(1).tag(7),
            dropped.tag(8),
            at("b", 1).to(1).tag(9),
        ]);
        until("told", || task.probe.told().len() == 3).await;
        let landed = |offset| {
            Some(Landed {
                partition: TopicPartition::new("t", 1),
                offset,
            })
        };
        let expected = [(8, None), (7, landed(1)), (9, landed(2))];
        assert_eq!(task.probe.told(), expected);
        let counts = task.counts();
        assert_eq!((counts.polled, counts.written, counts.skipped), (4, 3, 1));
        task.stop().await;
        assert_eq!(stage.stored("a").await, Some(2), "as in Java");
        stage.end().await;
    });
}

/// Goal: a partition that cannot be written holds back only those parts of the source whose records it is to get.
#[test]
fn partition_that_takes_nothing_holds_no_other_part_of_the_source_back() {
    play(async {
        let stage = Stage::new(1).await;
        assert!(stage.broker().create_topic("u", 1));
        let mut task = stage.task(&[OFTEN]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1), at("b", 1).topic("u")]);
        stage.until_stored("a", 1).await;
        stage.until_stored("b", 1).await;
        crate::outages::leave_t_without_a_leader(&stage).await;
        task.probe.give_records([at("a", 2)]);
        for position in 2..6 {
            task.probe.give_records([at("b", position).topic("u")]);
            stage.until_stored("b", position).await;
        }
        assert_eq!(stage.stored("a").await, Some(1));
        stage.broker().faults().clear();
        stage.until_stored("a", 2).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn unacknowledged_records_are_not_stored_when_the_task_has_to_stop() {
    play(async {
        let stage = Stage::new(1).await;
        let timeout = ("worker:offset.flush.timeout.ms", "200");
        let mut task = stage.task(&[timeout]).await;
        task.until_state(State::Running).await;
        task.probe.give_records([at("a", 1)]);
        stage.until_count("t", 1).await;
        stage
            .broker()
            .faults()
            .inject(ApiKey::Produce, Fault::Drop, Times::Always);
        task.probe.give_records([at("a", 2)]);
        until("polled", || task.probe.calls().len() == 3).await;
        task.stop().await;
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}
