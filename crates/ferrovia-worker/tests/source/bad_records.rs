//! Records that cannot be converted or produced: the task fails, or they are skipped and told of.

use ferrovia_pipeline::data::Value;
use ferrovia_pipeline::source::Landed;
use ferrovia_pipeline::topic::TopicPartition;
use ferrovia_worker::status::State;

use crate::logs;
use crate::probe::at;
use crate::stage::{Stage, play, until};

/// Values have to be bytes, so that a text is bad.
const BYTES: (&str, &str) = (
    "value.converter",
    "org.apache.kafka.connect.converters.ByteArrayConverter",
);
const TOLERANT: (&str, &str) = ("errors.tolerance", "all");

fn bytes(text: &'static str) -> Value<'static> {
    Value::Bytes(text.as_bytes().into())
}

#[test]
fn bad_record_fails_the_task_behind_those_before_it() {
    play(async {
        let stage = Stage::new(1).await;
        let mut task = stage.task(&[BYTES]).await;
        task.until_state(State::Running).await;
        let good = at("a", 1).value(bytes("x"));
        task.probe.give_records([good, at("a", 2), at("a", 3)]);
        let (trace, _) = task.until_failed().await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\
             Caused by: org.apache.kafka.connect.errors.DataException: ByteArrayConverter is not compatible with objects \
             of type class java.lang.String"
        );
        assert_eq!(stage.values(0).await, ["x"]);
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}

#[test]
fn bad_record_is_skipped_and_told_of() {
    play(async {
        logs::listen();
        let stage = Stage::new(1).await;
        let settings = [
            BYTES,
            TOLERANT,
            ("errors.log.enable", "true"),
            ("errors.log.include.messages", "true"),
        ];
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        let good = |position| at("a", position).value(bytes("x"));
        let bad = at("a", 2).value(Value::String("shown in the log".into()));
        task.probe
            .give_records([good(1).tag(1), bad.tag(2), good(3).tag(3)]);
        until("told", || task.probe.told().len() == 3).await;
        let landed = |offset| {
            Some(Landed {
                partition: TopicPartition::new("t", 0),
                offset,
            })
        };
        let told = [(2, None), (1, landed(0)), (3, landed(1))];
        assert_eq!(task.probe.told(), told);
        let counts = task.counts();
        assert_eq!((counts.written, counts.skipped, counts.active()), (2, 1, 0));
        task.stop().await;
        let lines = logs::lines_with(&["shown in the log"]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let expected = "Error encountered in task s-0. Executing stage 'VALUE_CONVERTER' with class \
                        'org.apache.kafka.connect.converters.ByteArrayConverter', where source record is = \
                        SourceRecord{sourcePartition={file=a}, sourceOffset={position=2}} ConnectRecord{topic='t', \
                        kafkaPartition=null, key=null, keySchema=null, value=shown in the log, valueSchema=null, \
                        timestamp=null, headers=ConnectHeaders(headers=)}.";
        assert!(lines[0].contains(expected), "{lines:?}");
        assert_eq!(stage.stored("a").await, Some(3));
        stage.end().await;
    });
}

/// Goal: what the log shows is the record as the task gave it, not what a transformation made of it.
#[test]
fn record_is_told_of_as_it_was_before_it_was_transformed() {
    play(async {
        logs::listen();
        let stage = Stage::new(1).await;
        let settings = [
            TOLERANT,
            ("errors.log.enable", "true"),
            ("errors.log.include.messages", "true"),
            ("transforms", "h,c"),
            (
                "transforms.h.type",
                "org.apache.kafka.connect.transforms.HoistField$Value",
            ),
            ("transforms.h.field", "hoisted"),
            (
                "transforms.c.type",
                "org.apache.kafka.connect.transforms.Cast$Value",
            ),
            ("transforms.c.spec", "hoisted:int32"),
        ];
        let mut task = stage.task(&settings).await;
        task.until_state(State::Running).await;
        let bad = at("a", 1).value(Value::String("no number".into()));
        task.probe.give_records([bad.tag(1)]);
        until("told", || task.probe.told() == [(1, None)]).await;
        task.stop().await;
        let lines = logs::lines_with(&["TRANSFORMATION", "no number"]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains("value=no number, valueSchema=null"),
            "{lines:?}"
        );
        assert!(lines[0].contains("Cast$Value"), "{lines:?}");
        assert_eq!(stage.stored("a").await, None, "as in Java");
        stage.end().await;
    });
}

#[test]
fn record_that_is_too_large_fails_the_task_in_javas_words() {
    play(async {
        let stage = Stage::new(1).await;
        let small = ("producer.override.max.request.size", "1000");
        let mut task = stage.task(&[small]).await;
        task.until_state(State::Running).await;
        let large = at("a", 2).value(Value::String("x".repeat(1000).into()));
        task.probe.give_records([at("a", 1), large, at("a", 3)]);
        let (trace, _) = task.until_failed().await;
        assert_eq!(
            trace,
            "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback\n\
             Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 1086 bytes when serialized \
             which is larger than 1000, which is the value of the max.request.size configuration."
        );
        assert_eq!(stage.values(0).await, ["a1"]);
        assert_eq!(stage.stored("a").await, Some(1));
        stage.end().await;
    });
}

#[test]
fn record_that_is_too_large_is_skipped_and_its_offset_stored() {
    play(async {
        let stage = Stage::new(1).await;
        let small = ("producer.override.max.request.size", "1000");
        let mut task = stage.task(&[small, TOLERANT]).await;
        task.until_state(State::Running).await;
        let large = at("a", 2).value(Value::String("x".repeat(1000).into()));
        task.probe.give_records([at("a", 1), large.tag(5)]);
        until("told", || task.probe.told() == [(5, None)]).await;
        task.stop().await;
        assert_eq!(stage.values(0).await, ["a1"]);
        assert_eq!(stage.stored("a").await, Some(2));
        stage.end().await;
    });
}

#[test]
fn negative_numbers_fail_the_task_whatever_is_tolerated() {
    play(async {
        let stage = Stage::new(1).await;
        let mut early = at("a", 1);
        early.timestamp = Some(-2);
        let cases = [
            (early, "InvalidRecordException: Invalid record timestamp -2"),
            (
                at("a", 1).to(-1),
                "IllegalArgumentException: Invalid partition: -1.",
            ),
        ];
        for (record, expected) in cases {
            let mut task = stage.task(&[TOLERANT]).await;
            task.until_state(State::Running).await;
            task.probe.give_records([record]);
            let (trace, _) = task.until_failed().await;
            assert!(trace.contains(expected), "{trace}");
        }
        stage.end().await;
    });
}
