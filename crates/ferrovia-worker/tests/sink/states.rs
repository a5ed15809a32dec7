//! What a task reports of itself, from its start to its last word.

use std::sync::Arc;

use ferrovia_pipeline::connector::ConnectorFactory;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_worker::config::ConnectorConfig;
use ferrovia_worker::herder::work::Run;
use ferrovia_worker::herder::{
    TaskCode, TaskEvent, TaskReport, TaskReports, TaskRunner, TaskStart,
};
use ferrovia_worker::status::{State, TaskId};
use ferrovia_worker::storage::offsets::OffsetStore;
use ferrovia_worker::task::runner::ThreadedRunner;
use tokio::sync::mpsc;

use crate::order::{self, Leave};
use crate::probe::{Catalog, Probe, Script};
use crate::stage::{DEADLINE, NAME, Stage, p, play};
use crate::unspeakable::Unspeakable;

/// One task without a herder.
struct Lone {
    runner: ThreadedRunner,
    id: TaskId,
    reports: mpsc::Receiver<TaskReport>,
    probe: Arc<Probe>,
}

impl Lone {
    async fn start(stage: &Stage, script: Script) -> Self {
        let mut runner =
            ThreadedRunner::start(Arc::new(stage.worker_config(&[])), OffsetStore::in_memory())
                .unwrap();
        let (probe, settings) = stage.connector(script, &[]);
        let plugin = Catalog::shared().connectors()[0];
        let ConnectorFactory::Sink(make) = plugin.factory else {
            panic!("the probe is a sink");
        };
        let mut connector = make();
        connector.start(&settings).unwrap();
        let (queue, reports) = mpsc::channel(16);
        let id = TaskId::new(NAME, 0);
        runner
            .start_task(TaskStart {
                id: id.clone(),
                connector: Arc::new(ConnectorConfig::sink(settings.clone()).unwrap()),
                settings,
                task: TaskCode::Sink(connector.task()),
                is_paused: false,
                reports: TaskReports::new(id.clone(), Run(1), queue),
            })
            .await;
        Self {
            runner,
            id,
            reports,
            probe,
        }
    }

    async fn next(&mut self) -> Option<TaskEvent> {
        let report = tokio::time::timeout(DEADLINE, self.reports.recv());
        report.await.unwrap().map(|report| report.event)
    }
}

#[test]
fn task_is_running_then_unassigned_and_says_that_it_has_ended() {
    play(async {
        let stage = Stage::new(1).await;
        let mut lone = Lone::start(&stage, Script::default()).await;
        let state = |state| Some(TaskEvent::State(state, String::new()));
        assert_eq!(lone.next().await, state(State::Running));
        lone.runner.stop_task(&lone.id).await;
        assert_eq!(lone.next().await, state(State::Unassigned));
        assert_eq!(lone.next().await, Some(TaskEvent::Ended));
        assert_eq!(lone.next().await, None, "nothing comes after");
        order::check(&lone.probe.diary(), Leave::default());
    });
}

#[test]
fn failed_task_stays_failed_and_says_that_it_has_ended() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 1).await;
        let script = Script::default().put(|put, _| match put.records {
            [] => Ok(()),
            _ => Err(ConnectError::failed("no")),
        });
        let mut lone = Lone::start(&stage, script).await;
        assert_eq!(
            lone.next().await,
            Some(TaskEvent::State(State::Running, String::new()))
        );
        assert_eq!(lone.next().await, Some(TaskEvent::UsedTopic("t".into())));
        let failed = lone.next().await;
        assert!(
            matches!(failed, Some(TaskEvent::State(State::Failed, _))),
            "{failed:?}"
        );
        assert_eq!(lone.next().await, Some(TaskEvent::Ended));
        lone.runner.stop_task(&lone.id).await;
        assert_eq!(lone.next().await, None, "nothing comes after");
        order::check(&lone.probe.diary(), Leave::default());
    });
}

#[test]
fn panic_of_the_worker_itself_fails_the_task_which_can_be_stopped() {
    play(async {
        let stage = Stage::new(1).await;
        stage.produce(&p(0), 1).await;
        let script = Script::default().put(|put, _| match put.records {
            [] => Ok(()),
            _ => Err(ConnectError::failed_by("no", Unspeakable)),
        });
        let mut lone = Lone::start(&stage, script).await;
        let running = TaskEvent::State(State::Running, String::new());
        assert_eq!(lone.next().await, Some(running));
        assert_eq!(lone.next().await, Some(TaskEvent::UsedTopic("t".into())));
        match lone.next().await {
            Some(TaskEvent::State(State::Failed, trace)) => assert!(
                trace.contains("the worker itself panicked: no words"),
                "{trace}"
            ),
            other => panic!("not failed: {other:?}"),
        }
        lone.runner.stop_task(&lone.id).await;
        assert_eq!(lone.next().await, Some(TaskEvent::Ended));
        assert_eq!(lone.next().await, None, "nothing comes after");
    });
}
