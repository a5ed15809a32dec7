//! Batches that are larger than their topic takes arrive in parts; of their records only those are lost that are too large
//! by themselves.

use ferrovia_broker::BrokerConfig;
use ferrovia_pipeline::data::Value;
use ferrovia_pipeline::source::Landed;
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_worker::status::State;

use crate::probe::{Line, at};
use crate::stage::{Stage, play, until};

const LINES: i64 = 300;
/// Takes a few of the records below, and not one with this many bytes in it.
const BATCH_BYTES_MAX: usize = 500;
const FAILS: &str = "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send \
                     callback\nCaused by: org.apache.kafka.common.errors.RecordTooLargeException: ";

async fn stage() -> Stage {
    Stage::with(1, |config| BrokerConfig {
        batch_bytes_max: BATCH_BYTES_MAX,
        ..config
    })
    .await
}

/// What no codec makes small.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
    };
    (0..bytes).map(|_| letter()).collect()
}

fn records(count: i64) -> Vec<Line> {
    let tag = |position: i64| u64::try_from(position).unwrap();
    (1..=count)
        .map(|position| at("a", position).tag(tag(position)))
        .collect()
}

fn names(count: i64) -> Vec<String> {
    (1..=count).map(|position| format!("a{position}")).collect()
}

fn landed(offset: i64) -> Option<Landed> {
    let partition = TopicPartition::new("t", 0);
    Some(Landed { partition, offset })
}

#[test]
fn records_arrive_once_and_in_order_and_are_told_where() {
    play(async {
        let stage = stage().await;
        for idempotence in ["false", "true"] {
            for codec in ["none", "gzip"] {
                let before = i64::try_from(stage.values(0).await.len()).unwrap();
                let settings = [
                    ("producer.override.enable.idempotence", idempotence),
                    ("producer.override.compression.type", codec),
                ];
                let mut task = stage.task(&settings).await;
                task.until_state(State::Running).await;
                task.probe.give_records(records(LINES));
                until("told", || task.probe.told().len() == 300).await;
                let mut told = task.stop().await.told();
                told.sort_by_key(|(tag, _)| *tag);
                let expected = (1..).zip((before..before + LINES).map(landed));
                assert!(told.into_iter().eq(expected), "{idempotence} {codec}");
                let values = stage.values(0).await;
                let from = usize::try_from(before).unwrap();
                assert_eq!(values[from..], names(LINES), "{idempotence} {codec}");
                assert_eq!(stage.stored("a").await, Some(LINES));
            }
        }
        stage.end().await;
    });
}

#[test]
fn record_too_large_for_its_topic_fails_the_task_and_is_not_passed() {
    play(async {
        let stage = stage().await;
        let mut task = stage.task(&[]).await;
        task.until_state(State::Running).await;
        let mut records = records(10);
        records[4].value = Value::String(noise(BATCH_BYTES_MAX).into());
        task.probe.give_records(records);
        let (trace, _) = task.until_failed().await;
        assert!(trace.starts_with(FAILS), "{trace}");
        assert!(stage.stored("a").await.is_none_or(|stored| stored < 5));
        stage.end().await;
    });
}

#[test]
fn record_too_large_for_its_topic_is_skipped_alone() {
    play(async {
        let stage = stage().await;
        for idempotence in ["false", "true"] {
            let before = stage.values(0).await.len();
            let settings = [
                ("errors.tolerance", "all"),
                ("producer.override.enable.idempotence", idempotence),
            ];
            let mut task = stage.task(&settings).await;
            task.until_state(State::Running).await;
            let mut records = records(10);
            records[4].value = Value::String(noise(BATCH_BYTES_MAX).into());
            task.probe.give_records(records);
            until("told", || task.probe.told().len() == 10).await;
            let probe = task.stop().await;
            let lost = probe.told().into_iter().filter(|(_, it)| it.is_none());
            assert_eq!(lost.map(|(tag, _)| tag).collect::<Vec<_>>(), [5]);
            let mut expected = names(10);
            expected.remove(4);
            assert_eq!(stage.values(0).await[before..], expected, "{idempotence}");
            assert_eq!(stage.stored("a").await, Some(10));
        }
        stage.end().await;
    });
}
