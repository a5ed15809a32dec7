//! Batches that a task hands out sealed go to Kafka as they are.

use std::sync::Arc;

use ferrovia_broker::BrokerConfig;
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Seal};
use ferrovia_pipeline::data::{Map, Value};
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::{BatchForm, Landed, SourceBatch};
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_worker::status::State;

use crate::probe::{Given, partition_of};
use crate::stage::{OFTEN, Stage, play};

const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const UNOPENED: [(&str, &str); 4] = [
    ("output", "batches"),
    ("key.converter", BYTES),
    ("value.converter", BYTES),
    ("header.converter", BYTES),
];

/// The records of file `a` at these positions, for a partition of the topic `t`.
fn batch(partition: i32, positions: std::ops::RangeInclusive<i64>) -> SourceBatch {
    let options = BatchOptions {
        codec: Codec::Lz4,
        ..BatchOptions::default()
    };
    let mut writer = BatchWriter::new(options);
    for position in positions.clone() {
        let value = format!("a{position}");
        let value = Some(value.as_bytes());
        writer.append(position, None, value, &[]).unwrap();
    }
    let records = writer.record_count();
    let mut offset = Map::new();
    offset.put("position", Value::Int64(*positions.end()));
    SourceBatch {
        source_partition: Arc::new(partition_of("a")),
        source_offset: offset,
        topic: "t".into(),
        partition,
        bytes: writer.seal(Seal::default()).unwrap(),
        records: records.unsigned_abs(),
        tag: Some(positions.start().unsigned_abs()),
    }
}

fn landed(tag: u64, partition: i32, offset: i64) -> (u64, Option<Landed>) {
    let partition = TopicPartition::new("t", partition);
    (tag, Some(Landed { partition, offset }))
}

#[test]
fn batches_arrive_unopened_and_their_offsets_are_stored() {
    play(async {
        let stage = Stage::new(2).await;
        let settings = [&UNOPENED[..], &[OFTEN]].concat();
        let mut task = stage.task_on(Placement::Shared, &settings, false).await;
        task.until_state(State::Running).await;
        task.probe.give(Given::Batches(vec![
            batch(0, 1..=3),
            batch(1, 4..=4),
            batch(0, 5..=9),
        ]));
        task.probe.wake();
        stage.until_count("t", 9).await;
        stage.until_stored("a", 9).await;
        let counts = task.counts();
        assert_eq!((counts.polled, counts.polls), (9, 1));
        let records = stage.read("t").await;
        assert!(records.iter().all(|record| record.codec == Codec::Lz4));
        assert_eq!(
            stage.values(0).await,
            ["a1", "a2", "a3", "a5", "a6", "a7", "a8", "a9"]
        );
        assert_eq!(stage.values(1).await, ["a4"]);
        let probe = task.stop().await;
        let mut told = probe.told();
        told.sort_by_key(|(tag, _)| *tag);
        assert_eq!(told, [landed(1, 0, 0), landed(4, 1, 0), landed(5, 0, 3)]);
        stage.end().await;
    });
}

#[test]
fn batches_go_into_transactions_with_their_offsets() {
    play(async {
        let stage = Stage::exactly_once().await;
        let mut task = stage.task(&UNOPENED).await;
        task.until_state(State::Running).await;
        task.probe.give(Given::Batches(vec![batch(0, 1..=2)]));
        task.probe.wake();
        stage.until_committed(&["a1", "a2"]).await;
        stage.until_stored("a", 2).await;
        task.stop().await;
        stage.end().await;
    });
}

#[test]
fn tasks_hear_what_batches_have_to_be_like() {
    play(async {
        let stage = Stage::new(1).await;
        let form = async |more: &[(&str, &str)]| {
            let mut task = stage.task(&[&UNOPENED[1..], more].concat()).await;
            task.until_state(State::Running).await;
            task.stop().await.batch_form()
        };
        let any = BatchForm {
            codec: None,
            level: None,
            bytes_max: 1_048_576,
        };
        assert_eq!(form(&[]).await, Some(any));
        let chosen = [
            ("producer.override.compression.type", "zstd"),
            ("producer.override.compression.zstd.level", "7"),
            ("producer.override.max.request.size", "5000"),
        ];
        let zstd = BatchForm {
            codec: Some(Codec::Zstd),
            level: Some(7),
            bytes_max: 5000,
        };
        assert_eq!(form(&chosen).await, Some(zstd));
        let looks_inside = [(
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        )];
        assert_eq!(form(&looks_inside).await, None);
        let simple = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
        assert_eq!(form(&[("header.converter", simple)]).await, None);
        let transformed = [
            ("transforms", "t"),
            (
                "transforms.t.type",
                "org.apache.kafka.connect.transforms.RegexRouter",
            ),
            ("transforms.t.regex", "a"),
            ("transforms.t.replacement", "b"),
        ];
        assert_eq!(form(&transformed).await, None);
        stage.end().await;
    });
}

#[test]
fn batch_too_large_for_its_topic_arrives_in_parts() {
    play(async {
        let stage = small_stage().await;
        let mut task = stage.task(&UNOPENED).await;
        task.until_state(State::Running).await;
        task.probe
            .give(Given::Batches(vec![batch(0, 1..=200), batch(0, 201..=201)]));
        task.probe.wake();
        stage.until_count("t", 201).await;
        let names: Vec<String> = (1..=201).map(|number| format!("a{number}")).collect();
        assert_eq!(stage.values(0).await, names);
        let records = stage.read("t").await;
        assert!(records.iter().all(|record| record.codec == Codec::Lz4));
        let mut told = task.stop().await.told();
        told.sort_by_key(|(tag, _)| *tag);
        assert_eq!(told, [landed(1, 0, 0), landed(201, 0, 200)]);
        assert_eq!(stage.stored("a").await, Some(201));
        stage.end().await;
    });
}

/// Where not all records have arrived, one offset does not tell where the others are.
#[test]
fn batch_with_a_record_too_large_for_its_topic_is_somewhere() {
    play(async {
        let stage = small_stage().await;
        let tolerant = [&UNOPENED[..], &[("errors.tolerance", "all")]].concat();
        let mut task = stage.task(&tolerant).await;
        task.until_state(State::Running).await;
        let large = [b'x'; 2 * SMALL];
        let mut writer = BatchWriter::new(BatchOptions::default());
        for value in [&b"one"[..], b"two", &large, b"four"] {
            writer.append(1, None, Some(value), &[]).unwrap();
        }
        let whole = SourceBatch {
            bytes: writer.seal(Seal::default()).unwrap(),
            ..batch(0, 1..=4)
        };
        task.probe.give(Given::Batches(vec![whole]));
        task.probe.wake();
        stage.until_count("t", 3).await;
        let told = task.stop().await.told();
        assert_eq!(told, [landed(1, 0, -1)]);
        assert_eq!(stage.values(0).await, ["one", "two", "four"]);
        assert_eq!(stage.stored("a").await, Some(4));
        stage.end().await;
    });
}

/// Bytes of a batch that the topics of these tests take.
const SMALL: usize = 300;

async fn small_stage() -> Stage {
    Stage::with(1, |config| BrokerConfig {
        batch_bytes_max: SMALL,
        ..config
    })
    .await
}
