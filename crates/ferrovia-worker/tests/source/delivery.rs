//! Records arrive where they belong, in order, as they are.

use std::collections::{BTreeMap, BTreeSet};

use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_pipeline::batch::Codec;
use ferrovia_pipeline::data::Value;
use ferrovia_pipeline::sink::Placement;
use ferrovia_worker::status::State;

use crate::probe::at;
use crate::stage::{Stage, play};

async fn arrive_in_order(placement: Placement) {
    let stage = Stage::new(3).await;
    let settings = [("producer.override.batch.size", "200")];
    let mut task = stage.task_on(placement, &settings, false).await;
    task.until_state(State::Running).await;
    let (polls, per_poll) = (50, 30);
    for poll in 0..polls {
        let positions = poll * per_poll..(poll + 1) * per_poll;
        let records = positions.map(|at_position| {
            let record = at("a", at_position);
            match at_position % 3 {
                0 => record.to(2),
                1 => record.key(format!("k{}", at_position % 7)),
                _ => record,
            }
        });
        task.probe.give_records(records);
    }
    let count = polls * per_poll;
    stage.until_count("t", count).await;
    let probe = task.stop().await;
    assert_eq!(stage.stored("a").await, Some(count - 1));
    let records = stage.read("t").await;
    assert_eq!(records.len(), usize::try_from(count).unwrap());
    let mut last: BTreeMap<(i32, Option<String>), i64> = BTreeMap::new();
    for record in records {
        let position: i64 = record.value.unwrap()[1..].parse().unwrap();
        match (position % 3, &record.key) {
            (0, None) => assert_eq!(record.partition, 2),
            (1, Some(key)) => {
                assert_eq!(record.partition, partition_for_key(key.as_bytes(), 3));
            }
            (_, key) => assert_eq!(*key, None),
        }
        let before = last.insert((record.partition, record.key), position);
        assert!(before.is_none_or(|before| before < position), "in order");
    }
    drop(probe);
    stage.end().await;
}

#[test]
fn records_of_a_task_with_its_own_thread_arrive_in_order() {
    play(arrive_in_order(Placement::OwnThread));
}

#[test]
fn records_of_a_task_that_shares_a_thread_arrive_in_order() {
    play(arrive_in_order(Placement::Shared));
}

/// Goal: the record that no longer fits goes where those after it go, not alone behind the batch that it has closed.
/// Batches take one record here, so that each is such a record, and each has the choice of many partitions.
#[test]
fn record_that_closes_a_batch_goes_on_with_the_next_one() {
    play(async {
        let (partitions, records) = (200, 40);
        let stage = Stage::new(partitions).await;
        let settings = [("producer.override.batch.size", "600")];
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        let record = |position| {
            let value = format!("{position:0500}");
            at("a", position).value(Value::String(value.into()))
        };
        task.probe.give_records((0..records).map(record));
        stage.until_count("t", records).await;
        task.stop().await;
        let found: BTreeSet<i32> = stage
            .read("t")
            .await
            .iter()
            .map(|it| it.partition)
            .collect();
        // Two in each, or, by chance, a few.
        assert!(found.len() > 25, "{found:?}");
        stage.end().await;
    });
}

/// Goal: memory for batches is bounded where many partitions gather records, none of them enough for a batch.
#[test]
fn open_batches_are_sent_when_together_they_are_too_much() {
    play(async {
        let stage = Stage::new(40).await;
        let settings = [
            ("producer.override.batch.size", "100000"),
            ("producer.override.linger.ms", "3600000"),
            ("producer.override.buffer.memory", "4096"),
        ];
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        let record = |position: i32| {
            let value = format!("{position:0500}");
            let value = Value::String(value.into());
            at("a", position.into()).to(position).value(value)
        };
        task.probe.give_records((0..40).map(record));
        stage.until_count("t", 40 - 8).await;
        task.stop().await;
        assert_eq!(stage.count("t"), 40);
        stage.end().await;
    });
}

#[test]
fn records_arrive_as_they_are() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage
            .task(&[("producer.override.compression.type", "lz4")])
            .await;
        task.until_state(State::Running).await;
        let mut full = at("a", 1).key("k");
        full.timestamp = Some(77);
        full.headers = vec![("h", "1"), ("h", "2"), ("g", "x")];
        let mut minus_one = at("a", 3);
        minus_one.timestamp = Some(-1);
        task.probe
            .give_records([full, at("a", 2).value(Value::Null), minus_one]);
        stage.until_count("t", 3).await;
        let counts = task.counts();
        assert_eq!((counts.polled, counts.polls), (3, 1));
        let records = stage.read("t").await;
        let [full, null, minus_one] = &records[..] else {
            panic!("three: {records:?}");
        };
        assert_eq!(full.codec, Codec::Lz4);
        assert_eq!(
            (full.timestamp, full.key.as_deref(), full.value.as_deref()),
            (77, Some("k"), Some("a1"))
        );
        let headers = full
            .headers
            .iter()
            .map(|(key, value)| (key, value.as_deref().unwrap()));
        let headers: Vec<String> = headers
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(headers, ["h=1", "h=2", "g=x"]);
        assert_eq!((null.key.as_ref(), null.value.as_ref()), (None, None));
        for now in [null, minus_one] {
            assert!(now.timestamp > 1_600_000_000_000, "{now:?}");
        }
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn records_of_one_poll_without_a_key_share_a_batch() {
    play(async {
        let stage = Stage::new(8).await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe
            .give_records((0..20).map(|position| at("a", position)));
        stage.until_count("t", 20).await;
        let records = stage.read("t").await;
        let first = records[0].partition;
        assert!(records.iter().all(|record| record.partition == first));
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn topics_that_records_have_reached_are_reported() {
    play(async {
        let stage = Stage::new(1).await;
        assert!(stage.broker().create_topic("u", 1));
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        task.probe
            .give_records([at("a", 1), at("a", 2).topic("u"), at("a", 3)]);
        stage.until_count("t", 2).await;
        stage.until_count("u", 1).await;
        task.ask_to_stop().await;
        task.until_state(State::Unassigned).await;
        task.used_topics.sort();
        assert_eq!(task.used_topics, ["t", "u"]);
        task.until_ended().await;
        stage.end().await;
    });
}

#[test]
fn records_of_several_polls_share_a_batch_where_they_linger() {
    play(async {
        let stage = Stage::new(8).await;
        let linger = ("producer.override.linger.ms", "300");
        let mut task = stage.task(&[linger]).await;
        task.until_state(State::Running).await;
        for position in 0..5 {
            task.probe.give_records([at("a", position)]);
        }
        stage.until_count("t", 5).await;
        let records = stage.read("t").await;
        let first = records[0].partition;
        assert!(records.iter().all(|record| record.partition == first));
        task.stop().await;
        assert_eq!(stage.stored("a").await, Some(4));
        stage.end().await;
    });
}
