//! Failed tasks that the worker begins again by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrovia_pipeline::error::ConnectError;
use ferrovia_worker::status::State;

use crate::order::Leave;
use crate::probe::{Call, Script};
use crate::stage::{Stage, p, play};

#[test]
fn failed_task_is_begun_again_and_goes_on_where_it_had_committed() {
    play(async {
        let stage = Stage::new(1).await;
        let failures = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&failures);
        let script = Script::default().put(move |put, _| {
            if put.records.is_empty() || counted.fetch_add(1, Ordering::Relaxed) >= 2 {
                return Ok(());
            }
            Err(ConnectError::failed("not yet"))
        });
        let settings = [
            ("errors.restart.max.retries", "2"),
            ("errors.restart.backoff.initial.ms", "1"),
        ];
        let worker = stage.worker(script, &settings).await;
        stage.produce(&p(0), 3).await;
        worker.until_taken(&p(0), 3).await;
        worker.until_state(0, State::Running).await;
        let calls = worker.probe.calls();
        let starts = calls.iter().filter(|call| **call == Call::Start);
        assert_eq!(starts.count(), 3);
        stage.end(worker).await;
    });
}

#[test]
fn task_that_fails_too_often_stays_failed() {
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, _| match put.records {
            [] => Ok(()),
            _ => Err(ConnectError::failed("never")),
        });
        let settings = [
            ("errors.restart.max.retries", "1"),
            ("errors.restart.backoff.initial.ms", "0"),
        ];
        let worker = stage.worker(script, &settings).await;
        stage.produce(&p(0), 1).await;
        crate::stage::until("both lives to end", || {
            let calls = worker.probe.calls();
            calls.iter().filter(|call| **call == Call::Stop).count() == 2
        })
        .await;
        let trace = worker.until_state(0, State::Failed).await;
        assert!(trace.contains("never"), "{trace}");
        stage.end_with(worker, Leave::default()).await;
    });
}
