//! Many bad records at once tell of an outage of the target (`errors.deadletterqueue.outage.threshold`): none of them becomes
//! a dead letter, and all come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal};
use ferrovia_pipeline::error::ConnectError;

use crate::letters::read;
use crate::logs;
use crate::order::Leave;
use crate::probe::{Call, Script};
use crate::stage::{Stage, Worker, p, play, until};

const SETTINGS: [(&str, &str); 5] = [
    ("worker:offset.flush.interval.ms", "20"),
    ("errors.tolerance", "all"),
    ("errors.deadletterqueue.topic.name", "dead"),
    ("errors.deadletterqueue.topic.replication.factor", "1"),
    ("errors.deadletterqueue.outage.threshold", "3"),
];
const JSON: [(&str, &str); 2] = [
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    ("value.converter.schemas.enable", "false"),
];
/// What is bad is left out, and what was reported comes again although the task went on.
const LEAVE: Leave = Leave {
    gaps: true,
    loss: false,
    rewinds: true,
};
/// How often a batch has to come again before a test believes that it always does.
const TRIES: usize = 4;
const POISON: &str = "{poison";

async fn produce(stage: &Stage, values: &[&str]) {
    let mut writer = BatchWriter::new(BatchOptions::default());
    for value in values {
        writer.append(1, None, Some(value.as_bytes()), &[]).unwrap();
    }
    let batch: Bytes = writer.seal(Seal::default()).unwrap();
    stage.produce_batch(&p(0), batch).await;
}

/// Reports records while the target is down, which is said by the switch; `error` is what is wrong.
fn reports(is_down: &Arc<AtomicBool>, error: &'static str) -> Script {
    let is_down = Arc::clone(is_down);
    Script::default().see(move |record, context| {
        if is_down.load(Ordering::Relaxed) {
            context.report(record, ConnectError::failed(error))?;
        }
        Ok(())
    })
}

/// The offsets of each put with records.
fn puts(worker: &Worker) -> Vec<Vec<i64>> {
    let calls = worker.probe.calls().into_iter();
    let puts = calls.filter_map(|call| match call {
        Call::Put { records, .. } if !records.is_empty() => Some(records),
        _ => None,
    });
    puts.map(|records| records.iter().map(|(_, offset)| *offset).collect())
        .collect()
}

async fn letters(stage: &Stage) -> Vec<String> {
    let letters = read(stage, "dead").await.into_iter();
    letters.map(|letter| letter.value.unwrap()).collect()
}

#[test]
fn as_many_reports_as_the_threshold_are_letters_as_ever() {
    play(async {
        let stage = Stage::new(1).await;
        let is_down = Arc::new(AtomicBool::new(true));
        let worker = stage.worker(reports(&is_down, "refused"), &SETTINGS).await;
        produce(&stage, &["a", "b", "c"]).await;
        stage.until_committed(0, 3).await;
        assert_eq!(letters(&stage).await, ["a", "b", "c"]);
        assert_eq!(puts(&worker), [[0, 1, 2]]);
        stage.end(worker).await;
    });
}

#[test]
fn more_reports_than_the_threshold_bring_the_records_again_until_the_target_is_back() {
    play(async {
        logs::listen();
        let stage = Stage::new(1).await;
        let is_down = Arc::new(AtomicBool::new(true));
        let script = reports(&is_down, "out-of-order-4711");
        let worker = stage.worker(script, &SETTINGS).await;
        produce(&stage, &["a", "b", "c", "d"]).await;
        until("tries", || puts(&worker).len() >= TRIES).await;
        assert!(puts(&worker).iter().all(|put| *put == [0, 1, 2, 3]));
        assert!(stage.committed(0).is_none_or(|offset| offset == 0));
        is_down.store(false, Ordering::Relaxed);
        produce(&stage, &["e"]).await;
        stage.until_committed(0, 5).await;
        let all = puts(&worker);
        assert_eq!(all[all.len() - 2..], [vec![0, 1, 2, 3], vec![4]]);
        assert_eq!(letters(&stage).await, [""; 0]);
        assert_eq!(logs::lines_with(&["out-of-order-4711"]).len(), 1);
        stage.end_with(worker, LEAVE).await;
    });
}

#[test]
fn reports_wait_as_long_as_the_task_asks_for() {
    play(async {
        let stage = Stage::new(1).await;
        let is_down = Arc::new(AtomicBool::new(true));
        let script = reports(&is_down, "refused").put(|_, context| {
            context.timeout(Duration::from_millis(1));
            Ok(())
        });
        let never = [
            &SETTINGS[..],
            &[("worker:offset.flush.interval.ms", "3600000")],
        ];
        let worker = stage.worker(script, &never.concat()).await;
        produce(&stage, &["a"; 4]).await;
        until("tries", || puts(&worker).len() >= TRIES).await;
        let loss = Leave {
            loss: true,
            ..LEAVE
        };
        stage.end_with(worker, loss).await;
    });
}

#[test]
fn poison_in_a_row_waits_at_its_first_record_and_what_is_before_it_is_put_once() {
    play(async {
        logs::listen();
        let stage = Stage::new(1).await;
        let all = [&SETTINGS[..], &JSON].concat();
        let worker = stage.worker(Script::default(), &all).await;
        produce(
            &stage,
            &["1", POISON, "3", "{4-8-15", "{5", "{6", "{7", "8"],
        )
        .await;
        stage.until_committed(0, 3).await;
        // Its letter is safe before the commit.
        assert_eq!(letters(&stage).await, [POISON]);
        let empty = |worker: &Worker| {
            let calls = worker.probe.calls().into_iter();
            calls
                .filter(|call| matches!(call, Call::Put { records, .. } if records.is_empty()))
                .count()
        };
        until("tries", || empty(&worker) >= TRIES).await;
        assert_eq!(puts(&worker), [[0, 2]]);
        assert_eq!(stage.committed(0), Some(3));
        assert_eq!(letters(&stage).await, [POISON]);
        stage.end_with(worker, LEAVE).await;
    });
}

#[test]
fn poison_in_a_row_up_to_the_threshold_is_skipped() {
    play(async {
        let stage = Stage::new(1).await;
        let all = [&SETTINGS[..], &JSON].concat();
        let worker = stage.worker(Script::default(), &all).await;
        produce(&stage, &["{0", "{1", "{2", "3", "{4", "{5", "{6"]).await;
        stage.until_committed(0, 7).await;
        let skipped = ["{0", "{1", "{2", "{4", "{5", "{6"];
        assert_eq!(letters(&stage).await, skipped);
        assert_eq!(puts(&worker), [[3]]);
        stage.end_with(worker, LEAVE).await;
    });
}

/// Goal: letters of records that failed on their way are withheld as well where the task then reports an outage.
#[test]
fn poison_among_reported_records_becomes_a_letter_once_and_only_after_the_outage() {
    play(async {
        let stage = Stage::new(1).await;
        let is_down = Arc::new(AtomicBool::new(true));
        let all = [&SETTINGS[..], &JSON].concat();
        let worker = stage.worker(reports(&is_down, "refused"), &all).await;
        produce(&stage, &["0", "1", POISON, "3", "4"]).await;
        until("tries", || puts(&worker).len() >= TRIES).await;
        assert_eq!(stage.broker().topic_end_offsets("dead"), [0]);
        is_down.store(false, Ordering::Relaxed);
        stage.until_committed(0, 5).await;
        assert_eq!(letters(&stage).await, [POISON]);
        assert_eq!(puts(&worker).last().unwrap(), &[0, 1, 3, 4]);
        stage.end_with(worker, LEAVE).await;
    });
}
