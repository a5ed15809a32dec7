//! Values that come from configuration providers and that a connector repeats in its errors: no line of the log shows them.

use ferrovia_pipeline::error::ConnectError;
use ferrovia_worker::status::State;

use crate::logs;
use crate::order::Leave;
use crate::probe::Script;
use crate::stage::{Stage, p, play, until};

const CANARY: &str = "canary-5f0c2b";
const SECRET: &str = "target.password";

#[test]
fn no_error_of_a_task_shows_a_providers_value_in_the_log() {
    play(async {
        logs::listen();
        let stage = Stage::new(1).await;
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("secrets.properties");
        std::fs::write(&path, format!("password={CANARY}\n")).unwrap();
        let variable = format!("${{file:{}:password}}", path.display());
        let said = |text: &str, context: &ferrovia_pipeline::sink::SinkContext| {
            format!("{text} {}", context.setting(SECRET).unwrap())
        };
        let script = Script::default()
            .see(move |record, context| {
                let error = ConnectError::failed(said("reported", context));
                context.report(record, error).map(|_| ())
            })
            .put(move |put, context| {
                context.timeout(std::time::Duration::from_millis(1));
                match put.nth {
                    0 => Err(ConnectError::retriable(said("retriable", context))),
                    1 => Ok(()),
                    _ => Err(ConnectError::failed(said("fatal", context))),
                }
            })
            .pre_commit(move |_, context| Err(ConnectError::failed(said("unsafe", context))));
        let provider = "org.apache.kafka.common.config.provider.FileConfigProvider";
        let settings = [
            ("worker:config.providers", "file"),
            ("worker:config.providers.file.class", provider),
            ("worker:offset.flush.interval.ms", "40"),
            ("errors.tolerance", "all"),
            ("errors.log.enable", "true"),
            (SECRET, &variable),
        ];
        let worker = stage.worker(script, &settings).await;
        stage.produce(&p(0), 1).await;
        let shown = |word: &'static str| {
            let line = format!("{word} {variable}");
            move || !logs::lines_with(&[&line]).is_empty()
        };
        for word in ["reported", "retriable", "unsafe"] {
            until(word, shown(word)).await;
        }
        stage.produce(&p(0), 1).await;
        worker.until_state(0, State::Failed).await;
        until("fatal", shown("fatal")).await;
        assert_eq!(logs::lines_with(&[CANARY]), [""; 0]);
        let leave = Leave {
            loss: true,
            rewinds: true,
            gaps: true,
        };
        stage.end_with(worker, leave).await;
    });
}
