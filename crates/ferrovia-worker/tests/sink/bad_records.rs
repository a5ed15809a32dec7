//! Records that cannot be converted, transformed or written: skipped or fatal, told of once, and never passed over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ferrovia_broker::{ApiKey, Fault, Times};
use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, HeaderRef, Seal};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_worker::status::State;

use crate::letters::{Letter, read};
use crate::logs;
use crate::order::Leave;
use crate::probe::{Script, TAKES_BATCHES};
use crate::stage::{Stage, Worker, p, play, until};

const JSON: [(&str, &str); 2] = [
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    ("value.converter.schemas.enable", "false"),
];
const OFTEN: (&str, &str) = ("worker:offset.flush.interval.ms", "40");
const ALL: (&str, &str) = ("errors.tolerance", "all");
const LETTERS: [(&str, &str); 2] = [
    ("errors.deadletterqueue.topic.name", "dead"),
    ("errors.deadletterqueue.topic.replication.factor", "1"),
];
const CONTEXT: (&str, &str) = ("errors.deadletterqueue.context.headers.enable", "true");
const GAPS: Leave = Leave {
    gaps: true,
    loss: false,
    rewinds: false,
};
const POISON: &str = "{poison";
const MESSAGE_TOO_LARGE: i16 = 10;
const CONVERSION_FAILED: &str =
    "Converting byte[] to Kafka Connect data failed due to serialization error: ";

type Setting = (&'static str, &'static str);

fn settings(parts: &[&[Setting]]) -> Vec<Setting> {
    parts.concat()
}

/// A batch of these values, with their places as keys and one header each.
fn batch_of(values: &[&str]) -> Bytes {
    let options = BatchOptions {
        codec: Codec::Lz4,
        ..BatchOptions::default()
    };
    let mut writer = BatchWriter::new(options);
    for (place, value) in values.iter().enumerate() {
        let key = format!("key {place}");
        let own = HeaderRef {
            key: b"own",
            value: Some(b"kept"),
        };
        let timestamp = 1_000 + place as i64;
        writer
            .append(
                timestamp,
                Some(key.as_bytes()),
                Some(value.as_bytes()),
                &[own],
            )
            .unwrap();
    }
    writer.seal(Seal::default()).unwrap()
}

async fn produce(stage: &Stage, values: &[&str]) {
    stage.produce_batch(&p(0), batch_of(values)).await;
}

fn values(letters: &[Letter]) -> Vec<&str> {
    letters
        .iter()
        .map(|letter| letter.value.as_deref().unwrap())
        .collect()
}

/// Refuses the records at these offsets.
fn reports(offsets: &'static [i64], hands_on: bool) -> Script {
    Script::default().see(move |record, context| {
        if !offsets.contains(&record.offset()) {
            return Ok(());
        }
        match context.report(record, ConnectError::failed("refused")) {
            Err(error) if hands_on => Err(error),
            _ => Ok(()),
        }
    })
}

async fn until_failed(worker: &Worker) -> String {
    worker.until_state(0, State::Failed).await
}

#[test]
fn tolerance_none_fails_at_the_poison_and_commits_what_is_before_it() {
    play(async {
        let stage = Stage::new(1).await;
        let worker = stage
            .worker(Script::default(), &settings(&[&JSON, &LETTERS, &[CONTEXT]]))
            .await;
        produce(&stage, &["1", "2", POISON, "4"]).await;
        let trace = until_failed(&worker).await;
        let head =
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler";
        assert!(trace.starts_with(head), "{trace}");
        assert!(
            trace.contains("Caused by: org.apache.kafka.connect.errors.DataException: Conv"),
            "{trace}"
        );
        assert_eq!(worker.probe.taken(&p(0)), [0, 1]);
        assert_eq!(stage.committed(0), Some(2), "the poison is not passed");
        let letters = read(&stage, "dead").await;
        assert_eq!(values(&letters), [POISON]);
        stage.end(worker).await;
    });
}

#[test]
fn tolerance_all_skips_exactly_the_poison_and_tells_what_was_wrong() {
    play(async {
        let stage = Stage::new(1).await;
        let all = settings(&[&JSON, &LETTERS, &[CONTEXT, ALL, OFTEN]]);
        let worker = stage.worker(Script::default(), &all).await;
        produce(&stage, &["1", POISON, "3", "[", "5", POISON]).await;
        stage.until_committed(0, 6).await;
        assert_eq!(worker.probe.taken(&p(0)), [0, 2, 4]);
        assert_eq!(stage.broker().topic_end_offsets("dead").len(), 1);
        let letters = read(&stage, "dead").await;
        assert_eq!(values(&letters), [POISON, "[", POISON]);
        let letter = &letters[1];
        assert_eq!(
            (letter.key.as_deref(), letter.timestamp),
            (Some("key 3"), 1_003)
        );
        assert_eq!(letter.headers[0], ("own".into(), Some("kept".into())));
        let names: Vec<&str> = letter.headers[1..]
            .iter()
            .map(|(key, _)| key.strip_prefix("__connect.errors.").unwrap())
            .collect();
        assert_eq!(names, CONTEXT_NAMES);
        for (name, expected) in [
            ("topic", "t"),
            ("partition", "0"),
            ("offset", "3"),
            ("connector.name", "s"),
            ("task.id", "0"),
            ("stage", "VALUE_CONVERTER"),
            ("class.name", "org.apache.kafka.connect.json.JsonConverter"),
            (
                "exception.class.name",
                "org.apache.kafka.connect.errors.DataException",
            ),
            ("exception.message", CONVERSION_FAILED),
        ] {
            assert_eq!(letter.header(&format!("__connect.errors.{name}")), expected);
        }
        stage.end_with(worker, GAPS).await;
    });
}

const CONTEXT_NAMES: [&str; 10] = [
    "topic",
    "partition",
    "offset",
    "connector.name",
    "task.id",
    "stage",
    "class.name",
    "exception.class.name",
    "exception.message",
    "exception.stacktrace",
];

#[test]
fn letters_without_context_are_as_the_records_were_and_keys_choose_the_partition() {
    play(async {
        let stage = Stage::new(1).await;
        assert!(stage.broker().create_topic("dead", 5));
        let all = settings(&[&JSON, &LETTERS, &[ALL, OFTEN]]);
        let worker = stage.worker(Script::default(), &all).await;
        produce(&stage, &[POISON; 20]).await;
        stage.until_committed(0, 20).await;
        let letters = read(&stage, "dead").await;
        assert_eq!(letters.len(), 20);
        for letter in &letters {
            let key = letter.key.as_deref().unwrap();
            assert_eq!(letter.partition, partition_for_key(key.as_bytes(), 5));
            assert_eq!(letter.headers.len(), 1);
        }
        stage.end_with(worker, GAPS).await;
    });
}

/// Goal: not even the commit at the end of the failed task passes a record whose letter was lost.
#[test]
fn letter_that_is_refused_fails_the_task_and_keeps_its_offset_from_being_committed() {
    play(async {
        let stage = Stage::new(1).await;
        assert!(stage.broker().create_topic("dead", 1));
        let all = settings(&[&JSON, &LETTERS, &[ALL, OFTEN]]);
        let worker = stage.worker(Script::default(), &all).await;
        produce(&stage, &["1"]).await;
        stage.until_committed(0, 1).await;
        let faults = stage.broker().faults();
        // The first is the test's own, answered as usual.
        faults.inject(ApiKey::Produce, Fault::custom(|_| None), Times::Once);
        faults.inject(
            ApiKey::Produce,
            Fault::ErrorCode(MESSAGE_TOO_LARGE),
            Times::Always,
        );
        produce(&stage, &[POISON, "3"]).await;
        let trace = until_failed(&worker).await;
        assert!(
            trace.contains("Could not produce message to dead letter queue. topic=dead"),
            "{trace}"
        );
        assert_eq!(stage.committed(0), Some(1));
        let loss = Leave { loss: true, ..GAPS };
        stage.end_with(worker, loss).await;
    });
}

#[test]
fn letters_too_large_for_their_topic_together_arrive_in_parts() {
    play(async {
        let stage = Stage::new(1).await;
        assert!(stage.broker().create_topic("dead", 1));
        let all = settings(&[&JSON, &LETTERS, &[ALL, OFTEN]]);
        let worker = stage.worker(Script::default(), &all).await;
        let faults = stage.broker().faults();
        // The first is the test's own, answered as usual.
        faults.inject(ApiKey::Produce, Fault::custom(|_| None), Times::Once);
        faults.inject(
            ApiKey::Produce,
            Fault::ErrorCode(MESSAGE_TOO_LARGE),
            Times::Once,
        );
        let bad = ["{1", "{2", "{3", "{4"];
        produce(&stage, &bad).await;
        stage.until_committed(0, 4).await;
        assert_eq!(values(&read(&stage, "dead").await), bad);
        stage.end_with(worker, GAPS).await;
    });
}

#[test]
fn batch_that_is_put_again_tells_of_its_bad_records_once() {
    play(async {
        let stage = Stage::new(1).await;
        let all = settings(&[&JSON, &LETTERS, &[ALL, OFTEN]]);
        let script = Script::default().put(|put, context| {
            if put.nth < 3 && !put.records.is_empty() {
                context.timeout(Duration::from_millis(5));
                return Err(ConnectError::retriable("not now"));
            }
            Ok(())
        });
        let worker = stage.worker(script, &all).await;
        produce(&stage, &["1", POISON, "3"]).await;
        stage.until_committed(0, 3).await;
        assert_eq!(worker.probe.shown(&p(0)), [0, 2, 0, 2, 0, 2, 0, 2]);
        assert_eq!(values(&read(&stage, "dead").await), [POISON]);
        stage.end_with(worker, GAPS).await;
    });
}

/// Goal: more bad records than may come together are told of in parts, each once, and the good ones are put once.
#[test]
fn many_bad_records_are_put_in_parts() {
    play(async {
        const PAIRS: usize = 30;
        let stage = Stage::new(1).await;
        let all = settings(&[&JSON, &LETTERS, &[ALL, OFTEN]]);
        let worker = stage.worker(Script::default(), &all).await;
        let poison = format!("{{{}", "x".repeat(200_000));
        let pairs: Vec<&str> = ["1", &poison].repeat(PAIRS);
        produce(&stage, &pairs).await;
        stage.until_committed(0, 2 * PAIRS as i64).await;
        let good: Vec<i64> = (0..PAIRS as i64).map(|pair| 2 * pair).collect();
        assert_eq!(worker.probe.taken(&p(0)), good);
        assert_eq!(read(&stage, "dead").await.len(), PAIRS);
        let puts = worker.probe.calls();
        let puts = puts.iter().filter(
            |call| matches!(call, crate::probe::Call::Put { records, .. } if !records.is_empty()),
        );
        assert!(puts.count() > 1, "6 MB in one part");
        stage.end_with(worker, GAPS).await;
    });
}

#[test]
fn reported_records_are_letters_of_the_task_put_stage() {
    play(async {
        let stage = Stage::new(1).await;
        let all = settings(&[&LETTERS, &[ALL, CONTEXT, OFTEN]]);
        let worker = stage.worker(reports(&[1], true), &all).await;
        produce(&stage, &["a", "b", "c"]).await;
        stage.until_committed(0, 3).await;
        let letters = read(&stage, "dead").await;
        assert_eq!(values(&letters), ["b"]);
        assert_eq!(letters[0].header("__connect.errors.stage"), "TASK_PUT");
        let class = letters[0].header("__connect.errors.class.name");
        assert_eq!(class, "org.apache.kafka.connect.sink.SinkTask");
        stage.end(worker).await;
    });
}

#[test]
fn reported_record_fails_a_task_that_must_not_skip_even_if_it_goes_on() {
    play(async {
        for hands_on in [true, false] {
            let stage = Stage::new(1).await;
            let worker = stage
                .worker(reports(&[1], hands_on), &settings(&[&LETTERS, &[OFTEN]]))
                .await;
            produce(&stage, &["a", "b", "c"]).await;
            let trace = until_failed(&worker).await;
            assert!(
                trace.contains("Tolerance exceeded in error handler"),
                "{trace}"
            );
            assert!(trace.contains("refused"), "{trace}");
            assert_ne!(stage.committed(0), Some(3));
            assert_eq!(values(&read(&stage, "dead").await), ["b"]);
            let loss = Leave { loss: true, ..GAPS };
            stage.end_with(worker, loss).await;
        }
    });
}

#[test]
fn dropped_records_move_offsets_on_and_renamed_topics_keep_theirs() {
    play(async {
        let stage = Stage::new(1).await;
        let topics = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&topics);
        let script = Script::default().see(move |record, _| {
            seen.lock().unwrap().push(record.topic().to_owned());
            Ok(())
        });
        let transforms = [
            OFTEN,
            ("transforms", "drop,route"),
            (
                "transforms.drop.type",
                "org.apache.kafka.connect.transforms.Filter",
            ),
            ("transforms.drop.predicate", "own"),
            (
                "transforms.route.type",
                "org.apache.kafka.connect.transforms.RegexRouter",
            ),
            ("transforms.route.regex", "(.*)"),
            ("transforms.route.replacement", "routed-$1"),
            ("predicates", "own"),
            (
                "predicates.own.type",
                "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
            ),
            ("predicates.own.name", "own"),
        ];
        let worker = stage.worker(script, &transforms).await;
        stage.produce(&p(0), 2).await;
        produce(&stage, &["dropped", "dropped"]).await;
        stage.until_committed(0, 4).await;
        assert_eq!(worker.probe.taken(&p(0)), [0, 1]);
        assert_eq!(*topics.lock().unwrap(), ["routed-t", "routed-t"]);
        stage.end_with(worker, GAPS).await;
    });
}

#[test]
fn letters_are_written_as_the_producers_settings_say() {
    play(async {
        let stage = Stage::new(1).await;
        let all = settings(&[
            &JSON,
            &LETTERS,
            &[
                ALL,
                OFTEN,
                ("worker:producer.compression.type", "gzip"),
                ("worker:producer.acks", "1"),
                ("producer.override.compression.type", "zstd"),
                ("producer.override.max.request.size", "400"),
            ],
        ]);
        let worker = stage.worker(Script::default(), &all).await;
        produce(&stage, &["1", POISON]).await;
        stage.until_committed(0, 2).await;
        let letters = read(&stage, "dead").await;
        assert_eq!(values(&letters), [POISON]);
        assert_eq!(letters[0].codec, Codec::Zstd);
        produce(&stage, &[&format!("{{{}", "x".repeat(400))]).await;
        let trace = until_failed(&worker).await;
        let why =
            "which is larger than 400, which is the value of the max.request.size configuration.";
        assert!(trace.contains(why), "{trace}");
        assert_eq!(stage.committed(0), Some(2));
        let loss = Leave { loss: true, ..GAPS };
        stage.end_with(worker, loss).await;
    });
}

#[test]
fn log_line_says_what_java_says() {
    play(async {
        logs::listen();
        let stage = Stage::new(1).await;
        let all = settings(&[
            &JSON,
            &[
                ALL,
                OFTEN,
                ("errors.log.enable", "true"),
                ("errors.log.include.messages", "true"),
            ],
        ]);
        let worker = stage.worker(Script::default(), &all).await;
        produce(&stage, &["1", "{logged"]).await;
        stage.until_committed(0, 2).await;
        let line = "Error encountered in task s-0. Executing stage 'VALUE_CONVERTER' with class \
                    'org.apache.kafka.connect.json.JsonConverter', where consumed record is {topic='t', partition=0, \
                    offset=1, timestamp=1001, timestampType=CreateTime}.";
        until("the line", || !logs::lines_with(&[line]).is_empty()).await;
        stage.end_with(worker, GAPS).await;
    });
}

#[test]
fn whole_batches_are_refused_with_transformations() {
    play(async {
        let stage = Stage::new(1).await;
        let router = [
            (TAKES_BATCHES, "true"),
            ("transforms", "route"),
            (
                "transforms.route.type",
                "org.apache.kafka.connect.transforms.RegexRouter",
            ),
            ("transforms.route.regex", "(.*)"),
            ("transforms.route.replacement", "x"),
        ];
        let worker = stage.worker(Script::default(), &router).await;
        let trace = until_failed(&worker).await;
        assert!(trace.contains("whole record batches"), "{trace}");
        stage.end(worker).await;
    });
}
