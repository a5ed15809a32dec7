//! Tasks that make no progress while records wait: operators are told what they are doing.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrovia_pipeline::error::ConnectError;

use crate::logs::{lines_with, listen};
use crate::probe::Script;
use crate::stage::{DEADLINE, Stage, p, play, until};

const SOON: (&str, &str) = ("worker:task.progress.warn.ms", "80");

#[test]
fn put_that_does_not_return_is_told_of() {
    listen();
    play(async {
        let stage = Stage::new(1).await;
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let script = Script::default().put(move |put, _| {
            if !put.records.is_empty() {
                let _ = released.lock().unwrap().recv_timeout(DEADLINE);
            }
            Ok(())
        });
        let worker = stage.worker(script, &[SOON]).await;
        stage.produce(&p(0), 1).await;
        let words = ["Task s-0 has made no progress", "its put has not returned"];
        until("a line that tells of the put", || {
            !lines_with(&words).is_empty()
        })
        .await;
        release.send(()).unwrap();
        worker.until_taken(&p(0), 1).await;
        stage.end(worker).await;
    });
}

#[test]
fn records_that_are_tried_again_and_again_are_told_of_with_the_cause() {
    listen();
    play(async {
        let stage = Stage::new(1).await;
        let script = Script::default().put(|put, context| match put.records {
            [] => Ok(()),
            _ => {
                context.timeout(Duration::from_millis(5));
                Err(ConnectError::retriable("the warehouse is closed"))
            }
        });
        let worker = stage.worker(script, &[SOON]).await;
        stage.produce(&p(0), 1).await;
        let words = ["Task s-0 has made no progress", "the warehouse is closed"];
        until("a line that tells why", || !lines_with(&words).is_empty()).await;
        stage.end(worker).await;
    });
}
